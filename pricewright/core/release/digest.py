"""SHA-256 of what a release holds."""

from typing import Any

SMALL = 1 << 20  # bytes; OpenSSL hashes 5 times faster, but to load it takes as long as to hash as much without it


def sha256(body: Any) -> Any:
    """The hash object of these bytes; of few by the interpreter's own code, as the standard library's random does."""
    if len(body) <= SMALL:
        try:
            from _sha256 import sha256 as own  # type: ignore[import-not-found, unused-ignore]
        except ImportError:  # an interpreter without it
            pass
        else:
            return own(body)
    import hashlib

    return hashlib.sha256(body)
