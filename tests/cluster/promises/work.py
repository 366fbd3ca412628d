"""It works: the walkthrough of README.md, a real file, and a link between the services."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass

from tests.api import RemoteApi
from tests.cluster.forwarding import gateway, host
from tests.cluster.kubectl import PROGRAM, within
from tests.cluster.releases import must_be_installed, server
from tests.cluster.world import NAMESPACES, World
from tests.server import test_walkthrough as readme
from tests.servers import ROOT, Server

from . import NotTried, promise

# The one command of the walkthrough that is not a request: it runs where the service does.
VERIFY = "CAREWAY_ENVIRONMENT=development .venv/bin/python manage.py verify_links\n"
# Who `make -s token` makes tokens for in the walkthrough, with the scopes that it names.
BEARERS = {"": "", "dr-lindqvist": "genomics:read genomics:sign"}
# Stands for `make` in the walkthrough: no other verb, no other person, no other scopes.
MAKE = """#!/bin/sh
[ "$*" = "-s token" ] && exec cat "${0%/*}/token of ${SUBJECT:-} ${SCOPE:-}"
"""
# Those of tests/server that compare what was printed, but for who the issuer says that people are.
CHECKS = (
    readme.test_each_step_answers_what_the_readme_says,
    readme.test_statuses_follow_each_other,
    readme.test_the_patient_is_one_on_both_sides,
    readme.test_a_consultation_runs_its_course,
    readme.test_the_link_is_verified_with_a_snapshot,
    readme.test_the_standards_have_words_for_all_of_it,
    readme.test_no_link_is_left,
    readme.test_a_file_with_two_columns_asks_for_one,
    readme.test_the_file_is_counted,
    readme.test_the_region_holds_what_passed_in_order,
    readme.test_both_exports_are_complete,
    readme.test_the_finding_is_about_the_variant_of_the_gene,
    readme.test_nobody_signs_their_own_report,
    readme.test_the_documents_need_no_token,
)


@promise(
    "work.walkthrough",
    "The walkthrough of README.md works through both Services",
    tried="its blocks as they stand, by curl, through kubectl port-forward to both Services",
    quick=True,
)
def walkthrough(world: World) -> str:
    must_be_installed(world)
    printed = _walk(world)
    for check in CHECKS:
        check(printed)
    assert printed["signed"].json["signed_by"] == "people:dr-lindqvist", printed["signed"]
    events = printed["history"].json["results"]
    assert [event["actor"] for event in events] == ["people:dr-lindqvist", "people:dr-okafor"], events
    return (
        f"{len(printed)} answers are what README.md says; different from it: the address, tokens of the trusted issuer"
        " in place of development's, verify_links in a clinical pod"
    )


def _walk(world: World) -> dict[str, readme.Printed]:
    """All blocks in one shell."""
    tools = world.folder / "tools"
    tools.mkdir(exist_ok=True)
    for subject, scope in BEARERS.items():
        token = world.token(*([subject, scope] if subject else []))
        (tools / f"token of {subject} {scope}").write_text(token, encoding="utf-8")
    (tools / "make").write_text(MAKE, encoding="utf-8")
    (tools / "make").chmod(0o755)
    exec_ = ["--namespace", NAMESPACES["clinical"], "exec", "deployment/clinical", "--container", "server", "--"]
    script = "".join(readme.blocks())
    with gateway() as address:
        for its, ours in (
            (readme.ADDRESS, f"export API={address}\n"),
            (VERIFY, f"{' '.join([PROGRAM, *exec_])} careway verify_links\n"),
        ):
            assert script.count(its) == 1, its
            script = script.replace(its, ours)
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(world.folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    # A command in a pod writes its log, such as of a collector that is away, to where its answer goes.
    said = "".join(line for line in run.stdout.splitlines(keepends=True) if not line.startswith('{"time": '))
    answers = [readme.Printed(int(status), text) for status, text in readme.ANSWER.findall(said)]
    return dict(zip(readme.STEPS, answers, strict=True))


@dataclass
class Client(RemoteApi):
    """A client of tests/server, with tokens of the issuer that the releases trust."""

    world: World | None = None

    def bearer(self) -> str:
        assert self.world
        return self.world.token(self.subject)


@dataclass
class Release(Server):
    """A server as those of tests/server know it; links in its answers begin with the host that it is asked by."""

    client: Client | None = None

    @property
    def url(self) -> str:
        return f"http://{host(self.service)}"

    @property
    def api(self) -> RemoteApi:
        assert self.client
        return self.client


@promise(
    "work.file",
    "A real VCF file becomes a signed report through a pod",
    tried="a public file of GATK, ingested, read by region, exported, ingested again, reported and signed",
    quick=True,
)
def file(world: World) -> str:
    if "CAREWAY_CORPUS" not in os.environ:
        raise NotTried("CAREWAY_CORPUS names no folder of public VCF files")
    must_be_installed(world)
    with gateway() as address:
        client = Client(service="genomics", url=address, world=world)
        readme.test_a_real_file_becomes_a_signed_report(Release("", service="genomics", client=client))
    return f"{readme.REAL_FILE}: every allele that it calls is stored, found and exported, and its report is signed"


TOLD = """
import base64, json
payload = open('/var/run/secrets/careway/token').read().split('.')[1]
print(base64.urlsafe_b64decode(payload + '=' * (-len(payload) % 4)).decode())
"""


@promise(
    "work.link",
    "clinical links an analysis of genomics, across namespaces, by its projected token",
    tried="POST genomic-links to clinical: one analysis of the patient, and one that is not there",
    quick=True,
)
def link(world: World) -> str:
    must_be_installed(world)
    consultation, analysis = _case(world)
    path = f"consultations/{consultation}/genomic-links"
    made = world.made("clinical", path, {"analysis_id": analysis, "relation": "reviewed"})
    assert made["verification"] == "verified", made
    assert made["snapshot"]["status"] == "registered", made
    nothing = {"analysis_id": "01890a5d-ac96-774b-bcce-000000000000", "relation": "reviewed"}
    refused = world.call("POST", "clinical", path, nothing)
    assert refused.status == 409, refused
    assert [fault["code"] for fault in refused.json["errors"]] == ["unknown-analysis"], refused
    claims = json.loads(within(NAMESPACES["clinical"], server("clinical"), "python", "-c", TOLD, container="server"))
    assert claims["sub"] == f"system:serviceaccount:{NAMESPACES['clinical']}:clinical", claims
    assert claims["aud"] == ["genomics"], claims
    return f"verified, asked as {claims['sub']} with audience {claims['aud'][0]}; an analysis that is not there: 409"


def _case(world: World) -> tuple[str, str]:
    """A consultation that has begun, and a registered analysis of the same patient."""
    number = str(time.time_ns())
    patient = world.made("clinical", "patients", {"mrn_system": "urn:oid:2.16.840.1.113883.19.5", "mrn": number,
                                                  "family_name": "Okafor", "sex": "female"})["id"]  # fmt: skip
    planned = {"patient": patient, "kind": "AMB", "scheduled_at": "2026-11-25T09:00:00+01:00", "reason": "The exome."}
    consultation = world.made("clinical", "consultations", planned)["id"]
    world.call("POST", "clinical", f"consultations/{consultation}/transitions", {"to": "in-progress"}, If_Match='"1"')
    return consultation, registered_analysis(world, patient)


def registered_analysis(world: World, patient: str) -> str:
    """An analysis that waits for its file."""
    sample = world.made("genomics", "samples", {"accession": f"L-{time.time_ns()}", "patient_id": patient,
        "kind": "blood", "origin": "germline", "received_at": "2026-11-18T10:05:00Z"})["id"]  # fmt: skip
    arrived = world.call("POST", "genomics", f"samples/{sample}/transitions", {"to": "available"}, If_Match='"1"')
    assert arrived.status == 200, arrived
    analysis = {"sample": sample, "assay": "wes", "genome_build": "GRCh38", "pipeline_name": "sarek"}
    return str(world.made("genomics", "analyses", {**analysis, "pipeline_version": "3.5.1"})["id"])
