"""Links from clinical to genomics: what the walkthrough of README does, up to there."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .kubectl import apply, kubectl
from .objects import pod
from .world import CLIENTS, World


def consultation(world: World) -> tuple[str, str]:
    """A sample of a new patient, and the path of the links of an open consultation with the same one."""
    name = {"mrn_system": "urn:oid:2.16.840.1.113883.19.5", "mrn": secrets.token_hex(8), "family_name": "Okafor"}
    patient = world.made("clinical", "patients", {**name, "sex": "female"})["id"]
    received = {"kind": "blood", "origin": "germline", "received_at": "2026-11-18T10:05:00Z"}
    sample = world.made("genomics", "samples", {"accession": secrets.token_hex(6), "patient_id": patient, **received})
    asked = {"patient": patient, "kind": "AMB", "scheduled_at": "2026-11-25T09:00:00+01:00", "reason": "The exome."}
    visit = world.made("clinical", "consultations", asked)
    for service, path, to in (
        ("genomics", f"samples/{sample['id']}", "available"),
        ("clinical", f"consultations/{visit['id']}", "in-progress"),
    ):
        answer = world.call("POST", service, f"{path}/transitions", {"to": to}, If_Match='"1"')
        assert answer.status == 200, (answer.status, answer.content[:300])
    return str(sample["id"]), f"consultations/{visit['id']}/genomic-links"


def analysis(sample: str) -> dict[str, str]:
    return {"sample": sample, "assay": "wes", "genome_build": "GRCh38", "pipeline_name": "p", "pipeline_version": "1"}


def linked(world: World, **headers: str) -> dict[str, Any]:
    """A new link from a consultation to an analysis."""
    sample, links = consultation(world)
    made = world.made("genomics", "analyses", analysis(sample))
    return dict(world.made("clinical", links, {"analysis_id": made["id"], "relation": "reviewed"}, **headers))


@contextmanager
def linking(world: World, pause: float = 0.3) -> Iterator[Counter[str]]:
    """A pod makes link after link for as long as the block lasts; what became of them is there afterwards.

    No kubectl runs meanwhile: an API server that is started anew would end it.
    """
    sample, links = consultation(world)
    headers = {
        "Authorization": f"Bearer {world.token(exp=int(time.time()) + 3600)}",
        "Content-Type": "application/json",
    }
    plan = {
        "headers": headers,
        "analyses": f"{world.url('genomics')}/genomics/v1/analyses",
        "analysis": analysis(sample),
        "links": f"{world.url('clinical')}/clinical/v1/{links}",
        "pause": pause,
    }
    command = ["python", "/proof/link.py", json.dumps(plan)]
    apply([pod("linking", CLIENTS, world.image, labels={"careway.test/proof": "client"}, command=command)])
    outcomes: Counter[str] = Counter()
    try:
        kubectl("--namespace", CLIENTS, "wait", "--for=condition=Ready", "pod/linking", "--timeout=120s")
        yield outcomes
        lines = kubectl("--namespace", CLIENTS, "logs", "linking").splitlines()
        outcomes.update(json.loads(line)["outcome"] for line in lines)
    finally:
        kubectl("--namespace", CLIENTS, "delete", "pod", "linking", "--ignore-not-found")
