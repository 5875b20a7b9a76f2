"""Where the checkout is: the folder with dvc.yaml."""

from pathlib import Path

from pricewright.core.errors import ParameterError


def find_root(start: Path | None = None) -> Path:
    """The nearest folder upwards from `start` (or the current one) with dvc.yaml and params.yaml, else our checkout."""
    here = (start or Path.cwd()).resolve()
    own = Path(__file__).resolve().parents[1]
    for folder in (here, *here.parents, own):
        if (folder / "dvc.yaml").exists() and (folder / "params.yaml").exists():
            return folder
    raise ParameterError(f"neither {here} nor a folder above it is a checkout of Pricewright.", hint="cd into one.")
