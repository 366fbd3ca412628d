"""Every public VCF file through the API: stored or precisely refused, never a crash, never half an analysis."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genomics.models import Variant
from tests.api import Api
from tests.genomics import factories

CORPUS = Path(os.environ["CAREWAY_CORPUS"]) if os.environ.get("CAREWAY_CORPUS") else None
REFUSALS = {"unprocessable-file", "unsupported-media-type", "too-large"}


FILES = sorted(path for path in CORPUS.glob("**/*") if ".vcf" in path.suffixes) if CORPUS else []


def put(api: Api, path: Path, build: str) -> tuple[int, str]:
    """Puts a file, with its first sample column when it has several; checks what each kind of answer promises."""
    analysis = factories.analysis(api, genome_build=build, sample=sample(api))
    url = f"analyses/{analysis['id']}/vcf"
    body = path.read_bytes()
    answer = api.call("PUT", url, body, content_type="application/octet-stream")
    if answer.status == 422 and answer.json["errors"][0]["code"] == "sample-required":
        answer = api.call(
            "PUT", f"{url}?vcf_sample={answer.json['samples'][0]}", body, content_type="application/octet-stream"
        )
    stored = Variant.objects.of_analysis(analysis["id"]).count()
    status = api.get(f"analyses/{analysis['id']}").json["status"]
    if answer.status == 201:
        assert (status, stored) == ("ready", answer.json["stored"])
        return 201, ""
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.json["code"] in REFUSALS, answer.content
    assert (status, stored) == ("registered", 0)
    return answer.status, answer.json["errors"][0]["code"] if answer.json.get("errors") else answer.json["code"]


def sample(api: Api) -> str:
    return str(factories.available_sample(api)["id"])


@pytest.mark.skipif(CORPUS is None, reason="CAREWAY_CORPUS names no folder of public VCF files")
class TestTheCorpus:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_it_is_stored_or_precisely_refused(self, api: Api, path: Path) -> None:
        statuses = {put(api, path, build)[0] for build in ("GRCh38", "GRCh37")}
        assert statuses <= {201, 413, 415, 422}

    def test_it_holds_files_of_both_kinds(self, api: Api) -> None:
        assert CORPUS
        assert put(api, CORPUS / "vcf" / "gatk__hg38_trio.pik3ca.vcf", "GRCh38") == (201, "")
        assert put(api, CORPUS / "vcf" / "cyvcf2__empty.vcf", "GRCh38")[0] == 422
        assert put(api, CORPUS / "vcf" / "vcf-validator__failed_compressed.vcf.bz2", "GRCh38")[0] == 415
