"""terraform/argocd/: what Argo CD is told, held to its documentation, to the chart and to each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.kubernetes import VERSIONS, faults
from tests.chart.releases import DIGEST, SERVICES, SWITCHED_ON, production
from tests.chart.rendering import CHART, Objects, Refused, merged, render

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "terraform" / "argocd"
DOCUMENTS: list[dict[str, Any]] = [
    document
    for file in sorted(FOLDER.glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
# What a copy of the house has not named there yet is skipped: its chart serves Careway's services until it has its own.
NAMED = [service for service in SERVICES if (FOLDER / f"{service}.yaml").exists()]
EACH = pytest.mark.parametrize("service", NAMED)
ARGO = "argoproj.io/v1alpha1"
ADDRESS = re.compile(r"oci://REGISTRY_ACCOUNT\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/charts/careway")
# The fields that are used, as https://argo-cd.readthedocs.io/en/release-3.4/ and https://external-secrets.io/latest/ name
# them: a field that is misspelt is dropped by the API server without a word.
FIELDS = {
    "Application": {"project", "source", "destination", "syncPolicy"},
    "Application.source": {"repoURL", "targetRevision", "path", "helm"},
    "Application.source.helm": {"releaseName", "valuesObject"},
    "Application.destination": {"server", "namespace"},
    "Application.syncPolicy": {"automated", "syncOptions"},
    "Application.syncPolicy.automated": {"prune", "selfHeal", "allowEmpty"},
    "AppProject": {
        *(
            "description",
            "sourceRepos",
            "destinations",
            "clusterResourceWhitelist",
            "namespaceResourceWhitelist",
            "roles",
        ),
    },
    "ECRAuthorizationToken": {"region", "role"},
    "ExternalSecret": {"refreshInterval", "dataFrom", "target"},
    "ExternalSecret.target": {"template"},
    "ExternalSecret.target.template": {"metadata", "data"},
}


def only(kind: str, name: str = "") -> dict[str, Any]:
    found = [each for each in DOCUMENTS if each["kind"] == kind and name in {"", each["metadata"]["name"]}]
    assert len(found) == 1
    return found[0]


def values(service: str) -> dict[str, Any]:
    """Those of an Application, and the digest that the published chart has of itself."""
    given = only("Application", service)["spec"]["source"]["helm"]["valuesObject"]
    return merged(given, {"image": {"digest": DIGEST}})


def objects(service: str) -> Objects:
    spec = only("Application", service)["spec"]
    return render(
        values(service), release=spec["source"]["helm"]["releaseName"], namespace=spec["destination"]["namespace"]
    )


def kinds(made: Objects) -> set[tuple[str, str]]:
    return {(each["apiVersion"].rpartition("/")[0], each["kind"]) for each in made}


def allowed(service: str) -> set[tuple[str, str]]:
    return {(each["group"], each["kind"]) for each in only("AppProject", service)["spec"]["namespaceResourceWhitelist"]}


class TestTheFiles:
    def test_there_is_a_project_and_an_application_of_every_service_and_no_other(self) -> None:
        for kind in ("Application", "AppProject"):
            assert {each["metadata"]["name"] for each in DOCUMENTS if each["kind"] == kind} == set(NAMED)

    def test_they_are_of_kinds_and_versions_that_there_are(self) -> None:
        assert {(each["apiVersion"], each["kind"]) for each in DOCUMENTS} == {
            (ARGO, "Application"),
            (ARGO, "AppProject"),
            ("generators.external-secrets.io/v1alpha1", "ECRAuthorizationToken"),
            ("external-secrets.io/v1", "ExternalSecret"),
        }
        assert {each["metadata"]["namespace"] for each in DOCUMENTS} == {"argocd"}

    @pytest.mark.parametrize("place", FIELDS)
    def test_every_field_is_one_that_is_documented(self, place: str) -> None:
        kind, *path = place.split(".")
        for document in [each for each in DOCUMENTS if each["kind"] == kind]:
            part = document["spec"]
            for name in path:
                part = part[name]
            assert set(part) <= FIELDS[place]


@EACH
class TestAnApplication:
    def test_it_names_the_chart_by_digest(self, service: str) -> None:
        source = only("Application", service)["spec"]["source"]
        assert ADDRESS.fullmatch(source["repoURL"])
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", source["targetRevision"])
        # A chart as an artifact of OCI is unpacked, and lies at the top.
        assert source["path"] == "."

    def test_the_image_is_the_chart_s(self, service: str) -> None:
        """A second digest would be one that somebody forgets."""
        assert "image" not in only("Application", service)["spec"]["source"]["helm"]["valuesObject"]

    def test_its_values_are_those_of_the_chart_s_example(self, service: str) -> None:
        example = yaml.safe_load((CHART / "values" / f"production-eks-{service}.yaml").read_text(encoding="utf-8"))
        assert values(service) == merged(example, {"tests": {"asJob": True}}) | {"image": {"digest": DIGEST}}

    def test_the_chart_takes_them(self, service: str) -> None:
        made = objects(service)
        assert [fault for each in made for fault in faults(each, VERSIONS[-1])] == []

    def test_the_tests_are_jobs_and_no_hook_is_left(self, service: str) -> None:
        made = objects(service)
        assert [each for each in made if "helm.sh/hook" in each["metadata"].get("annotations", {})] == []
        assert sum(each["kind"] == "Job" for each in made) > 1

    def test_without_a_hook_being_a_job_nothing_would_be_tried(self, service: str) -> None:
        made = render(merged(values(service), {"tests": {"asJob": False}}))
        assert [each["kind"] for each in made if "helm.sh/hook" in each["metadata"].get("annotations", {})]

    def test_it_neither_makes_nor_takes_away_a_namespace(self, service: str) -> None:
        sync = only("Application", service)["spec"]["syncPolicy"]
        assert "CreateNamespace=false" in sync["syncOptions"]
        assert "Namespace" not in {each["kind"] for each in objects(service)}

    def test_it_prunes_last_and_never_everything(self, service: str) -> None:
        sync = only("Application", service)["spec"]["syncPolicy"]
        assert sync["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
        assert "PruneLast=true" in sync["syncOptions"]

    def test_deleting_it_leaves_the_release(self, service: str) -> None:
        assert "finalizers" not in only("Application", service)["metadata"]


@EACH
class TestAProject:
    def test_it_holds_the_application_of_its_name(self, service: str) -> None:
        project, application = only("AppProject", service)["spec"], only("Application", service)["spec"]
        assert application["project"] == service
        assert project["sourceRepos"] == [application["source"]["repoURL"]]
        assert project["destinations"] == [application["destination"]]

    def test_it_allows_nothing_of_the_cluster(self, service: str) -> None:
        assert only("AppProject", service)["spec"]["clusterResourceWhitelist"] == []

    def test_it_allows_what_the_chart_makes(self, service: str) -> None:
        assert kinds(objects(service)) <= allowed(service)

    def test_it_allows_all_that_can_be_switched_on_but_what_is_the_platform_s(self, service: str) -> None:
        made = kinds(render(merged(production(service), SWITCHED_ON, {"tests": {"asJob": True}})))
        assert made - allowed(service) == {("", "LimitRange"), ("", "ResourceQuota")}
        assert allowed(service) <= made

    def test_it_refuses_a_trial(self, service: str) -> None:
        made = kinds(render({"service": service, "database": {"trial": True}}))
        assert ("", "Secret") in made - allowed(service)

    def test_its_team_looks_and_syncs_and_changes_nothing(self, service: str) -> None:
        (role,) = only("AppProject", service)["spec"]["roles"]
        verbs = {tuple(part.strip() for part in policy.split(",")) for policy in role["policies"]}
        assert verbs == {
            ("p", f"proj:{service}:team", "applications", verb, f"{service}/*", "allow") for verb in ("get", "sync")
        }
        assert role["groups"] == [
            only("Application", service)["spec"]["source"]["helm"]["valuesObject"]["team"]["subjects"][0]["name"]
        ]


class TestTheLogin:
    def test_it_is_renewed_long_before_the_token_is_void(self) -> None:
        interval = re.fullmatch(r"(\d+)m", only("ExternalSecret")["spec"]["refreshInterval"])
        assert interval
        assert int(interval[1]) <= 12 * 60 / 4

    def test_it_is_made_by_the_generator_that_stands_beside_it(self) -> None:
        generator = only("ECRAuthorizationToken")
        (source,) = only("ExternalSecret")["spec"]["dataFrom"]
        named = {
            "apiVersion": generator["apiVersion"],
            "kind": generator["kind"],
            "name": generator["metadata"]["name"],
        }
        assert source == {"sourceRef": {"generatorRef": named}}

    def test_it_is_for_the_address_of_every_application(self) -> None:
        template = only("ExternalSecret")["spec"]["target"]["template"]
        assert template["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
        assert template["data"]["type"] == "oci"
        addresses = {each["spec"]["source"]["repoURL"] for each in DOCUMENTS if each["kind"] == "Application"}
        assert addresses == {template["data"]["url"]}

    def test_it_holds_what_the_generator_gives_and_no_password_of_its_own(self) -> None:
        data = only("ExternalSecret")["spec"]["target"]["template"]["data"]
        assert (data["username"], data["password"]) == ("{{ .username }}", "{{ .password }}")


def test_a_misspelt_value_would_be_noticed() -> None:
    with pytest.raises(Refused):
        render(merged(values(NAMED[0]), {"test": {"asJob": True}}))
