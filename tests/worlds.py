"""What the tests of the house ask of each service: its world, in `tests/<service>/world.py`.

The walk of all routes, the law of constraints and history, and the tests on real servers hold for every service. They
find a service by the settings and what it needs by this interface, so that a new service adds a folder and no line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from tests.api import Api

Records = Mapping[str, Mapping[str, Any]]
"""The URL parameters of the routes of each kind of record, by the routes' base name."""

Body = dict[str, Any]


class World(Protocol):
    """The module `tests/<service>/world.py`. Its `api` arguments are clients of the service."""

    # --- Its plainest resource: one that stands alone, and has a unique member -----------------------------------------
    table: str
    """The table of the resource. Its history is in `<table>event`."""
    unique: str
    """A member and column of the resource that is unique within an organization, and different for every number."""
    edits: Sequence[Body]
    """Different bodies of a PATCH, each legal in the first state."""
    first_move: Body
    """The body of a transition that is legal in the first state, and no longer once it was made."""

    @staticmethod
    def plain(number: int) -> tuple[str, Body]:
        """Path and body of a POST that makes the resource, the same for the same number and unique for each."""

    # --- All its resources ---------------------------------------------------------------------------------------------
    streamed: tuple[str, bytes] | None
    """Media type and content of a body that its streaming actions take; None for a service without any."""
    without_words: Mapping[str, str]
    """Its constraints that have no words of their own, each with the reason why no client ever sees it violated."""
    variables: Mapping[str, str]
    """What its settings.py requires of a production, as the environment has it."""

    @staticmethod
    def build(api: Api) -> Records:
        """Makes one record of each kind, all in their first state."""

    @staticmethod
    def grow(api: Api) -> None:
        """Makes records in later states, so that what only those answer is tried too."""

    @staticmethod
    def foreign_references(api: Api, mine: Records, theirs: Records) -> Iterable[tuple[str, str, Body, str]]:
        """Requests of mine that name a record of theirs: method, path, body, and the member that names it."""

    @staticmethod
    def foreign_filters(theirs: Records) -> Iterable[str]:
        """Lists, with filters that only records of theirs pass."""


@cache
def world_of(service: str) -> World:
    """The world of a service."""
    return cast("World", import_module(f"tests.{service}.world"))
