"""chassis/environment.py"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chassis.environment import Environment


class TestText:
    def test_it_reads_the_variable_as_it_is(self) -> None:
        assert Environment({"A": " x "}).text("A") == " x "

    def test_it_falls_back_on_the_default_also_for_an_empty_variable(self) -> None:
        assert Environment({"A": ""}).text("A", default="x") == "x"

    def test_it_notes_a_required_variable_that_is_missing(self) -> None:
        env = Environment({})
        assert env.text("A") == ""
        assert env.faults == ["A: is required and not set"]

    def test_it_notes_a_word_that_is_no_choice_without_repeating_it(self) -> None:
        env = Environment({"A": "hunter2"})
        assert env.text("A", choices=["one", "two"]) == "one"
        assert env.faults == ["A: must be one of one, two"]


class TestWords:
    def test_it_splits_at_commas_and_drops_blanks(self) -> None:
        assert Environment({"A": " a, b ,,c "}).words("A", default=[]) == ["a", "b", "c"]

    def test_it_has_a_default(self) -> None:
        assert Environment({"A": ""}).words("A", default=["x"]) == ["x"]


class TestInteger:
    @pytest.mark.parametrize(("value", "number"), [("1", 1), ("64", 64), ("", 4)])
    def test_it_reads_numbers_within_the_bounds(self, value: str, number: int) -> None:
        env = Environment({"A": value})
        assert env.integer("A", default=4, minimum=1, maximum=64) == number
        assert env.faults == []

    @pytest.mark.parametrize("value", ["0", "65", "-1"])
    def test_it_notes_a_number_out_of_bounds_and_goes_on_with_the_default(self, value: str) -> None:
        env = Environment({"A": value})
        assert env.integer("A", default=4, minimum=1, maximum=64) == 4
        assert env.faults == ["A: must lie between 1 and 64"]

    @pytest.mark.parametrize("value", ["four", "1.5", "1e3", "0x10", "True"])
    def test_it_notes_what_is_no_whole_number(self, value: str) -> None:
        env = Environment({"A": value})
        assert env.integer("A", default=4, minimum=1, maximum=64) == 4
        assert env.faults == ["A: must be a whole number from 1 to 64"]


class TestFlag:
    @pytest.mark.parametrize(("value", "answer"), [("true", True), ("True", True), ("false", False), ("", True)])
    def test_it_reads_true_and_false(self, value: str, answer: bool) -> None:
        assert Environment({"A": value}).flag("A", default=True) is answer

    @pytest.mark.parametrize("value", ["yes", "1", "0", "on", " true"])
    def test_it_guesses_nothing(self, value: str) -> None:
        env = Environment({"A": value})
        assert env.flag("A", default=False) is False
        assert env.faults == ["A: must be true or false"]


class TestServiceUrl:
    @pytest.mark.parametrize(
        ("value", "read"),
        [
            ("http://genomics.analyses.svc.cluster.local:8000", "http://genomics.analyses.svc.cluster.local:8000"),
            ("https://genomics.example", "https://genomics.example"),
            ("https://genomics.example/", "https://genomics.example"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ],
    )
    def test_it_reads_where_a_service_answers(self, value: str, read: str) -> None:
        env = Environment({"U": value})
        assert env.service_url("U") == read
        assert env.faults == []

    @pytest.mark.parametrize(
        "value",
        [
            "genomics:8000",
            "genomics.example",
            "ftp://genomics.example",
            "https://",
            "https://:8000",
            "https://user:hunter2@genomics.example",
            "https://genomics.example/v1",
            "https://genomics.example//",
            "https://genomics.example?a=hunter2",
            "https://genomics.example?",
            "https://genomics.example#hunter2",
            "https://genomics..svc",
            "https://genomics.example:0",
            "https://genomics.example:65536",
            "https://genomics.example:port",
            "https://[::1",
            " https://genomics.example",
            "https://genomics .example",
            "https://genomics.example\n",
            "https://genomics\t.example",
        ],
    )
    def test_it_refuses_every_other_url_without_repeating_it(self, value: str) -> None:
        env = Environment({"U": value})
        env.service_url("U")
        assert env.faults == ["U: must be an http or https URL of a host, without user, path, query and fragment"]

    def test_it_is_required_unless_it_has_a_default(self) -> None:
        env = Environment({"U": ""})
        assert env.service_url("U", default="http://127.0.0.1:8000") == "http://127.0.0.1:8000"
        assert (env.service_url("U"), env.faults) == ("", ["U: is required and not set"])


class TestAbsolutePath:
    def test_it_reads_a_path_of_what_need_not_be_there(self) -> None:
        env = Environment({"P": "/var/run/secrets/careway/token"})
        assert env.absolute_path("P") == Path("/var/run/secrets/careway/token")
        assert env.faults == []

    @pytest.mark.parametrize("value", ["token", "./token", "~/token", "../token"])
    def test_it_refuses_a_path_that_depends_on_where_it_is_read(self, value: str) -> None:
        env = Environment({"P": value})
        env.absolute_path("P")
        assert env.faults == ["P: must be an absolute path"]

    def test_it_is_required_unless_it_has_a_default(self) -> None:
        env = Environment({})
        assert env.absolute_path("P", default=Path("/token")) == Path("/token")
        env.absolute_path("P")
        assert env.faults == ["P: is required and not set"]


class TestSecret:
    def test_it_reads_the_variable(self) -> None:
        assert Environment({"A": "s"}).secret("A") == "s"

    def test_it_reads_the_file_and_trims_its_last_line_feed(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("from file\n")
        assert Environment({"A_FILE": str(tmp_path / "secret")}).secret("A") == "from file"

    def test_it_is_none_when_neither_is_set(self) -> None:
        env = Environment({})
        assert env.secret("A") is None
        assert env.faults == []

    def test_it_notes_both_being_set(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("from file")
        env = Environment({"A": "s", "A_FILE": str(tmp_path / "secret")})
        env.secret("A")
        assert env.faults == ["A: is set twice, also as A_FILE; keep one"]

    def test_it_notes_a_file_that_is_missing(self, tmp_path: Path) -> None:
        env = Environment({"A_FILE": str(tmp_path / "nothing")})
        assert env.secret("A") is None
        assert env.faults == ["A_FILE: cannot be read (FileNotFoundError)"]

    def test_it_notes_a_folder_and_what_is_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        env = Environment({"A_FILE": str(tmp_path), "B_FILE": str(tmp_path / "binary")})
        assert (env.secret("A"), env.secret("B")) == (None, None)
        assert env.faults == [
            "A_FILE: cannot be read (IsADirectoryError)",
            "B_FILE: cannot be read (UnicodeDecodeError)",
        ]


class TestSecretFile:
    def test_it_is_the_path_of_what_can_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("hunter2\n")
        env = Environment({"A": str(tmp_path / "password")})
        assert (env.secret_file("A"), env.secret_file("B")) == (tmp_path / "password", None)
        assert env.faults == []

    def test_it_notes_what_cannot_be_read_what_is_empty_and_what_depends_on_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "empty").write_text(" \n")
        env = Environment({"A": str(tmp_path / "nothing"), "B": str(tmp_path / "empty"), "C": "password"})
        for name in "ABC":
            env.secret_file(name)
        assert env.faults == [
            "A: cannot be read (FileNotFoundError)",
            "B: names an empty file",
            "C: must be an absolute path",
        ]


class TestJson:
    def test_it_parses_the_variable_or_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "list.json").write_text('[{"a": 1}]\n')
        env = Environment({"A": "[1]", "B_FILE": str(tmp_path / "list.json")})
        assert (env.json("A"), env.json("B"), env.json("C")) == ([1], [{"a": 1}], None)
        assert env.faults == []

    def test_it_notes_bad_json(self) -> None:
        env = Environment({"A": "[1,"})
        assert env.json("A") is None
        assert env.faults[0].startswith("A: is not JSON (")


class TestDatabase:
    def test_it_reads_a_postgresql_url(self) -> None:
        found = Environment({"D": "postgresql://me:p%40ss@db.internal:6432/careway?sslmode=verify-full"}).database("D")
        assert found is not None
        assert found["ENGINE"] == "django.db.backends.postgresql"
        assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("me", "p@ss", "db.internal", 6432)
        assert found["NAME"] == "careway"
        assert found["OPTIONS"] == {"sslmode": "verify-full"}

    @pytest.mark.parametrize("option", ["hunter2=1", "pool=1", "CONN_MAX_AGE=60"])
    def test_it_notes_an_option_that_libpq_does_not_know_without_repeating_it(self, option: str) -> None:
        env = Environment({"D": f"postgresql://me@db.internal/careway?{option}"})
        env.database("D")
        assert env.faults == ["D: has an option after its `?` that libpq does not know"]

    def test_it_reads_the_socket_folder_of_a_local_server(self) -> None:
        found = Environment({"D": "postgresql://postgres@/careway?host=%2Ftmp%2Fpg"}).database("D")
        assert found is not None
        assert found["OPTIONS"] == {"host": "/tmp/pg"}

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://u:p@h/d",
            "sqlite:///careway.db",
            "postgresql://u:p@h",
            "postgresql://u:p@h/",
            "careway",
            "https://u:p@h/d",
            "postgresql://u:p@h:port/d",
        ],
    )
    def test_it_refuses_every_other_url_without_repeating_the_password(self, url: str) -> None:
        env = Environment({"D": url})
        assert env.database("D") is None
        assert env.faults == [
            "D: must look like postgresql://user:password@host:5432/database (PostgreSQL is the only database)"
        ]

    def test_it_is_none_when_not_set(self) -> None:
        env = Environment({})
        assert env.database("D") is None
        assert env.faults == []


class TestFinish:
    def test_it_is_silent_without_faults(self) -> None:
        Environment({}).finish()

    def test_it_lists_every_fault_at_once(self) -> None:
        env = Environment({"B": "x"})
        env.text("A")
        env.flag("B", default=True)
        with pytest.raises(ImproperlyConfigured) as refused:
            env.finish()
        assert "  - A: is required and not set\n  - B: must be true or false\n" in str(refused.value)
        assert "docs/operating.md" in str(refused.value)
