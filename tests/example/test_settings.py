"""What this service alone is set by."""

from __future__ import annotations

from chassis.environment import Environment
from tests.example import settings


def test_it_needs_none() -> None:
    env = Environment({})
    assert (settings.read(env, {}), env.faults) == ({}, [])
