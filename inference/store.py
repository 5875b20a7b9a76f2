"""The lake as the price API sees it: it reads objects, and asks whether one has changed since."""

import os
from typing import TYPE_CHECKING, Any, Protocol

from inference.settings import Settings
from pricewright.core.errors import LakeError

if TYPE_CHECKING:
    from obstore.store import ObjectStore


MOST_POINTER = 64 * 1024  # bytes of a channel's pointer


class Store(Protocol):
    """Reads objects below a URL or a folder; `far`: each read takes long, so several go on at once."""

    far: bool

    def read(self, key: str, most: int) -> bytes:
        """An object of at most this many bytes. Raises LakeError when it is not there, larger, or cannot be read."""
        ...

    def part(self, key: str, start: int, stop: int) -> bytes:
        """Its bytes from one offset to another, fewer where it ends before. Raises LakeError as read does."""
        ...

    def changed(self, key: str, tag: str) -> "tuple[bytes, str] | None":
        """A small object with its tag, or None while the tag is still this one. Raises LakeError as read does."""
        ...


def open_store(settings: Settings) -> Store:
    """The store of these settings; nothing is opened before the first read."""
    url = settings.store
    if "://" in url and not url.startswith("file://"):
        return BucketStore(settings)
    return FolderStore(url.removeprefix("file://"))


class FolderStore:
    """A local folder."""

    far = False

    def __init__(self, folder: "str | os.PathLike[str]") -> None:
        self._folder = os.fspath(folder)

    def read(self, key: str, most: int) -> bytes:
        """See Store."""
        return self._read(key, 0, -1, most)

    def part(self, key: str, start: int, stop: int) -> bytes:
        """See Store."""
        return self._read(key, start, stop - start)

    def _read(self, key: str, start: int, size: int, most: int = 0) -> bytes:
        path = f"{self._folder}/{key}"
        real, inside = os.path.realpath(path), os.path.realpath(self._folder)
        if not real.startswith(f"{inside.rstrip('/')}/"):
            raise LakeError(f"{path} leads to {real}, out of {inside}: a link out of the lake is not followed.")
        try:
            with open(real, "rb", buffering=0) as file:
                if most and os.fstat(file.fileno()).st_size > most:
                    raise _too_large(path, os.fstat(file.fileno()).st_size, most)
                file.seek(start)
                return file.read(size)
        except OSError as error:
            raise LakeError(f"{path} cannot be read: {error.strerror}.") from None

    def changed(self, key: str, tag: str) -> "tuple[bytes, str] | None":
        """See Store; the content itself is the tag."""
        body = self.read(key, MOST_POINTER)
        seen = body.hex()
        return None if seen == tag else (body, seen)


class BucketStore:
    """An S3 bucket through obstore, which is imported with the first read."""

    far = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[float, ObjectStore] = {}

    def read(self, key: str, most: int) -> bytes:
        """See Store."""
        return self._get(key, {}, self._settings.artifact_seconds, most)[0]

    def part(self, key: str, start: int, stop: int) -> bytes:
        """See Store."""
        return self._get(key, {"range": (start, stop)}, self._settings.artifact_seconds, 0)[0]

    def changed(self, key: str, tag: str) -> "tuple[bytes, str] | None":
        """See Store; S3 compares the ETag and sends the object only when it differs."""
        from obstore.exceptions import NotModifiedError

        try:
            options = {"if_none_match": tag} if tag else {}
            return self._get(key, options, self._settings.pointer_seconds, MOST_POINTER)
        except NotModifiedError:
            return None

    def _get(self, key: str, options: Any, seconds: float, most: int) -> tuple[bytes, str]:
        """An object with its tag, of at most this many bytes (0: any, a part has the size that was asked for)."""
        import obstore
        from obstore.exceptions import BaseError, NotModifiedError

        try:
            answer = obstore.get(self._within(seconds), key, options=options)
            if most and answer.meta["size"] > most:
                raise _too_large(f"{self._settings.store}/{key}", answer.meta["size"], most)
            return bytes(answer.bytes()), answer.meta["e_tag"] or ""
        except NotModifiedError:
            raise
        except FileNotFoundError:
            raise LakeError(f"{self._settings.store} has no {key}.") from None
        except (BaseError, OSError) as error:
            first = str(error).strip().splitlines()[0]
            raise LakeError(f"{self._settings.store} refuses {key}: {first}") from None

    def _within(self, seconds: float) -> "ObjectStore":
        """A client whose requests take at most this many seconds; one more try, no longer."""
        if seconds not in self._opened:
            from datetime import timedelta

            from obstore.store import from_url

            endpoint = self._settings.s3_endpoint
            limit = timedelta(seconds=seconds)
            config: dict[str, Any] = {"region": self._settings.region} if self._settings.region else {}
            if endpoint:
                config |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
            self._opened[seconds] = from_url(
                self._settings.store,
                client_options={
                    "timeout": limit,
                    "connect_timeout": limit,
                    "allow_http": endpoint.startswith("http://"),
                },
                retry_config={"max_retries": 1, "retry_timeout": limit},
                **config,
            )
        return self._opened[seconds]


def _too_large(name: str, size: int, most: int) -> LakeError:
    return LakeError(f"{name} has {size:,} bytes, at most {most:,} are read.")
