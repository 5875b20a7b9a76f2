"""What the operator sets, read from the environment once, when the first request comes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pricewright.core.address import refuse_secret
from pricewright.core.errors import ParameterError

PREFIX = "PRICEWRIGHT_"
FORMS = (
    ("currency", re.compile("[A-Z]{3}"), "EUR"),
    ("locale", re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"), "de-DE"),
)


@dataclass(frozen=True)
class Settings:
    """Every field is read from PRICEWRIGHT_<FIELD>; seconds are time limits unless said otherwise."""

    store: str = ""  # the lake: s3://bucket/prefix or a folder; empty: the baked-in release alone
    channel: str = "production"
    release: str = ""  # serve this release and follow no channel
    baked_release: str = ""  # folder of the release in the image, the last resort
    redis_url: str = ""  # empty: prices are cached in the process alone
    s3_endpoint: str = ""  # empty: AWS
    region: str = ""
    refresh_seconds: float = 30.0  # how often the channel's pointer is read again
    pointer_seconds: float = 1.0
    artifact_seconds: float = 10.0
    model_seconds: float = 0.5
    retry_seconds: float = 15.0  # a model or Redis that failed is left alone for so long
    redis_connect_seconds: float = 0.05
    redis_read_seconds: float = 0.05
    redis_keep_seconds: int = 86_400  # answers stay in Redis for so long
    memory_answers: int = 2_000  # answers kept in the process: a curve of 100 prices is 6 kB
    most_file_bytes: int = 1 << 30  # of a file of a release; a larger one is refused before it is read
    most_skus: int = 5_000  # of one bulk request
    most_bytes: int = 6_000_000  # of a reply as Lambda sends it, in JSON: it refuses 6 MiB
    allowed_origins: str = ""  # comma-separated origins of web pages that may ask, or *
    currency: str = ""  # of the shop's prices, in ISO 4217 such as GBP; empty: amounts are shown without one
    locale: str = ""  # how pages write numbers, in BCP 47 such as de-DE; empty: as each browser does
    function: str = ""  # what of Lambda this is; Lambda says it by itself
    version: str = ""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from the environment.

    Raises ParameterError for a value that is not a number where one is needed, a currency or locale of another form, or
    a lake with a secret in its URL.
    """
    values: dict[str, Any] = {}
    for field in fields(Settings):
        text = environment.get(PREFIX + field.name.upper(), "")
        if text:
            values[field.name] = _convert(field.name, text, type(field.default))
    for name, form, example in FORMS:
        if (text := values.get(name, "")) and not form.fullmatch(text):
            raise ParameterError(f"{PREFIX}{name.upper()} is {text[:40]!r}: {example} is of the form that is needed.")
    refuse_secret("PRICEWRIGHT_STORE", values.get("store", ""))
    values.setdefault("region", environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "")
    values["function"] = environment.get("AWS_LAMBDA_FUNCTION_NAME", "")
    values["version"] = environment.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    return Settings(**values)


def _convert(name: str, text: str, kind: Any) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if kind is not str and not 0 < value < float("inf"):
        raise ParameterError(f"{PREFIX}{name.upper()} is {text!r}: a number above 0 is needed.")
    return value
