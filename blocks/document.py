"""Block documents: what operators filled in on Prefect's server, by type and name.

A flow run takes each setting from the first of: its request, the document, the environment. Outside of a flow run no
server is asked, so that commands work without one.
"""

from typing import TypeVar, cast

from prefect.blocks.core import Block
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound

NAME = "pricewright"  # of the documents that all flows share
Kind = TypeVar("Kind", bound=Block)


def find_document(kind: type[Kind], *names: str) -> Kind | None:
    """The first of these documents that the server of PREFECT_API_URL has, or None.

    Raises RuntimeError for one whose values break a rule: a run must not go on with another lake or key instead.
    """
    for name in names or (NAME,):
        try:
            return cast(Kind, kind.load(name))
        except ValueError as error:
            if not isinstance(error.__cause__, ObjectNotFound):
                raise
    return None


def find_in_run(kind: type[Kind], *names: str) -> Kind | None:
    """The same in a flow run; None outside of one, where nothing is asked."""
    return find_document(kind, *names) if FlowRunContext.get() is not None else None
