"""Bounded tables of what recurs in a file."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(table: dict[K, V], key: K, value: V, size: int) -> None:
    """Adds an entry; a full table starts anew, which costs less than keeping track of use."""
    if len(table) >= size:
        table.clear()
    table[key] = value
