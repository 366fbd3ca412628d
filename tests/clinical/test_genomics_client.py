"""The client of the other service, against real peers that answer well, badly, slowly, or not at all."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry import trace
from pytest_django.fixtures import Settings

from clinical import genomics_client
from clinical.genomics_client import Analysis, Unreachable, find_analysis
from tests.clinical.peers import Answer, Peer, cut, dripping, endless, no_answer, problem, raw, reply, silent, slow
from tests.servers import ROOT, free_port

ID = uuid.UUID("019a9d1e-5b4c-7c3a-9c39-6f1f4b0c2d11")
PATIENT = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
SNAPSHOT: dict[str, Any] = {
    "status": "ready",
    "assay": "wes",
    "panel_code": None,
    "genome_build": "GRCh38",
    "pipeline_name": "sarek",
    "pipeline_version": "3.5.1",
    "version": 3,
    "ingested_at": "2026-11-18T10:05:00.123456Z",
}
DOCUMENT = {"id": str(ID), "patient_id": str(PATIENT), "sample": str(uuid.uuid4()), "warnings": [], **SNAPSHOT}
GOOD = reply(200, DOCUMENT)


def but(**changes: Any) -> Answer:
    """The good answer, changed."""
    return reply(200, {**DOCUMENT, **changes})


def lacking(name: str) -> Answer:
    return reply(200, {member: value for member, value in DOCUMENT.items() if member != name})


@pytest.fixture(autouse=True)
def token_file(settings: Settings, tmp_path: Path) -> Path:
    settings.GENOMICS_TOKEN_FILE = tmp_path / "token"
    settings.GENOMICS_TOKEN_FILE.write_text("a.service.token\n")
    settings.GENOMICS_URL = f"http://127.0.0.1:{free_port()}"  # nobody is there
    genomics_client._lines.clear()
    return Path(settings.GENOMICS_TOKEN_FILE)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter deadline, where it is not its length that is tried."""
    monkeypatch.setattr(genomics_client, "DEADLINE_SECONDS", 0.5)


@contextmanager
def peer(settings: Settings, *answers: Answer) -> Iterator[Peer]:
    with Peer(*answers) as running:
        settings.GENOMICS_URL = running.url
        yield running


def ask() -> Analysis | None:
    return find_analysis(ID, organization="st-elsewhere")


def reason() -> str:
    """Why it could not be asked."""
    with pytest.raises(Unreachable) as caught:
        ask()
    return caught.value.reason


class TestAnAnswer:
    def test_it_is_the_patient_and_a_snapshot_without_anything_else(self, settings: Settings) -> None:
        with peer(settings, GOOD) as genomics:
            assert ask() == Analysis(PATIENT, SNAPSHOT)
        assert [(asked.method, asked.path) for asked in genomics.asked] == [("GET", f"/genomics/v1/analyses/{ID}")]

    def test_it_may_be_of_a_panel_that_holds_no_file_yet(self, settings: Settings) -> None:
        with peer(settings, but(panel_code="cardio-12", ingested_at=None)):
            assert ask() == Analysis(PATIENT, {**SNAPSHOT, "panel_code": "cardio-12", "ingested_at": None})

    def test_its_snapshot_stays_small(self, settings: Settings) -> None:
        texts = ("status", "assay", "panel_code", "genome_build", "pipeline_name", "pipeline_version")
        with peer(settings, but(**dict.fromkeys(texts, "\N{DNA DOUBLE HELIX}" * 100))):
            found = ask()
        assert found
        assert len(json.dumps(found.snapshot, ensure_ascii=False).encode()) < 4096

    def test_it_is_none_for_what_genomics_does_not_know(self, settings: Settings) -> None:
        with peer(settings, problem("not-found")) as genomics:
            assert ask() is None
        assert len(genomics.asked) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(reply(404, b"<h1>Not Found</h1>", "text/html"), id="404-of-a-proxy"),
            pytest.param(reply(404, {"code": "not-found"}), id="404-as-plain-json"),
            pytest.param(reply(404, {"code": "gone"}, "application/problem+json"), id="404-of-another-kind"),
            # An URL that a service of this house does not have: it is the wrong service, or the wrong path.
            pytest.param(reply(404, {"code": "not-found"}, "application/problem+json"), id="404-of-no-organization"),
            pytest.param(reply(404, {**DOCUMENT, "code": "x"}, "application/problem+json"), id="404-with-an-analysis"),
            pytest.param(reply(404, b"", "application/problem+json"), id="404-empty"),
            pytest.param(reply(200, b"<h1>Welcome</h1>", "text/html"), id="200-of-a-proxy"),
            pytest.param(reply(200, json.dumps(DOCUMENT).encode(), "text/html"), id="200-as-html"),
            pytest.param(reply(200, b"{"), id="half-json"),
            pytest.param(reply(200, b"\xff"), id="no-text"),
            pytest.param(reply(200, b"[" * 60_000), id="nested"),
            pytest.param(reply(200, b'{"id": ' + b"9" * 5000 + b"}"), id="huge-number"),
            pytest.param(reply(200, [DOCUMENT]), id="list"),
            pytest.param(reply(200, None), id="null"),
            pytest.param(but(padding="x" * 70_000), id="huge"),
            pytest.param(reply(200, json.dumps(DOCUMENT).encode() + b" " * 70_000), id="huge-by-blanks"),
            pytest.param(endless(200), id="endless"),
            pytest.param(cut(200, DOCUMENT, keep=40), id="broken-off"),
            pytest.param(raw(b"\x00\x01\x02\r\n\r\n"), id="not-http"),
            pytest.param(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), id="endless-header"),
            pytest.param(but(id=str(uuid.uuid4())), id="another-id"),
            pytest.param(but(id=7), id="id-number"),
            pytest.param(lacking("id"), id="no-id"),
            pytest.param(but(patient_id="x" * 36), id="patient-no-uuid"),
            pytest.param(but(patient_id=None), id="patient-null"),
            pytest.param(lacking("patient_id"), id="no-patient"),
            pytest.param(but(version="3"), id="version-text"),
            pytest.param(but(version=True), id="version-boolean"),
            pytest.param(but(version=2**63), id="version-huge"),
            pytest.param(but(status=["ready"]), id="status-list"),
            pytest.param(but(status=""), id="status-empty"),
            pytest.param(but(assay="x" * 101), id="assay-long"),
            pytest.param(but(pipeline_name="a\x00b"), id="nul"),
            pytest.param(but(pipeline_name="\ud800"), id="half-a-surrogate-pair"),
            pytest.param(but(panel_code={"7:117559590": "0/1"}), id="panel-object"),
            pytest.param(but(ingested_at="yesterday"), id="no-time"),
            pytest.param(but(ingested_at="2026-11-18T10:05:00"), id="naive-time"),
            *(pytest.param(lacking(name), id=f"no-{name}") for name in SNAPSHOT),
        ],
    )
    def test_it_is_garbage_when_genomics_would_not_say_so(self, settings: Settings, answer: Answer) -> None:
        with peer(settings, answer):
            assert reason() == "garbage"

    @pytest.mark.parametrize("status", [201, 204, 400, 405, 406, 410, 429])
    def test_it_is_none_to_this_question_with_another_status(self, settings: Settings, status: int) -> None:
        with peer(settings, reply(status, DOCUMENT)) as genomics:
            assert reason() == "status"
        assert len(genomics.asked) == 1

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_it_follows_no_redirect(self, settings: Settings, status: int) -> None:
        with Peer(GOOD) as elsewhere, peer(settings, reply(status, Location=f"{elsewhere.url}/")):
            assert reason() == "status"
        assert elsewhere.asked == []


class TestARetry:
    @pytest.mark.parametrize(
        "first",
        [
            pytest.param(reply(503, {}), id="503"),
            pytest.param(reply(500, b"oops", "text/plain"), id="500"),
            pytest.param(raw(b""), id="closed"),
            pytest.param(cut(200, DOCUMENT, keep=10), id="broken-off"),
        ],
    )
    def test_it_mends_what_went_wrong_once(self, settings: Settings, first: Answer) -> None:
        with peer(settings, first, GOOD) as genomics:
            assert ask() == Analysis(PATIENT, SNAPSHOT)
        assert len(genomics.asked) == 2

    def test_it_comes_in_time_when_the_first_address_is_gone(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with no_answer() as gone, peer(settings, GOOD) as genomics:
            ports = iter([urlsplit(gone).port, urlsplit(genomics.url).port])
            kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*kind, ("127.0.0.1", next(ports)))])
            assert ask()
        assert len(genomics.asked) == 1

    def test_there_is_only_one(self, settings: Settings) -> None:
        with peer(settings, reply(500), reply(500), GOOD) as genomics:
            assert reason() == "status"
            assert len(genomics.asked) == 2

    def test_there_is_none_of_what_would_be_the_same_again(self, settings: Settings) -> None:
        with peer(settings, reply(200, b"{"), GOOD) as genomics:
            assert reason() == "garbage"
        assert len(genomics.asked) == 1


class TestTheDeadline:
    HANGING = (
        pytest.param(silent(), id="silent"),
        pytest.param(slow(10, GOOD), id="slow"),
        pytest.param(dripping(200, DOCUMENT, every=0.1, head_at_once=False), id="dripping-headers"),
        pytest.param(dripping(200, DOCUMENT, every=0.1, head_at_once=True), id="dripping-body"),
        pytest.param(slow(0.3, reply(500)), id="slow-failures"),
    )

    def test_it_is_two_seconds(self, settings: Settings) -> None:
        assert genomics_client.DEADLINE_SECONDS == 2
        with peer(settings, dripping(200, DOCUMENT, every=0.05, head_at_once=False)):
            started = time.monotonic()
            assert reason() == "timeout"
            assert 1.9 < time.monotonic() - started < 10

    def test_an_answer_within_it_is_waited_for(self, settings: Settings) -> None:
        with peer(settings, slow(1.2, GOOD)) as genomics:
            assert ask()
        assert len(genomics.asked) == 1

    @pytest.mark.parametrize("answer", HANGING)
    def test_nothing_hangs_beyond_it(self, settings: Settings, quickly: None, answer: Answer) -> None:
        with peer(settings, answer):
            started = time.monotonic()
            assert reason() == "timeout"
            assert time.monotonic() - started < 5

    def test_neither_does_an_address_that_nobody_answers_at(self, settings: Settings, quickly: None) -> None:
        with no_answer() as settings.GENOMICS_URL:
            started = time.monotonic()
            assert reason() == "timeout"
            assert time.monotonic() - started < 5

    def test_neither_does_a_name_that_is_resolved_slowly(
        self, settings: Settings, quickly: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolve, pause = socket.getaddrinfo, threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: resolve(*a, **k) if not pause.wait(6) else [])
        with peer(settings, GOOD) as genomics:
            started = time.monotonic()
            assert reason() == "timeout"
            assert time.monotonic() - started < 5
            self.wait_until_no_thread_waits(settings)
            assert genomics.asked == []

    def test_no_thread_is_left_waiting_behind_it(self, settings: Settings, quickly: None) -> None:
        settings.THREADS = 2
        with peer(settings, *[dripping(200, DOCUMENT, every=0.02, head_at_once=False)] * 4, GOOD):
            with ThreadPoolExecutor(4) as pool:
                reasons = [future.result() for future in [pool.submit(reason) for _ in range(4)]]
            assert reasons == ["timeout"] * 4
            self.wait_until_no_thread_waits(settings)

    def wait_until_no_thread_waits(self, settings: Settings) -> None:
        """Every thread of the line takes something new."""
        barrier = threading.Barrier(settings.THREADS + 1)
        threads = genomics_client._lines[0]._threads
        for _ in range(settings.THREADS):
            threads.submit(barrier.wait, 30)
        barrier.wait(30)


class TestNoConnection:
    def test_it_is_refused(self) -> None:
        assert reason() == "refused"

    @pytest.mark.parametrize("host", ["genomics..svc", f"{'x' * 64}.svc"])
    def test_it_is_refused_too_for_a_host_that_no_name_can_be(self, settings: Settings, host: str) -> None:
        settings.GENOMICS_URL = f"http://{host}:8000"
        assert reason() == "refused"

    def test_it_takes_no_proxy_of_the_environment(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        with Peer(GOOD) as proxy, peer(settings, GOOD):
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            assert ask()
        assert proxy.asked == []


class TestIdentity:
    def test_it_goes_with_the_organization_in_headers(self, settings: Settings) -> None:
        with peer(settings, GOOD) as genomics:
            ask()
        (asked,) = genomics.asked
        assert asked.headers.get_all("Authorization") == ["Bearer a.service.token"]
        assert asked.headers.get_all("Careway-Organization") == ["st-elsewhere"]
        assert asked.headers["Accept"] == "application/json, application/problem+json"

    @pytest.mark.parametrize(
        ("name", "sent"),
        [("Hôpital 東", "H%C3%B4pital%20%E6%9D%B1"), ("a,b", "a%2Cb"), ("50%", "50%25"), ("a\r\nX: y", "a%0D%0AX%3A%20y")],
    )  # fmt: skip
    def test_an_organization_may_have_any_name(self, settings: Settings, name: str, sent: str) -> None:
        with peer(settings, GOOD) as genomics:
            find_analysis(ID, organization=name)
        assert genomics.asked[0].headers.get_all("Careway-Organization") == [sent]

    def test_no_cookie_goes_from_one_organization_s_answer_to_another_s_question(self, settings: Settings) -> None:
        with peer(settings, reply(200, DOCUMENT, Set_Cookie="session=st-elsewhere; Path=/"), GOOD) as genomics:
            assert ask()
            assert find_analysis(ID, organization="county-general")
        assert [asked.headers["Careway-Organization"] for asked in genomics.asked] == ["st-elsewhere", "county-general"]
        assert [asked.headers["Cookie"] for asked in genomics.asked] == [None, None]

    def test_a_new_token_is_used_at_once(self, settings: Settings, token_file: Path) -> None:
        with peer(settings, GOOD) as genomics:
            ask()
            new = token_file.with_name("new")
            new.write_text("another.service.token")
            new.replace(token_file)
            ask()
        sent = [asked.headers["Authorization"] for asked in genomics.asked]
        assert sent == ["Bearer a.service.token", "Bearer another.service.token"]

    def test_a_new_token_may_come_by_the_swap_of_a_link(self, settings: Settings, tmp_path: Path) -> None:
        for moment in ("first", "second"):
            (tmp_path / moment).mkdir()
            (tmp_path / moment / "token").write_text(f"the.{moment}.token")
        (tmp_path / "..data").symlink_to("first")
        settings.GENOMICS_TOKEN_FILE = tmp_path / "..data" / "token"
        with peer(settings, GOOD) as genomics:
            ask()
            (tmp_path / "swap").symlink_to("second")
            (tmp_path / "swap").replace(tmp_path / "..data")
            ask()
        assert [asked.headers["Authorization"][-12:] for asked in genomics.asked] == [".first.token", "second.token"]

    @pytest.mark.parametrize("content", [None, b"", b"\n", b"x" * 16_385, b"two tokens", b"a\r\nX: y", b"\xff"])
    def test_without_a_token_nobody_is_asked(self, settings: Settings, token_file: Path, content: bytes | None) -> None:
        token_file.unlink()
        if content is not None:
            token_file.write_bytes(content)
        with peer(settings, GOOD) as genomics:
            assert [reason() for _ in range(6)] == ["identity"] * 6
            token_file.write_text("a.service.token")
            assert ask()
        assert len(genomics.asked) == 1

    def test_a_pipe_in_its_place_is_not_waited_for(self, token_file: Path) -> None:
        token_file.unlink()
        os.mkfifo(token_file)
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(reason)
            try:
                assert asking.result(timeout=1) == "identity"
            finally:  # ends what would wait, so that a failure is none of the whole run
                os.close(os.open(token_file, os.O_RDWR | os.O_NONBLOCK))

    @pytest.mark.parametrize("answer", [problem("unauthenticated"), problem("missing-scope"), reply(401), reply(403)])
    def test_a_token_that_is_refused_is_logged_without_it(
        self, settings: Settings, answer: Answer, caplog: pytest.LogCaptureFixture
    ) -> None:
        with peer(settings, answer) as genomics:
            assert reason() == "identity"
        assert len(genomics.asked) == 1
        (record,) = [record for record in caplog.records if record.name == "clinical.genomics_client"]
        assert record.levelname == "ERROR"
        text = str(record.__dict__)
        assert not [word for word in ("a.service.token", str(ID), "st-elsewhere") if word in text]


class TestTheBreaker:
    def test_it_leaves_a_failing_peer_in_peace_and_finds_it_again(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(genomics_client, "OPEN_SECONDS", 0.5)
        with peer(settings, *[reply(418)] * 5, GOOD) as genomics:
            assert [reason() for _ in range(5)] == ["status"] * 5
            assert [reason() for _ in range(20)] == ["open"] * 20
            assert len(genomics.asked) == 5
            time.sleep(0.5)
            assert ask()
            assert ask()

    def test_an_analysis_that_is_not_known_is_no_failure(self, settings: Settings) -> None:
        with peer(settings, *[reply(418)] * 4, problem("not-found"), *[reply(418)] * 4, GOOD):
            assert [reason() for _ in range(4)] == ["status"] * 4
            assert ask() is None
            assert [reason() for _ in range(4)] == ["status"] * 4
            assert ask()


SCRIPT = f"""
import json, logging.config, sys, uuid
from pathlib import Path
from django.conf import settings
url, token_file, telemetry = sys.argv[1:]
settings.configure(THREADS=2, GENOMICS_URL=url, GENOMICS_TOKEN_FILE=Path(token_file))
if telemetry == "telemetry":
    from chassis.telemetry import start
    start()
else:
    from chassis.logs import logging_configuration
    logging.config.dictConfig(logging_configuration(level="DEBUG"))
from opentelemetry import trace
from clinical.genomics_client import Unreachable, find_analysis
for _ in range(6):
    with trace.get_tracer("test").start_as_current_span("outer"):
        try:
            find_analysis(uuid.UUID("{ID}"), organization="st-elsewhere")
        except Unreachable as error:
            logging.getLogger("seen").warning(error.reason)
if telemetry == "telemetry":
    trace.get_tracer_provider().force_flush()
"""


def printed(url: str, token_file: Path, what: str, **variables: str) -> str:
    """What a process of its own prints that asks six times."""
    environment = {**os.environ, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **variables}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url, str(token_file), what],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    # Without a configuration of logs, Python writes warnings there.
    return done.stdout if what == "telemetry" else done.stdout + done.stderr


class TestWhatOthersSee:
    def test_the_trace_of_the_caller_goes_along(self, settings: Settings) -> None:
        context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
        with peer(settings, GOOD) as genomics, trace.use_span(trace.NonRecordingSpan(context)):
            ask()
        assert genomics.asked[0].headers.get_all("Traceparent") == [f"00-{0xABC:032x}-{0xDEF:016x}-01"]

    def test_with_telemetry_each_attempt_is_a_span_of_it(self, token_file: Path) -> None:
        with Peer(reply(500), GOOD) as genomics:
            output = printed(genomics.url, token_file, "telemetry", OTEL_TRACES_EXPORTER="console")
        spans = json.loads("[" + output.strip().replace("\n}\n{", "\n},\n{") + "]")
        clients = {span["context"]["span_id"][2:]: span for span in spans if span["kind"] == "SpanKind.CLIENT"}
        sent = [asked.headers["Traceparent"].split("-") for asked in genomics.asked]
        assert len(sent) == 7
        assert [parent for _, _, parent, _ in sent] == list(clients)
        outer = {span["context"]["span_id"] for span in spans if span["name"] == "outer"}
        assert all(span["parent_id"] in outer for span in clients.values())
        assert [each[1] for each in sent] == [span["context"]["trace_id"][2:] for span in clients.values()]
        assert "a.service.token" not in str(spans)

    def test_no_log_names_an_analysis_an_organization_or_a_token(self, token_file: Path) -> None:
        with Peer(reply(500), reply(500), problem("unauthenticated"), problem("not-found"), GOOD) as genomics:
            output = printed(genomics.url, token_file, "logs")
        lines = [json.loads(line) for line in output.splitlines()]
        assert [line["message"] for line in lines if line["logger"] == "seen"] == ["status", "identity"]
        assert not [word for word in (str(ID), "st-elsewhere", "service.token", str(PATIENT)) if word in output]
