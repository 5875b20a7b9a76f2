"""Ports of this machine."""

import socket

from pricewright.core.errors import ParameterError

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def need_port(port: int, option: str) -> None:
    """Raises ParameterError when somebody listens there; `option` is how another port is given."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ParameterError(
                f"port {port} cannot be had: {error.strerror}.", hint=f"give another one: {option}."
            ) from None
