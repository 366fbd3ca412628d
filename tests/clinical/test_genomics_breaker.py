"""The circuit breaker of the other service's client: when nobody asks, and who tries again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from clinical.genomics_client import Breaker, Unreachable
from tests.chassis.issuing import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def refused(breaker: Breaker) -> bool:
    try:
        breaker.admit()
    except Unreachable as error:
        return error.reason == "open"
    return False


def test_it_opens_after_five_failures_in_a_row(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.failed("timeout")
    breaker.succeeded()
    for _ in range(4):
        breaker.failed("timeout")
    assert not refused(breaker)
    breaker.failed("timeout")
    assert refused(breaker)


def test_it_lets_one_call_try_after_ten_seconds(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed("timeout")
    clock.now += 9.9
    assert refused(breaker)
    clock.now += 0.1
    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(lambda _: refused(breaker), range(16))) == [False] + [True] * 15


@pytest.mark.parametrize("reports", [True, False])
def test_a_trial_that_fails_or_is_lost_costs_another_term(breaker: Breaker, clock: Clock, reports: bool) -> None:
    for _ in range(5):
        breaker.failed("timeout")
    clock.now += 10
    assert not refused(breaker)
    if reports:
        breaker.failed("timeout")
    clock.now += 9.9
    assert refused(breaker)
    clock.now += 0.1
    assert not refused(breaker)


def test_a_trial_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed("timeout")
    clock.now += 10
    assert not refused(breaker)
    breaker.succeeded()
    assert not any(refused(breaker) for _ in range(5))


def test_a_call_that_was_late_to_fail_does_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed("timeout")
    clock.now += 8
    breaker.failed("timeout")
    clock.now += 2
    assert not refused(breaker)
