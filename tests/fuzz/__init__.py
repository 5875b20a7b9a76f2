"""Inputs that nobody means well with, by the million: `make fuzz`."""
