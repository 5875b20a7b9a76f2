"""All stages by name, in the order in which they run."""

from pricewright.registry import Registry
from tasks.drift import DRIFT
from tasks.fairness import FAIRNESS
from tasks.feature import FEATURE
from tasks.ingest import INGEST
from tasks.promote import PROMOTE
from tasks.stage import Stage
from tasks.train import TRAIN
from tasks.tune import TUNE

STAGES: Registry[Stage] = Registry("stage", INGEST, FEATURE, DRIFT, TUNE, TRAIN, FAIRNESS, PROMOTE)
