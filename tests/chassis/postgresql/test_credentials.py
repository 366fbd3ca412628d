"""chassis/postgresql/credentials.py"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler

from chassis.postgresql import credentials
from chassis.postgresql.credentials import Credentials


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the kubelet lays out a volume: files are links through one link, which is exchanged."""
    exchange(tmp_path, "first", user="a", password="1")
    for name in ("user", "password"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    return tmp_path


def exchange(folder: Path, version: str, **files: str) -> None:
    (folder / version).mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / version / name).write_text(content + "\n")
    (folder / "..new").symlink_to(version)
    (folder / "..new").rename(folder / "..data")


def of(folder: Path) -> Credentials:
    return Credentials({"user": folder / "user", "password": folder / "password"})


class TestCurrent:
    def test_it_is_what_the_files_hold_now(self, folder: Path) -> None:
        found = of(folder)
        assert found.current() == {"user": "a", "password": "1"}
        exchange(folder, "second", user="b", password="2")
        assert found.current() == {"user": "b", "password": "2"}

    def test_one_file_alone_is_enough(self, folder: Path) -> None:
        assert Credentials({"password": folder / "password"}).current() == {"password": "1"}

    def test_without_files_it_is_nothing(self) -> None:
        assert Credentials({}).current() == {}

    def test_an_exchange_between_two_files_is_noticed(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        exchange(folder, "second", user="b", password="2")
        exchange(folder, "first")
        read = readings(folder)
        monkeypatch.setattr(credentials, "_content", lambda path: next(read)(path))
        assert of(folder).current() == {"user": "b", "password": "2"}


READ = credentials._content


def readings(folder: Path) -> Iterator[Callable[[Path], str]]:
    """After the very first file the volume is exchanged."""
    yield READ
    exchange(folder, "second")
    while True:
        yield READ


class TestTrouble:
    def test_the_last_good_pair_is_used_on_and_one_line_says_so(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        found = of(folder)
        found.current()
        os.unlink(folder / "password")
        assert [found.current() for _ in range(3)] == [{"user": "a", "password": "1"}] * 3
        (line,) = caplog.records
        assert (line.levelname, line.error) == ("ERROR", "FileNotFoundError")  # type: ignore[attr-defined]  # by `extra`
        (folder / "password").write_text("3")
        assert found.current() == {"user": "a", "password": "3"}
        os.unlink(folder / "password")
        found.current()
        assert len(caplog.records) == 2

    @pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
    def test_an_empty_file_and_what_is_not_text_are_trouble_too(self, folder: Path, content: bytes) -> None:
        found = of(folder)
        found.current()
        (folder / "password").write_bytes(content)
        assert found.current() == {"user": "a", "password": "1"}

    def test_with_no_pair_at_all_there_is_no_connection(self, tmp_path: Path) -> None:
        with pytest.raises(psycopg.OperationalError, match="credentials cannot be read"):
            of(tmp_path).current()


class TestAConnection:
    def settings(self, folder: Path) -> ConnectionHandler:
        settings = {**connections["default"].settings_dict, "CREDENTIALS": of(folder), "HOST": "127.0.0.1"}
        return ConnectionHandler({"default": settings})

    def test_it_is_made_with_what_the_files_hold(self, folder: Path) -> None:
        connection = self.settings(folder)["default"]
        found = connection.get_connection_params()
        assert (found["user"], found["password"]) == ("a", "1")
        exchange(folder, "second", user="b", password="2")
        found = connection.get_connection_params()
        assert (found["user"], found["password"]) == ("b", "2")

    def test_without_readable_files_it_fails_as_if_there_were_no_database(self, db: None, tmp_path: Path) -> None:
        with pytest.raises(OperationalError):
            self.settings(tmp_path)["default"].ensure_connection()
