"""What a report says, put together from the rows: frozen when it is signed, shown the same way before. And what an
analysis has to say as a whole. Plain values, as the standard views map them; reads alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from chassis.fhir import instant
from chassis.issuers import Caller

from .choices import CHROMOSOMES
from .models import Analysis, Finding, Report, Sample, Variant

# Text, whole numbers, lists of text and null: what is signed has one canonical form. The rest is for views alone.
SIGNED_VARIANT = (
    "id", "chrom", "pos", "end_pos", "ref", "alt", "kind", "genotype", "zygosity", "depth", "depth_alt", "rs_ids", "gene_symbol",
    "hgvs_c", "hgvs_p",
)  # fmt: skip
SHOWN_VARIANT = (*SIGNED_VARIANT, "qual", "filters", "info")


def findings_of(report: Report, *, caller: Caller) -> QuerySet[Finding]:
    """Those that the report names, in the order they are signed in."""
    found: QuerySet[Finding] = Finding.objects.for_caller(caller).named_by(report.findings)
    return found


def shown_content(report: Report, *, caller: Caller) -> dict[str, Any]:
    """What was signed; before that, what signing would freeze now.

    Costs nothing for a signed report, else two queries, and more unless it came `with_subject`.
    """
    if report.content is not None:
        return dict(report.content)
    findings = list(findings_of(report, caller=caller))
    number = report.replaces.number if report.replaces else None
    return report_content(
        report, report.analysis, findings, number=number, status=report.status, signed_by=None, signed_at=None
    )


def report_content(report: Report, analysis: Analysis, findings: list[Finding], **signing: Any) -> dict[str, Any]:
    """What is signed; `signing` is the number, the status and who signs when."""
    variants = _variants(analysis, findings, SIGNED_VARIANT)
    return {
        "report": {
            "id": str(report.pk),
            "revision": report.revision,
            "outcome": report.outcome,
            "conclusion": report.conclusion,
            "replaces": _text(report.replaces_id),
            "created_by": report.created_by,
            **signing,
        },
        "sample": _sample(analysis.sample),
        "analysis": {
            "id": str(analysis.pk),
            "order_id": _text(analysis.order_id),
            "assay": analysis.assay,
            "panel_code": analysis.panel_code,
            "genome_build": analysis.genome_build,
            "pipeline_name": analysis.pipeline_name,
            "pipeline_version": analysis.pipeline_version,
            "file_sha256": analysis.file_sha256,
        },
        "findings": [_finding(finding, variants[finding.variant]) for finding in findings],
    }


def analysis_facts(analysis: Analysis, *, caller: Caller) -> dict[str, Any]:
    """The analysis with its sample, its confirmed findings and its current report; three queries more.

    `changed` is the latest change of any of them, so that the same facts read the same.
    """
    findings = list(Finding.objects.for_caller(caller).confirmed_in(analysis.pk))
    report = Report.objects.for_caller(caller).current_of(analysis.pk).first()
    variants = _variants(analysis, findings, SHOWN_VARIANT)
    latest = max((analysis, analysis.sample, *findings, *([report] if report else [])), key=lambda row: row.updated_at)
    return {
        "analysis": {"id": str(analysis.pk), "status": analysis.status, "genome_build": analysis.genome_build},
        "sample": _sample(analysis.sample),
        "findings": [_finding(finding, variants[finding.variant]) for finding in findings],
        "report": {"outcome": report.outcome, "findings": [str(id_) for id_ in report.findings]} if report else None,
        "changed": {"at": instant(latest.updated_at), "by": latest.updated_by},
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "id": str(sample.pk),
        "accession": sample.accession,
        "patient_id": str(sample.patient_id),
        "kind": sample.kind,
        "origin": sample.origin,
        "collected_at": _moment(sample.collected_at),
        "received_at": _moment(sample.received_at),
        "parent": _text(sample.parent_id),
        "status": sample.status,
    }


def _finding(finding: Finding, variant: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(finding.pk),
        "variant": {**variant, "id": str(finding.variant)},
        "classification": finding.classification,
        "criteria": finding.criteria,
        "condition": finding.condition,
        "inheritance": finding.inheritance,
        "comment": finding.comment,
        "created_by": finding.created_by,
        "confirmed_by": finding.updated_by,
    }


def _variants(analysis: Analysis, findings: Iterable[Finding], fields: tuple[str, ...]) -> dict[UUID, dict[str, Any]]:
    named = [finding.variant for finding in findings]
    rows = Variant.objects.of_analysis(analysis.pk).filter(id__in=named).values(*fields)
    return {row["id"]: {**row, "chrom": CHROMOSOMES[row["chrom"] - 1]} for row in rows}


def _text(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None


def _moment(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None
