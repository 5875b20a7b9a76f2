"""The backups: models of log(1 + units) that answer when the network cannot, never rising with price."""

from pricewright.backups.backup import fit_backup
from pricewright.core.models import BACKUPS

__all__ = ["BACKUPS", "fit_backup"]
