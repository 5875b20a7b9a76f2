"""Demand and prices as a pure library: numbers and frames in, numbers and frames out."""
