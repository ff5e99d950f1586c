"""Numeric truth: cells, charging physics, health and the fleet store. No language model, no environment variables."""
