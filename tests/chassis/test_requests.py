"""chassis/requests.py"""

from __future__ import annotations

import io
import logging
import socket
import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from opentelemetry import trace

from chassis.logs import TraceContext
from chassis.pace import Pace
from chassis.requests import RequestMiddleware
from tests.api import Api
from tests.example import factories


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="careway.request")
    return caplog


class TestTheRequestId:
    @pytest.mark.parametrize("url", ["/livez", "/", "/nowhere", "/example/v1/samples", "/%00", "/static/nothing"])
    def test_every_answer_has_one(self, api: Api, url: str) -> None:
        assert UUID(api.get(url).header("X-Request-Id")).version == 4

    def test_it_is_never_the_client_s(self, api: Api) -> None:
        sent = "0b3bd8a4-9f0e-4a35-a0f2-6a4b7c1d2e3f"
        assert api.get("/livez", X_Request_Id=sent).header("X-Request-Id") != sent

    def test_it_is_another_for_every_request(self, api: Api) -> None:
        assert len({api.get("/livez").header("X-Request-Id") for _ in range(5)}) == 5


class TestTheLine:
    def fields(self, lines: pytest.LogCaptureFixture) -> dict[str, Any]:
        (line,) = [line for line in lines.records if line.name == "careway.request"]
        return line.__dict__

    def test_it_names_route_status_duration_and_subject(self, api: Api, path: str, lines: Any) -> None:
        lines.clear()
        answer = api.get(path)
        line = self.fields(lines)
        assert (line["method"], line["status"], line["subject"]) == ("GET", 200, "development:dr-okafor")
        assert line["route"] == "example/v1/samples/<uuid:pk>"
        assert line["request_id"] == answer.header("X-Request-Id")
        assert line["bytes"] == len(answer.content)
        assert 0 < line["duration_ms"] < 10_000

    def test_it_holds_neither_path_nor_query_nor_body(self, api: Api, lines: Any) -> None:
        api.get(f"samples/{factories.PATIENT}?canary=canary")
        api.get("/canary")
        api.call("POST", "samples", b'{"canary": "canary"}')
        text = " ".join(str(line.__dict__) for line in lines.records if line.name == "careway.request")
        assert "canary" not in text
        assert factories.PATIENT not in text

    def test_an_unknown_url_has_no_route_and_no_subject(self, api: Api, lines: Any) -> None:
        api.get("/nowhere")
        line = self.fields(lines)
        assert (line["route"], line["status"], line["subject"]) == ("", 404, None)

    def test_an_unknown_method_is_not_repeated(self, api: Api, lines: Any) -> None:
        api.call("CANARY", "samples")
        assert self.fields(lines)["method"] == "_OTHER"

    def test_a_stream_has_its_line_at_its_end_with_its_size(self, api: Api, path: str, lines: Any) -> None:
        lines.clear()
        answer = api.get(f"{path}/children.ndjson")
        line = self.fields(lines)
        assert line["bytes"] == len(answer.content)
        assert line["complete"] is True

    def test_its_time_is_the_client_s_the_wait_for_a_thread_and_for_its_body_too(self, lines: Any) -> None:
        request = RequestFactory().get("/nowhere")
        ours, theirs = socket.socketpair()
        with ours, theirs:
            request.META["gunicorn.socket"] = pace = Pace(ours)
            pace.begin(time.perf_counter() - 60)
            pace.waited = 59
            RequestMiddleware(lambda _: HttpResponse())(request)
        assert 60_000 <= self.fields(lines)["duration_ms"] < 70_000

    @pytest.mark.parametrize("probe", ["/livez", "/readyz"])
    def test_probes_leave_none(self, api: Api, lines: Any, probe: str) -> None:
        api.get(probe)
        assert [line for line in lines.records if line.name == "careway.request"] == []


@pytest.mark.django_db  # what Django closes with an answer is its connection too
class TestAStream:
    """Without a server: pieces, their end, and a reader who goes away."""

    def streamed(self, *pieces: bytes) -> Any:
        request = RequestFactory().get("/nowhere")
        return RequestMiddleware(lambda _: StreamingHttpResponse(iter(pieces)))(request)

    def seen(self, lines: pytest.LogCaptureFixture) -> list[tuple[int, bool]]:
        return [(line.__dict__["bytes"], line.__dict__["complete"]) for line in lines.records]

    def test_it_leaves_no_line_before_it_ends(self, lines: Any) -> None:
        response = self.streamed(b"abc", b"de")
        next(iter(response))
        assert self.seen(lines) == []

    def test_one_that_was_sent_is_complete(self, lines: Any) -> None:
        response = self.streamed(b"abc", b"de")
        assert b"".join(response) == b"abcde"
        response.close()
        assert self.seen(lines) == [(5, True)]

    def test_one_that_was_broken_off_says_so_once(self, lines: Any) -> None:
        response = self.streamed(b"abc", b"de")
        next(iter(response))
        response.close()
        response.close()
        assert self.seen(lines) == [(3, False)]

    def test_one_that_nobody_began_to_read_has_a_line_too(self, lines: Any) -> None:
        self.streamed(b"abc").close()
        assert self.seen(lines) == [(0, False)]

    def test_it_names_the_trace_of_its_request_though_that_has_ended(self, lines: Any) -> None:
        context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
        lines.handler.addFilter(TraceContext())
        with trace.use_span(trace.NonRecordingSpan(context)):
            response = self.streamed(b"abc")
        b"".join(response)
        response.close()
        assert [line.trace_id for line in lines.records] == [f"{0xABC:032x}"]


class TestAnUnreadBody:
    def request(self, content: bytes, **headers: str) -> Any:
        request = RequestFactory().post("/nowhere", content, content_type="application/octet-stream")
        request.META["wsgi.input"] = io.BytesIO(content)
        request.META.update(headers)
        request.caller = "somebody"  # type: ignore[attr-defined]  # who is let in, is waited for
        return request

    def test_it_is_read_to_its_end_before_the_answer_leaves(self) -> None:
        request = self.request(bytes(200_000))
        RequestMiddleware(lambda _: HttpResponse())(request)
        assert request.META["wsgi.input"].tell() == 200_000

    def test_a_chunked_one_too(self) -> None:
        request = self.request(bytes(200_000), HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
        RequestMiddleware(lambda _: HttpResponse())(request)
        assert request.META["wsgi.input"].tell() == 200_000

    @pytest.mark.parametrize(
        ("caller", "status", "is_waited_for"),
        [("somebody", 413, True), ("somebody", 429, False), ("somebody", 403, False), (None, 404, False)],
    )
    def test_the_rest_is_waited_for_if_somebody_was_let_in(
        self, monkeypatch: pytest.MonkeyPatch, caller: str | None, status: int, is_waited_for: bool
    ) -> None:
        monkeypatch.setattr("chassis.requests.DISCARD_SECONDS", 1)
        request = self.request(b"abcd")
        request.caller = caller
        ours, theirs = socket.socketpair()
        with ours, theirs:
            request.META["gunicorn.socket"] = pace = Pace(ours)
            request.META["wsgi.input"] = SimpleNamespace(read=pace.recv)
            RequestMiddleware(lambda _: HttpResponse(status=status))(request)
        assert (pace.waited > 0.9) == is_waited_for

    def test_what_is_not_there_is_not_asked_for(self) -> None:
        request = RequestFactory().get("/")
        request.META["wsgi.input"] = None
        assert RequestMiddleware(lambda _: HttpResponse())(request).status_code == 200
