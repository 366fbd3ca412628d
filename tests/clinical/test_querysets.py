"""What the questions of this service cost: the plans of the statements that the API sends, on tables of many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext

from chassis.issuers import Caller
from clinical.models import Diagnosis, GenomicLink, Patient
from tests.api import Api
from tests.database import execute, plan

from . import factories, world

ROWS = 20_000
A_PATIENT = 200
ENTRIES = 2_000
# Of each patient, name, practitioner and code there are several pages: what fits into one may be sorted for less.
# The triggers may hold plans of a connection's earlier days, when the tables were empty.
FILL = f"""
DISCARD PLANS;
INSERT INTO clinical_patient (id, organization, created_by, updated_by, version, status, status_reason, mrn_system, mrn,
                              family_name, given_names, sex, active)
SELECT uuidv7(), CASE n % 2 WHEN 0 THEN 'st-elsewhere' ELSE 'general-hospital' END, 'x', 'x', 1, 'registered', '',
       'urn:x:' || n % 4, (n / 4)::text, 'Name' || n / 400, '{{}}', 'other', true
FROM generate_series(1, {ROWS}) AS n;
ANALYZE clinical_patient;
INSERT INTO clinical_consultation (id, organization, created_by, updated_by, version, status, status_reason, patient_id, kind,
                                   practitioner, reason, note)
SELECT uuidv7(), organization, 'x', 'x', 1, 'planned', '', id, 'AMB', 'dr-' || row_number() OVER () / 200, '', ''
FROM (SELECT id, organization FROM clinical_patient ORDER BY id LIMIT {ROWS // A_PATIENT}) AS p, generate_series(1, {A_PATIENT});
ANALYZE clinical_consultation;
INSERT INTO clinical_diagnosis (id, organization, created_by, updated_by, version, status, status_reason, patient_id,
                                consultation_id, codings, display, clinical_status)
SELECT uuidv7(), organization, 'x', 'x', 1, 'unconfirmed', '', patient_id, id,
       jsonb_build_array(jsonb_build_object('system', 'ORPHA', 'code', 'ORPHA:' || 1 + row_number() OVER () / 200)), '', 'resolved'
FROM clinical_consultation;
"""
ENTRY = """
INSERT INTO clinical_{table} (id, organization, created_by, updated_by, version, status, status_reason, consultation_id, {columns})
SELECT uuidv7(), 'st-elsewhere', 'x', 'x', 1, 'recorded', '', %s, {values} FROM generate_series(1, %s) AS n
"""
ENTRY_COLUMNS = {
    "phenotype": ("term, excluded", "'HP:' || lpad(n::text, 7, '0'), false"),
    "genomiclink": ("analysis_id, relation, verification", "uuidv7(), 'ordered', 'pending'"),
    "addendum": ("note", "'x'"),
}
TABLES = ["patient", "consultation", "diagnosis", *ENTRY_COLUMNS]


class Cost(NamedTuple):
    """What EXPLAIN ANALYZE tells of a statement; `read` counts the rows that were returned or dropped by a scan."""

    nodes: list[str]
    indexes: set[str]
    read: int


def cost_of(statement: str) -> Cost:
    nodes = plan(statement)
    scans = [node for node in nodes if node["Node Type"].endswith("Scan")]
    read = sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)
    return Cost(
        [node["Node Type"] for node in nodes], {node["Index Name"] for node in nodes if "Index Name" in node}, read
    )


def cost_of_get(path: str) -> tuple[Cost, list[dict[str, Any]]]:
    """The cost of the one query that a GET asks, and its results."""
    with CaptureQueriesContext(connection) as captured:
        answer = Api(service="clinical").get(path)
    assert answer.status == 200, answer.content
    (query,) = captured.captured_queries
    return cost_of(query["sql"]), answer.json["results"]


@pytest.fixture(scope="class")
def crowded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """Names of what stands somewhere in the middle, for the paths below."""
    with django_db_blocker.unblock():
        api = Api(service="clinical")
        execute(FILL)
        ended, visit = factories.completed(api)["id"], factories.consultation(api)["id"]
        for table, (columns, values) in ENTRY_COLUMNS.items():
            consultation = ended if table == "addendum" else visit
            execute(ENTRY.format(table=table, columns=columns, values=values), consultation, ENTRIES)
        execute(f"ANALYZE {', '.join(f'clinical_{table}' for table in TABLES)}")
        ((patient, consultation, practitioner),) = execute(
            "SELECT patient_id, id, practitioner FROM clinical_consultation WHERE organization = 'st-elsewhere'"
            " ORDER BY id OFFSET 7000 LIMIT 1"
        )
        yield {
            "patient": str(patient), "consultation": str(consultation), "practitioner": practitioner, "visit": visit, "ended": ended,
        }  # fmt: skip
        every = [f"clinical_{table}{suffix}" for table in TABLES for suffix in ("", "event")]
        execute(f"TRUNCATE {', '.join(every)} CASCADE")


@pytest.mark.django_db
@pytest.mark.xdist_group("crowded")
class TestCost:
    @pytest.mark.parametrize(
        ("path", "index"),
        [
            ("patients", "patient_list"),
            ("patients?mrn=3000", "patient_by_mrn"),
            ("patients?mrn=3000&mrn_system=urn:x:2", "patient_"),
            ("patients?family_name=Name20", "patient_by_name"),
            ("patients?status=registered", "patient_"),
            ("patients?status=merged", "patient_by_status"),
            ("consultations", "consultation_list"),
            ("consultations?patient={patient}", "consultation_by_patient"),
            ("consultations?patient={patient}&status=planned", "consultation_by_patient"),
            ("consultations?practitioner={practitioner}", "consultation_by_practitioner"),
            ("consultations?status=on-hold", "consultation_by_status"),
            ("diagnoses", "diagnosis_list"),
            ("diagnoses?patient={patient}", "diagnosis_by_patient"),
            ("diagnoses?consultation={consultation}", "diagnosis_by_consultation"),
            ("diagnoses?code=ORPHA:30", "diagnosis_by_code"),
            ("diagnoses?verification_status=confirmed", "diagnosis_by_status"),
            ("consultations/{visit}/phenotypes", "phenotype_list"),
            ("consultations/{visit}/phenotypes?status=entered-in-error", "phenotype_by_status"),
            ("consultations/{visit}/genomic-links", "genomiclink_list"),
            ("consultations/{visit}/genomic-links?verification=pending", "genomiclink_"),
            ("consultations/{ended}/addenda", "addendum_list"),
            ("consultations/{ended}/addenda?status=recorded", "addendum_"),
        ],
    )
    def test_a_list_is_read_from_an_index_in_order(self, crowded: dict[str, str], path: str, index: str) -> None:
        # An empty page asks once more, whether what it stands below exists: so none of these is empty, or is not nested.
        if "entered-in-error" in path:
            with CaptureQueriesContext(connection) as captured:
                Api(service="clinical").get(path.format(**crowded))
            cost = cost_of(captured.captured_queries[0]["sql"])
        else:
            cost, _ = cost_of_get(path.format(**crowded))
        assert any(name.startswith(f"clinical_{index}") for name in cost.indexes), cost
        assert not [node for node in cost.nodes if "Sort" in node or node == "Seq Scan"], cost
        assert cost.read <= 51, cost

    @pytest.mark.parametrize("ordering", ["created_at", "-created_at"])
    @pytest.mark.parametrize("path", ["patients", "consultations", "diagnoses", "consultations/{visit}/phenotypes"])
    def test_a_page_far_down_costs_what_the_first_one_costs(
        self, crowded: dict[str, str], path: str, ordering: str
    ) -> None:
        link = f"{path.format(**crowded)}?ordering={ordering}&limit=200"
        for _ in range(8):
            link = Api(service="clinical").get(link).json["next"].removeprefix("http://testserver")
        cost, found = cost_of_get(link)
        assert (len(found), cost.read) == (200, 201)
        assert not [node for node in cost.nodes if "Sort" in node]

    def test_links_that_wait_are_found_without_those_that_do_not(self, crowded: dict[str, str]) -> None:
        with CaptureQueriesContext(connection) as captured:
            assert len(GenomicLink.objects.pending()[:50]) == 50
        cost = cost_of(captured.captured_queries[0]["sql"])
        assert "clinical_genomiclink_pending" in cost.indexes
        assert cost.read <= 50


READS: dict[str, Callable[[dict[str, Any]], str]] = {
    "patient": lambda ids: f"patients/{ids['pk']}",
    "consultation": lambda ids: f"consultations/{ids['pk']}",
    "diagnosis": lambda ids: f"diagnoses/{ids['pk']}",
    "phenotype": lambda ids: f"consultations/{ids['consultation']}/phenotypes/{ids['pk']}",
    "link": lambda ids: f"consultations/{ids['consultation']}/genomic-links/{ids['pk']}",
    "addendum": lambda ids: f"consultations/{ids['consultation']}/addenda/{ids['pk']}",
}


@pytest.fixture
def instances() -> Iterator[list[str]]:
    """The model instances that are made meanwhile."""
    made: list[str] = []

    def note(sender: Any, **_: Any) -> None:
        made.append(sender.__name__)

    models = list(apps.get_app_config("clinical").get_models())
    for model in models:
        post_init.connect(note, sender=model)
    yield made
    for model in models:
        post_init.disconnect(note, sender=model)


class TestReads:
    @pytest.mark.parametrize("kind", READS)
    @pytest.mark.parametrize("suffix", ["", "/history", "list"])
    def test_they_are_one_query_and_make_no_instance(
        self, api: Api, instances: list[str], kind: str, suffix: str
    ) -> None:
        path = READS[kind](dict(world.build(api)[kind]))
        path = path.rsplit("/", 1)[0] if suffix == "list" else path + suffix
        api.get(path)  # the token is verified, the schema known
        instances.clear()
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path).status == 200
        assert (len(captured), instances) == (1, [])


def caller(organization: str) -> Caller:
    return Caller("x:y", "y", organization, frozenset())


class TestPatientQuerySet:
    def test_same_person_holds_the_record_and_those_merged_into_it(self, api: Api) -> None:
        survivor = factories.patient(api)["id"]
        merged = {factories.merged_patient(api, into=survivor)["id"] for _ in range(2)}
        factories.merged_patient(api)
        assert {str(row.pk) for row in Patient.objects.same_person(UUID(survivor))} == {survivor, *merged}

    def test_for_caller_leaves_out_other_organizations(self, api: Api) -> None:
        factories.patient(api)
        counts = [Patient.objects.for_caller(caller(name)).count() for name in ("st-elsewhere", "general-hospital")]
        assert counts == [1, 0]


class TestDiagnosisQuerySet:
    E84, MONDO = {"system": "ICD-10", "code": "E84.0"}, {"system": "MONDO", "code": "MONDO:0016054"}

    def test_coded_looks_at_the_primary_coding_alone(self, api: Api) -> None:
        made = factories.diagnosis(api, codings=[self.E84, self.MONDO])["id"]
        assert [str(row.pk) for row in Diagnosis.objects.coded("E84.0")] == [made]
        assert not Diagnosis.objects.coded("MONDO:0016054")

    def test_active_is_what_the_unique_index_counts(self, api: Api) -> None:
        for status in ("active", "recurrence", "relapse", "inactive", "remission", "resolved"):
            factories.diagnosis(api, clinical_status=status)
            factories.diagnosis(api, clinical_status=status, verification_status="refuted")
        assert sorted(row.clinical_status for row in Diagnosis.objects.active()) == ["active", "recurrence", "relapse"]

    def test_primary_codings_name_system_and_code(self, api: Api) -> None:
        factories.diagnosis(api, codings=[self.E84, self.MONDO])
        assert list(Diagnosis.objects.primary_codings()) == [("ICD-10", "E84.0")]


class TestGenomicLinkQuerySet:
    def test_pending_leaves_out_what_is_settled_or_an_error(self, api: Api) -> None:
        waiting, wrong, gone = (factories.link(api) for _ in range(3))
        api.move(factories.path_of(wrong, "genomic-links"), "entered-in-error", "Another analysis.")
        execute("UPDATE clinical_genomiclink SET verification = 'gone', checked_at = now() WHERE id = %s", gone["id"])
        assert [str(link.pk) for link in GenomicLink.objects.pending()] == [waiting["id"]]
