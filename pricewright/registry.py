"""A registry: things of one kind by their names, in the order in which they were added."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from pricewright.core.errors import ParameterError
from pricewright.core.models import NAME


class Named(Protocol):
    """What has a name of its own."""

    @property
    def name(self) -> str:
        """The key in the registry."""


Thing = TypeVar("Thing", bound=Named)


class Registry(dict[str, Thing]):
    """Read it as a mapping; add to it with `register`."""

    def __init__(self, kind: str, *things: Thing, reserved: tuple[str, ...] = ()) -> None:
        """`kind` is the word for its things in messages; `reserved`: names that mean something else."""
        super().__init__()
        self._kind, self._reserved = kind, reserved
        for thing in things:
            self.register(thing)

    def register(self, thing: Thing) -> None:
        """Add it as the last one. Raises ParameterError for a name that is taken, reserved or no plain word."""
        name = thing.name
        if name in self or name in self._reserved:
            raise ParameterError(
                f"{self._kind} {name!r} cannot be registered: the name is taken.",
                hint=f"take another one than {', '.join((*self._reserved, *self))}.",
            )
        if not NAME.fullmatch(name):
            raise ParameterError(
                f"{self._kind} {name[:80]!r} cannot be registered: a name is lower-case letters, digits and _, at most "
                "40 of them, a letter first."
            )
        self[name] = thing

    @contextmanager
    def registered(self, thing: Thing) -> Iterator[None]:
        """Have it registered in this context only."""
        self.register(thing)
        try:
            yield
        finally:
            del self[thing.name]
