"""`make prove-mutations`: each promise is kept, is broken on purpose, and is seen to be broken."""

from __future__ import annotations

import time

import pytest

from .conftest import Told
from .mutations import MUTATIONS
from .mutations import load as load_mutations
from .promises import PROMISES
from .promises import load as load_promises
from .releases import must_be_installed
from .world import World

load_promises()
load_mutations()
kept: set[str] = set()


@pytest.mark.parametrize("id", MUTATIONS)
def test_it_is_noticed(world: World, id: str, told: Told) -> None:
    each = MUTATIONS[id]
    began = time.monotonic()
    must_be_installed(world)
    for broken in each.breaks:
        if broken not in kept:
            PROMISES[broken].check(world)
            kept.add(broken)
    seen = {}
    with each.change(world):
        for broken in each.breaks:
            try:
                answer = PROMISES[broken].check(world)
            except AssertionError as error:
                seen[broken] = f"{broken}: {str(error).splitlines()[0][:200]}"
            else:
                told(each.id, PROMISES[broken].promise, each.id, f"not noticed: {answer}", "not noticed", began)
                pytest.fail(f"{broken} is still kept: {answer}")
    told(each.id, "its breach is noticed", each.id, "; ".join(seen.values()), "noticed", began)
