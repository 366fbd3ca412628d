"""What every rendering keeps, whatever its values: functions from a release to the sentences that say what is broken.

The same functions look at the chart and at copies of it that were broken on purpose (test_mutations.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.chart.promises import containers, database, lifecycle, monitoring, network, pods, rights, routes, wiring
from tests.chart.promises.release import Release

Promise = Callable[[Release], Iterator[str]]

ROOMS = (containers, database, lifecycle, monitoring, network, pods, rights, routes, wiring)
# In each room the functions whose docstring is the promise.
PROMISES: list[Promise] = [
    found
    for room in ROOMS
    for name, found in vars(room).items()
    if callable(found) and getattr(found, "__module__", "") == room.__name__ and not name.startswith("_")
]


def broken(release: Release) -> Iterator[str]:
    """Every promise that the release breaks, in a sentence each; one that cannot even be looked for is broken."""
    for promise in PROMISES:
        try:
            for what in promise(release):
                yield f"{promise.__name__}: {what}"
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            yield f"{promise.__name__}: {type(error).__name__} {error}"
