"""The walkthrough of README.md: its blocks, run as they stand on a real server; the same steps on a real file."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.genomics import factories
from tests.servers import ROOT, Server, make_database, product_environment

ADDRESS = "export API=http://127.0.0.1:8000\n"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"^(\d{3}) (.*?)(?=^\d{3} |\Z)", re.MULTILINE | re.DOTALL)
# The answers that the blocks print, in order.
STEPS = (
    *(
        "patient",
        "sample",
        "available",
        "analysis",
        "without column",
        "ingested",
        "ready",
        "region",
        "gene",
        "vcf",
        "ndjson",
    ),
    *("finding", "confirmed", "report", "signed by its author", "signed", "history"),
    *(
        "consultation",
        "begun",
        "phenotype",
        "diagnosis",
        "diagnosis again",
        "link",
        "link to nothing",
        "ended",
        "addendum",
    ),
    *("consultation as FHIR", "report as FHIR", "phenopacket"),
    *("openapi", "docs", "clinical openapi", "clinical docs", "livez", "readyz", "index", "problems"),
)
START, END = 179148114, 179240093
REAL_FILE = "vcf/gatk__hg38_trio.pik3ca.vcf"


class Printed(NamedTuple):
    """A status and a body as the walkthrough shows them."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text.splitlines()[0])


def blocks() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, begun, rest = readme.partition("<!-- walkthrough begins -->")
    walkthrough, ended, _ = rest.partition("<!-- walkthrough ends -->")
    assert begun
    assert ended
    return BLOCK.findall(walkthrough)


def walk(server: Server, folder: Path) -> dict[str, Printed]:
    """Runs all blocks in one shell; only the server's address differs from the README."""
    mark, lock = ROOT / ".venv" / "made-from-lock", ROOT / "requirements" / "development.txt"
    # The blocks call `make`, which would make a stale environment anew below the very tests that run in it.
    assert mark.exists(), "run `make .venv` first"
    assert mark.stat().st_mtime >= lock.stat().st_mtime, "the lock has changed: run `make .venv` first"
    script = "".join(blocks())
    assert script.count(ADDRESS) == 1
    script = script.replace(ADDRESS, f"export API={server.url}\n")
    of_make = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "SCOPE", "SUBJECT", "ORGANIZATION"}
    environment = {name: value for name, value in product_environment().items() if name not in of_make}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={
            **environment,
            "TMPDIR": str(folder),
            "DATABASE_URL": server.database,
            "CAREWAY_PORT": str(server.port),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    answers = [Printed(int(status), text) for status, text in ANSWER.findall(run.stdout)]
    return dict(zip(STEPS, answers, strict=True))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = replace(Server.that_asks_itself(make_database("careway_walkthrough")), service="genomics").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def printed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Printed]:
    return walk(server, tmp_path_factory.mktemp("walkthrough"))


def test_each_step_answers_what_the_readme_says(printed: dict[str, Printed]) -> None:
    assert {name: answer.status for name, answer in printed.items()} == {
        **dict.fromkeys(STEPS, 200),
        **dict.fromkeys(["patient", "sample", "analysis", "ingested", "finding", "report"], 201),
        **dict.fromkeys(["consultation", "phenotype", "diagnosis", "link", "addendum"], 201),
        **dict.fromkeys(["diagnosis again", "link to nothing"], 409),
        "without column": 422,
        "signed by its author": 403,
    }


def test_statuses_follow_each_other(printed: dict[str, Printed]) -> None:
    steps = ("sample", "available", "analysis", "ready", "finding", "confirmed", "report", "signed")
    assert [printed[step].json["status"] for step in steps] == [
        *("expected", "available", "registered", "ready", "draft", "confirmed", "preliminary", "final"),
    ]


def test_the_patient_is_one_on_both_sides(printed: dict[str, Printed]) -> None:
    patient = printed["patient"].json
    assert patient["mrn"].startswith("00")
    assert printed["sample"].json["patient_id"] == printed["analysis"].json["patient_id"] == patient["id"]
    assert printed["consultation"].json["patient"] == patient["id"]


def test_a_consultation_runs_its_course(printed: dict[str, Printed]) -> None:
    steps = ("consultation", "begun", "ended")
    assert [printed[step].json["status"] for step in steps] == ["planned", "in-progress", "completed"]
    assert printed["ended"].json["started_at"] <= printed["ended"].json["ended_at"]
    assert printed["diagnosis again"].json["code"] == "duplicate"


def test_the_link_is_verified_with_a_snapshot(printed: dict[str, Printed]) -> None:
    link = printed["link"].json
    assert (link["verification"], link["analysis_id"]) == ("verified", printed["analysis"].json["id"])
    assert link["snapshot"]["status"] == "reported"
    assert [fault["code"] for fault in printed["link to nothing"].json["errors"]] == ["unknown-analysis"]


def test_the_standards_have_words_for_all_of_it(printed: dict[str, Printed]) -> None:
    types = {
        step: [entry["resource"]["resourceType"] for entry in printed[step].json["entry"]]
        for step in ("consultation as FHIR", "report as FHIR")
    }
    assert {"Patient", "Encounter", "Condition", "Observation", "Procedure"} <= set(types["consultation as FHIR"])
    assert {"DiagnosticReport", "Specimen", "Observation"} <= set(types["report as FHIR"])
    (interpretation,) = printed["phenopacket"].json["interpretations"]
    assert (interpretation["progressStatus"], interpretation["diagnosis"]["disease"]["id"]) == (
        "SOLVED",
        "MONDO:0016054",
    )


def test_no_link_is_left(printed: dict[str, Printed]) -> None:
    assert printed["phenopacket"].text.splitlines()[-1] == '{"left": 0}'


def test_a_file_with_two_columns_asks_for_one(printed: dict[str, Printed]) -> None:
    problem = printed["without column"].json
    assert problem["samples"] == ["CHILD", "MOTHER"]
    assert [fault["code"] for fault in problem["errors"]] == ["sample-required"]


def test_the_file_is_counted(printed: dict[str, Printed]) -> None:
    summary = printed["ingested"].json
    digest = summary.pop("sha256")
    assert summary == {
        "stored": 11,
        "skipped_reference": 1,
        "skipped_other_contigs": 1,
        "duplicates": 0,
        "warnings": [],
    }
    assert digest == printed["ready"].json["file_sha256"]


def test_the_region_holds_what_passed_in_order(printed: dict[str, Printed]) -> None:
    page = printed["region"].json
    assert [(row["pos"], row["ref"], row["alt"], row["kind"]) for row in page["results"]] == [
        (179150260, "T", "G", "snv"),
        (179175012, "GCA", "G", "deletion"),
        (179175012, "G", "GCA", "insertion"),
        (179218303, "G", "A", "snv"),
        (179230377, "N", "<DEL>", "deletion"),
    ]
    assert page["next"] is None
    assert page["previous"] is None


def test_both_exports_are_complete(printed: dict[str, Printed]) -> None:
    rows = [json.loads(line) for line in printed["ndjson"].text.splitlines() if line]
    lines = [line.split("\t") for line in printed["vcf"].text.splitlines() if line and not line.startswith("#")]
    assert len(rows) == printed["ingested"].json["stored"]
    assert [tuple(line[:2]) for line in lines] == [(row["chrom"], str(row["pos"])) for row in rows]
    assert [(line[3], line[4]) for line in lines] == [(row["ref"], row["alt"]) for row in rows]


def test_the_finding_is_about_the_variant_of_the_gene(printed: dict[str, Printed]) -> None:
    (variant,) = printed["gene"].json["results"]
    assert (variant["chrom"], variant["pos"], variant["gene_symbol"]) == ("3", 179218303, "PIK3CA")
    assert printed["finding"].json["variant"] == variant["id"]


def test_nobody_signs_their_own_report(printed: dict[str, Printed]) -> None:
    assert printed["signed by its author"].json["code"] == "forbidden"


def test_a_signed_report_is_frozen_with_number_signature_and_digest(printed: dict[str, Printed]) -> None:
    report = printed["signed"].json
    assert re.fullmatch(r"R\d{2}-\d{6}", report["number"])
    assert report["signed_by"] == "development:dr-lindqvist"
    assert report["signed_at"]
    assert re.fullmatch("[0-9a-f]{64}", report["content_sha256"])
    assert [finding["id"] for finding in report["content"]["findings"]] == report["findings"]


def test_history_tells_who_did_what(printed: dict[str, Printed]) -> None:
    events = printed["history"].json["results"]
    assert [(event["action"], event["actor"], event["record"]["status"]) for event in events] == [
        ("changed", "development:dr-lindqvist", "final"),
        ("created", "development:dr-lee", "preliminary"),
    ]


def test_the_documents_need_no_token(printed: dict[str, Printed]) -> None:
    types = {step: printed[step].text.split()[0].rstrip(";") for step in STEPS[-8:]}
    assert types == {
        **dict.fromkeys(types, "application/json"),
        **dict.fromkeys(["docs", "clinical docs"], "text/html"),
    }


def test_the_walkthrough_can_be_repeated(server: Server, printed: dict[str, Printed], tmp_path: Path) -> None:
    again = walk(server, tmp_path)
    assert {name: answer.status for name, answer in again.items()} == {
        name: answer.status for name, answer in printed.items()
    }


def called(file: bytes, column: int) -> int:
    """How many distinct alleles a column calls, counted without the reader of the service."""
    found = set()
    for line in file.decode().splitlines():
        if not line.startswith("#"):
            cells = line.split("\t")
            alts = cells[4].split(",")
            indexes = {int(index) for index in re.findall(r"\d+", cells[column].split(":")[0])} - {0}
            found |= {(*cells[:2], cells[3], alts[index - 1]) for index in indexes if alts[index - 1] != "*"}
    return len(found)


@pytest.mark.skipif("CAREWAY_CORPUS" not in os.environ, reason="CAREWAY_CORPUS names no folder of public VCF files")
def test_a_real_file_becomes_a_signed_report(server: Server) -> None:
    api = server.api
    file = (Path(os.environ["CAREWAY_CORPUS"]) / REAL_FILE).read_bytes()
    analysis = factories.analysis(api)["id"]
    vcf = f"analyses/{analysis}/vcf"

    refused = api.call("PUT", vcf, file, content_type="text/vcf")
    assert refused.status == 422
    names = refused.json["samples"]
    assert len(names) == 3
    assert api.get(f"analyses/{analysis}").json["status"] == "registered"

    ingested = api.call("PUT", f"{vcf}?vcf_sample={names[0]}", file, content_type="text/vcf")
    assert ingested.status == 201, ingested.content
    assert ingested.json["stored"] == called(file, column=9)
    assert api.get(f"analyses/{analysis}").json["status"] == "ready"

    everything = [json.loads(line) for line in api.get(f"analyses/{analysis}/variants.ndjson").content.splitlines()]
    assert len(everything) == ingested.json["stored"]
    wanted = [row for row in everything if row["filters"] == [] and row["end_pos"] >= START and row["pos"] <= END]
    page = api.get(f"analyses/{analysis}/variants?region=3:{START}-{END}&passed=true&limit=5").json
    found = page["results"]
    while page["next"]:
        page = api.get(page["next"].removeprefix(server.url)).json
        found += page["results"]
    assert wanted
    assert found == wanted

    exported = api.get(f"analyses/{analysis}/variants.vcf").content
    twin = factories.analysis(api)["id"]
    assert api.call("PUT", f"analyses/{twin}/vcf", exported, content_type="text/vcf").status == 201
    again = [json.loads(line) for line in api.get(f"analyses/{twin}/variants.ndjson").content.splitlines()]
    assert [row["id"] for row in again] == [row["id"] for row in everything]

    finding = factories.confirmed_finding(api, analysis, variant=wanted[0]["id"])
    report = factories.report(api, analysis, [finding["id"]])
    assert api.move(f"reports/{report['id']}", "final").status == 403
    signed = api.as_(subject="dr-lindqvist").move(f"reports/{report['id']}", "final")
    assert signed.status == 200
    assert signed.json["content"]["analysis"]["file_sha256"] == ingested.json["sha256"]
    assert len(api.get(f"reports/{report['id']}/history").json["results"]) == 2
