"""docker/compose.yaml against the specification's own schema, and against what the documents promise of it."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import settings

from observability.check import faults_of
from tests.test_house import ROOT

FILE = ROOT / "docker" / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
PARTS: dict[str, Any] = COMPOSE["services"]
SERVICES = settings.AVAILABLE_SERVICES
OURS = [name for name, part in PARTS.items() if part["image"].startswith("${CAREWAY_IMAGE")]


def faults(document: dict[str, Any]) -> list[str]:
    return [str(each) for each in faults_of("docker/compose.yaml", yaml.safe_dump(document))]


class TestTheSchema:
    def test_the_file_follows_it(self) -> None:
        assert faults(COMPOSE) == []

    @pytest.mark.parametrize(
        ("part", "member", "value"),
        [
            ("genomics", "read-only", True),
            ("genomics", "cap_drop", "ALL"),
            ("postgres", "healthcheck", "pg_isready"),
        ],
    )
    def test_it_refuses_a_word_or_a_value_that_compose_does_not_know(self, part: str, member: str, value: Any) -> None:
        wrong = copy.deepcopy(COMPOSE)
        wrong["services"][part][member] = value
        assert faults(wrong) != []


class TestTheServices:
    def test_each_is_there_with_its_migrations_and_of_one_image(self) -> None:
        assert set(OURS) == {*SERVICES, *(f"{service}-migrations" for service in SERVICES)}
        assert set(PARTS) - set(OURS) == {"postgres"}
        assert len({PARTS[name]["image"] for name in OURS}) == 1
        assert {name: PARTS[name]["environment"]["CAREWAY_SERVICES"] for name in SERVICES} == {
            each: each for each in SERVICES
        }

    @pytest.mark.parametrize("service", SERVICES)
    def test_it_waits_for_its_migrations_and_these_for_the_database(self, service: str) -> None:
        migrations = PARTS[f"{service}-migrations"]
        assert PARTS[service]["depends_on"] == {
            f"{service}-migrations": {"condition": "service_completed_successfully"}
        }
        assert migrations["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        assert (migrations["command"], migrations.get("restart", "no")) == (["migrate"], "no")
        assert migrations["environment"] == PARTS[service]["environment"]

    @pytest.mark.parametrize("service", SERVICES)
    def test_it_has_a_database_and_a_role_of_its_own(self, service: str) -> None:
        url = urlsplit(PARTS[service]["environment"]["DATABASE_URL"])
        own = f"careway_{service}"
        assert (url.hostname, url.username, url.path) == ("postgres", own, f"/{own}")
        roles = (FILE.parent / "databases.sql").read_text(encoding="utf-8")
        assert f"CREATE ROLE {own} LOGIN PASSWORD '{url.password}';" in roles

    def test_one_finds_the_other_and_both_trust_one_key(self) -> None:
        address = urlsplit(PARTS["clinical"]["environment"]["CAREWAY_GENOMICS_URL"])
        assert address.hostname in PARTS["genomics"]["environment"]["CAREWAY_ALLOWED_HOSTS"].split(",")
        assert f":{address.port}" in PARTS["genomics"]["command"][-1]
        assert {tuple(PARTS[name]["volumes"]) for name in OURS} == {("development:/srv/careway/.careway",)}


class TestWhatTheyMay:
    @pytest.mark.parametrize("name", PARTS)
    def test_each_has_a_read_only_root_and_no_rights(self, name: str) -> None:
        part = PARTS[name]
        assert part["read_only"] is True
        assert "/tmp" in part["tmpfs"]
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in part
        assert "cap_add" not in part

    def test_nothing_is_reached_from_another_machine(self) -> None:
        ports = [port for part in PARTS.values() for port in part.get("ports", [])]
        assert len(ports) == len(SERVICES)
        assert all(str(port).startswith("127.0.0.1:") for port in ports)

    def test_the_database_is_reached_by_the_services_alone(self) -> None:
        assert COMPOSE["networks"]["database"]["internal"] is True
        assert PARTS["postgres"]["networks"] == ["database"]
        assert "ports" not in PARTS["postgres"]

    def test_what_runs_on_is_watched(self) -> None:
        for name in [*SERVICES, "postgres"]:
            assert PARTS[name]["healthcheck"]["test"][0] == "CMD", "the image promises no shell"
