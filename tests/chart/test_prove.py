"""What `helm test` runs, without a cluster: what counts as heard, and what as broken."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.chart.proving import loaded, outcomes, set_in
from tests.servers import free_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        yield server


def tried(monkeypatch: pytest.MonkeyPatch, address: str) -> SimpleNamespace:
    """With less patience than in a cluster."""
    module = loaded(monkeypatch, address)
    set_in(module, REFUSED_AFTER=0.3, SETTLED=0)
    return module


def address_of(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


class TestAStranger:
    def test_who_is_heard_breaks_the_promise(
        self, monkeypatch: pytest.MonkeyPatch, listener: socket.socket, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert tried(monkeypatch, address_of(listener)).main("stranger") == 1
        assert outcomes(capsys.readouterr().out) == {"who is not let in is not heard": "broken"}

    def test_who_is_refused_was_heard(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a policy drops, nothing comes back; a refusal came from whoever is there."""
        assert tried(monkeypatch, f"127.0.0.1:{free_port()}").main("stranger") == 1

    def test_who_hears_nothing_is_not_heard(
        self, monkeypatch: pytest.MonkeyPatch, listener: socket.socket, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A full queue drops as a policy does."""
        waiting = []
        for _ in range(4):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
            waiting.append(each)
        assert tried(monkeypatch, address_of(listener)).main("stranger") == 0
        assert outcomes(capsys.readouterr().out) == {"who is not let in is not heard": "kept"}
        for each in waiting:
            each.close()

    def test_a_name_that_leads_nowhere_proves_nothing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert tried(monkeypatch, "nowhere.invalid:8000").main("stranger") == 1
        assert outcomes(capsys.readouterr().out)["who is not let in is not heard"].startswith("broken: gaierror")


class TestThisProcess:
    def test_it_reads_what_the_kernel_says_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = loaded(monkeypatch, "localhost:1")
        assert module.of_this_process("Uid").split() == [str(number) for number in os.getresuid()] + [str(os.getuid())]

    def test_a_file_that_can_be_written_is_seen_and_taken_away(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert loaded(monkeypatch, "localhost:1").writes(str(tmp_path / "file"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(("number", "written"), [(errno.EROFS, False), (errno.EACCES, True)])
    def test_no_right_to_write_is_no_read_only_file_system(
        self, monkeypatch: pytest.MonkeyPatch, number: int, written: bool
    ) -> None:
        def write(path: Path, text: str) -> None:
            raise OSError(number, "")

        monkeypatch.setattr(Path, "write_text", write)
        assert loaded(monkeypatch, "localhost:1").writes("/file") is written


def test_what_is_never_ready_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded(monkeypatch, f"127.0.0.1:{free_port()}")
    set_in(module, PATIENCE=0)
    with pytest.raises(ConnectionRefusedError):
        module.becomes_ready()


def test_a_policy_may_hear_of_a_pod_a_moment_late(monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded(monkeypatch, "localhost:1")
    connected = iter([True, False])
    set_in(module, connects=lambda host, port: next(connected), SETTLED=5)
    assert module.out_of_reach("localhost", 1)
