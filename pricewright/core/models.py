"""The models that answer for a price, each by its name."""

MODELS = ("network", "lightgbm", "svr", "elastic_net")  # in the order in which they answer
BACKUPS = MODELS[1:]
