"""Who may ask: a caller presents a key in x-api-key, and a secret lists the callers with their keys. Inlined."""

import hmac
import json
import os
import time
from typing import Any

KEEP = 300.0  # seconds: a key that is taken away or changed stops or starts to work within so long
AGAIN = 15.0  # seconds until the secret is read again after that failed
LAST = 3600.0  # seconds that the keys read last hold while the secret cannot be read
held: dict[str, Any] = {"until": 0.0, "read": None, "keys": {}}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """API Gateway's simple answer; the caller's name goes to the access log. Raises while nothing is known."""
    given = (event.get("headers") or {}).get("x-api-key", "").encode()
    names = [name for name, key in _keys().items() if hmac.compare_digest(key.encode(), given)]
    return {"isAuthorized": bool(names), "context": {"caller": names[0] if names else "nobody"}}


def _keys() -> dict[str, str]:
    now = time.monotonic()
    if now >= held["until"]:
        try:
            held.update(keys=_read(), read=now, until=now + KEEP)
        except Exception as error:
            if held["read"] is None or now - held["read"] > LAST:
                raise
            print(json.dumps({"trouble": f"the keys cannot be read, the last ones hold: {error}"}))  # noqa: T201
            held["until"] = now + AGAIN
    return dict(held["keys"])


def _read() -> dict[str, str]:
    """The callers with their keys; an entry that is no key is left out, and named in the log."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})
    client = boto3.client("secretsmanager", config=patience)
    listed = dict(json.loads(client.get_secret_value(SecretId=os.environ["KEYS"])["SecretString"]))
    good = {name: key for name, key in listed.items() if isinstance(key, str) and key}
    if left := sorted(set(listed) - set(good)):
        print(json.dumps({"trouble": f"no key: {left}"}))  # noqa: T201
    return good
