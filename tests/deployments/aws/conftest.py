"""Both templates, deployed once to moto's server."""

from collections.abc import Iterator

import pytest

from tests.deployments.aws.moto_stack import Stack
from tests.deployments.aws.template import read

STAGE = {
    "Stage": "staging",
    "Repository": "acme/pricewright",
    "ImageUri": f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/pricewright/api@sha256:{'a' * 64}",
    "PlaygroundLogin": "b" * 64,
    "AlarmEmail": "prices@shop.example",
    "AllowedOrigins": "https://shop.example,https://desk.example",
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """A cloud of its own: stacks of other tests' servers are not in it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def shared(cloud: str) -> Stack:
    made = Stack(cloud, "pricewright-shared", read("shared.yaml"), {"Repository": "acme/pricewright"})
    made.make_the_rest()
    return made


@pytest.fixture(scope="module")
def stage(cloud: str, shared: Stack) -> Stack:
    made = Stack(cloud, "pricewright-staging", read("template.yaml"), STAGE)
    made.make_the_rest()
    return made
