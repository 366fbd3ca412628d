"""`make prove`: each promise, tried on a real cluster."""

from __future__ import annotations

import os
import time

import pytest

from .conftest import Told
from .promises import PROMISES, NotTried, load
from .world import World

load()
QUICK = bool(os.environ.get("CAREWAY_PROOF_QUICK"))


@pytest.mark.parametrize("id", PROMISES)
def test_it_is_kept(world: World, id: str, told: Told) -> None:
    each = PROMISES[id]
    began = time.monotonic()
    row = (each.id, each.promise, each.tried)
    if QUICK and not each.quick:
        told(*row, "left out of make prove-quick", "not tried", began)
        pytest.skip("left out of make prove-quick")
    try:
        evidence = each.check(world)
    except NotTried as reason:
        told(*row, str(reason), "not tried", began)
        pytest.skip(str(reason))
    except BaseException as error:
        told(*row, f"{type(error).__name__}: {error}"[:1000], "broken", began)
        raise
    told(*row, evidence, "kept", began)
