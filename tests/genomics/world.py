"""One of everything, for the laws that hold for every service; tests/worlds.py says what each name means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.api import Api
from tests.worlds import Body, Records

from . import factories

table = "genomics_sample"
unique = "accession"
edits: list[Body] = [{"kind": kind} for kind in ("saliva", "tissue", "dna", "rna", "other")]
first_move: Body = {"to": "available"}
streamed: tuple[str, bytes] | None = ("text/vcf", factories.VCF)
without_words = {
    "genomics_analysis_ready_has_file": "only ingestion sets the status and the file, together",
    "genomics_variant_position": "the VCF reader refuses such lines with their number",
    "genomics_report_number": "numbers come from a sequence",
    "genomics_report_signed": "only signing sets these columns, together",
    "genomics_report_two_persons": "signing asks first, and answers 403",
    "genomics_report_revision": "only the operation counts revisions",
}
variables: dict[str, str] = {}


def plain(number: int) -> tuple[str, Body]:
    body = {"accession": f"N-{number:09}", "patient_id": factories.PATIENT, "kind": "blood", "origin": "germline"}
    return "samples", {**body, "received_at": "2026-11-18T10:05:00Z"}


def build(api: Api) -> Records:
    ready = factories.ready_analysis(api)["id"]
    sample = factories.sample(api)["id"]
    return {
        "sample": {"pk": sample},
        "analysis": {"pk": factories.analysis(api)["id"]},
        "finding": {"pk": factories.finding(api, ready)["id"]},
        "report": {"pk": factories.report(api, ready, [], outcome="negative")["id"]},
        "variant": {"analysis": ready, "id": factories.variant(api, ready)["id"]},
    }


def grow(api: Api) -> None:
    factories.signed_report(api)


def foreign_references(api: Api, mine: Records, theirs: Records) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    ready = mine["variant"]["analysis"]
    available = factories.available_sample(api)["id"]
    confirmed = factories.confirmed_finding(api, ready)["id"]
    sample = {"accession": "S-FOREIGN", "patient_id": factories.PATIENT, "kind": "blood", "origin": "germline"}
    analysis = {
        "sample": available,
        "assay": "wes",
        "genome_build": "GRCh38",
        "pipeline_name": "p",
        "pipeline_version": "1",
    }
    finding = {"analysis": ready, "variant": mine["variant"]["id"], "classification": "benign", "criteria": ["BA1"]}
    report = {"analysis": ready, "findings": [confirmed], "outcome": "positive", "conclusion": "x"}
    their_ready = theirs["variant"]["analysis"]
    for path, body, member, value in (
        ("samples", sample, "parent", theirs["sample"]["pk"]),
        ("analyses", analysis, "sample", theirs["sample"]["pk"]),
        ("findings", finding, "analysis", their_ready),
        ("findings", finding, "supersedes", theirs["finding"]["pk"]),
        ("reports", report, "analysis", their_ready),
        ("reports", report, "findings", [theirs["finding"]["pk"]]),
        ("reports", {**report, "outcome": "negative"}, "findings", [theirs["finding"]["pk"]]),
        ("reports", report, "replaces", theirs["report"]["pk"]),
    ):
        yield "POST", path, {**body, member: value}, member
    for path, member, value in (
        (f"samples/{mine['sample']['pk']}", "parent", theirs["sample"]["pk"]),
        (f"analyses/{mine['analysis']['pk']}", "sample", theirs["sample"]["pk"]),
        (f"findings/{mine['finding']['pk']}", "analysis", their_ready),
        (f"findings/{mine['finding']['pk']}", "supersedes", theirs["finding"]["pk"]),
        (f"reports/{mine['report']['pk']}", "findings", [theirs["finding"]["pk"]]),
        (f"reports/{mine['report']['pk']}", "replaces", theirs["report"]["pk"]),
    ):
        yield "PATCH", path, {member: value}, member


def foreign_filters(theirs: Records) -> list[str]:
    ready = theirs["variant"]["analysis"]
    return [
        f"samples?patient_id={factories.PATIENT}",
        f"analyses?sample={theirs['sample']['pk']}",
        f"findings?analysis={ready}",
        f"reports?analysis={ready}",
    ]
