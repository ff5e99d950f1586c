"""Fault finding: limits on the newest data, and trends of each cell against its neighbours over many charges."""
