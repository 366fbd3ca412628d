"""chassis/archive.py; what a run makes of it is in tests/server/test_export_history.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from chassis.archive import Mark, Unfit, last_mark, settled, sources
from chassis.models import Record

EVENT = b'{"service":"x","record":{"note":"{\\"mark\\": "}}\n'


def read(path: Path, content: bytes) -> tuple[Mark, int]:
    path.write_bytes(content)
    with path.open("rb") as file:
        return last_mark(file)


class TestSources:
    def test_they_are_the_histories_of_every_record(self) -> None:
        records = {
            (service, model._meta.model_name)
            for service in settings.SERVICES
            for model in apps.get_app_config(service).get_models()
            if issubclass(model, Record)
        }
        assert {(each.service, each.resource) for each in sources()} == records
        assert records


class TestTheLastMark:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "archive"

    def test_an_empty_file_has_none(self, file: Path) -> None:
        assert read(file, b"") == (Mark(), 0)

    def test_it_is_the_last_of_several(self, file: Path) -> None:
        first, second = Mark(), Mark({"t": 7}, "abc")
        content = first.line() + EVENT + second.line()
        assert read(file, content) == (second, len(content))

    @pytest.mark.parametrize("cut", [1, 5, 30])
    def test_one_that_was_cut_off_does_not_count(self, file: Path, cut: int) -> None:
        content = Mark().line() + EVENT + Mark({"t": 7}, "abc").line()
        later = EVENT + Mark({"t": 8}, "def").line()
        assert read(file, content + later[:-cut]) == (Mark({"t": 7}, "abc"), len(content))

    @pytest.mark.parametrize("length", range(1, 20))
    def test_a_file_that_was_killed_at_its_first_line_begins_anew(self, file: Path, length: int) -> None:
        assert read(file, Mark().line()[:length]) == (Mark(), 0)

    def test_what_follows_it_is_not_within(self, file: Path) -> None:
        content = Mark({"t": 7}, "abc").line()
        assert read(file, content + EVENT + EVENT[:9]) == (Mark({"t": 7}, "abc"), len(content))

    @pytest.mark.parametrize("content", [b"hello\n", b"{}", EVENT, b"\x00"])
    def test_another_file_is_refused(self, file: Path, content: bytes) -> None:
        with pytest.raises(Unfit):
            read(file, content)


class TestMark:
    def test_its_digest_hangs_on_all_before(self) -> None:
        one = Mark().after("t", 1, b"a\n")
        assert one.tables == {"t": 1}
        assert one.after("t", 2, b"b\n").sha256 != Mark().after("t", 2, b"b\n").sha256

    def test_it_is_one_line_of_json(self) -> None:
        line = Mark({"t": 1}, "abc").line()
        assert json.loads(line) == {"mark": {"tables": {"t": 1}, "sha256": "abc"}}
        assert line.endswith(b"}\n")


class TestAReplica:
    def test_it_is_refused_since_it_does_not_show_who_is_writing(self, db: None) -> None:
        """This PostgreSQL is none; a function that is found before its own says that it is."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA replica")
            cursor.execute("CREATE FUNCTION replica.pg_is_in_recovery() RETURNS boolean RETURN true")
            cursor.execute("SET LOCAL search_path = replica, pg_catalog, public")
        with pytest.raises(Unfit, match="replica"):
            settled(sources()[0], until=0)
