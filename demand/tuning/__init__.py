"""Which hyperparameters a model gets: one search interface over Optuna, scikit-optimize and a grid."""

from demand.tuning.backups import tune_backup
from demand.tuning.minimise import OPTIMISERS, minimise
from demand.tuning.search import Progress
from demand.tuning.space import Hyperparameters
from demand.tuning.spread import Spread, on_threads
from demand.tuning.trial import Best, Objective, Pruned, Report

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
