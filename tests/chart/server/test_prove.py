"""What `helm test` asks of a service, asked of one that runs, and of servers that keep no promise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from tests.api import token
from tests.chart.proving import loaded, outcomes, set_in
from tests.chart.releases import FIRST
from tests.servers import Server

pytestmark = pytest.mark.skipif(
    FIRST not in settings.AVAILABLE_SERVICES, reason="the chart is not of this house's services yet"
)
READY, ITSELF = "the service is ready", "it says what it is"
NO_TOKEN, FORGED = "who has no token is told so", "a token for another audience is refused"
HOST = "a host name that is not its own is refused"
ASKED = {READY, ITSELF, NO_TOKEN, FORGED, HOST}


class Careless(BaseHTTPRequestHandler):
    """Lets everybody in."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words: object) -> None:
        """Not to the output of the tests."""


@pytest.fixture
def careless() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str, held: Path
) -> dict[str, str]:
    module = loaded(monkeypatch, address)
    set_in(module, FOREIGN=held, PATIENCE=5)
    module.main("within")
    return {promise: outcome for promise, outcome in outcomes(capsys.readouterr().out).items() if promise in ASKED}


class TestWithin:
    @pytest.fixture
    def held(self, tmp_path: Path) -> Path:
        """The token that the test's pod has."""
        path = tmp_path / "token"
        path.write_text("not.a.token")
        return path

    def test_a_service_keeps_its_promises(
        self, server: Server, held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        address = f"127.0.0.1:{server.port}"
        assert asked(monkeypatch, capsys, address, held) == dict.fromkeys(ASKED, "kept")

    def test_a_token_that_is_accepted_breaks_one(
        self, server: Server, held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        held.write_text(token())
        found = asked(monkeypatch, capsys, f"127.0.0.1:{server.port}", held)
        assert found == {**dict.fromkeys(ASKED, "kept"), FORGED: "broken"}

    def test_whoever_lets_everybody_in_keeps_none(
        self, careless: str, held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = asked(monkeypatch, capsys, careless, held)
        assert found == {**dict.fromkeys(ASKED, "broken"), READY: "kept"}

    def test_the_rest_is_about_pods_and_broken_outside_of_one(
        self, server: Server, held: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """So that none of them is kept by not being looked at; all of them are seen kept in a cluster."""
        module = loaded(monkeypatch, f"127.0.0.1:{server.port}")
        set_in(module, FOREIGN=held)
        assert module.main("within") == 1
        found = outcomes(capsys.readouterr().out)
        assert found["it runs as 10001"] == "broken"
        assert len(found) == len(ASKED) + 6
