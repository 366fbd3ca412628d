"""Links to analyses: made when the other service says whose they are, or pending until it can be asked.

The two services share no table. What the other one answered is kept as it was then: docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chassis import records
from chassis.history import recorded
from chassis.issuers import Caller
from chassis.problems import Problem
from chassis.vitals import ask, vital

from . import genomics_client, metrics
from .models import Consultation, GenomicLink, Patient

# Whoever links an analysis learns that it exists and whose it is; the service's own right must not tell them.
NEEDED_SCOPE = "genomics:read"


class Outcome(NamedTuple):
    """What the other service says of an analysis, for one patient: the columns of the link."""

    verification: str
    snapshot: dict[str, Any] | None = None

    @property
    def columns(self) -> dict[str, Any]:
        checked_at = None if self.verification == "pending" else timezone.now()
        return {"verification": self.verification, "snapshot": self.snapshot, "checked_at": checked_at}


def link_analysis(*, caller: Caller, consultation_id: UUID, analysis_id: UUID, **values: Any) -> GenomicLink:
    """Raises Problem: wrong-state, conflict for an unknown analysis or another patient's.

    Asks before it locks: the other service may take two seconds, and nobody else has to wait for them. The
    transaction, and with it the retry key, is open meanwhile.
    """
    consultations = Consultation.objects.for_caller(caller)
    _check_linkable(consultations.get(pk=consultation_id))
    judge = _ask(analysis_id, organization=caller.organization)
    consultation = records.locked(consultations, pk=consultation_id)
    _check_linkable(consultation)
    outcome = judge(consultation)
    _refuse(outcome)
    link = records.create(
        GenomicLink,
        caller=caller,
        consultation_id=consultation_id,
        analysis_id=analysis_id,
        **values,
        **outcome.columns,
    )
    _count(outcome)
    return link


def settle(link: GenomicLink, *, caller: Caller) -> str:
    """Asks about a pending link again, and writes what is answered; answers its verification, or `settled` when another
    was faster.

    Opens no transaction while it waits. Raises Unreachable, and then changes nothing.
    """
    found = genomics_client.find_analysis(link.analysis_id, organization=link.organization)
    return _settled(link.pk, found, caller=caller)


def _settled(pk: UUID, found: genomics_client.Analysis | None, *, caller: Caller) -> str:
    with recorded(caller):
        link = GenomicLink.objects.for_caller(caller).pending().select_for_update(of=("self",)).filter(pk=pk).first()
        if link is None:  # somebody else has settled it, or entered it in error
            return "settled"
        # Locked, so that no merge comes between this patient and those that were merged into it.
        consultation = records.locked(Consultation.objects.for_caller(caller), pk=link.consultation_id)
        outcome = _judged(found, consultation)
        records.change(link, caller=caller, **outcome.columns)
        _count(outcome)
    return outcome.verification


def edit_link(link: GenomicLink, *, caller: Caller, analysis_id: UUID | None = None, **values: Any) -> None:
    """Raises Problem not-editable when it is to name another analysis."""
    link.machine.check_editable(link.status)
    if analysis_id not in {None, link.analysis_id}:
        raise Problem("not-editable", "A link keeps its analysis; make another one.")
    records.edit(link, caller=caller, **values)


def _ask(analysis_id: UUID, *, organization: str) -> Callable[[Consultation], Outcome]:
    """What the answer means for a consultation, which is locked only after it."""
    try:
        return partial(_judged, genomics_client.find_analysis(analysis_id, organization=organization))
    except genomics_client.Unreachable:
        return lambda _: Outcome("pending")


def _judged(found: genomics_client.Analysis | None, consultation: Consultation) -> Outcome:
    if found is None:
        return Outcome("gone")
    # The other service may know the patient by a record that has been merged since.
    if not Patient.objects.same_person(consultation.patient_id).filter(pk=found.patient_id).exists():
        return Outcome("rejected")
    return Outcome("verified", found.snapshot)


def _refuse(outcome: Outcome) -> None:
    words = {"gone": "There is no such analysis.", "rejected": "The analysis is another patient's."}
    codes = {"gone": "unknown-analysis", "rejected": "other-patient"}
    if message := words.get(outcome.verification):
        # At once: the refusal ends the transaction, and what waits for its commit with it.
        metrics.link_verifications.count(outcome.verification)
        fault = {"pointer": "/analysis_id", "code": codes[outcome.verification], "message": message}
        raise Problem("conflict", message, errors=[fault])


def _check_linkable(consultation: Consultation) -> None:
    # An analysis is often ready only after the consultation that ordered it has ended.
    if consultation.status in {"cancelled", "entered-in-error"}:
        raise Problem("wrong-state", f"The consultation is {consultation.status}.", current=consultation.status)


def _count(outcome: Outcome) -> None:
    transaction.on_commit(lambda: metrics.link_verifications.count(outcome.verification))


# Their index holds the pending ones alone: no other link is read.
PENDING = f"""
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 FROM {GenomicLink._meta.db_table}
WHERE verification = 'pending' AND status = 'recorded'
"""


@vital(metrics.links_pending, metrics.links_pending_age)
def pending_links() -> None:
    """Of all organizations, as verify_links settles them."""
    ((number, age),) = ask(PENDING)
    metrics.links_pending.tell(number)
    metrics.links_pending_age.tell(max(0.0, age))
