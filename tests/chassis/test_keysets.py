"""Key sets: renewed in time, asked for once, and kept for a bounded time while the issuer is down."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chassis import keysets
from chassis.jwks import DOCUMENT_BYTES, keys_in
from chassis.keysets import FileKeySet, Keys, KeySet, RemoteKeySet, key_set
from chassis.problems import Problem
from tests.chassis.issuing import Clock, KeyServer, issuer, key_document, signer

OLD, NEW = signer("old", "ES256"), signer("new", "ES256")


def kids(keys: Keys) -> list[str | None]:
    return [key.kid for key in keys.all]


def unavailable(ask: Callable[[], Keys]) -> Problem:
    with pytest.raises(Problem) as caught:
        ask()
    assert caught.value.code == "unavailable"
    assert caught.value.kind.status == 503
    return caught.value


def together(threads: int, ask: Callable[[], Keys]) -> list[Keys | Problem]:
    """What each thread got that asked at the same time."""
    barrier = threading.Barrier(threads)

    def one(_: int) -> Keys | Problem:
        barrier.wait()
        try:
            return ask()
        except Problem as problem:
            return problem

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does answer is waited for, however busy the machine is."""
    monkeypatch.setattr(keysets, "TIMEOUT_SECONDS", 20.0)


def be_impatient() -> None:
    """For a server that never answers; `patience` undoes it."""
    keysets.TIMEOUT_SECONDS = 0.3


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with KeyServer(OLD) as running:
        yield running


@pytest.fixture
def remote(server: KeyServer, clock: Clock) -> RemoteKeySet:
    return RemoteKeySet("identity", server.url, clock=clock)


class TestKeySet:
    def test_it_is_a_file_or_a_url_as_the_issuer_says(self) -> None:
        assert isinstance(key_set(issuer(jwks_file="/keys.json")), FileKeySet)
        assert isinstance(key_set(issuer(jwks_url="https://identity.example/keys")), RemoteKeySet)

    def test_it_answers_the_keys_of_an_id_or_all(self) -> None:
        (one,) = keys_in(key_document(OLD))
        keys = Keys((one,), generation=1)
        assert (keys.named("old"), keys.named("new"), keys.named(None)) == ([one], [], [one])


class TestFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "keys.json"
        path.write_bytes(key_document(OLD))
        return path

    @pytest.fixture
    def keys(self, path: Path, clock: Clock) -> KeySet:
        return FileKeySet("identity", path, clock=clock)

    def test_it_is_read_once_while_it_stays_the_same(self, keys: KeySet, monkeypatch: pytest.MonkeyPatch) -> None:
        first = keys.current()
        monkeypatch.setattr(Path, "open", None)
        assert keys.current() is first
        assert keys.renewed() is first
        assert (kids(first), first.generation) == (["old"], 1)

    def test_it_is_read_again_when_it_is_replaced(self, keys: KeySet, path: Path) -> None:
        keys.current()
        other = path.with_name("other.json")
        other.write_bytes(key_document(NEW))
        os.utime(other, ns=(0, path.stat().st_mtime_ns))
        other.replace(path)
        assert (kids(keys.current()), keys.current().generation) == (["new"], 2)

    def test_it_is_read_again_when_it_is_written_in_place(self, keys: KeySet, path: Path) -> None:
        keys.current()
        path.write_bytes(key_document(OLD, NEW))
        assert kids(keys.current()) == ["old", "new"]

    def test_it_stays_one_generation_while_its_keys_are_the_same(self, keys: KeySet, path: Path) -> None:
        first = keys.current()
        path.write_bytes(key_document(OLD) + b"\n")
        assert keys.current() is first

    def test_it_keeps_the_last_good_keys_for_a_bounded_time(self, keys: KeySet, path: Path, clock: Clock) -> None:
        keys.current()
        path.write_bytes(b"{half a docu")
        clock.now += 86_400
        assert kids(keys.current()) == ["old"]
        clock.now += 1
        unavailable(keys.current)
        path.write_bytes(key_document(NEW))
        assert kids(keys.current()) == ["new"]

    def test_it_does_not_age_while_it_is_there(self, keys: KeySet, clock: Clock) -> None:
        keys.current()
        clock.now += 1_000_000
        assert kids(keys.current()) == ["old"]

    def test_it_survives_the_file_going_away(self, keys: KeySet, path: Path, clock: Clock) -> None:
        keys.current()
        path.unlink()
        assert kids(keys.current()) == ["old"]
        clock.now += 86_401
        unavailable(keys.current)

    def test_it_is_unavailable_when_it_was_never_good(self, keys: KeySet, path: Path) -> None:
        path.write_bytes(key_document(OLD) + b" " * DOCUMENT_BYTES)
        assert unavailable(keys.current).headers == {"Retry-After": "5"}

    def test_it_reports_an_outage_once(self, keys: KeySet, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        keys.current()
        path.write_bytes(b"")
        for _ in range(3):
            keys.current()
        assert [record.message for record in caplog.records] == ["a key set cannot be read"]


class TestRemote:
    def test_it_is_fetched_once_for_its_lifespan(self, remote: KeySet, server: KeyServer, clock: Clock) -> None:
        first = remote.current()
        clock.now += 299
        assert remote.current() is first
        assert (kids(first), server.requests) == (["old"], 1)

    def test_it_is_renewed_after_its_lifespan(self, remote: KeySet, server: KeyServer, clock: Clock) -> None:
        first = remote.current()
        clock.now += 300
        assert remote.current() is first
        server.document = key_document(NEW)
        clock.now += 300
        assert (kids(remote.current()), remote.current().generation, server.requests) == (["new"], 2, 3)

    def test_it_is_fetched_once_for_many_threads(self, remote: KeySet, server: KeyServer) -> None:
        server.open.clear()
        threading.Timer(0.2, server.open.set).start()
        answers = together(16, remote.current)
        assert [kids(keys) for keys in answers if isinstance(keys, Keys)] == [["old"]] * 16
        assert server.requests == 1

    def test_it_lets_other_threads_use_the_old_keys_meanwhile(
        self, remote: KeySet, server: KeyServer, clock: Clock
    ) -> None:
        remote.current()
        clock.now += 300
        server.document = key_document(NEW)
        server.open.clear()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(remote.current)
            while server.requests < 2:
                time.sleep(0.005)
            assert kids(remote.current()) == ["old"]
            assert not first.done()
            server.open.set()
            assert kids(first.result()) == ["new"]

    def test_it_works_without_keys_of_its_issuer(self, remote: KeySet, server: KeyServer) -> None:
        server.document = key_document()
        assert kids(remote.current()) == []


class TestUnknownKey:
    def test_it_is_asked_for_at_once(self, remote: KeySet, server: KeyServer, clock: Clock) -> None:
        remote.current()
        server.document = key_document(OLD, NEW)
        clock.now += 1
        assert kids(remote.renewed()) == ["old", "new"]

    def test_it_is_asked_for_once_in_the_cooldown(self, remote: KeySet, server: KeyServer, clock: Clock) -> None:
        remote.current()
        clock.now += 1
        for _ in range(20):
            remote.renewed()
        assert server.requests == 2
        clock.now += 29
        remote.renewed()
        assert server.requests == 2
        clock.now += 1
        remote.renewed()
        assert server.requests == 3

    def test_it_is_not_asked_for_when_the_keys_have_just_come(self, remote: KeySet, server: KeyServer) -> None:
        remote.current()
        remote.renewed()
        assert server.requests == 1

    def test_it_is_asked_for_once_by_many_threads_that_all_get_it(
        self, remote: KeySet, server: KeyServer, clock: Clock
    ) -> None:
        remote.current()
        clock.now += 1
        server.document = key_document(NEW)
        server.open.clear()
        threading.Timer(0.2, server.open.set).start()
        answers = together(16, remote.renewed)
        assert [kids(keys) for keys in answers if isinstance(keys, Keys)] == [["new"]] * 16
        assert server.requests == 2


class TestOutage:
    def break_it(self, server: KeyServer, how: str) -> None:
        if how == "slow":
            be_impatient()
            server.open.clear()
        elif how == "error":
            server.status = 500
        elif how == "redirect":
            server.status, server.headers = 302, {"Location": f"{server.url}/elsewhere"}
        elif how == "huge":
            server.document = key_document(NEW) + b" " * (DOCUMENT_BYTES + 1)
        elif how == "cut":
            server.headers = {"Content-Length": "100000"}
            server.document = key_document(NEW)[:-5]
        else:
            server.document = b"<html>Maintenance</html>"

    WAYS = ("slow", "error", "redirect", "huge", "cut", "html")

    @pytest.mark.parametrize("how", WAYS)
    def test_it_is_unavailable_when_there_were_never_keys(self, remote: KeySet, server: KeyServer, how: str) -> None:
        self.break_it(server, how)
        started = time.monotonic()
        assert unavailable(remote.current).headers == {"Retry-After": "5"}
        assert time.monotonic() - started < 10
        assert "/keys/elsewhere" not in server.paths

    @pytest.mark.parametrize("how", WAYS)
    def test_it_goes_on_with_the_last_good_keys(
        self, remote: KeySet, server: KeyServer, clock: Clock, how: str
    ) -> None:
        good = remote.current()
        self.break_it(server, how)
        clock.now += 300
        assert remote.current() is good
        assert remote.renewed() is good

    def test_it_is_no_longer_trusted_after_a_bounded_time(
        self, remote: KeySet, server: KeyServer, clock: Clock
    ) -> None:
        remote.current()
        server.status = 500
        clock.now += 86_400
        assert kids(remote.current()) == ["old"]
        clock.now += 31
        unavailable(remote.current)
        unavailable(remote.renewed)
        server.status = 200
        clock.now += 5
        assert kids(remote.current()) == ["old"]

    def test_it_has_a_bound_of_its_own(self, server: KeyServer, clock: Clock) -> None:
        remote = RemoteKeySet("identity", server.url, clock=clock, stale_seconds=400)
        remote.current()
        server.status = 500
        clock.now += 401
        unavailable(remote.current)

    def test_it_does_not_ask_a_broken_issuer_on_every_request(
        self, remote: KeySet, server: KeyServer, clock: Clock
    ) -> None:
        server.status = 500
        for _ in range(10):
            unavailable(remote.current)
        assert server.requests == 1
        clock.now += 5
        server.status = 200
        remote.current()
        server.status = 500
        clock.now += 300
        for _ in range(10):
            remote.current()
            remote.renewed()
        assert server.requests == 3
        clock.now += 29
        remote.current()
        assert server.requests == 3

    def test_it_is_asked_once_by_many_threads(self, remote: KeySet, server: KeyServer) -> None:
        be_impatient()
        server.open.clear()
        started = time.monotonic()
        answers = together(16, remote.current)
        assert all(isinstance(answer, Problem) for answer in answers)
        assert server.requests == 1
        assert time.monotonic() - started < 10

    def test_it_bounds_a_body_that_trickles(self, server: KeyServer, clock: Clock) -> None:
        be_impatient()
        listener = socket.create_server(("127.0.0.1", 0))
        stop = threading.Event()

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        remote = RemoteKeySet("identity", f"http://127.0.0.1:{listener.getsockname()[1]}/keys", clock=clock)
        unavailable(remote.current)
        fetching = [each for each in threading.enumerate() if each.name == "keys-identity"]
        for each in fetching:
            each.join(2)
        assert not any(each.is_alive() for each in fetching)
        stop.set()
        thread.join()
        listener.close()

    def test_it_is_unavailable_when_nobody_listens(self, clock: Clock) -> None:
        with KeyServer() as server:
            url = server.url
        unavailable(RemoteKeySet("identity", url, clock=clock).current)
