"""Who may ask: a caller presents a key in x-api-key, and a secret lists the callers with their keys. Inlined."""

import hmac
import json
import os
import time
from typing import Any

KEEP = 300.0  # seconds: a key that is taken away or changed stops or starts to work within so long
held: dict[str, Any] = {"until": 0.0, "keys": {}}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """API Gateway's simple answer; the caller's name goes to the access log."""
    given = (event.get("headers") or {}).get("x-api-key", "")
    names = [name for name, key in _keys().items() if key and hmac.compare_digest(key.encode(), given.encode())]
    return {"isAuthorized": bool(names), "context": {"caller": names[0] if names else "nobody"}}


def _keys() -> dict[str, str]:
    if time.monotonic() >= held["until"]:
        import boto3

        secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["KEYS"])
        held.update(keys=json.loads(secret["SecretString"]), until=time.monotonic() + KEEP)
    return dict(held["keys"])
