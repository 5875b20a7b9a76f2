"""Which hyperparameters a model gets: one search interface over Optuna, scikit-optimize and a grid."""

from pricewright.tuning.objectives import tune_backup
from pricewright.tuning.search import OPTIMISERS, Progress, TaskMap, minimise, on_threads
from pricewright.tuning.space import Best, Hyperparameters, Objective, Pruned, Report

__all__ = [
    "OPTIMISERS",
    "Best",
    "Hyperparameters",
    "Objective",
    "Progress",
    "Pruned",
    "Report",
    "TaskMap",
    "minimise",
    "on_threads",
    "tune_backup",
]
