"""observability/compose.yaml against the specification's own schema, and against what the other files say.

There is no Docker daemon where these tests run, so that its containers start is not shown here.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from observability.check import faults_of
from observability.stack import PORTS, SERVERS
from tests.test_house import ROOT

FOLDER = ROOT / "observability"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
PARTS: dict[str, Any] = COMPOSE["services"]


class TestTheFile:
    def test_it_follows_the_schema(self) -> None:
        assert faults_of("compose.yaml", (FOLDER / "compose.yaml").read_text(encoding="utf-8")) == []

    def test_it_runs_what_runs_without_docker_and_grafana(self) -> None:
        assert set(PARTS) == {*SERVERS, "webhook", "grafana"}

    @pytest.mark.parametrize("name", PARTS)
    def test_what_it_mounts_is_there(self, name: str) -> None:
        for volume in PARTS[name].get("volumes", []):
            source, target, *mode = volume.split(":")
            if source in COMPOSE["volumes"]:
                continue
            assert mode == ["ro"], volume
            # That one `make observe` writes.
            assert (FOLDER / source).exists() or source == "../.careway/observe/rules", volume
            assert target.startswith("/")

    @pytest.mark.parametrize("name", PARTS)
    def test_what_it_is_told_to_read_is_mounted(self, name: str) -> None:
        targets = {volume.split(":")[1] for volume in PARTS[name].get("volumes", [])}
        named = [word.partition("=")[2] for word in PARTS[name].get("command", []) if "config" in word and "=/" in word]
        assert set(named) <= targets

    def test_rules_are_mounted_where_prometheus_looks(self) -> None:
        prometheus = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))
        folders = {f"/etc/prometheus/{each.rpartition('/')[0]}" for each in prometheus["rule_files"]}
        assert folders <= {volume.split(":")[1] for volume in PARTS["prometheus"]["volumes"]}

    def test_prometheus_has_the_flags_that_it_has_elsewhere(self) -> None:
        needed = {each for each in SERVERS["prometheus"].arguments if "otlp" in each or "exemplar" in each}
        assert len(needed) == 2
        assert needed <= set(PARTS["prometheus"]["command"])


class TestTheNetwork:
    def test_all_are_in_that_of_the_collector(self) -> None:
        assert "network_mode" not in PARTS["collector"]
        assert {PARTS[name].get("network_mode") for name in PARTS if name != "collector"} == {"service:collector"}

    def test_they_are_restarted_with_it_since_its_network_is_theirs(self) -> None:
        needs = {name: part["depends_on"]["collector"] for name, part in PARTS.items() if name != "collector"}
        assert [name for name, how in needs.items() if not how["restart"]] == []

    def test_nothing_is_reached_from_another_machine_and_all_that_has_a_page_from_this_one(self) -> None:
        published = [port.rsplit(":", 2) for part in PARTS.values() for port in part.get("ports", [])]
        assert {host for host, _, _ in published} == {"127.0.0.1"}
        assert all(outer == inner for _, outer, inner in published)
        pages = {
            PORTS[each] for each in ("collector", "collector-health", "prometheus", "alertmanager", "loki", "jaeger")
        }
        assert {int(outer) for _, outer, _ in published} == {*pages, 3000}

    def test_grafana_finds_the_stores_where_they_listen(self) -> None:
        sources = yaml.safe_load((FOLDER / "grafana" / "datasources.yaml").read_text(encoding="utf-8"))["datasources"]
        assert {each["uid"]: each["url"] for each in sources} == {
            name: f"http://127.0.0.1:{PORTS[name]}" for name in ("prometheus", "loki", "jaeger")
        }


class TestWhatTheyMay:
    @pytest.mark.parametrize("name", PARTS)
    def test_each_has_a_read_only_root_and_no_rights(self, name: str) -> None:
        part = PARTS[name]
        assert part["read_only"] is True
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in part

    @pytest.mark.parametrize("name", PARTS)
    def test_its_tag_can_be_chosen(self, name: str) -> None:
        _, _, tag = PARTS[name]["image"].partition(":")
        assert tag.startswith(f"${{{'PYTHON' if name == 'webhook' else name.upper()}_TAG:-")
