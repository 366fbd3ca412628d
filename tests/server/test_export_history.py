"""`manage.py export_history`: every event once, whoever was killed and whichever transaction came late."""

from __future__ import annotations

import fcntl
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from tests.collector import eventually
from tests.servers import ROOT, Server, product_environment
from tests.worlds import world_of

LATER = 75
MARK = '{"mark": '
WORLD = world_of(settings.SERVICES[0])
EVENTS = f"{WORLD.table}event"

Export = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def export(server_database: str) -> Export:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "export_history", *map(str, arguments)],
            cwd=ROOT, env=environment(server_database), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def session(server_database: str, server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server_database, autocommit=True) as connection:
        yield connection


def environment(database: str) -> dict[str, str]:
    return product_environment(DATABASE_URL=database, CAREWAY_LOG_LEVEL="INFO")


_numbers = iter(range(700_000, 800_000))


def record(server: Server) -> str:
    """One more record, and with it one event; answers its id."""
    made = server.api.post(*WORLD.plain(next(_numbers)))
    assert made.status == 201, made.content
    return str(made.json["id"])


def many(session: psycopg.Connection[Any], like: str, count: int) -> None:
    """Records, and their events, that an API would need minutes for."""
    unique = [WORLD.plain(next(_numbers))[1][WORLD.unique] for _ in range(count)]
    session.execute(
        f"INSERT INTO {WORLD.table} SELECT (jsonb_populate_record(r, jsonb_build_object("
        f"'id', uuidv7(), '{WORLD.unique}', name))).*"
        f" FROM {WORLD.table} r, unnest(%s::text[]) AS name WHERE id = %s",
        [unique, like],
    )


def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    (line,) = [line for line in map(json.loads, done.stdout.splitlines()) if "logger" not in line]
    return dict(line)


def events(*files: Path) -> list[dict[str, Any]]:
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines if not line.startswith(MARK)]


def numbers(*files: Path) -> list[int]:
    """Of the events of the one table, as they stand in the files."""
    resource = WORLD.table.partition("_")[2]
    return [each["event"] for each in events(*files) if each["resource"] == resource]


def stored(session: psycopg.Connection[Any]) -> list[int]:
    return [number for (number,) in session.execute(f"SELECT pgh_id FROM {EVENTS} ORDER BY 1").fetchall()]


def digests_agree(*files: Path) -> bool:
    """Whether each mark has the digest of all before it, as docs/operating.md says how to work it out."""
    digest, since = "", b""
    for line in [line for file in files for line in file.read_bytes().splitlines(keepends=True)]:
        if not line.startswith(MARK.encode()):
            since += line
            continue
        if since:
            digest, since = hashlib.sha256(digest.encode() + since).hexdigest(), b""
        if json.loads(line)["mark"]["sha256"] != digest:
            return False
    return True


def test_it_holds_what_history_shows_and_who_made_it(
    server: Server, session: psycopg.Connection[Any], export: Export, tmp_path: Path
) -> None:
    identifier, archive = record(server), tmp_path / "archive.ndjson"
    done = export(archive)
    assert (done.returncode, done.stderr) == (0, "")
    assert archive.stat().st_mode & 0o777 == 0o600
    assert numbers(archive) == stored(session)
    (event,) = [each for each in events(archive) if each["id"] == identifier]
    assert list(event) == [
        "service", "resource", "id", "event", "label", "at", "actor", "organization", "request_id", "trace_id", "record",
    ]  # fmt: skip
    shown = server.api.get(f"{WORLD.plain(0)[0]}/{identifier}/history").json["results"][0]
    assert event["actor"] == shown["actor"]
    assert (event["service"], event["label"], event["organization"]) == (server.service, "created", "st-elsewhere")
    assert event["record"]["id"] == identifier
    assert event["request_id"]
    # What was taken away is on record, and nothing of it is in the log.
    (access,) = [line for line in map(json.loads, done.stdout.splitlines()) if "logger" in line]
    assert (access["logger"], access["subject"], access["action"]) == (
        "careway.access",
        "service:export_history",
        "export",
    )
    assert identifier not in done.stdout

    whole = archive.read_bytes()
    again = export(archive)
    assert (again.returncode, said(again)) == (0, {"events": 0, "left": []})
    assert archive.read_bytes() == whole


def test_a_killed_run_is_resumed_without_loss_and_without_doubles(
    server: Server, session: psycopg.Connection[Any], export: Export, server_database: str, tmp_path: Path
) -> None:
    many(session, record(server), 30_000)
    archive = tmp_path / "archive.ndjson"
    for kill in range(2):
        run = subprocess.Popen(
            [sys.executable, "manage.py", "export_history", str(archive)],
            cwd=ROOT, env=environment(server_database), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        enough = 1_000_000 * (kill + 1)
        assert eventually(lambda: archive.exists() and archive.stat().st_size > enough, seconds=60)  # noqa: B023
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL, f"run {kill} was done too soon"
        with archive.open("ab") as file:  # as a disk that was half through would leave it
            file.write(b'{"service": "half a l' if kill else b'{"mark": {"tables": {"')
    assert export(archive).returncode == 0
    assert numbers(archive) == stored(session)
    assert len(numbers(archive)) > 30_000
    assert digests_agree(archive)


def test_what_commits_late_is_not_missed(
    server: Server, session: psycopg.Connection[Any], export: Export, server_database: str, tmp_path: Path
) -> None:
    """Its event has the lower number, and appears after the higher one."""
    first, archive = record(server), tmp_path / "archive.ndjson"
    with psycopg.connect(server_database) as late:
        many(late, first, 1)
        soon = record(server)
        early = export(archive, "--seconds", "2")
        assert (early.returncode, said(early)["left"]) == (LATER, [EVENTS])
        assert soon not in [each["id"] for each in events(archive)]
        late.commit()
    assert export(archive).returncode == 0
    assert numbers(archive) == stored(session)


def test_it_waits_for_those_that_write_and_for_nobody_else(
    server: Server, export: Export, server_database: str, tmp_path: Path
) -> None:
    with psycopg.connect(server_database) as reader:
        reader.execute(f"SELECT count(*) FROM {EVENTS}".encode())
        # Had it waited for the reader, who outlasts it, events would be left.
        assert export(tmp_path / "archive.ndjson").returncode == 0


def test_a_new_file_goes_on_from_the_old_one(
    server: Server, session: psycopg.Connection[Any], export: Export, tmp_path: Path
) -> None:
    monday, tuesday = tmp_path / "monday.ndjson", tmp_path / "tuesday.ndjson"
    assert export(monday).returncode == 0
    identifier = record(server)
    assert said(export(tuesday, "--after", monday)) == {"events": 1, "left": []}
    assert [each["id"] for each in events(tuesday)] == [identifier]
    assert numbers(monday, tuesday) == stored(session)
    assert digests_agree(monday, tuesday)
    # Whoever takes a line out is found out.
    lines = monday.read_bytes().splitlines(keepends=True)
    monday.write_bytes(b"".join(line for line in lines if line is not lines[1]))
    assert not digests_agree(monday, tuesday)


def test_of_two_at_once_the_second_ends_at_once(export: Export, tmp_path: Path) -> None:
    archive = tmp_path / "archive.ndjson"
    with archive.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = export(archive)
    assert (done.returncode, done.stdout) == (LATER, "")
    assert "Another run is writing to this file." in done.stderr
    assert archive.read_bytes() == b""


def test_a_file_that_is_no_archive_stays_as_it_is(export: Export, tmp_path: Path) -> None:
    other = tmp_path / "thesis.txt"
    other.write_text("Chapter 1")
    done = export(other)
    assert (done.returncode, other.read_text()) == (1, "Chapter 1")
    assert "cannot be continued" in done.stderr


def test_an_archive_of_a_later_history_is_not_continued(server: Server, export: Export, tmp_path: Path) -> None:
    """After a restore from a backup the same numbers name other events."""
    archive = tmp_path / "archive.ndjson"
    archive.write_text(json.dumps({"mark": {"tables": {EVENTS: 10**9}, "sha256": ""}}) + "\n")
    done = export(archive)
    assert done.returncode == 1
    assert f"{EVENTS} ends before what was exported" in done.stderr
