"""Every write of this service that has a rule of its own: keyword-only, in the caller's transaction, on locked rows.

What has none is written by chassis/records.py as it stands.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from chassis import records
from chassis.fhir import instant
from chassis.issuers import Caller
from chassis.problems import Problem, invalid

from . import metrics
from .choices import INGESTED, PATHOGENIC_TIERS, SIGNED
from .content import findings_of, report_content
from .models import Analysis, Finding, Report, Sample
from .rules import content_digest


def edit_sample(sample: Sample, *, caller: Caller, **values: Any) -> None:
    """Raises Problem not-editable: whose sample it is, and its name, are fixed once it is available."""
    fixed = [
        name
        for name in ("patient_id", "accession", "parent_id")
        if name in values and values[name] != getattr(sample, name)
    ]
    if fixed and sample.status != "expected":
        raise Problem(
            "not-editable",
            "patient_id, accession and parent are fixed once a sample is available.",
            current=sample.status,
        )
    records.edit(sample, caller=caller, **values)


def move_sample(sample: Sample, *, caller: Caller, to: str, reason: str, received_at: datetime | None = None) -> None:
    """Raises Problem wrong-state when a sample without received_at is to become available."""
    sample.machine.check(sample.status, to, reason)
    if received_at and to != "available":
        raise invalid("/received_at", "unexpected", "Only what becomes available is received.")
    received_at = received_at or sample.received_at
    if to == "available" and received_at is None:
        raise Problem("wrong-state", "A sample becomes available once received_at is set.")
    records.move(sample, caller=caller, to=to, reason=reason, received_at=received_at)


def register_analysis(*, caller: Caller, sample_id: UUID, **values: Any) -> Analysis:
    """Raises Problem wrong-state when the sample is not available."""
    _available_sample(caller, sample_id)
    return records.create(Analysis, caller=caller, sample_id=sample_id, **values)


def edit_analysis(analysis: Analysis, *, caller: Caller, **values: Any) -> None:
    """Raises Problem wrong-state when it is moved to a sample that is not available."""
    analysis.machine.check_editable(analysis.status)
    if values.get("sample_id", analysis.sample_id) != analysis.sample_id:
        _available_sample(caller, values["sample_id"])
    records.edit(analysis, caller=caller, **values)


def _available_sample(caller: Caller, sample_id: UUID) -> None:
    sample = records.reference(Sample.objects.for_caller(caller), pointer="/sample", id=sample_id)
    if sample.status != "available":
        raise Problem("wrong-state", f"The sample is {sample.status}, not available.")


def draft_finding(*, caller: Caller, analysis_id: UUID, supersedes_id: UUID | None = None, **values: Any) -> Finding:
    """Raises Problem: wrong-state for an analysis without variants, conflict for what cannot be superseded."""
    analysis = records.reference(Analysis.objects.for_caller(caller), pointer="/analysis", id=analysis_id)
    if analysis.status not in INGESTED:
        raise Problem("wrong-state", f"The analysis is {analysis.status}; findings need one that is ready or reported.")
    if supersedes_id is not None:
        old = records.reference(Finding.objects.for_caller(caller), pointer="/supersedes", id=supersedes_id)
        if (old.analysis_id, old.variant) != (analysis_id, values["variant"]):
            raise Problem("conflict", "A finding supersedes one of the same variant in the same analysis.")
        if old.status != "confirmed":
            raise Problem("wrong-state", f"The finding to supersede is {old.status}, not confirmed.")
    return records.create(Finding, caller=caller, analysis_id=analysis_id, supersedes_id=supersedes_id, **values)


def edit_finding(finding: Finding, *, caller: Caller, **values: Any) -> None:
    """Raises Problem not-editable when the draft is moved to another variant."""
    subject = {"analysis_id": finding.analysis_id, "variant": finding.variant, "supersedes_id": finding.supersedes_id}
    if any(values.get(name, value) != value for name, value in subject.items()):
        raise Problem(
            "not-editable", "A finding keeps its analysis, its variant and what it supersedes; draft another one."
        )
    records.edit(finding, caller=caller, **{name: value for name, value in values.items() if name not in subject})


def move_finding(finding: Finding, *, caller: Caller, to: str, reason: str) -> None:
    """Confirming a finding supersedes the one it names, in the same transaction.

    Raises Problem wrong-state for an analysis in error.
    """
    finding.machine.check(finding.status, to, reason)
    if to == "confirmed" and finding.analysis.status not in INGESTED:
        raise Problem("wrong-state", f"The analysis is {finding.analysis.status}.")
    if to == "confirmed" and finding.supersedes_id:
        # Still confirmed: only this draft may supersede it.
        old = records.locked(Finding.objects.for_caller(caller), pk=finding.supersedes_id)
        records.change(old, caller=caller, status="superseded")
    records.move(finding, caller=caller, to=to, reason=reason)


def draft_report(
    *,
    caller: Caller,
    analysis_id: UUID,
    findings: list[UUID],
    outcome: str,
    replaces_id: UUID | None = None,
    **values: Any,
) -> Report:
    """Raises Problem: wrong-state, conflict."""
    analysis = records.reference(Analysis.objects.for_caller(caller), pointer="/analysis", id=analysis_id)
    revision = 1
    if replaces_id is not None:
        old = records.reference(Report.objects.for_caller(caller), pointer="/replaces", id=replaces_id)
        if old.analysis_id != analysis_id:
            raise Problem("conflict", "A report replaces one about the same analysis.")
        _check_replaceable(old)
        revision = old.revision + 1
    if analysis.status != "ready" and not (replaces_id and analysis.status == "reported"):
        raise Problem("wrong-state", f"The analysis is {analysis.status}, not ready.")
    _check_outcome(caller, outcome, findings)
    return records.create(
        Report,
        caller=caller,
        analysis_id=analysis_id,
        findings=findings,
        outcome=outcome,
        replaces_id=replaces_id,
        revision=revision,
        **values,
    )


def edit_report(report: Report, *, caller: Caller, **values: Any) -> None:
    """Raises Problem: not-editable, conflict."""
    report.machine.check_editable(report.status)
    subject = {"analysis_id": report.analysis_id, "replaces_id": report.replaces_id}
    if any(values.get(name, value) != value for name, value in subject.items()):
        raise Problem("not-editable", "A report keeps its analysis and what it replaces; draft another one.")
    _check_outcome(caller, values.get("outcome", report.outcome), values.get("findings", report.findings))
    records.edit(report, caller=caller, **{name: value for name, value in values.items() if name not in subject})


def _check_outcome(caller: Caller, outcome: str, findings: list[UUID]) -> None:
    mine = Finding.objects.for_caller(caller).filter(pk__in=findings)
    if outcome == "positive" and not mine.filter(classification__in=PATHOGENIC_TIERS).exists():
        raise Problem("conflict", "A positive outcome needs a finding that is pathogenic or likely pathogenic.")


def move_report(report: Report, *, caller: Caller, to: str, reason: str) -> None:
    """Signs, cancels, or enters in error."""
    report.machine.check(report.status, to, reason)
    if to in SIGNED:
        sign_report(report, caller=caller, to=to, reason=reason)
    else:
        records.move(report, caller=caller, to=to, reason=reason)


def sign_report(report: Report, *, caller: Caller, to: str, reason: str) -> None:
    """Freezes the content, numbers it, and moves the analysis and a replaced report along, all in one transaction.

    Raises Problem: forbidden when the caller created or last edited the report, wrong-state, illegal-transition.
    """
    _check_signatory(report, caller=caller, to=to)
    analysis = records.locked(Analysis.objects.for_caller(caller), pk=report.analysis_id)
    findings = list(findings_of(report, caller=caller).select_for_update())
    if any(finding.status != "confirmed" for finding in findings):
        raise Problem("wrong-state", "A finding of the report is no longer confirmed; draft it anew.")
    number = _supersede(report.replaces_id, caller=caller) if report.replaces_id else _next_number()
    if analysis.status == "ready":
        records.change(analysis, caller=caller, status="reported")
    elif analysis.status != "reported" or not report.replaces_id:
        raise Problem("wrong-state", f"The analysis is {analysis.status}.")
    if analysis.sample.status == "entered-in-error":
        raise Problem("wrong-state", "The sample is entered-in-error.")
    signed_at = timezone.now()
    content = report_content(
        report, analysis, findings, number=number, status=to, signed_by=caller.actor, signed_at=instant(signed_at)
    )
    records.move(
        report,
        caller=caller,
        to=to,
        reason=reason,
        number=number,
        signed_by=caller.actor,
        signed_at=signed_at,
        content=content,
        content_sha256=content_digest(content),
    )
    transaction.on_commit(lambda: metrics.reports_signed.count(to))


def _check_signatory(report: Report, *, caller: Caller, to: str) -> None:
    if caller.actor in {report.created_by, report.updated_by}:
        raise Problem("forbidden", "Nobody signs a report that they created or last edited.")
    if (to == "final") != (report.replaces_id is None):
        raise Problem(
            "illegal-transition",
            "A first report becomes final; one that replaces another becomes amended or corrected.",
            current=report.status,
            allowed=["final"] if report.replaces_id is None else ["amended", "corrected"],
        )


def _supersede(report_id: UUID, *, caller: Caller) -> str | None:
    """The replaced report's number, which its successor keeps. Raises Problem wrong-state."""
    old: Report = records.locked(Report.objects.for_caller(caller), pk=report_id)
    _check_replaceable(old)
    if old.status in SIGNED:
        records.change(old, caller=caller, status="superseded")
    return old.number


def _check_replaceable(report: Report) -> None:
    # One that was signed and then entered in error is replaced too, and stays what it is: otherwise nothing could be
    # reported about its analysis any more.
    if report.status not in SIGNED and not (report.status == "entered-in-error" and report.signed_at):
        raise Problem("wrong-state", f"The report to replace is {report.status}; a signed one is needed.")


def _next_number() -> str:
    # A sequence leaves gaps after a rollback; numbers are unique, not counted.
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YY'), nextval('report_number')")
        year, ordinal = cursor.fetchone()
    return f"R{year}-{ordinal:06}"
