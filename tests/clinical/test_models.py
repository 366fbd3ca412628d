"""What the database holds for the service, tried by raw SQL: no code of ours stands between."""

import json
from itertools import product
from typing import Any

import pytest

from clinical import choices
from clinical.models import Addendum, Consultation, Diagnosis, GenomicLink, Patient, Phenotype
from tests.api import Api
from tests.database import NOBODY, copy, execute, refused, update

from . import factories

MONDO = {"system": "MONDO", "code": "MONDO:0016054"}


@pytest.fixture
def patient(api: Api) -> str:
    return str(factories.patient(api, birth_date="1980")["id"])


@pytest.fixture
def consultation(api: Api) -> str:
    return str(factories.consultation(api)["id"])


@pytest.fixture
def phenotype(api: Api) -> str:
    return str(factories.phenotype(api)["id"])


@pytest.fixture
def addendum(api: Api) -> str:
    return str(factories.addendum(api)["id"])


@pytest.fixture
def diagnosis(api: Api) -> str:
    return str(factories.diagnosis(api)["id"])


@pytest.fixture
def link(api: Api) -> str:
    return str(factories.link(api)["id"])


@pytest.fixture
def foreign(api: Api) -> str:
    """A consultation of another organization."""
    return str(factories.consultation(api.as_(organization="general-hospital"))["id"])


class TestPatient:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"mrn": ""}, "clinical_patient_mrn"),
            ({"mrn": " 1"}, "clinical_patient_mrn"),
            ({"mrn_system": "hospital"}, "clinical_patient_mrn_system"),
            ({"family_name": ""}, "clinical_patient_family_name"),
            ({"family_name": None, "given_names": []}, "clinical_patient_family_name"),
            ({"given_names": ["Ada", ""]}, "clinical_patient_given_names"),
            ({"given_names": ["Ada", None]}, "clinical_patient_given_names"),
            ({"sex": "f"}, "clinical_patient_sex"),
            ({"birth_date": "1980-02-30"}, "clinical_patient_birth_date"),
            ({"birth_date": "80"}, "clinical_patient_birth_date"),
            ({"birth_date": ""}, "clinical_patient_birth_date"),
            ({"birth_date": "2098"}, "clinical_patient_birth_date_in_future"),
            ({"deceased_on": "2023-02-29"}, "clinical_patient_deceased_on"),
            ({"deceased_on": "2098-01-01"}, "clinical_patient_deceased_on_in_future"),
            ({"deceased_on": "1979-12"}, "clinical_patient_deceased_before_birth"),
            ({"status": "merged", "active": False}, "clinical_patient_merged_into"),
            ({"status": "entered-in-error"}, "clinical_patient_active"),
            ({"version": -1}, "version_check"),
        ],
    )
    def test_it_refuses(self, patient: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            execute(
                f"UPDATE clinical_patient SET {', '.join(f'{name} = %s' for name in values)} WHERE id = %s",
                *values.values(),
                patient,
            )

    def test_a_number_is_unique_in_its_system_and_organization(self, api: Api, patient: str) -> None:
        with refused("clinical_patient_unique_mrn"):
            copy(Patient, patient)
        copy(Patient, patient, organization="general-hospital")

    def test_it_survives_neither_itself_nor_out_of_a_merge(self, api: Api, patient: str) -> None:
        with refused("clinical_patient_merged_into"):
            update(Patient, patient, merged_into_id=factories.patient(api)["id"])
        with refused("clinical_patient_own_survivor"):
            # As its row is still registered when the trigger looks.
            execute(
                "UPDATE clinical_patient SET status = 'merged', active = false, merged_into_id = id WHERE id = %s",
                patient,
            )

    def test_it_is_merged_into_a_registered_one_of_its_organization(self, api: Api, patient: str) -> None:
        merged, wrong = factories.merged_patient(api)["id"], factories.patient(api)["id"]
        api.move(f"patients/{wrong}", "entered-in-error", "Nobody.")
        foreign = factories.patient(api.as_(organization="general-hospital"))["id"]
        for survivor, constraint in (
            (NOBODY, "patient_merged_into"), (merged, "patient_merged_into"), (wrong, "patient_merged_into"),
            (foreign, "patient_survivor"),
        ):  # fmt: skip
            with refused(constraint):
                update(Patient, patient, status="merged", active=False, merged_into_id=survivor)

    @pytest.mark.parametrize("status", ["merged", "entered-in-error"])
    def test_a_survivor_stays_registered(self, api: Api, status: str) -> None:
        survivor = factories.merged_patient(api)["merged_into"]
        other = factories.patient(api)["id"] if status == "merged" else None
        with refused("patient_still_survivor"):
            update(Patient, survivor, status=status, active=False, merged_into_id=other)

    @pytest.mark.parametrize(
        "values",
        [{"mrn": "1"}, {"mrn_system": "urn:x:y"}, {"family_name": "X"}, {"given_names": ["X"]}, {"sex": "other"},
         {"birth_date": "1990"}, {"deceased_on": "1990"}],
    )  # fmt: skip
    @pytest.mark.parametrize("status", ["merged", "entered-in-error"])
    def test_it_is_settled_once_it_was_given_up(self, api: Api, values: dict[str, Any], status: str) -> None:
        gone = factories.merged_patient(api)["id"] if status == "merged" else factories.patient(api)["id"]
        if status != "merged":
            api.move(f"patients/{gone}", status, "Nobody.")
        with refused("pgtrigger_settled"):
            update(Patient, gone, **values)

    @pytest.mark.parametrize("collection", ["consultations", "diagnoses"])
    def test_nothing_begins_for_one_who_is_not_active(self, api: Api, collection: str) -> None:
        model: Any = Consultation if collection == "consultations" else Diagnosis
        made = factories.consultation(api) if collection == "consultations" else factories.diagnosis(api)
        inactive, merged = factories.patient(api, active=False)["id"], factories.merged_patient(api)["id"]
        for patient in (inactive, merged):
            with refused("patient_active"):
                copy(model, made["id"], patient_id=patient)


class TestConsultation:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"kind": "ambulatory"}, "clinical_consultation_kind"),
            ({"started_at": "2126-01-01T00:00:00Z"}, "clinical_consultation_started_in_future"),
            (
                {"started_at": "2026-11-01T00:00:00Z", "ended_at": "2126-01-01T00:00:00Z"},
                "clinical_consultation_ended_in_future",
            ),
            (
                {"started_at": "2026-11-18T08:30:00Z", "ended_at": "2026-11-18T08:29:00Z"},
                "clinical_consultation_ended_before_started",
            ),
            ({"ended_at": "2026-11-18T08:29:00Z"}, "clinical_consultation_ended_not_started"),
            ({"status": "in-progress"}, "clinical_consultation_without_start"),
            ({"patient_id": NOBODY}, "follows_merge"),
        ],
    )
    def test_it_refuses(self, consultation: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            update(Consultation, consultation, **values)

    @pytest.mark.parametrize("status", ["completed", "discontinued"])
    def test_an_ended_one_has_an_end(self, api: Api, status: str) -> None:
        with refused("clinical_consultation_without_end"):
            update(Consultation, factories.in_progress(api)["id"], status=status)

    def test_its_patient_is_of_its_organization(self, api: Api, consultation: str) -> None:
        foreign = factories.patient(api.as_(organization="general-hospital"))["id"]
        for patient in (NOBODY, foreign):
            with refused("consultation_patient"):
                copy(Consultation, consultation, patient_id=patient)
        with refused("consultation_patient"):
            copy(Consultation, consultation, organization="general-hospital")

    def test_only_a_merge_moves_it(self, api: Api, consultation: str) -> None:
        merged = factories.merged_patient(api)
        for patient in (factories.patient(api)["id"], merged["id"], merged["merged_into"]):
            with refused("follows_merge"):
                update(Consultation, consultation, patient_id=patient)

    @pytest.mark.parametrize("status", ["completed", "discontinued", "cancelled", "entered-in-error"])
    @pytest.mark.parametrize(
        "values",
        [{"kind": "VR"}, {"practitioner": "x"}, {"scheduled_at": None}, {"started_at": "2026-11-01T00:00:00Z"},
         {"ended_at": "2026-11-20T00:00:00Z"}, {"reason": "x"}, {"note": "x"}],
    )  # fmt: skip
    def test_nothing_is_written_after_its_end(self, api: Api, status: str, values: dict[str, Any]) -> None:
        with refused("pgtrigger_ended"):
            update(Consultation, factories.consultation_that_is(api, status)["id"], **values)

    def test_it_stays_while_something_stands_on_it(self, api: Api) -> None:
        for entry, key in (
            (factories.phenotype(api), "phenotype_consultation"),
            (factories.link(api), "genomiclink_consultation"),
        ):
            with refused(key):
                execute("DELETE FROM clinical_consultation WHERE id = %s", entry["consultation"])


class TestPhenotype:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"term": "HP:1"}, "clinical_phenotype_term"),
            ({"onset": "P"}, "clinical_phenotype_onset"),
            ({"onset": "2019-02-29"}, "clinical_phenotype_onset"),
            ({"onset": "2098"}, "clinical_phenotype_onset_in_future"),
            ({"consultation_id": NOBODY}, "pgtrigger_subject"),
        ],
    )
    def test_it_refuses(self, phenotype: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            update(Phenotype, phenotype, **values)

    def test_a_term_stands_once_in_a_consultation(self, phenotype: str) -> None:
        with refused("clinical_phenotype_once"):
            copy(Phenotype, phenotype)

    def test_its_consultation_is_of_its_organization(self, phenotype: str, foreign: str) -> None:
        with refused("phenotype_consultation"):
            copy(Phenotype, phenotype, consultation_id=foreign)

    def test_it_is_settled_once_it_is_an_error(self, phenotype: str) -> None:
        update(Phenotype, phenotype, status="entered-in-error")
        for values in ({"term": "HP:0001528"}, {"excluded": True}, {"onset": "2019"}):
            with refused("pgtrigger_settled"):
                update(Phenotype, phenotype, **values)

    def test_nothing_is_written_after_the_consultations_end(self, api: Api) -> None:
        made = factories.phenotype(api)
        api.move(f"consultations/{made['consultation']}", "cancelled")
        for values in ({"term": "HP:0001528"}, {"excluded": True}, {"onset": "2019"}):
            with refused("consultation_open"):
                update(Phenotype, made["id"], **values)
        with refused("consultation_open"):
            copy(Phenotype, made["id"], term="HP:0001528")
        with refused("consultation_open"):
            execute("DELETE FROM clinical_phenotype WHERE id = %s", made["id"])
        update(Phenotype, made["id"], status="entered-in-error")


class TestAddendum:
    @pytest.mark.parametrize("values", [{"note": "x"}, {"consultation_id": NOBODY}])
    def test_its_content_never_changes(self, addendum: str, values: dict[str, Any]) -> None:
        with refused("pgtrigger_content"):
            update(Addendum, addendum, **values)

    def test_it_is_never_deleted(self, addendum: str) -> None:
        for _ in range(2):
            with refused("pgtrigger_"):
                execute("DELETE FROM clinical_addendum WHERE id = %s", addendum)
            update(Addendum, addendum, status="entered-in-error")

    def test_it_follows_an_end(self, api: Api, addendum: str, consultation: str, foreign: str) -> None:
        wrong = factories.consultation_that_is(api, "entered-in-error")["id"]
        for open_one in (consultation, wrong, NOBODY):
            with refused("consultation_closed"):
                copy(Addendum, addendum, consultation_id=open_one)
        api.as_(organization="general-hospital").move(f"consultations/{foreign}", "cancelled")
        with refused("addendum_consultation"):
            copy(Addendum, addendum, consultation_id=foreign)


class TestDiagnosis:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"codings": []}, "clinical_diagnosis_codings"),
            ({"codings": {}}, "clinical_diagnosis_codings"),
            ({"codings": [None]}, "clinical_diagnosis_codings"),
            ({"codings": [{}]}, "clinical_diagnosis_codings"),
            ({"codings": [{**MONDO, "system": "ICD-9"}]}, "clinical_diagnosis_codings"),
            ({"codings": [{**MONDO, "code": "OMIM:219700"}]}, "clinical_diagnosis_codings"),
            ({"codings": [{"system": "SNOMED CT", "code": "254837008"}]}, "clinical_diagnosis_codings"),
            ({"codings": [MONDO, {**MONDO, "display": "x"}]}, "clinical_diagnosis_codings"),
            ({"codings": [{"system": "ORPHA", "code": f"ORPHA:{n}"} for n in range(21)]}, "clinical_diagnosis_codings"),
            ({"clinical_status": "gone"}, "clinical_diagnosis_clinical_status"),
            ({"severity": "fatal"}, "clinical_diagnosis_severity"),
            ({"onset": "soon"}, "clinical_diagnosis_onset"),
            ({"onset": "2098"}, "clinical_diagnosis_onset_in_future"),
            ({"abated": "soon", "clinical_status": "resolved"}, "clinical_diagnosis_abated"),
            ({"abated": "2098", "clinical_status": "resolved"}, "clinical_diagnosis_abated_in_future"),
            (
                {"onset": "2019", "abated": "2018", "clinical_status": "resolved"},
                "clinical_diagnosis_abated_before_onset",
            ),
            ({"clinical_status": None}, "clinical_diagnosis_con_3"),
            ({"abated": "2019"}, "clinical_diagnosis_con_4"),
            ({"abated": "2019", "clinical_status": "relapse"}, "clinical_diagnosis_con_4"),
            ({"abated": "2019", "clinical_status": None, "status": "entered-in-error"}, "clinical_diagnosis_con_4"),
            ({"status": "entered-in-error"}, "clinical_diagnosis_con_5"),
            ({"patient_id": NOBODY}, "follows_merge"),
            ({"consultation_id": NOBODY}, "pgtrigger_subject"),
        ],
    )
    def test_it_refuses(self, diagnosis: str, values: dict[str, Any], constraint: str) -> None:
        values = {name: json.dumps(value) if name == "codings" else value for name, value in values.items()}
        with refused(constraint):
            update(Diagnosis, diagnosis, **values)

    def test_one_is_active_of_a_patient_and_primary_code(self, diagnosis: str) -> None:
        for clinical_status in choices.ACTIVE:
            with refused("clinical_diagnosis_active_once"):
                copy(Diagnosis, diagnosis, clinical_status=clinical_status)
        copy(Diagnosis, diagnosis, clinical_status="resolved")

    def test_its_patient_and_consultation_belong_together(self, api: Api, diagnosis: str, foreign: str) -> None:
        other = factories.consultation(api)["id"]
        for consultation in (other, foreign):
            with refused("diagnosis_consultation"):
                copy(Diagnosis, diagnosis, consultation_id=consultation, clinical_status="resolved")
        with refused("diagnosis_patient"):
            copy(Diagnosis, diagnosis, organization="general-hospital")
        with refused("diagnosis_patient"):
            copy(Diagnosis, diagnosis, patient_id=NOBODY)

    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    def test_it_begins_in_an_open_consultation(self, api: Api, status: str) -> None:
        ended = factories.consultation_that_is(api, status)
        made = factories.diagnosis(api, ended["patient"])["id"]
        with refused("consultation_open"):
            copy(Diagnosis, made, consultation_id=ended["id"], clinical_status="resolved")

    def test_a_consultation_does_not_leave_its_diagnoses(self, api: Api) -> None:
        visit = factories.consultation(api)
        factories.diagnosis(api, visit["patient"], consultation=visit["id"])
        survivor = factories.patient(api)["id"]
        update(Patient, visit["patient"], status="merged", active=False, merged_into_id=survivor)
        with refused("diagnosis_consultation"):
            update(Consultation, visit["id"], patient_id=survivor)

    @pytest.mark.parametrize(
        "values",
        [{"codings": json.dumps([MONDO, {"system": "ICD-10", "code": "E84"}])}, {"display": "x"}, {"severity": "mild"},
         {"onset": "2019"}, {"clinical_status": "active"}],
    )  # fmt: skip
    def test_it_is_settled_once_it_is_an_error(self, api: Api, diagnosis: str, values: dict[str, Any]) -> None:
        api.move(f"diagnoses/{diagnosis}", "entered-in-error", "Another patient's.")
        with refused("pgtrigger_settled"):
            update(Diagnosis, diagnosis, **values)


class TestGenomicLink:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"relation": "seen"}, "clinical_genomiclink_relation"),
            ({"verification": "maybe"}, "pgtrigger_verification"),
            *(({"verification": word}, "clinical_genomiclink_verification_checked") for word in choices.SETTLED),
            ({"checked_at": "2026-11-18T08:30:00Z"}, "clinical_genomiclink_verification_checked"),
            ({"snapshot": "{}"}, "clinical_genomiclink_verification_checked"),
            ({"snapshot": "null"}, "clinical_genomiclink_verification_checked"),
            (
                {"verification": "verified", "checked_at": "2026-11-18T08:30:00Z"},
                "clinical_genomiclink_verification_checked",
            ),
            (
                {"verification": "gone", "checked_at": "2026-11-18T08:30:00Z", "snapshot": "null"},
                "clinical_genomiclink_verification_checked",
            ),
            (
                {
                    "verification": "verified",
                    "checked_at": "2026-11-18T08:30:00Z",
                    "snapshot": json.dumps({"x": "y" * 4096}),
                },
                "clinical_genomiclink_snapshot",
            ),
            ({"analysis_id": NOBODY}, "pgtrigger_subject"),
            ({"consultation_id": NOBODY}, "pgtrigger_subject"),
        ],
    )
    def test_it_refuses(self, link: str, values: dict[str, Any], constraint: str) -> None:
        with refused(constraint):
            update(GenomicLink, link, **values)

    def test_an_analysis_is_linked_once(self, link: str) -> None:
        with refused("clinical_genomiclink_once"):
            copy(GenomicLink, link)

    def test_its_consultation_is_of_its_organization(self, link: str, foreign: str) -> None:
        for consultation in (foreign, NOBODY):
            with refused("genomiclink_consultation"):
                copy(GenomicLink, link, consultation_id=consultation)

    @pytest.mark.parametrize(("old", "new"), [*product(choices.SETTLED, choices.Verification.values)])
    def test_it_is_settled_once(self, link: str, old: str, new: str) -> None:
        checked = {"checked_at": "2026-11-18T08:30:00Z", "snapshot": "{}" if old == "verified" else None}
        update(GenomicLink, link, verification=old, **checked)
        if new != old:
            with refused("pgtrigger_verification"):
                update(GenomicLink, link, verification=new)
        for values in ({"checked_at": "2026-11-19T08:30:00Z"}, {"snapshot": '{"x": 1}'}):
            with refused("pgtrigger_settled"):
                update(GenomicLink, link, **values)

    def test_an_error_is_neither_edited_nor_verified(self, link: str) -> None:
        update(GenomicLink, link, status="entered-in-error")
        for values in ({"relation": "ordered"}, {"verification": "gone", "checked_at": "2026-11-18T08:30:00Z"}):
            with refused("pgtrigger_retired"):
                update(GenomicLink, link, **values)


# What else a row has to change for, to be entered in error.
RECORDS: list[tuple[Any, str, dict[str, Any]]] = [
    (Patient, "patient", {"active": False}),
    (Consultation, "consultation", {}),
    (Phenotype, "phenotype", {}),
    (Addendum, "addendum", {}),
    (Diagnosis, "diagnosis", {"clinical_status": None}),
    (GenomicLink, "link", {}),
]


@pytest.mark.parametrize(("model", "fixture", "cleared"), RECORDS)
def test_a_record_stays_once_it_has_left_its_first_state(
    request: Any, model: Any, fixture: str, cleared: dict[str, Any]
) -> None:
    id_ = request.getfixturevalue(fixture)
    update(model, id_, status="entered-in-error", **cleared)
    with refused("pgtrigger_"):
        execute(f"DELETE FROM {model._meta.db_table} WHERE id = %s", id_)
