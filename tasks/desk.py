"""What the merchandiser's desk knows beside the price API: decisions about the plan, past price changes, promises."""

import json
from collections.abc import Mapping
from typing import Any

from blocks.channel import Channel
from blocks.lake import Lake
from pricewright.core.errors import ParameterError, PricewrightError
from pricewright.core.manifest import PLAN, PRICE_CHANGES, Manifest, release_key
from tasks.accepted_list import accepted_rows
from tasks.price_decisions import Decisions, Standing, decide, keep
from tasks.releases import known_key, now, read_manifest
from tasks.smoke import PriceApi

SHOWN = 5_000  # past price changes, the latest ones
PROMISES = 6  # releases whose promises are shown, the one served first
CHANGE = ("stock_code", "store", "week", "price_before", "price_after", "predicted_log_change", "realised_log_change",
          "predicted_low", "predicted_high", "kind")  # fmt: skip


class Desk:
    """The desk over a lake and the price API that serves it. It may be used from many threads."""

    def __init__(self, lake: Lake, api: PriceApi, channel: str = "production") -> None:
        self._lake, self._api, self._channel = lake, api, channel
        self._decisions = Decisions(lake, known_key())
        self._plan: tuple[str, list[dict[str, Any]]] = ("", [])

    def plan(self) -> tuple[str, list[dict[str, Any]]]:
        """The release that is served and the rows of its plan. Raises ReleaseError when there is none."""
        release = self._api.served()
        if self._plan[0] != release:
            self._plan = (release, self._api.plan())
        return self._plan

    def decide(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a decision, and say where it is kept.

        Raises ParameterError for what is none, or is about a release that is no longer served.
        """
        texts = {name: asked.get(name, "") for name in ("release", "decision", "by", "reason")}
        moves = asked.get("moves")
        wrong = [name for name, value in texts.items() if not isinstance(value, str)]
        if wrong or not isinstance(moves, list) or not all(isinstance(move, Mapping) for move in moves):
            raise ParameterError(
                f"{', '.join(wrong) or 'moves'} cannot be read: texts, and moves as a list of objects, are needed.",
                hint='such as {"release": ..., "decision": "accept", "by": "Ada", "moves": [{"stock_code": "22423"}]}.',
            )
        release, rows = self.plan()
        if texts["release"] != release:
            raise ParameterError(
                f"the decision is about release {texts['release'][:40]!r}, and {release} is served by now.",
                hint="load the page again, and decide about its prices.",
            )
        made = decide(rows, release, texts["decision"], texts["by"], texts["reason"], moves, now())
        kept = keep(self._lake, made, known_key())
        return {"key": kept.key, "signed": bool(kept.token), "prices": len(kept.moves)}

    def standing(self) -> list[Standing]:
        """The latest decision about each price of the plan."""
        return self._decisions.standing(self.plan()[1])

    def decisions(self) -> dict[str, Any]:
        """The same for the page, and objects that count for nothing, each with the reason."""
        release, _ = self.plan()
        found = [it.as_dict() for it in self.standing()]
        return {"release": release, "decisions": found, "trouble": dict(self._decisions.trouble)}

    def accepted(self) -> tuple[str, list[dict[str, Any]]]:
        """The release, and its prices that were accepted or set; see accepted_rows."""
        release, rows = self.plan()
        return release, accepted_rows(rows, self.standing())

    def proof(self) -> dict[str, Any]:
        """How past price changes came out, predicted and realised, and what this release and those before promised."""
        release, _ = self.plan()
        manifest = read_manifest(self._lake, release)
        pointer = Channel(self._lake, self._channel).read()
        steps = [pointer.step, *pointer.history] if pointer else []
        served = {step.release: step.promoted_at for step in steps}
        promises = [self._promise(manifest, served.get(release, ""))]
        for name, since in served.items():
            if name != release and len(promises) < PROMISES:
                try:
                    promises.append(self._promise(read_manifest(self._lake, name), since))
                except PricewrightError:  # retention removed it
                    continue
        proof = dict(manifest.metrics.get("proof") or {})
        return {"release": release, "proof": proof, "changes": self._changes(release, manifest), "promises": promises}

    def _promise(self, manifest: Manifest, since: str) -> dict[str, Any]:
        known = manifest.metrics.get("plan")
        if not known and PLAN in manifest.files:
            body = self._lake.read(release_key(manifest.id, PLAN)).body
            manifest.check(PLAN, body)
            known = json.loads(body)
        names = ("sales_now", "sales", "uplift", "uplift_low", "uplift_high", "moved", "skus", "trust", "probability")
        numbers = {name: (known or {}).get(name) for name in names}
        return {"release": manifest.id, "week": manifest.week, "served_since": since or None} | numbers

    def _changes(self, release: str, manifest: Manifest) -> list[dict[str, Any]]:
        """The latest past price changes, those of the newest week first; log changes are of units."""
        if PRICE_CHANGES not in manifest.files:
            return []
        import polars as pl

        body = self._lake.read(release_key(release, PRICE_CHANGES)).body
        manifest.check(PRICE_CHANGES, body)
        found = pl.read_parquet(body)
        if "store" not in found.columns:
            found = found.with_columns(store=pl.lit(None, dtype=pl.String))
        found = found.select(CHANGE).sort("week", "stock_code", descending=[True, False]).head(SHOWN)
        return found.with_columns(pl.col("week").cast(pl.String)).to_dicts()
