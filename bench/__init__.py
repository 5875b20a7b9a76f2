"""The bench: what the demand model earns, held against everything a retailer could pick instead."""
