"""Named things of the genomics service, made through the API as its clients make them."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.api import Api

PATIENT = "01890a5d-ac96-774b-bcce-b302099a8057"
_numbers = count(1)

HEADER = """##fileformat=VCFv4.3
##contig=<ID=chr3,length=198295559>
##contig=<ID=chr7,length=159345973>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tCHILD
"""
PIK3CA = "chr3\t179218303\trs104886003\tG\tA\t812\tPASS\tDP=96\tGT:AD:DP:GQ\t0/1:51,45:96:99\n"
CFTR = "chr7\t117559590\t.\tATCT\tA\t600\tlowq\t.\tGT:AD:DP:GQ\t1/1:0,60:60:90\n"
VCF = (HEADER + PIK3CA + CFTR).encode()


def sample(api: Api, **values: Any) -> dict[str, Any]:
    """An expected sample."""
    body = {
        "accession": f"S-2026-{next(_numbers):05}",
        "patient_id": PATIENT,
        "kind": "blood",
        "origin": "germline",
        "collected_at": "2026-11-18T08:30:00Z",
        "received_at": "2026-11-18T10:05:00Z",
        **values,
    }
    return _made(api.post("samples", body))


def available_sample(api: Api, **values: Any) -> dict[str, Any]:
    made = sample(api, **values)
    return _made(api.move(f"samples/{made['id']}", "available"), 200)


def analysis(api: Api, **values: Any) -> dict[str, Any]:
    """A registered analysis of an available sample."""
    body = {"assay": "wes", "genome_build": "GRCh38", "pipeline_name": "sarek", "pipeline_version": "3.5.1", **values}
    if "sample" not in body:
        body["sample"] = available_sample(api)["id"]
    return _made(api.post("analyses", body))


def ready_analysis(api: Api, vcf: bytes = VCF, **values: Any) -> dict[str, Any]:
    """An analysis that holds the file's variants."""
    made = analysis(api, **values)
    answer = api.call("PUT", f"analyses/{made['id']}/vcf", vcf, content_type="text/vcf")
    assert answer.status == 201, answer.content
    return dict(api.get(f"analyses/{made['id']}").json)


def variant(api: Api, analysis_id: str, chrom: str = "3") -> dict[str, Any]:
    """The first variant on a chromosome."""
    found = api.get(f"analyses/{analysis_id}/variants").json["results"]
    return next(row for row in found if row["chrom"] == chrom)


def finding(api: Api, analysis_id: str, **values: Any) -> dict[str, Any]:
    """A draft about the PIK3CA variant."""
    body = {
        "analysis": analysis_id,
        "variant": values.pop("variant", None) or variant(api, analysis_id)["id"],
        "classification": "likely-pathogenic",
        "criteria": ["PS2", "PM1", "PM2_Supporting"],
        "condition": "MONDO:0016054",
        **values,
    }
    return _made(api.post("findings", body))


def confirmed_finding(api: Api, analysis_id: str, **values: Any) -> dict[str, Any]:
    made = finding(api, analysis_id, **values)
    return _made(api.move(f"findings/{made['id']}", "confirmed"), 200)


def report(api: Api, analysis_id: str, findings: list[str], **values: Any) -> dict[str, Any]:
    body = {
        "analysis": analysis_id,
        "findings": findings,
        "outcome": "positive",
        "conclusion": "PIK3CA explains it.",
        **values,
    }
    return _made(api.post("reports", body))


def signed_report(api: Api, analysis_id: str | None = None) -> dict[str, Any]:
    """A final report, signed by dr-lindqvist."""
    analysis_id = analysis_id or ready_analysis(api)["id"]
    made = report(api, analysis_id, [confirmed_finding(api, analysis_id)["id"]])
    return _made(api.as_(subject="dr-lindqvist").move(f"reports/{made['id']}", "final"), 200)


def _made(answer: Any, status: int = 201) -> dict[str, Any]:
    assert answer.status == status, answer.content
    return dict(answer.json)
