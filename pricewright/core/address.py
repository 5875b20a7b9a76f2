"""Addresses of services, which may carry a secret: redis://:password@host, s3://key:secret@bucket.

A password of a cache is kept to ourselves. The lake and sources take none: keys come from the role or the environment.
"""

from pricewright.core.errors import ParameterError

IN_BUCKETS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def without_secret(address: str) -> str:
    """The address as it may be shown: without all up to the last @, for passwords hold slashes, unquoted ones too."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://***@{rest.rpartition('@')[2]}" if found and "@" in rest else address


def refuse_secret(name: str, address: str) -> None:
    """Raise ParameterError, which does not repeat it, for an address s3://... with a key or a password in it."""
    scheme, found, rest = address.partition("://")
    if found and not IN_BUCKETS.issuperset(rest.partition("/")[0]):
        raise ParameterError(
            f"{name} holds more than a bucket after {scheme}://: it is written down and shown, a secret must not be.",
            hint="s3://bucket/prefix; keys come from the role, or from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
