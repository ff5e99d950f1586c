"""State of health from one charge of one cell, learnt from measured cells: features, estimator, cycler files."""
