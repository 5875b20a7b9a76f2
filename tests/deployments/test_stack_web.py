"""The stack's web server: reports out of the lake, notices written down, nothing else."""

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blocks.lake import Lake
from deployments.stack_web import make_desk

RELEASE = "2011-W48-0a1b2c3d"


@pytest.fixture
def desk(tmp_path: Path) -> FlaskClient:
    lake = Lake(str(tmp_path / "lake"))
    lake.write_new(f"reports/{RELEASE}/drift.html", b"<html><script>1</script></html>")
    lake.write_new(f"releases/{RELEASE}/manifest.json", b"{}")
    return make_desk(Flask("gateway"), lake, tmp_path / "notices.jsonl").test_client()


def test_a_report_is_served_in_an_origin_of_its_own(desk: FlaskClient) -> None:
    answer = desk.get(f"/reports/{RELEASE}/drift.html")
    assert answer.status_code == 200 and answer.mimetype == "text/html"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", [f"{RELEASE}/manifest.json", f"../releases/{RELEASE}", f"..%2freleases/{RELEASE}", "x/parity.png"]
)
def test_nothing_but_reports_is_served(desk: FlaskClient, path: str) -> None:
    assert desk.get(f"/reports/{path}").status_code == 404


def test_a_notice_is_written_down(desk: FlaskClient, tmp_path: Path) -> None:
    assert desk.post("/notices", json={"subject": "drift", "body": "a\nb", "more": 1}).status_code == 204
    (line,) = (tmp_path / "notices.jsonl").read_text().splitlines()
    assert {name: json.loads(line)[name] for name in ("subject", "body")} == {"subject": "drift", "body": "a\nb"}


@pytest.mark.parametrize("body", [b"", b"[1]", b"no json", b"{" + b" " * 70_000 + b"}"])
def test_what_is_no_notice_is_refused(desk: FlaskClient, tmp_path: Path, body: bytes) -> None:
    assert desk.post("/notices", data=body, content_type="application/json").status_code == 422
    assert not (tmp_path / "notices.jsonl").exists()
