"""What the database holds for the service, tried by raw SQL: no code of ours stands between."""

from typing import Any

import pytest

from genomics.models import Analysis, Finding, Report, Sample, Variant
from tests.api import Api
from tests.database import NOBODY, copy, execute, refused, update

from . import factories

OTHER_PATIENT = "01890a5d-ac96-774b-bcce-b302099a8058"


@pytest.fixture
def sample(api: Api) -> str:
    return str(factories.sample(api)["id"])


@pytest.fixture
def analysis(api: Api) -> str:
    return str(factories.analysis(api)["id"])


@pytest.fixture
def ready(api: Api) -> str:
    return str(factories.ready_analysis(api)["id"])


@pytest.fixture
def finding(api: Api, ready: str) -> str:
    return str(factories.finding(api, ready)["id"])


@pytest.fixture
def report(api: Api, ready: str) -> str:
    confirmed = factories.confirmed_finding(api, ready)["id"]
    return str(factories.report(api, ready, [confirmed])["id"])


@pytest.fixture
def signed(api: Api) -> str:
    return str(factories.signed_report(api)["id"])


class TestSample:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"accession": "s-2026-0001"}, "genomics_sample_accession"),
            ({"accession": "AB"}, "genomics_sample_accession"),
            ({"kind": "plasma"}, "genomics_sample_kind"),
            ({"origin": "martian"}, "genomics_sample_origin"),
            ({"received_at": "2026-11-18T08:29:00Z"}, "genomics_sample_received_before_collected"),
            ({"collected_at": "2126-01-01T00:00:00Z", "received_at": None}, "genomics_sample_collected_in_future"),
            ({"received_at": "2126-01-01T00:00:00Z"}, "genomics_sample_received_in_future"),
            ({"parent_id": NOBODY}, "sample_parent"),
            ({"version": -1}, "version_check"),
        ],
    )
    def test_it_refuses(self, sample: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            update(Sample, sample, **values)

    def test_it_refuses_to_be_its_own_parent(self, sample: str) -> None:
        with refused("genomics_sample_own_parent"):
            update(Sample, sample, parent_id=sample)

    def test_an_accession_is_unique_in_an_organization(self, sample: str) -> None:
        with refused("genomics_sample_unique_accession"):
            copy(Sample, sample)
        copy(Sample, sample, organization="general-hospital")

    def test_a_parent_is_of_the_same_patient_and_organization(self, api: Api, sample: str) -> None:
        copy(Sample, sample, accession="CHILD", parent_id=sample)
        for stranger in (
            factories.sample(api, patient_id=OTHER_PATIENT),
            factories.sample(api.as_(organization="general-hospital")),
        ):
            with refused("sample_parent"):
                update(Sample, sample, parent_id=stranger["id"])

    def test_an_available_one_was_received(self, sample: str) -> None:
        with refused("genomics_sample_available_not_received"):
            update(Sample, sample, status="available", received_at=None)

    @pytest.mark.parametrize("values", [{"accession": "OTHER"}, {"patient_id": OTHER_PATIENT}])
    def test_its_identity_is_fixed_once_it_is_available(self, api: Api, values: dict[str, Any]) -> None:
        available = factories.available_sample(api)["id"]
        with refused("pgtrigger_identity"):
            update(Sample, available, **values)

    def test_its_patient_does_not_change_under_its_children(self, api: Api, sample: str) -> None:
        factories.sample(api, parent=sample)
        with refused("sample_parent"):
            update(Sample, sample, patient_id=OTHER_PATIENT)


class TestAnalysis:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"assay": "chip"}, "genomics_analysis_"),
            ({"assay": "panel"}, "genomics_analysis_panel_code"),
            ({"panel_code": "CF"}, "genomics_analysis_panel_code"),
            ({"genome_build": "T2T"}, "genomics_analysis_genome_build"),
            ({"pipeline_name": ""}, "genomics_analysis_pipeline"),
            ({"pipeline_version": ""}, "genomics_analysis_pipeline"),
            ({"sample_id": NOBODY}, "analysis_sample"),
            ({"status": "ready"}, "genomics_analysis_ready_has_file"),
            ({"file_sha256": "0" * 64}, "genomics_analysis_ready_has_file"),
        ],
    )
    def test_it_refuses(self, analysis: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            update(Analysis, analysis, **values)

    def test_its_sample_is_of_the_same_organization(self, api: Api, analysis: str) -> None:
        foreign = factories.available_sample(api.as_(organization="general-hospital"))["id"]
        with refused("analysis_sample"):
            update(Analysis, analysis, sample_id=foreign)
        with refused("analysis_sample"):
            copy(Analysis, analysis, organization="general-hospital")

    def test_a_file_is_held_once_a_sample(self, api: Api, ready: str) -> None:
        twin = factories.analysis(api, sample=api.get(f"analyses/{ready}").json["sample"])["id"]
        sha256 = api.get(f"analyses/{ready}").json["file_sha256"]
        with refused("genomics_analysis_same_file"):
            update(Analysis, twin, status="ready", file_sha256=sha256, stored=0)

    def test_its_sample_stays(self, api: Api, analysis: str) -> None:
        with refused("pgtrigger_kept"):
            execute("DELETE FROM genomics_sample WHERE id = %s", api.get(f"analyses/{analysis}").json["sample"])


class TestVariant:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"chrom": 0}, "genomics_variant_position"),
            ({"chrom": 26}, "genomics_variant_position"),
            ({"pos": 0}, "genomics_variant_position"),
            ({"end_pos": 1}, "genomics_variant_position"),
            ({"kind": "snp"}, "genomics_variant_kind"),
            ({"zygosity": "het"}, "genomics_variant_zygosity"),
        ],
    )
    def test_it_refuses(self, api: Api, ready: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            copy(Variant, factories.variant(api, ready)["id"], **values)

    def test_an_allele_stands_once_in_an_analysis(self, api: Api, ready: str) -> None:
        allele = factories.variant(api, ready)["id"]
        with refused("genomics_variant_pkey"):
            copy(Variant, allele, id=allele)

    @pytest.mark.parametrize("statement", ["UPDATE genomics_variant SET qual = 1", "DELETE FROM genomics_variant"])
    def test_it_is_append_only(self, ready: str, statement: str) -> None:
        with refused("pgtrigger_append_only"):
            execute(statement)

    def test_an_analysis_with_variants_stays(self, ready: str) -> None:
        with refused("pgtrigger_kept"):
            execute("DELETE FROM genomics_analysis WHERE id = %s", ready)


class TestFinding:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"classification": "vus"}, "genomics_finding_classification"),
            ({"inheritance": "HP:0000001"}, "genomics_finding_inheritance"),
            ({"condition": "E84"}, "genomics_finding_condition"),
            ({"condition": None}, "genomics_finding_condition_required"),
            ({"criteria": ["PS9"]}, "genomics_finding_criteria"),
            ({"criteria": ["PS1", ""]}, "genomics_finding_criteria"),
            ({"criteria": ["PS1,PS2"]}, "genomics_finding_criteria"),
            ({"criteria": ["PS1", None]}, "genomics_finding_criteria"),
            ({"criteria": ["PM2", "PM2_Supporting"]}, "genomics_finding_criteria_repeated"),
            ({"criteria": ["PM2", "PM2"]}, "genomics_finding_criteria_repeated"),
            ({"variant": NOBODY}, "finding_variant"),
            ({"analysis_id": NOBODY}, "finding_"),
            ({"organization": "general-hospital"}, "finding_analysis"),
            ({"supersedes_id": "01890a5d-ac96-774b-bcce-000000000001"}, "finding_supersedes"),
        ],
    )
    def test_it_refuses(self, finding: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            copy(Finding, finding, **values)

    def test_its_variant_is_one_of_its_analysis(self, api: Api, finding: str) -> None:
        other = factories.ready_analysis(api, (factories.HEADER + factories.CFTR).encode())["id"]
        with refused("finding_variant"):
            copy(Finding, finding, analysis_id=other)

    @pytest.mark.parametrize("column", ["analysis_id", "variant", "supersedes_id"])
    def test_its_subject_never_changes(self, finding: str, column: str) -> None:
        with refused("pgtrigger_subject"):
            update(Finding, finding, **{column: NOBODY})

    @pytest.mark.parametrize(
        "values",
        [{"classification": "benign"}, {"criteria": ["PS1"]}, {"condition": "OMIM:219700"}, {"inheritance": "HP:0000006"},
         {"comment": "x"}],
    )  # fmt: skip
    def test_it_is_settled_once_it_is_confirmed(self, api: Api, ready: str, values: dict[str, Any]) -> None:
        with refused("pgtrigger_settled"):
            update(Finding, factories.confirmed_finding(api, ready)["id"], **values)

    def test_one_is_confirmed_a_variant_and_condition(self, api: Api, ready: str) -> None:
        factories.confirmed_finding(api, ready)
        with refused("genomics_finding_confirmed_once"):
            update(Finding, factories.finding(api, ready)["id"], status="confirmed")

    def test_it_supersedes_one_of_the_same_variant(self, api: Api, ready: str) -> None:
        old = factories.confirmed_finding(api, ready)["id"]
        other = factories.finding(api, ready, variant=factories.variant(api, ready, "7")["id"])["id"]
        with refused("finding_supersedes"):
            copy(Finding, other, supersedes_id=old)

    def test_one_supersedes_another(self, api: Api, ready: str) -> None:
        old = factories.confirmed_finding(api, ready)["id"]
        first = factories.finding(api, ready, supersedes=old)["id"]
        with refused("genomics_finding_superseded_once"):
            copy(Finding, first)


class TestReport:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"outcome": "good"}, "genomics_report_outcome"),
            ({"findings": [NOBODY]}, "report_findings"),
            ({"analysis_id": NOBODY, "findings": []}, "report_analysis"),
            ({"organization": "general-hospital"}, "report_analysis"),
            ({"revision": 2}, "genomics_report_revision"),
            ({"replaces_id": NOBODY}, "genomics_report_revision"),
            ({"replaces_id": "01890a5d-ac96-774b-bcce-000000000001", "revision": 2}, "report_replaces"),
            ({"signed_at": "2026-11-18T10:05:00Z"}, "genomics_report_signed"),
        ],
    )
    def test_it_refuses(self, report: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            copy(Report, report, **values)

    def test_its_findings_are_confirmed_ones_of_its_analysis(self, api: Api, ready: str, report: str) -> None:
        draft = factories.finding(api, ready)["id"]
        foreign = factories.confirmed_finding(api, factories.ready_analysis(api)["id"])["id"]
        for wrong in (draft, foreign):
            with refused("report_findings"):
                execute("UPDATE genomics_report SET findings = ARRAY[%s::uuid] WHERE id = %s", wrong, report)

    def test_it_names_a_variant_once(self, api: Api, ready: str, report: str) -> None:
        second = factories.confirmed_finding(api, ready, condition="OMIM:219700")["id"]
        with refused("report_variant_once"):
            execute("UPDATE genomics_report SET findings = findings || %s::uuid WHERE id = %s", second, report)

    @pytest.mark.parametrize("status", ["final", "amended", "corrected"])
    def test_a_signed_status_needs_a_signature(self, report: str, status: str) -> None:
        with refused("genomics_report_signed"):
            update(Report, report, status=status)

    def test_nobody_signs_what_they_created(self, report: str) -> None:
        with refused("genomics_report_two_persons"):
            execute(
                "UPDATE genomics_report SET status = 'final', signed_by = created_by, signed_at = now(), number = 'R26-1',"
                " content = '{}', content_sha256 = '' WHERE id = %s",
                report,
            )

    @pytest.mark.parametrize(
        "assignment",
        [
            "content = '{}'", "content = NULL", "content = jsonb_set(content, '{report,conclusion}', '\"x\"')",
            "content_sha256 = 'x'", "findings = '{}'", "outcome = 'negative'", "conclusion = 'x'", "number = 'R26-1'",
            "signed_by = 'x'", "signed_at = now() + interval '1 s'", "signed_at = NULL",
        ],
    )  # fmt: skip
    def test_what_was_signed_never_changes(self, signed: str, assignment: str) -> None:
        with refused("pgtrigger_signed"):
            execute(f"UPDATE genomics_report SET {assignment} WHERE id = %s", signed)

    def test_not_even_on_the_way_to_another_state(self, signed: str) -> None:
        for status in ("entered-in-error", "superseded"):
            with refused("pgtrigger_signed"):
                update(Report, signed, status=status, conclusion="x")

    @pytest.mark.parametrize("values", [{"analysis_id": NOBODY}, {"replaces_id": NOBODY}, {"revision": 2}])
    def test_its_subject_never_changes(self, report: str, values: dict[str, Any]) -> None:
        with refused("pgtrigger_subject"):
            update(Report, report, **values)

    def test_it_replaces_one_of_the_same_analysis(self, report: str, signed: str) -> None:
        with refused("report_replaces"):
            copy(Report, report, replaces_id=signed, revision=2)

    def test_a_number_and_revision_are_given_once(self, api: Api, signed: str) -> None:
        other = factories.ready_analysis(api)["id"]
        second = factories.report(api, other, [], outcome="negative")["id"]
        with refused("genomics_report_number"):
            execute(
                "UPDATE genomics_report r SET status = 'final', number = s.number, signed_by = s.signed_by, signed_at = now(),"
                " content = '{}', content_sha256 = '' FROM genomics_report s WHERE s.id = %s AND r.id = %s",
                signed,
                second,
            )


RECORDS = [
    (Sample, "sample", "entered-in-error"),
    (Analysis, "analysis", "cancelled"),
    (Finding, "finding", "withdrawn"),
    (Report, "report", "cancelled"),
]


@pytest.mark.parametrize(("model", "fixture", "end"), RECORDS)
def test_a_record_stays_once_it_has_left_its_first_state(request: Any, model: Any, fixture: str, end: str) -> None:
    id_ = request.getfixturevalue(fixture)
    update(model, id_, status=end)
    with refused("pgtrigger_kept"):
        execute(f"DELETE FROM {model._meta.db_table} WHERE id = %s", id_)


class TestWords:
    def test_every_check_that_a_client_can_break_is_worded(self, db: None) -> None:
        from chassis import constraints

        worded = {
            constraint.name
            for model, _, _ in RECORDS
            for constraint in model._meta.constraints
            if constraints.by_name(constraint.name)
        }
        # What serializers or operations settle before the database is asked, and what is only a foreign key's target.
        settled = ("_key", "_ready_has_file", "_signed", "_two_persons", "_revision", "_number")
        words = ("_kind", "_origin", "_assay", "_genome_build", "_classification", "_inheritance", "_outcome")
        unworded = {constraint.name for model, _, _ in RECORDS for constraint in model._meta.constraints} - worded
        assert [name for name in sorted(unworded) if not name.endswith((*settled, *words))] == []

    def test_every_rule_names_a_constraint_that_exists(self, db: None) -> None:
        existing = {row[0] for row in execute("SELECT conname FROM pg_constraint")} | {
            "report_findings",
            "report_variant_once",
        }
        ruled = {name for model, _, _ in RECORDS for name in model.database_rules}
        assert ruled <= existing
