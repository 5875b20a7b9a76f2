"""Which hyperparameters a model gets: one search interface over Optuna, scikit-optimize and a grid."""

from pricewright.tuning.backups import tune_backup
from pricewright.tuning.minimise import OPTIMISERS, minimise
from pricewright.tuning.search import Progress
from pricewright.tuning.space import Hyperparameters
from pricewright.tuning.spread import Spread, on_threads
from pricewright.tuning.trial import Best, Objective, Pruned, Report

__all__ = [
    "OPTIMISERS",
    "Best",
    "Hyperparameters",
    "Objective",
    "Progress",
    "Pruned",
    "Report",
    "Spread",
    "minimise",
    "on_threads",
    "tune_backup",
]
