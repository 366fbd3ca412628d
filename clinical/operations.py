"""Every write of this service that has a rule of its own: keyword-only, in the caller's transaction, on locked rows.

What has none is written by chassis/records.py as it stands.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from chassis import records
from chassis.issuers import Caller
from chassis.models import Record
from chassis.problems import Problem, invalid

from . import metrics
from .choices import ENDED, OPEN
from .models import Addendum, Consultation, Diagnosis, Patient, Phenotype


def edit_patient(patient: Patient, *, caller: Caller, **values: Any) -> None:
    """Raises Problem not-editable; for a merged patient it names the survivor."""
    if patient.status == "merged":
        raise Problem("not-editable", "The patient was merged into another.", current="merged", **_survivor_of(patient))
    records.edit(patient, caller=caller, **values)


def move_patient(patient: Patient, *, caller: Caller, to: str, reason: str, into: UUID | None = None) -> None:
    """Merges the patient, or enters it in error."""
    patient.machine.check(patient.status, to, reason)
    if to == "merged":
        merge_patient(patient, caller=caller, reason=reason, into=into)
    elif into is not None:
        raise invalid("/into", "unexpected", "Only a merge names another patient.")
    else:
        records.move(patient, caller=caller, to=to, reason=reason, active=False)


def merge_patient(patient: Patient, *, caller: Caller, reason: str, into: UUID | None) -> None:
    """Everything of the patient becomes the survivor's, in one transaction; the record stays, and points there.

    Raises Problem: invalid, conflict. Two merges that name each other may wait for each other; PostgreSQL then ends one
    of them, which is answered 503 and refused when it is tried again.
    """
    if into is None:
        raise invalid("/into", "required", "A merge names the patient who stays.")
    if into == patient.pk:
        raise invalid("/into", "own-survivor", "A patient is not merged into itself.")
    survivor = records.reference(Patient.objects.for_caller(caller), pointer="/into", id=into)
    _check_survivor(patient, survivor)
    # Earlier merges point at a survivor at once, never at a chain of merged records.
    for earlier in Patient.objects.for_caller(caller).filter(merged_into=patient).select_for_update():
        records.change(earlier, caller=caller, merged_into_id=survivor.pk)
    records.move(patient, caller=caller, to="merged", reason=reason, active=False, merged_into_id=survivor.pk)
    with connection.cursor() as cursor:
        # A diagnosis and its consultation name the same patient, and both are about to name another.
        cursor.execute("SET CONSTRAINTS diagnosis_consultation DEFERRED")
    for model in (Consultation, Diagnosis):
        _hand_over(model.objects.for_caller(caller).filter(patient=patient), to=survivor, caller=caller)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS diagnosis_consultation IMMEDIATE")
    transaction.on_commit(metrics.patients_merged.count)


def _check_survivor(patient: Patient, survivor: Patient) -> None:
    if survivor.merged_into_id == patient.pk:
        raise _unfit("cyclic-merge", "That patient was merged into this one.")
    if survivor.status == "merged":
        raise _unfit("merged", "That patient was merged itself; merge into the survivor.", **_survivor_of(survivor))
    if survivor.status != "registered":
        raise _unfit("not-registered", f"That patient is {survivor.status}.")
    theirs = set(Diagnosis.objects.filter(patient=survivor).active().primary_codings())
    if theirs & set(Diagnosis.objects.filter(patient=patient).active().primary_codings()):
        raise _unfit("duplicate-diagnosis", "Both have an active diagnosis of the same primary code; settle one first.")


def _unfit(code: str, message: str, **members: Any) -> Problem:
    fault = {"pointer": "/into", "code": code, "message": message}
    return Problem("conflict", message, errors=[fault], **members)


def _survivor_of(patient: Patient) -> dict[str, Any]:
    return {"existing": f"/{patient._meta.app_label}/v1/patients/{patient.merged_into_id}"}


def _hand_over(queryset: models.QuerySet[Any], *, to: Patient, caller: Caller) -> None:
    queryset.update(patient=to, version=F("version") + 1, updated_by=caller.actor, updated_at=Now())


def plan_consultation(*, caller: Caller, patient_id: UUID, practitioner: str = "", **values: Any) -> Consultation:
    """Raises Problem wrong-state for a patient who is not active."""
    _active_patient(caller, patient_id)
    practitioner = practitioner or caller.subject
    return records.create(Consultation, caller=caller, patient_id=patient_id, practitioner=practitioner, **values)


def edit_consultation(consultation: Consultation, *, caller: Caller, **values: Any) -> None:
    """Raises Problem not-editable once it has ended, or when it is to become another patient's."""
    consultation.machine.check_editable(consultation.status)
    kept = consultation.patient_id
    _check_kept(kept, values.pop("patient_id", kept), "A consultation keeps its patient; only a merge moves it.")
    if values.get("practitioner") == "":
        values["practitioner"] = consultation.practitioner
    records.edit(consultation, caller=caller, **values)


def move_consultation(consultation: Consultation, *, caller: Caller, to: str, reason: str) -> None:
    """The time of a beginning or an end is now, unless it was written before."""
    consultation.machine.check(consultation.status, to, reason)
    values = {}
    if to == "in-progress" and consultation.started_at is None:
        values["started_at"] = timezone.now()
    if to in ENDED and consultation.ended_at is None:
        # It may have begun by a clock that is a little ahead of this one.
        values["ended_at"] = max(timezone.now(), consultation.started_at or timezone.now())
    records.move(consultation, caller=caller, to=to, reason=reason, **values)


def record_phenotype(*, caller: Caller, consultation_id: UUID, **values: Any) -> Phenotype:
    """Raises Problem wrong-state once the consultation has ended."""
    _open_consultation(caller, consultation_id)
    return records.create(Phenotype, caller=caller, consultation_id=consultation_id, **values)


def edit_phenotype(phenotype: Phenotype, *, caller: Caller, **values: Any) -> None:
    """Raises Problem: not-editable, wrong-state once the consultation has ended."""
    phenotype.machine.check_editable(phenotype.status)
    _open_consultation(caller, phenotype.consultation_id)
    records.edit(phenotype, caller=caller, **values)


def delete_entry(entry: Record, *, caller: Caller, consultation_id: UUID | None) -> None:
    """A phenotype, a diagnosis or a link. Raises Problem: wrong-state once its consultation has ended, not-deletable."""
    if consultation_id:
        _open_consultation(caller, consultation_id)
    records.delete(entry, caller=caller)


def add_addendum(*, caller: Caller, consultation_id: UUID, **values: Any) -> Addendum:
    """Raises Problem wrong-state before the consultation has ended."""
    consultation = records.locked(Consultation.objects.for_caller(caller), pk=consultation_id)
    if consultation.status in OPEN or consultation.status == "entered-in-error":
        raise Problem("wrong-state", f"The consultation is {consultation.status}; an addendum follows its end.")
    return records.create(Addendum, caller=caller, consultation_id=consultation_id, **values)


def keep_addendum(addendum: Addendum, *, caller: Caller) -> None:
    """Raises Problem not-deletable, always."""
    raise Problem("not-deletable", "An addendum is never deleted.", current=addendum.status)


def diagnose(*, caller: Caller, patient_id: UUID, consultation_id: UUID | None = None, **values: Any) -> Diagnosis:
    """Raises Problem: wrong-state, conflict for a consultation of somebody else."""
    _active_patient(caller, patient_id)
    if consultation_id is not None:
        consultations = Consultation.objects.for_caller(caller)
        consultation = records.reference(consultations, pointer="/consultation", id=consultation_id)
        if consultation.patient_id != patient_id:
            raise Problem(
                "conflict",
                "The consultation is another patient's.",
                errors=[{"pointer": "/consultation", "code": "other-patient", "message": "Is another patient's."}],
            )
        _check_open(consultation)
    return records.create(Diagnosis, caller=caller, patient_id=patient_id, consultation_id=consultation_id, **values)


def edit_diagnosis(diagnosis: Diagnosis, *, caller: Caller, **values: Any) -> None:
    """Raises Problem not-editable when it is to become another patient's, or another consultation's."""
    diagnosis.machine.check_editable(diagnosis.status)
    values.pop("status", None)  # the serializer has refused another one, and a PUT without it changes nothing
    for name in ("patient_id", "consultation_id"):
        kept = getattr(diagnosis, name)
        _check_kept(kept, values.pop(name, kept), "A diagnosis keeps its patient and its consultation.")
    records.edit(diagnosis, caller=caller, **values)


def move_diagnosis(diagnosis: Diagnosis, *, caller: Caller, to: str, reason: str) -> None:
    """What was entered in error has no clinical status (con-5), and so cannot have abated (con-4)."""
    diagnosis.machine.check(diagnosis.status, to, reason)
    cleared = {"clinical_status": None, "abated": None} if to == "entered-in-error" else {}
    records.move(diagnosis, caller=caller, to=to, reason=reason, **cleared)


def _open_consultation(caller: Caller, consultation_id: UUID) -> Consultation:
    """The consultation, locked. Raises DoesNotExist (404), Problem wrong-state."""
    consultation: Consultation = records.locked(Consultation.objects.for_caller(caller), pk=consultation_id)
    _check_open(consultation)
    return consultation


def _check_open(consultation: Consultation) -> None:
    if consultation.status not in OPEN:
        raise Problem(
            "wrong-state",
            f"The consultation is {consultation.status}; it takes addenda alone.",
            current=consultation.status,
        )


def _active_patient(caller: Caller, patient_id: UUID) -> None:
    patient = records.reference(Patient.objects.for_caller(caller), pointer="/patient", id=patient_id)
    if patient.status == "merged":
        raise Problem("wrong-state", "The patient was merged into another.", current="merged", **_survivor_of(patient))
    if not patient.active:
        raise Problem("wrong-state", "The patient is not active.", current=patient.status)


def _check_kept(kept: UUID | None, named: UUID | None, words: str) -> None:
    if named != kept:
        raise Problem("not-editable", words)
