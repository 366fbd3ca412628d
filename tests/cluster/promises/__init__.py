"""What the platform and the release promise: one function a promise, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from tests.cluster.world import World

Check = Callable[[World], str]
"""Tries a promise; answers the evidence. Raises AssertionError where the promise is broken."""


class NotTried(Exception):
    """Something is missing here that a promise cannot be tried without; the words say what."""


@dataclass(frozen=True)
class Promise:
    """`tried` says how, in words of kubectl and HTTP; `quick` ones are part of `make prove-quick`."""

    id: str
    promise: str
    tried: str
    quick: bool
    check: Check


PROMISES: dict[str, Promise] = {}


def promise(id: str, says: str, *, tried: str, quick: bool = False) -> Callable[[Check], Check]:
    """Registers a check. `id` begins with the group of the promise."""

    def register(check: Check) -> Check:
        assert id not in PROMISES, id
        PROMISES[id] = Promise(id, says, tried, quick, check)
        return check

    return register


# Each module registers its promises; they are tried in this order.
GROUPS = ("install", "work", "network", "secrets", "issuer", "identity", "pod", "telemetry", "stores", "change", "loss")


def load() -> None:
    for group in GROUPS:
        import_module(f"{__name__}.{group}")
