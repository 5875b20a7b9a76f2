"""Demand and prices as a library: numbers and frames in, numbers and frames out."""
