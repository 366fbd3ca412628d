"""The hand-over: what the ground tells is what the chart takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from terraform.values import STORE, release, write
from tests.chart.rendering import merged, render

PLATFORM: dict[str, Any] = {
    "name": "careway-dev",
    "environment": "dev",
    "region": "eu-central-1",
    "chart_repository": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/charts/careway",
    "oidc_issuer_url": "https://oidc.eks.eu-central-1.amazonaws.com/id/MADEUP",
    "public_cidrs": ["10.16.0.0/24", "10.16.1.0/24"],
    "isolated_cidrs": ["10.16.8.0/24", "10.16.9.0/24"],
    "load_balancer_security_group_id": "sg-00000000000000001",
}


def service(name: str, via: str = "pod-identity") -> dict[str, Any]:
    return {
        "namespace": f"{name}-team",
        "team_group": f"{name}-engineers",
        "database": {"host": f"{name}.example.rds.amazonaws.com", "port": 5433, "name": f"careway_{name}"},
        "secrets": {
            "secret_key": f"careway-dev/{name}/service",
            "database": f"careway-dev/{name}/database",
            "via": via,
            "reader_role_arn": f"arn:aws:iam::111122223333:role/{name}-secrets-reader",
        },
    }


# What no ground knows.
YOURS: dict[str, Any] = {
    "image": {"digest": f"sha256:{'0' * 64}"},
    "issuers": [
        {
            "name": "people",
            "issuer": "https://identity.example/realm",
            "audiences": ["careway"],
            "jwks_url": "https://identity.example/realm/keys",
            "organization": "st-elsewhere",
        }
    ],
    "networkPolicy": {"egress": {"issuers": [{"cidr": "192.0.2.0/24"}]}},
    "ingress": {"enabled": True, "hosts": ["genomics.example.org"]},
}


def rendered(via: str) -> list[dict[str, Any]]:
    return render(merged(release("genomics", service("genomics", via), PLATFORM), YOURS))


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


@pytest.mark.parametrize("via", ["pod-identity", "irsa"])
class TestRelease:
    def test_the_secrets_are_its_own(self, via: str) -> None:
        brought = only(rendered(via), "ExternalSecret")["spec"]["data"]
        keys = {each["secretKey"]: each["remoteRef"]["key"] for each in brought}
        assert keys == {
            "secret-key": "careway-dev/genomics/service",
            "username": "careway-dev/genomics/database",
            "password": "careway-dev/genomics/database",
        }

    def test_the_store_has_its_own_role(self, via: str) -> None:
        objects = rendered(via)
        store = only(objects, "SecretStore")
        assert only(objects, "ExternalSecret")["spec"]["secretStoreRef"]["name"] == store["metadata"]["name"]
        own = "arn:aws:iam::111122223333:role/genomics-secrets-reader"
        if via == "pod-identity":
            assert store["metadata"]["name"] == STORE
            assert store["spec"]["provider"]["aws"]["role"] == own
        else:
            account = store["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"]["name"]
            accounts = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ServiceAccount"}
            assert accounts[account]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == own

    def test_nothing_but_the_database_and_what_is_yours_may_be_asked(self, via: str) -> None:
        policies = [each["spec"] for each in rendered(via) if each["kind"] == "NetworkPolicy"]
        blocks = [
            to["ipBlock"]["cidr"]
            for each in policies
            for rule in each.get("egress", [])
            for to in rule["to"]
            if "ipBlock" in to
        ]
        assert set(blocks) == {*PLATFORM["isolated_cidrs"], "192.0.2.0/24"}

    def test_the_load_balancer_alone_may_ask(self, via: str) -> None:
        policies = [each["spec"] for each in rendered(via) if each["kind"] == "NetworkPolicy"]
        blocks = {
            at["ipBlock"]["cidr"]
            for each in policies
            for rule in each.get("ingress", [])
            for at in rule["from"]
            if "ipBlock" in at
        }
        assert blocks == set(PLATFORM["public_cidrs"])

    def test_the_load_balancer_has_the_ground_s_security_group(self, via: str) -> None:
        annotations = only(rendered(via), "Ingress")["metadata"]["annotations"]
        assert annotations["alb.ingress.kubernetes.io/security-groups"] == "sg-00000000000000001"

    def test_the_team_may_look(self, via: str) -> None:
        bindings = [each for each in rendered(via) if each["kind"] == "RoleBinding"]
        subjects = [subject for each in bindings for subject in each["subjects"]]
        assert {"kind": "Group", "name": "genomics-engineers", "apiGroup": "rbac.authorization.k8s.io"} in subjects


class TestFiles:
    def test_there_is_one_for_each_service_with_its_name_and_port(self, tmp_path: Path) -> None:
        outputs = {"services": {"genomics": service("genomics"), "clinical": service("clinical")}, "platform": PLATFORM}
        written = write(outputs, tmp_path / "dev")
        assert [file.name for file in written] == ["clinical.yaml", "genomics.yaml"]
        database = yaml.safe_load(written[1].read_text(encoding="utf-8"))["database"]
        assert (database["host"], database["port"]) == ("genomics.example.rds.amazonaws.com", 5433)

    def test_it_says_where_the_chart_is_and_who_the_cluster_s_issuer_is(self, tmp_path: Path) -> None:
        (file,) = write({"services": {"genomics": service("genomics")}, "platform": PLATFORM}, tmp_path)
        text = file.read_text(encoding="utf-8")
        assert f"oci://{PLATFORM['chart_repository']}@sha256:" in text
        assert PLATFORM["oidc_issuer_url"] in text

    @pytest.mark.parametrize("missing", ["services", "platform"])
    def test_an_environment_that_was_not_applied_is_told_so(self, tmp_path: Path, missing: str) -> None:
        outputs = {"services": {}, "platform": PLATFORM}
        del outputs[missing]
        with pytest.raises(SystemExit, match=f"There is no output {missing}: apply this environment first."):
            write(outputs, tmp_path)
