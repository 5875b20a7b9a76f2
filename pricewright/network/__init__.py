"""The hierarchical Bayesian demand network: the primary model."""
