"""The search for secrets finds them, in each form and each kind of file: a search that finds nothing proves nothing."""

import base64
import json
import sqlite3
import urllib.parse
from pathlib import Path

import polars as pl
import pytest

from tests.canaries import SECRETS, leaks, written


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_is_found_in_every_form(tmp_path: Path, name: str) -> None:
    secret = SECRETS[name]
    whole = {"plain": secret, "quoted": urllib.parse.quote(secret, safe=""), "json": json.dumps({"a": secret})}
    whole |= {f"base64 {n}": base64.b64encode(b"y" * n + secret.encode() + b"z" * 5).decode() for n in range(4)}
    for form, text in whole.items():
        (tmp_path / form).write_text(f"before {text} after")
    assert {where.split(" is in ")[1] for where in leaks(written(tmp_path)) if where.startswith(name)} == {
        str(tmp_path / form) for form in whole
    }


def test_secrets_in_tables_and_databases_are_found(tmp_path: Path) -> None:
    secret = SECRETS["the password of Redis"]
    pl.DataFrame({"a": [f"redis://:{secret}@host"] * 99}).write_parquet(tmp_path / "part.parquet", compression="zstd")
    with sqlite3.connect(tmp_path / "prefect.db") as connection:
        connection.execute("create table runs (parameters text)")
        connection.execute("insert into runs values (?)", [secret])
    found = leaks(written(tmp_path))
    assert any("part.parquet (rows)" in where for where in found)
    assert any("prefect.db" in where for where in found)


def test_what_holds_no_secret_is_clean(tmp_path: Path) -> None:
    (tmp_path / "clean").write_text("canary, redis, AKIACANARY")
    assert leaks(written(tmp_path)) == []
