"""One command per claim: python -m eval.run NAME."""
