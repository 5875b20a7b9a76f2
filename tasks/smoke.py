"""The smoke test of a release: before a channel points to it, it must answer as its own price list says."""

import math
from typing import Any

from blocks.lake import Lake
from pricewright.core.errors import ReleaseError
from pricewright.core.item import Item
from tasks.ask import PriceApi

TOLERANCE = 1e-6  # relative: the same numbers, computed by the same functions


def smoke_test(lake: Lake, release: str, skus: int) -> None:
    """Ask for the prices of some SKUs. Raises ReleaseError when a reply differs from the list, or names a fallback."""
    compare_prices(PriceApi(lake.url, release=release, environment=lake.environment), release, skus)


def compare_prices(api: PriceApi, release: str, skus: int) -> None:
    """As smoke_test, of whichever API answers: this process, or a version of the Lambda function."""
    for row in api.skus(skus):
        answer = api.price(Item(row["stock_code"]))
        if answer["release"] != release or answer["fallbacks"] or answer["model"] != row["model"]:
            raise _failed(release, row, f"{answer['model']} of {answer['release']} answered: {answer['fallbacks']}")
        if not math.isclose(answer["optimal_price"], row["optimal_price"], rel_tol=TOLERANCE):
            raise _failed(release, row, f"the API says {answer['optimal_price']:g}, the list {row['optimal_price']:g}")


def _failed(release: str, row: dict[str, Any], what: str) -> ReleaseError:
    return ReleaseError(
        f"release {release} fails its smoke test for SKU {row['stock_code']}: {what}. The channel stays as it was.",
        hint="pricewright price shows the whole answer; train again, or promote another release.",
    )
