"""Asks the Lambda handler in this process for prices: the smoke test of a release, and the command line."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from blocks.lake import Lake
from inference.handler import make_app
from inference.settings import read_settings
from pricewright.core.errors import InvalidItem, ParameterError, PricewrightError, ReleaseError, UnknownSku
from pricewright.core.item import Item
from pricewright.core.manifest import release_key

ERRORS: dict[int, type[PricewrightError]] = {
    400: InvalidItem, 404: UnknownSku, 409: ReleaseError, 413: ParameterError, 422: ParameterError, 503: ReleaseError,
}  # fmt: skip
PATIENCE = 10.0  # seconds: nobody here is in such a hurry as a web page, and this process may still be warming up
MOST = 1_000_000  # items of one question: nobody else waits for this process
TOLERANCE = 1e-6  # relative: the same numbers, computed by the same functions


class PriceApi:
    """The price API over a lake: it follows a channel, or serves one release that no channel points to yet."""

    def __init__(
        self,
        store: str,
        channel: str = "production",
        release: str = "",
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Nothing is opened before the first question. Redis and S3 come from the environment, as in Lambda."""
        given = read_settings(environment)
        settings = replace(
            given, store=store, channel=channel, release=release, baked_release="", redis_url="", most_skus=MOST
        )
        self._app: Callable[[Any], Any] = make_app(
            replace(settings, pointer_seconds=PATIENCE, model_seconds=PATIENCE), log=_unheard
        )

    @classmethod
    def through(cls, app: Callable[[Any], Any]) -> Self:
        """The price API that answers events somewhere else, such as a Lambda function."""
        made = cls("")
        made._app = app
        return made

    def price(self, item: Item | str, **query: Any) -> dict[str, Any]:
        """The answer for an item, with its curve; raises the error that the reply names."""
        return self._ask(
            {"stock_code": Item.of(item).as_code} | {name: value for name, value in query.items() if value is not None}
        )

    def prices(self, items: Sequence[Item]) -> list[dict[str, Any]]:
        """The answers for many items, without curves: computed for this request, out of no cache."""
        body = json.dumps({"stock_codes": [item.as_code for item in items]})
        content = _checked(_content(self._app({"httpMethod": "POST", "path": "/v1/prices", "body": body})))
        return list(content["prices"])

    def what_if(self, items: Sequence[Item] = (), **asked: Any) -> dict[str, Any]:
        """Units and sales at other prices, of all items if none are named; what is empty is not asked.

        Raises the error that the reply names.
        """
        if not asked.get("prices"):
            asked |= {"stock_codes": [item.as_code for item in items]}
        body = json.dumps({name: value for name, value in asked.items() if value not in (None, "", [], ())})
        return _checked(_content(self._app({"httpMethod": "POST", "path": "/v1/what-if", "body": body})))

    def skus(self, limit: int) -> list[dict[str, Any]]:
        """The first SKUs of the price list."""
        return list(self._get("/v1/skus", limit=str(limit))["skus"])

    def served(self) -> str:
        """The id of the release that answers."""
        return str(self._get("/v1/ready")["release"])

    def plan(self) -> list[dict[str, Any]]:
        """The plan of the release, all pages of it."""
        rows: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self._get("/v1/plan", cursor=cursor)
            rows += page["plan"]
            cursor = page["next_cursor"]
        return rows

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        reply = self._app({"httpMethod": "GET", "path": path, "queryStringParameters": query})
        return _checked(_content(reply))

    def _ask(self, event: dict[str, Any]) -> dict[str, Any]:
        return _checked(self._app(event))


def _content(reply: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(reply["body"])
    return content


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    if "title" in content and "detail" in content:
        raise ERRORS.get(content["status"], PricewrightError)(content["detail"], content.get("hint", ""))
    return content


def _unheard(text: str) -> None:
    """The log of requests is for operators of the API, not for the one who asks here."""


def smoke_test(lake: Lake, release: str, skus: int) -> None:
    """Ask for the prices of some SKUs. Raises ReleaseError when a reply differs from the list, or names a fallback."""
    compare_prices(PriceApi(lake.url, release=release, environment=lake.environment), release, skus)


def compare_prices(api: PriceApi, release: str, skus: int) -> None:
    """As smoke_test, of whichever API answers: this process, or a version of the Lambda function."""
    for row in api.skus(skus):
        _compare(release, row, api.price(_item(row)))


def compare_sample(api: PriceApi, lake: Lake, release: str, skus: int) -> None:
    """As compare_prices, for SKUs drawn at random from the release's own price list, past every cache."""
    rows = {_item(row): row for row in _draw(lake, release, skus)}
    answers = {_item(answer): answer for answer in api.prices(list(rows))}
    for item, row in rows.items():
        if item not in answers:
            raise _failed(release, row, "the API has no answer")
        _compare(release, row, answers[item])


def _item(row: Mapping[str, Any]) -> Item:
    return Item(row["stock_code"], row.get("store"))


def _draw(lake: Lake, release: str, skus: int) -> list[dict[str, Any]]:
    import polars as pl

    listed = pl.read_parquet(lake.read(release_key(release, "price_list.parquet")).body)
    wanted = [name for name in ("stock_code", "store", "model", "optimal_price") if name in listed.columns]
    return listed.select(wanted).sample(min(skus, listed.height)).to_dicts()


def _compare(release: str, row: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    if answer["release"] != release or answer["fallbacks"] or answer["model"] != row["model"]:
        raise _failed(release, row, f"{answer['model']} of {answer['release']} answered: {answer['fallbacks']}")
    if not math.isclose(answer["optimal_price"], row["optimal_price"], rel_tol=TOLERANCE):
        raise _failed(release, row, f"the API says {answer['optimal_price']:g}, the list {row['optimal_price']:g}")


def _failed(release: str, row: Mapping[str, Any], what: str) -> ReleaseError:
    return ReleaseError(
        f"release {release} fails its smoke test for SKU {row['stock_code']}: {what}. The channel stays as it was.",
        hint="pricewright price shows the whole answer; train again, or promote another release.",
    )
