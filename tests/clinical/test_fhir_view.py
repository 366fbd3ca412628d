"""GET /consultations/{id}/fhir over the API: every state, names in any script, merges, links, caching, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from clinical import choices, fhir, genomics_client
from tests.api import Api
from tests.clinical.peers import Peer, reply

from . import factories
from .fhir_rules import Json, all_of, code_of, judged, one_of

SNAPSHOT: Json = {
    "status": "ready",
    "assay": "wes",
    "panel_code": None,
    "genome_build": "GRCh38",
    "pipeline_name": "sarek",
    "pipeline_version": "3.5.1",
    "version": 3,
    "ingested_at": "2026-11-18T10:05:00.123456Z",
}


def shown(api: Api, consultation: Json) -> Json:
    answer = api.get(f"consultations/{consultation['id']}/fhir")
    assert answer.status == 200, answer.content
    return judged(answer.json)


# Ours, and what R4 says: the status, the R5 word beside it, and where the reason of the transition stands.
STATES = [
    ("planned", "planned", None, None),
    ("in-progress", "in-progress", None, fhir.STATUS_REASON),
    ("on-hold", "onleave", None, fhir.STATUS_REASON),
    ("completed", "finished", None, fhir.STATUS_REASON),
    ("discontinued", "finished", "discontinued", fhir.STATUS_REASON),
    ("cancelled", "cancelled", None, fhir.REASON_CANCELLED),
    ("entered-in-error", "entered-in-error", None, fhir.STATUS_REASON),
]


class TestView:
    @pytest.mark.parametrize(("status", "word", "r5", "reason"), STATES)
    def test_each_state(self, api: Api, status: str, word: str, r5: str | None, reason: str | None) -> None:
        encounter = one_of(shown(api, factories.consultation_that_is(api, status)), "Encounter")
        assert encounter["status"] == word
        extensions = encounter.get("_status", {}).get("extension", [])
        assert [one["valueCode"] for one in extensions] == ([r5] if r5 else [])
        reasons = [
            one["url"] for one in encounter["extension"] if one.get("valueCodeableConcept") == {"text": "because"}
        ]
        assert reasons == ([reason] if reason else [])

    def test_the_states_are_all_there_are(self) -> None:
        assert {status for status, *_ in STATES} == set(choices.ConsultationStatus.values)

    def test_nothing_of_a_consultation_in_error_looks_right(self, api: Api) -> None:
        made = factories.in_progress(api, note="Not hers.")
        factories.phenotype(api, made["id"])
        factories.link(api, made["id"])
        api.move(f"consultations/{made['id']}", "completed")
        factories.addendum(api, made["id"])
        api.move(f"consultations/{made['id']}", "entered-in-error", "Another patient's.")
        bundle = shown(api, made)
        kinds = ("Encounter", "Observation", "DocumentReference", "DocumentReference", "Procedure")
        found = [one for kind in dict.fromkeys(kinds) for one in all_of(bundle, kind)]
        assert [(one["resourceType"], one["status"]) for one in found] == [(kind, "entered-in-error") for kind in kinds]

    def test_it_shows_the_diagnoses_of_this_consultation(self, api: Api) -> None:
        made = factories.in_progress(api)
        mine = factories.diagnosis(api, made["patient"], consultation=made["id"])
        factories.diagnosis(api, made["patient"], codings=[{"system": "ICD-10", "code": "G40.9"}])
        api.move(f"diagnoses/{mine['id']}", "entered-in-error", "Never.")
        condition = one_of(shown(api, made), "Condition")
        assert (condition["id"], code_of(condition["verificationStatus"])) == (mine["id"], "entered-in-error")
        assert "clinicalStatus" not in condition

    @pytest.mark.parametrize(
        ("family", "given"),
        [
            ("Mejía Ruiz", ["Inés"]),
            ("周", ["子瑜"]),
            ("حداد", ["ليلى"]),
            (None, ["Suharto"]),
            ("O’Brien-Ek", ["D'Arcy", "J."]),
        ],
    )
    def test_names_in_any_script(self, api: Api, family: str | None, given: list[str]) -> None:
        person = factories.patient(api, family_name=family, given_names=given, birth_date="1984", deceased_on="2020-01")
        bundle = shown(api, factories.consultation(api, patient=person["id"]))
        found = one_of(bundle, "Patient")
        assert found["name"] == [{**({"family": family} if family else {}), "given": given}]
        assert (found["birthDate"], found["deceasedDateTime"]) == ("1984", "2020-01")

    def test_after_a_merge_it_shows_the_survivor(self, api: Api) -> None:
        made = factories.consultation(api)
        old = api.get(f"patients/{made['patient']}").json
        survivor = factories.patient(api)
        assert factories.merge(api, old["id"], survivor["id"]).status == 200
        patient = one_of(shown(api, made), "Patient")
        assert (patient["id"], patient["active"]) == (survivor["id"], True)
        assert [link["other"]["identifier"]["value"] for link in patient["link"]] == [old["mrn"]]

    def test_the_bundle_is_as_old_as_its_newest_part(self, api: Api) -> None:
        made = factories.in_progress(api)
        newest = factories.phenotype(api, made["id"])
        assert shown(api, made)["timestamp"] == newest["updated_at"]


class TestLinks:
    @pytest.fixture
    def peer(self, settings: Settings, tmp_path: Path) -> Iterator[Peer]:
        settings.GENOMICS_TOKEN_FILE = tmp_path / "token"
        settings.GENOMICS_TOKEN_FILE.write_text("a.service.token\n")
        genomics_client._lines.clear()
        with Peer() as running:
            settings.GENOMICS_URL = running.url
            yield running
        genomics_client._lines.clear()

    def test_a_verified_one_is_shown_without_asking_again(self, api: Api, peer: Peer) -> None:
        made = factories.in_progress(api)
        peer.answers = [reply(200, {"id": factories.ANALYSIS, "patient_id": made["patient"], **SNAPSHOT})]
        link = factories.link(api, made["id"], analysis_id=factories.ANALYSIS)
        assert (link["verification"], len(peer.asked)) == ("verified", 1)
        study = one_of(shown(api, made), "Procedure")
        assert (study["id"], study["status"], len(peer.asked)) == (link["id"], "completed", 1)

    def test_a_pending_one_is_unknown(self, api: Api) -> None:
        made = factories.in_progress(api)
        link = factories.link(api, made["id"])
        study = one_of(shown(api, made), "Procedure")
        assert (study["id"], study["status"]) == (link["id"], "unknown")
        assert "note" not in study


class TestRendition:
    def test_it_costs_one_query_however_much_it_shows(self, api: Api, django_assert_num_queries: Any) -> None:
        made = factories.in_progress(api)
        for term in ("HP:0001250", "HP:0001251", "HP:0001252"):
            factories.phenotype(api, made["id"], term=term)
        factories.diagnosis(api, made["patient"], consultation=made["id"])
        factories.link(api, made["id"])
        with django_assert_num_queries(1):
            assert len(api.get(f"consultations/{made['id']}/fhir").json["entry"]) == 7

    def test_its_media_type(self, api: Api) -> None:
        path = f"consultations/{factories.consultation(api)['id']}/fhir"
        for accept in ("application/fhir+json", "application/json"):
            assert api.get(path, Accept=accept).header("Content-Type") == accept
        assert api.get(path).header("Content-Type") == "application/fhir+json"
        assert api.get(path, Accept="application/fhir+xml").status == 406

    def test_an_unchanged_one_is_not_sent_again(self, api: Api) -> None:
        made = factories.in_progress(api)
        path = f"consultations/{made['id']}/fhir"
        first = api.get(path)
        again = api.get(path, If_None_Match=first.etag)
        assert (again.status, again.content, again.etag) == (304, b"", first.etag)
        # What stands below changes it too, although the consultation's own version stays.
        factories.phenotype(api, made["id"])
        changed = api.get(path, If_None_Match=first.etag)
        assert (changed.status, changed.etag != first.etag) == (200, True)

    def test_head_is_get_without_the_body(self, api: Api) -> None:
        path = f"consultations/{factories.consultation(api)['id']}/fhir"
        head = api.call("HEAD", path)
        assert (head.status, head.content, head.etag) == (200, b"", api.get(path).etag)

    def test_it_is_read_alone(self, api: Api) -> None:
        path = f"consultations/{factories.consultation(api)['id']}/fhir"
        assert api.post(path, {}).status == 405
        assert api.get(f"{path}?_format=json").json["errors"][0]["code"] == "unknown-parameter"
        assert api.as_(scopes=("clinical:write",)).get(path).json["scope"] == "clinical:read"

    def test_another_organization_sees_none_of_it(self, api: Api) -> None:
        other = api.as_(organization="elsewhere", subject="dr-stranger")
        mine, theirs = factories.consultation(api), factories.consultation(other)
        for made, reader in ((mine, other), (theirs, api)):
            refused = reader.get(f"consultations/{made['id']}/fhir")
            assert (refused.status, refused.json["code"]) == (404, "not-found")
        seen = api.get(f"consultations/{mine['id']}/fhir").content.decode()
        for secret in (theirs["id"], theirs["patient"], "dr-stranger", "elsewhere:"):
            assert secret not in seen
