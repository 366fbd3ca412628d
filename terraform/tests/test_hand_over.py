"""What is built is handed over: its outputs are values that the chart takes, and what is paid for is what is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from terraform.cost import HOURS, PRICES, counted, read
from terraform.values import write
from tests.chart.rendering import merged, render
from tests.ground.test_values import YOURS

from .conftest import ENVIRONMENTS, Built

GENOMICS = {"namespace": "analyses", "podLabels": {"app.kubernetes.io/name": "genomics"}}
ASKS = {
    "clinical": {
        "peer": {"url": "http://genomics.analyses.svc:8000"},
        "networkPolicy": {"egress": {"peer": [GENOMICS]}},
    }
}
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@each_environment
def test_the_chart_takes_the_values_of_each_service(here: Built, tmp_path: Path) -> None:
    outputs = {name: each["value"] for name, each in json.loads(here.ground.terraform("output", "-json")).items()}
    written = write(outputs, tmp_path)
    assert [file.stem for file in written] == ["clinical", "genomics"]
    for file in written:
        known = yaml.safe_load(file.read_text(encoding="utf-8"))
        objects = render(merged(merged(known, YOURS), ASKS.get(file.stem, {})))
        (brought,) = [each for each in objects if each["kind"] == "ExternalSecret"]
        asked = {each["remoteRef"]["key"] for each in brought["spec"]["data"]}
        there = {each["Name"] for each in here.inventory.secrets.values() if f"/{file.stem}/" in each["Name"]}
        assert asked == there
        (store,) = [each for each in objects if each["kind"] == "SecretStore"]
        assert store["spec"]["provider"]["aws"]["role"].rpartition("/")[2] in here.inventory.roles


@each_environment
def test_what_is_counted_is_what_is_there(here: Built) -> None:
    plan = here.ground.work / "cost.tfplan"
    here.ground.terraform("plan", "-input=false", "-no-color", f"-out={plan}")
    counts = counted(json.loads(here.ground.terraform("show", "-json", str(plan))))
    found, managed = here.inventory, sum("MasterUserSecret" in each for each in here.inventory.databases)
    gateways = found.of_our_vpcs("describe_nat_gateways", "NatGateways")
    assert counts["nat gateway hour"] == HOURS * sum(each["State"] == "available" for each in gateways)
    assert counts["eks cluster hour"] == HOURS * len(found.clusters)
    assert counts["kms key month"] == len(found.keys)
    own = [each for each in found.secrets.values() if not each["Name"].startswith("rds!")]
    assert counts["secret month"] == len(own) + managed
    databases = sum(units for name, units in counts.items() if name.startswith("rds db.") and name.endswith(" hour"))
    assert databases == HOURS * len(found.databases)
    # A price that is not filled in is null, and has a name.
    assert counts.keys() <= read(PRICES)[1].keys()
