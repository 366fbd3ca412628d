"""Canaries in every member of this service's resources and in every place of a VCF file; tests/canaries.py has the words."""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode

from tests.api import Answer, Api
from tests.canaries import Canaries
from tests.worlds import Records

from .files import VEP, file, record

# Bases that no other file of the tests has, in an order that nothing spells by chance.
BASES = "GATTACAGATTACACCAGTTGACCATG"


def plant(api: Api, canary: Canaries) -> Records:
    sample = _sample(api, canary)
    spoilt = _sample(api, canary)
    reason = canary.word("transition.reason")
    api.move(f"samples/{spoilt['pk']}", "rejected", reason)
    received = {"to": "available", "received_at": _time(canary, "transition.received_at", "2019-02-04")}
    _made(api.post(f"samples/{sample['pk']}/transitions", received, If_Match='"1"'), 200)
    ready, idle = _analysis(api, canary, sample["pk"]), _analysis(api, canary, sample["pk"])
    _made(api.call("PUT", f"analyses/{ready}/vcf", vcf(canary), content_type="text/vcf"), 201)
    variant = api.get(f"analyses/{ready}/variants").json["results"][0]["id"]
    finding = _finding(api, canary, ready, variant)
    api.move(f"findings/{finding}", "confirmed", canary.word("transition.reason"))
    draft = _report(api, canary, ready, finding)
    api.move(f"reports/{draft}", "cancelled", canary.word("transition.reason"))
    report = _report(api, canary, ready, finding)
    api.as_(subject="dr-lindqvist").move(f"reports/{report}", "final")
    api.move(f"analyses/{idle}", "cancelled", canary.word("transition.reason"))
    return {
        "sample": sample,
        "analysis": {"pk": ready},
        "finding": {"pk": finding},
        "report": {"pk": report},
        "variant": {"analysis": ready, "id": variant},
    }


def vcf(canary: Canaries, *records: str) -> bytes:
    """A file with a canary in its header lines, column, INFO, consequences, id, filter and alleles."""
    word = canary.word
    gene, coding = word("vcf gene"), f"c.{word('vcf HGVS')}G>A"
    canary.legal("vcf allele", BASES)
    line = record(
        "chr7",
        int(canary.legal("vcf POS", "98765431")),
        "G",
        BASES,
        id_=canary.legal("vcf ID", "rs998877665"),
        filter_=word("vcf FILTER"),
        info=f"DP=40;NOTE={word('vcf INFO')};CSQ=A|missense_variant|{gene}|{coding}|p.{word('vcf protein')}",
    )
    meta = [VEP, f"##patient={word('vcf header')}", '##INFO=<ID=NOTE,Number=1,Type=String,Description="x">']
    return file(line, *records, columns=[word("vcf column")], meta=meta)


def break_files(api: Api, canary: Canaries, records: Records) -> None:
    word = canary.word
    good = vcf(canary)
    faults = [
        word("whole file").encode(),
        good.replace(b"##fileformat=VCFv4.3", b"##fileformat=" + word("vcf version").encode()),
        good.replace(b"chr7\t", f"{word('vcf CHROM')}\t".encode()),
        good.replace(b"PASS", b"a b") + f"chr7\t{word('vcf bad POS')}\t.\tG\tA\t1\tPASS\t.\tGT\t0/1\n".encode(),
        vcf(canary, record("chr7", 5, word("vcf bad REF"), "A")),
        vcf(canary, record("chr7", 5, "A", word("vcf bad ALT"))),
        vcf(canary, record("chr7", 5, qual=word("vcf bad QUAL"))),
        vcf(canary, record("chr7", 5, samples=[word("vcf bad GT")])),
        vcf(canary, record("chr7", 5, format_=word("vcf bad FORMAT"))),
        vcf(canary, f"chr7\t{word('vcf short line')}\n"),
        vcf(canary, record("chr9", 5, info=f"X={word('vcf other contig')}", id_=word("vcf odd ID"))),
        file(record("chr7", 5, samples=["0/1", "0/1"]), columns=[word("vcf column"), word("vcf column")]),
        file(record("chr7", 5), meta=[f"##contig=<ID={word('vcf contig')},length=x", f"##reference={word('vcf')}37"]),
        gzip.compress(good)[:-20],
        gzip.compress(good) + word("after gzip").encode(),
        good + b"\xff" + word("not UTF-8").encode(),
    ]
    fresh = _analysis(api, canary, records["sample"]["pk"])
    path = f"analyses/{fresh}/vcf"
    for body in faults:
        api.call("PUT", path, body, content_type="text/vcf")
    api.call("PUT", f"{path}?vcf_sample={word('vcf_sample')}", good, content_type="text/vcf")
    api.call("PUT", path, good, content_type=f"text/{word('media type')}")
    api.call("PUT", path, good, content_type="text/vcf", Content_Digest=f"sha-256={word('Content-Digest')}")
    wrong = b64encode(hashlib.sha256(b"another").digest()).decode()
    api.call("PUT", path, good, content_type="text/vcf", Content_Digest=f"sha-256=:{wrong}:")
    # Into an analysis that has its file.
    api.call("PUT", f"analyses/{records['analysis']['pk']}/vcf", good, content_type="text/vcf")


def _sample(api: Api, canary: Canaries) -> dict[str, str]:
    body = {
        "accession": f"S-{canary.word('sample.accession')}",
        "patient_id": canary.id("sample.patient_id"),
        "kind": "blood",
        "origin": "germline",
        "collected_at": _time(canary, "sample.collected_at", "2019-02-02"),
        "received_at": _time(canary, "sample.received_at", "2019-02-03"),
    }
    return {"pk": _made(api.post("samples", body, Idempotency_Key=canary.word("Idempotency-Key")))}


def _analysis(api: Api, canary: Canaries, sample: str) -> str:
    body = {
        "sample": sample,
        "assay": "panel",
        "panel_code": canary.word("analysis.panel_code"),
        "genome_build": "GRCh38",
        "pipeline_name": canary.word("analysis.pipeline_name"),
        "pipeline_version": canary.word("analysis.pipeline_version"),
        "order_id": canary.id("analysis.order_id"),
    }
    return _made(api.post("analyses", body))


def _finding(api: Api, canary: Canaries, analysis: str, variant: str) -> str:
    body = {
        "analysis": analysis,
        "variant": variant,
        "classification": "pathogenic",
        "criteria": [canary.legal("finding.criteria", "PP4_VeryStrong"), "PM1"],
        "condition": canary.legal("finding.condition", "MONDO:9876543"),
        "comment": f"{canary.word('finding.comment')}\nand a second line",
    }
    return _made(api.post("findings", body))


def _report(api: Api, canary: Canaries, analysis: str, finding: str) -> str:
    body = {"analysis": analysis, "findings": [finding], "outcome": "positive"}
    return _made(api.post("reports", {**body, "conclusion": f"It is {canary.word('report.conclusion')}."}))


def _time(canary: Canaries, where: str, day: str) -> str:
    return canary.legal(where, f"{day}T04:05:06Z", seen=day)


def _made(answer: Answer, status: int = 201) -> str:
    assert answer.status == status, answer.content
    return str(answer.json.get("id", ""))
