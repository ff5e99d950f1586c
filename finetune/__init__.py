"""Base model, Mixture-of-Experts upcycling, phrasings, dataset, LoRA training, merge."""
