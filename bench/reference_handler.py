"""What the price API is compared with: the same handler behind the libraries that such a function usually imports.

A floor for that stack: its own models would have to be loaded on top, and its answers take no less.
"""

import boto3  # noqa: F401
import lightgbm  # noqa: F401
import pandas as pd  # noqa: F401
import sklearn.linear_model
import sklearn.svm  # noqa: F401
import torch  # noqa: F401

from inference.handler import handler

__all__ = ["handler"]
