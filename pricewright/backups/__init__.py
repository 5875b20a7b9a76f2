"""The backups: models of log(1 + units) that answer when the network cannot, never rising with price.

They answer in the order in which they are registered.
"""

from pricewright.backups import elastic_net, lightgbm, svr
from pricewright.backups.backup import REGISTRY, BackupModel, fit_backup, model_names

for _model in (lightgbm.MODEL, svr.MODEL, elastic_net.MODEL):
    REGISTRY.register(_model)

__all__ = ["REGISTRY", "BackupModel", "fit_backup", "model_names"]
