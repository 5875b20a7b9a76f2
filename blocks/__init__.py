"""What operators configure: the lake, the price cache."""
