"""One of everything, for the walk of all routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.api import Api

from . import factories

World = dict[str, dict[str, Any]]


def build(api: Api) -> World:
    """The URL parameters of the routes of each kind of record, by the routes' base name; all in their first state."""
    ready = factories.ready_analysis(api)["id"]
    sample = factories.sample(api)["id"]
    return {
        "sample": {"pk": sample},
        "analysis": {"pk": factories.analysis(api)["id"]},
        "finding": {"pk": factories.finding(api, ready)["id"]},
        "report": {"pk": factories.report(api, ready, [], outcome="negative")["id"]},
        "variant": {"analysis": ready, "id": factories.variant(api, ready)["id"]},
    }


def streamed_body() -> bytes:
    """What a route that reads its body itself would take."""
    return factories.VCF


def foreign_references(api: Api, mine: World, theirs: World) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Requests of mine that name a record of theirs: method, path, body, and the member that names it."""
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


def foreign_filters(theirs: World) -> list[str]:
    """Lists narrowed to what stands on a record of theirs."""
    ready = theirs["variant"]["analysis"]
    return [
        f"samples?patient_id={factories.PATIENT}",
        f"analyses?sample={theirs['sample']['pk']}",
        f"findings?analysis={ready}",
        f"reports?analysis={ready}",
    ]
