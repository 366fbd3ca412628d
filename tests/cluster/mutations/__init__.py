"""How each promise is broken on purpose, to see that its check notices: `make prove-mutations`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module

from tests.cluster.promises import GROUPS
from tests.cluster.world import World


@dataclass(frozen=True)
class Mutation:
    """`change` breaks something for as long as its block lasts; the promises of `breaks` must fail meanwhile."""

    id: str
    breaks: tuple[str, ...]
    change: Callable[[World], AbstractContextManager[None]]


MUTATIONS: dict[str, Mutation] = {}
Change = Callable[[World], Iterator[None]]


def mutation(id: str, *, breaks: tuple[str, ...]) -> Callable[[Change], Change]:
    """Registers a generator: it breaks something, yields, and mends it again, whatever happens meanwhile."""

    def register(change: Change) -> Change:
        assert id not in MUTATIONS, id
        MUTATIONS[id] = Mutation(id, breaks, contextmanager(change))
        return change

    return register


def load() -> None:
    for group in GROUPS:
        import_module(f"{__name__}.{group}")
