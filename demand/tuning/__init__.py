"""Which hyperparameters a model gets: one search interface over Optuna, scikit-optimize and a grid."""

from demand.tuning.backups import tune_backup
from demand.tuning.minimise import OPTIMISERS, minimise
from demand.tuning.search import Objective, Progress, Pruned, Report
from demand.tuning.space import Hyperparameters
from demand.tuning.trial import Best

__all__ = [
    "OPTIMISERS",
    "Best",
    "Hyperparameters",
    "Objective",
    "Progress",
    "Pruned",
    "Report",
    "minimise",
    "tune_backup",
]
