"""Secrets that are easily found again: planted in the environment of what is tested, and searched in all it writes."""

import base64
import json
import sqlite3
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PASSWORD = "canary-redis-7f3a"
SECRETS = {
    "the approval key": "canary-approval-91c0-" + "k" * 24,
    "the password of Redis": PASSWORD,
    "the secret key of AWS": "canaryAWSsecret5d2e/K7MDENG+bPxRfiCY",
    "the session token of AWS": "canary-session-3b8d",
    "Prefect's auth string": "canary-user:canary-prefect-c4d1",
}
ENVIRONMENT = {
    "PRICEWRIGHT_APPROVAL_KEY": SECRETS["the approval key"],
    "AWS_ACCESS_KEY_ID": "AKIACANARY",
    "AWS_SECRET_ACCESS_KEY": SECRETS["the secret key of AWS"],
    "AWS_SESSION_TOKEN": SECRETS["the session token of AWS"],
    "AWS_REGION": "eu-west-1",
    "PREFECT_API_AUTH_STRING": SECRETS["Prefect's auth string"],
    "PREFECT_SERVER_API_AUTH_STRING": SECRETS["Prefect's auth string"],
}


def redis_of(url: str) -> str:
    """The address with the canary as its password."""
    return url.replace("://", f"://:{PASSWORD}@")


def forms(secret: str) -> dict[str, bytes]:
    """The secret as it may be written: plain, as in a URL, in JSON, in base64 at each of its three offsets."""
    plain = secret.encode()
    parts = {secret, urllib.parse.quote(secret, safe=""), json.dumps(secret)[1:-1], *secret.split(":")[1:]}
    encoded = {base64.b64encode(b"x" * shift + plain)[4 * bool(shift) : -4] for shift in range(3)}
    return {part: part.encode() for part in parts} | {body.decode(): body for body in encoded if len(body) > 12}


def leaks(texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where a secret is in what was written: `what is in where`."""
    wanted = {(name, body) for name, secret in SECRETS.items() for body in forms(secret).values()}
    return sorted({f"{name} is in {where}" for where, text in texts for name, body in wanted if body in text})


def written(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the folders with its bytes; of compressed ones what is in them too, and rows of databases."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()
                yield from _inside(path)


def _inside(path: Path) -> Iterator[tuple[str, bytes]]:
    body = path.read_bytes()
    if path.suffix == ".parquet":
        import polars as pl

        yield f"{path} (rows)", pl.read_parquet(path, hive_partitioning=False).write_ndjson().encode()
    elif body.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            for line in connection.iterdump():
                yield f"{path} (rows)", line.encode()
    elif body[:2] in (b"x\x9c", b"x\x01", b"x\xda"):
        yield f"{path} (unpacked)", zlib.decompressobj().decompress(body)
