"""S3 over HTTP on this machine: moto's, and atomic where S3 is.

moto looks at If-Match, and then writes; its threads can do both between each other. S3 does not let them: here, a
conditional write waits for the one before.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")


class Atomic:
    """A WSGI application whose conditional writes come one after the other."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT" and any(name in environ for name in CONDITIONS):
            with self._lock:
                return list(self._app(environ, start_response))
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


@contextmanager
def s3_server() -> Iterator[str]:
    """Its address, for as long as the context lasts."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, Atomic(DomainDispatcherApplication(create_backend_app)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
