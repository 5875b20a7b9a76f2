"""The way back as a flow: a form with a reason, and a page that keeps it."""

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from blocks.channel import Channel
from blocks.lake import Lake
from flows.roll_back import RollBackRequest, roll_back
from tasks.releases import promote_release
from testing.racing import sixteen


def test_a_roll_back_is_a_run_whose_page_says_why(lake_url: str, tmp_path: Path, prefect_api: str) -> None:
    old, (new, *_) = sixteen(lake_url, tmp_path)
    for release in (old, new):
        promote_release(Lake(lake_url), release, "production", 1)
    pointer = roll_back(RollBackRequest(store=lake_url, by="ann", reason="prices of mugs | look wrong"))
    assert pointer == Channel(Lake(lake_url)).read()
    assert (pointer.release, pointer.previous, pointer.promoted_by) == (old, new, "ann")
    pages = httpx.post(f"{prefect_api}/artifacts/filter", json={}, timeout=30).json()
    assert any("mugs \\| look wrong" in page["data"] for page in pages if page["key"] == "roll-back")


@pytest.mark.parametrize("wrong", [{"release": "the last one"}, {"channel": "a b"}, {"why": "unknown field"}])
def test_a_form_that_is_filled_in_wrongly_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        RollBackRequest(**wrong)
