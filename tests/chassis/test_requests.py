"""chassis/requests.py"""

from __future__ import annotations

import io
import logging
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

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

    def test_a_stream_has_no_size(self, api: Api, path: str, lines: Any) -> None:
        lines.clear()
        api.get(f"{path}/children.ndjson")
        assert self.fields(lines)["bytes"] is None

    @pytest.mark.parametrize("probe", ["/livez", "/readyz"])
    def test_probes_leave_none(self, api: Api, lines: Any, probe: str) -> None:
        api.get(probe)
        assert [line for line in lines.records if line.name == "careway.request"] == []


class TestAnUnreadBody:
    def request(self, content: bytes, **headers: str) -> Any:
        request = RequestFactory().post("/nowhere", content, content_type="application/octet-stream")
        request.META["wsgi.input"] = io.BytesIO(content)
        request.META.update(headers)
        return request

    def test_it_is_read_to_its_end_before_the_answer_leaves(self) -> None:
        request = self.request(bytes(200_000))
        RequestMiddleware(lambda _: HttpResponse())(request)
        assert request.META["wsgi.input"].tell() == 200_000

    def test_a_chunked_one_too(self) -> None:
        request = self.request(bytes(200_000), HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
        RequestMiddleware(lambda _: HttpResponse())(request)
        assert request.META["wsgi.input"].tell() == 200_000

    def test_what_is_not_there_is_not_asked_for(self) -> None:
        request = RequestFactory().get("/")
        request.META["wsgi.input"] = None
        assert RequestMiddleware(lambda _: HttpResponse())(request).status_code == 200
