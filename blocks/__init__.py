"""What operators configure: the lake, the price cache, the key of approvals."""
