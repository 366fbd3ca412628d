"""chassis/fairness.py"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from chassis import fairness
from chassis.issuers import Caller
from chassis.problems import Problem
from tests.api import Api, token
from tests.example.querysets import SpecimenQuerySet

OKAFOR = Caller("development:dr-okafor", "dr-okafor", "st-elsewhere", frozenset())
LEE = Caller("development:dr-lee", "dr-lee", "st-elsewhere", frozenset())
SAME_NAME = Caller("other:dr-okafor", "dr-okafor", "st-elsewhere", frozenset())
SERVICE = Caller("cluster:clinical", "clinical", "st-elsewhere", frozenset(), delegated=True)


class Thread:
    """One thread of a server, which does as it is told and lives on."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def __call__(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return self._pool.submit(work, *arguments).result(10)

    def is_let_in(self, caller: Caller) -> bool:
        try:
            self(fairness.enter, caller)
        except Problem as problem:
            return problem.code != "too-many-requests"
        return True

    def end(self) -> None:
        self(fairness.leave)
        self._pool.shutdown()


@pytest.fixture
def threads(settings: Settings) -> Iterator[list[Thread]]:
    """Four threads of a process that works on two requests of a subject at a time."""
    settings.REQUESTS_PER_SUBJECT = 2
    four = [Thread() for _ in range(4)]
    yield four
    for thread in four:
        thread.end()


class TestTheShareOfOneSubject:
    def test_it_has_an_end(self, threads: list[Thread]) -> None:
        assert [thread.is_let_in(OKAFOR) for thread in threads] == [True, True, False, False]

    def test_it_leaves_the_others_theirs(self, threads: list[Thread]) -> None:
        callers = [OKAFOR, OKAFOR, LEE, LEE]
        assert all(thread.is_let_in(caller) for thread, caller in zip(threads, callers, strict=True))

    def test_it_is_not_that_of_the_same_name_of_another_issuer(self, threads: list[Thread]) -> None:
        callers = [OKAFOR, OKAFOR, SAME_NAME, SAME_NAME]
        assert all(thread.is_let_in(caller) for thread, caller in zip(threads, callers, strict=True))

    def test_it_is_the_same_for_every_organization(self, threads: list[Thread]) -> None:
        elsewhere = Caller(OKAFOR.actor, OKAFOR.subject, "general-hospital", frozenset())
        lots = [thread.is_let_in(caller) for thread, caller in zip(threads, [OKAFOR, elsewhere] * 2, strict=True)]
        assert lots == [True, True, False, False]

    def test_it_is_free_again_when_a_request_has_ended(self, threads: list[Thread]) -> None:
        first, second, third, _ = threads
        assert first.is_let_in(OKAFOR)
        assert second.is_let_in(OKAFOR)
        first(fairness.leave)
        assert third.is_let_in(OKAFOR)

    def test_a_refused_request_takes_none_of_it(self, threads: list[Thread]) -> None:
        first, second, third, _ = threads
        assert [thread.is_let_in(OKAFOR) for thread in (first, second, third)] == [True, True, False]
        first(fairness.leave)
        assert first.is_let_in(OKAFOR)

    def test_a_thread_whose_request_never_ended_counts_once(self, threads: list[Thread]) -> None:
        first, second, _, _ = threads
        assert all(first.is_let_in(OKAFOR) for _ in range(5))
        assert second.is_let_in(OKAFOR)

    def test_a_service_that_asks_for_many_people_is_not_one_of_them(self, threads: list[Thread]) -> None:
        assert all(thread.is_let_in(SERVICE) for thread in threads)

    def test_nothing_is_counted_without_a_limit(self, threads: list[Thread], settings: Settings) -> None:
        settings.REQUESTS_PER_SUBJECT = 0
        assert all(thread.is_let_in(OKAFOR) for thread in threads)


class TestARequest:
    def test_it_is_refused_with_a_time_to_wait(self, api: Api, threads: list[Thread], path: str) -> None:
        assert threads[0].is_let_in(OKAFOR)
        assert api.get("samples").status == 200
        assert threads[1].is_let_in(OKAFOR)
        for method, url, body in (("GET", "samples", None), ("POST", "samples", {}), ("PUT", f"{path}/picture", None)):
            answer = api.call(method, url, body)
            assert (answer.status, answer.json["code"]) == (429, "too-many-requests")
            assert answer.header("Retry-After") == "1"
        assert api.as_(subject="dr-lee").get("samples").status == 200
        threads[1](fairness.leave)
        assert api.get("samples").status == 200

    def test_it_is_refused_after_its_token_is_judged(self, api: Api, threads: list[Thread]) -> None:
        """Nobody is counted, or told of a limit, before it is clear who they are."""
        assert all(thread.is_let_in(OKAFOR) for thread in threads[:2])
        assert api.get("samples", Authorization="Bearer x.y.z").status == 401
        assert api.as_(scopes=()).get("samples").status == 403

    @pytest.mark.parametrize("open_to_all", ["/livez", "/readyz", "/", "/problems"])
    def test_what_needs_no_token_is_not_counted(self, api: Api, threads: list[Thread], open_to_all: str) -> None:
        assert all(thread.is_let_in(OKAFOR) for thread in threads[:2])
        assert api.get(open_to_all).status == 200

    def test_the_log_names_who_was_refused(
        self, api: Api, threads: list[Thread], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="careway.request")
        assert all(thread.is_let_in(OKAFOR) for thread in threads[:2])
        assert api.get("samples").status == 429
        line = caplog.records[-1].__dict__
        assert (line["status"], line["subject"]) == (429, "development:dr-okafor")

    def test_a_stream_counts_until_it_is_closed(self, api: Api, threads: list[Thread], path: str) -> None:
        url = api.url_of(f"{path}/children.ndjson")
        response: Any = api.client.get(url, headers={"Authorization": f"Bearer {token()}"})
        assert response.streaming
        assert threads[0].is_let_in(OKAFOR)
        assert not threads[1].is_let_in(OKAFOR)
        response.close()
        assert threads[1].is_let_in(OKAFOR)

    def test_a_crash_gives_its_place_back(
        self, api: Api, threads: list[Thread], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(SpecimenQuerySet, "for_caller", crash)
        assert api.get("samples").status == 500
        assert [thread.is_let_in(OKAFOR) for thread in threads] == [True, True, False, False]
