"""bench/works.py: stacks that answer otherwise are found, by servers that lie in one thing each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench.serving import Stack
from bench.works import REFUSED, Target, Work, check_refusals, check_same

RECORD = {"id": 1, "kind": "blood", "version": 1}


@contextmanager
def answering(name: str, record: Any = RECORD, status: int = 200, taken: tuple[str, ...] = ()) -> Iterator[Stack]:
    """A stack that answers a GET with one record or a page of it, and takes bodies that break those rules."""
    accessions: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(status, record)

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            broken = [rule for rule, changes in REFUSED.items() if changes.items() <= sent.items()]
            broken += ["a missing member"] if "kind" not in sent else []
            again = sent["accession"] in accessions and "twice" not in taken
            accessions.add(sent["accession"])
            self.answer(400 if again or set(broken) - set(taken) else 201, {**RECORD, "id": len(accessions)})

        def answer(self, status: int, body: Any) -> None:
            self.send_response(status)
            self.end_headers()
            if status != 304:
                self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Stack(name, [], port=server.server_port)
    finally:
        server.shutdown()
        server.server_close()


def judged(work: Work, **of_the_second: Any) -> None:
    with answering("floor") as first, answering("other", **of_the_second) as second:
        check_same([work], [first, second])


ONE = Work("get-one", {"floor": [Target("/1")], "other": [Target("/1")]})
POST = Work(
    "post-one",
    {"floor": [Target("/")], "other": [Target("/")]},
    body='{"accession": "NUMBER", "kind": "blood"}',
    status=201,
)


class TestTheSameAnswers:
    def test_equal_ones_pass(self) -> None:
        judged(ONE)

    @pytest.mark.parametrize(
        "record",
        [{**RECORD, "kind": "saliva"}, {**RECORD, "version": "1"}, {**RECORD, "more": 1}, {"id": 1, "kind": "blood"},
         {"kind": "blood", "id": 1, "version": 1}],
        ids=["another value", "another type", "a member more", "a member less", "another order"],
    )  # fmt: skip
    def test_any_difference_is_told_with_whose_it_is(self, record: Any) -> None:
        with pytest.raises(SystemExit, match=r"other answers get-one .*otherwise than floor"):
            judged(ONE, record=record)

    def test_another_status_is_told(self) -> None:
        with pytest.raises(SystemExit, match=r"other answers get-one .* with 304"):
            judged(ONE, status=304)

    def test_pages_are_compared_by_their_rows_and_not_their_links(self) -> None:
        with answering("floor", {"results": [RECORD], "next": None}) as first:
            with answering("other", {"results": [RECORD], "next": "/2", "previous": None}) as second:
                check_same([ONE], [first, second])
            with (
                answering("other", {"results": [RECORD, RECORD], "next": None}) as second,
                pytest.raises(SystemExit, match="otherwise"),
            ):
                check_same([ONE], [first, second])

    def test_what_is_made_may_have_its_own_id(self) -> None:
        judged(POST)


class TestRefusals:
    def test_a_stack_that_refuses_what_careway_does_passes(self) -> None:
        with answering("other") as stack:
            check_refusals([stack])

    @pytest.mark.parametrize("rule", REFUSED)
    def test_one_that_breaks_a_rule_is_told_with_the_rule(self, rule: str) -> None:
        with answering("other", taken=(rule,)) as stack, pytest.raises(SystemExit, match=rule):
            check_refusals([stack])

    def test_so_is_one_that_takes_an_accession_twice(self) -> None:
        with answering("other", taken=("twice",)) as stack, pytest.raises(SystemExit, match="same accession twice"):
            check_refusals([stack])

    def test_the_floor_checks_nothing_and_is_not_asked(self) -> None:
        check_refusals([Stack("floor", [], checks=False)])
