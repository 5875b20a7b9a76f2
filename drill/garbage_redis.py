"""Something on Redis' port that answers, but never what was asked for; `python -m drill.garbage_redis PORT`."""

import itertools
import socketserver
import sys

ANSWERS = (
    b"\x00\xff\xfe garbage\r\n",
    b"$-7\r\n",
    b'$9\r\n{"a": 1}\n\r\n',
    b"+PONG\r\n",
    b"*3\r\n:1\r\n:2\r\n",
    b"$4\r\nnull\r\n",
    b"-WRONGTYPE not today\r\n",
    b"$60\r\n" + b'{"release":"2011-W48-00000000","optimal_price":0.01}'.ljust(60) + b"\r\n",
)
_turn = itertools.count()


class Talk(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        while self.request.recv(65536):
            self.request.sendall(ANSWERS[next(_turn) % len(ANSWERS)])


class Server(socketserver.ThreadingTCPServer):
    """Many connections."""

    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up has seen enough."""


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Talk) as server:
        server.serve_forever()
