"""Demo data for development: two hospitals, their samples and analyses, a whole exome, findings, a signed report.

Everything goes through the operations that the API calls, so the demo cannot hold what the API would refuse. The
exome is generated from a fixed seed: the same on every machine, and nobody's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import records
from chassis.history import recorded
from chassis.issuers import Caller

from . import ingestion, operations
from .models import Analysis, Finding, Report, Sample, Variant
from .vcf.contigs import LENGTHS

SEED = 20261118
EXOME_VARIANTS = 60_000

# Published variants (ClinVar), GRCh38: chromosome, position, reference, alternative, rs id, gene, consequence, HGVS.
PIK3CA = (
    "chr3",
    179218303,
    "G",
    "A",
    "rs104886003",
    "PIK3CA",
    "missense_variant",
    "NM_006218.4:c.1633G>A",
    "NP_006209.2:p.Glu545Lys",
)
CFTR = (
    "chr7",
    117559590,
    "ATCT",
    "A",
    "rs113993960",
    "CFTR",
    "inframe_deletion",
    "NM_000492.4:c.1521_1523del",
    "NP_000483.3:p.Phe508del",
)
BRCA1 = (
    "chr17",
    43124027,
    "ACT",
    "A",
    "rs80357914",
    "BRCA1",
    "frameshift_variant",
    "NM_007294.4:c.68_69del",
    "NP_009225.1:p.Glu23fs",
)
GENES = (
    "TTN",
    "MUC16",
    "OBSCN",
    "SYNE1",
    "NEB",
    "RYR1",
    "DNAH5",
    "ABCA13",
    "FAT3",
    "HMCN1",
    "PKHD1",
    "USH2A",
    "LRP2",
    "ZFHX4",
    "CSMD1",
)
CONSEQUENCES = (
    "synonymous_variant",
    "missense_variant",
    "intron_variant",
    "3_prime_UTR_variant",
    "splice_region_variant",
)

# Patients and analyses that the clinical service knows by the same ids.
PATIENTS = [UUID(f"01890a5d-ac96-774b-bcce-b302099a80{number:02x}") for number in range(0x57, 0x5D)]
ANALYSES = [UUID(f"01890a5d-ac96-774b-bcce-b302099a90{number:02x}") for number in range(0x57, 0x5B)]


def seed() -> str:
    """Makes the demo once; answers one line that says what there is."""
    if Sample.objects.exists():
        return f"kept ({Sample.objects.count()} samples)"
    geneticist, signatory = (_person(name, "st-elsewhere") for name in ("dr-okafor", "dr-lindqvist"))
    exome = _analysed(geneticist, 0, "S-2026-1001", "wes", exome_vcf("NA-EXOME-1", [PIK3CA]))
    _reported(geneticist, signatory, exome, PIK3CA)
    carrier = _analysed(geneticist, 1, "S-2026-1002", "panel", small_vcf("CF-PANEL-7", [CFTR]), panel_code="CF-23")
    _classified(
        geneticist,
        signatory,
        carrier,
        CFTR,
        "pathogenic",
        ["PS3", "PM3_Strong", "PM4"],
        "MONDO:0009061",
        "HP:0000007",
    )
    _analysed(geneticist, 2, "S-2026-1003", "panel", small_vcf("HBOC-3", [BRCA1]), panel_code="HBOC-12")
    with recorded(geneticist):
        _sample(geneticist, PATIENTS[4], "S-2026-1004")
    other = _person("dr-haddad", "general-hospital")
    _analysed(other, 3, "GH-0001", "panel", small_vcf("GH-PANEL-1", [BRCA1, CFTR]), panel_code="TWIST-4800")
    counted = (Sample, "samples"), (Analysis, "analyses"), (Variant, "variants"), (Report, "report")
    return ", ".join(f"{model._default_manager.count()} {words}" for model, words in counted)


def _person(name: str, organization: str) -> Caller:
    return Caller(actor=f"development:{name}", subject=name, organization=organization, scopes=frozenset())


def _sample(caller: Caller, patient_id: UUID, accession: str) -> Sample:
    received = datetime(2026, 11, 18, 10, 5, tzinfo=UTC)
    collected = received - timedelta(hours=2)
    values: dict[str, Any] = {"kind": "blood", "origin": "germline", "collected_at": collected, "received_at": received}
    return records.create(Sample, caller=caller, accession=accession, patient_id=patient_id, **values)


def _analysed(caller: Caller, number: int, accession: str, assay: str, vcf: Iterator[bytes], **values: Any) -> Analysis:
    with recorded(caller):
        sample = _sample(caller, PATIENTS[number], accession)
        operations.move_sample(sample, caller=caller, to="available", reason="")
        analysis = operations.register_analysis(
            caller=caller,
            id=ANALYSES[number],
            sample_id=sample.pk,
            assay=assay,
            genome_build="GRCh38",
            pipeline_name="sarek",
            pipeline_version="3.5.1",
            **values,
        )
        return ingestion.ingest(
            caller=caller, analysis_id=analysis.pk, body=vcf, vcf_sample=None, content_digest=None
        ).analysis


def _classified(
    author: Caller, confirmer: Caller, analysis: Analysis, known: tuple[Any, ...], classification: str, criteria: list[str], condition: str,
    inheritance: str | None = None,
) -> Finding:  # fmt: skip
    variant = Variant.objects.of_analysis(analysis.pk).get(gene_symbol=known[5], hgvs_c=known[7])
    with recorded(author):
        finding = operations.draft_finding(
            caller=author, analysis_id=analysis.pk, variant=variant.id, classification=classification,
            criteria=criteria, condition=condition, inheritance=inheritance, comment="",
        )  # fmt: skip
    with recorded(confirmer):
        operations.move_finding(finding, caller=confirmer, to="confirmed", reason="")
    return finding


def _reported(author: Caller, signatory: Caller, analysis: Analysis, known: tuple[Any, ...]) -> None:
    criteria = ["PS2", "PM1", "PM2_Supporting"]
    finding = _classified(author, signatory, analysis, known, "likely-pathogenic", criteria, "MONDO:0016054")
    with recorded(author):
        report = operations.draft_report(
            caller=author, analysis_id=analysis.pk, findings=[finding.pk], outcome="positive",
            conclusion="A likely pathogenic de novo variant in PIK3CA explains the patient's overgrowth.",
        )  # fmt: skip
    with recorded(signatory):
        operations.move_report(report, caller=signatory, to="final", reason="")


def small_vcf(sample: str, known: list[tuple[Any, ...]]) -> Iterator[bytes]:
    """A panel's VCF: the known variants and a few more."""
    return _vcf(sample, known, background=40)


def exome_vcf(sample: str, known: list[tuple[Any, ...]]) -> Iterator[bytes]:
    """A whole exome's VCF, in pieces."""
    return _vcf(sample, known, background=EXOME_VARIANTS)


def _vcf(sample: str, known: list[tuple[Any, ...]], *, background: int) -> Iterator[bytes]:
    lengths = {code: LENGTHS["GRCh38"][code] for code in range(1, 24)}
    names = {code: f"chr{'X' if code == 23 else code}" for code in lengths}
    yield _header(sample, {names[code]: length for code, length in lengths.items()})
    chance = random.Random(f"{SEED} {sample}")
    total = sum(lengths.values())
    for code, length in lengths.items():
        count = background * length // total
        positions = sorted(chance.sample(range(100_000, length - 100_000), count))
        rows = [(position, _background(chance, names[code], position)) for position in positions]
        rows += [(item[1], _row(chance, item)) for item in known if item[0] == names[code]]
        yield "".join(row for _, row in sorted(rows)).encode()


def _header(sample: str, contigs: dict[str, int]) -> bytes:
    lines = [
        "##fileformat=VCFv4.3",
        *(f"##contig=<ID={name},length={length},assembly=GRCh38>" for name, length in contigs.items()),
        '##FILTER=<ID=LowQual,Description="Low quality">',
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
        'Allele|Consequence|SYMBOL|HGVSc|HGVSp">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Allele depths">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">',
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n",
    ]
    return "\n".join(lines).encode()


def _background(chance: random.Random, chrom: str, position: int) -> str:
    ref = chance.choice("ACGT")
    alt = chance.choice([base for base in "ACGT" if base != ref])
    if chance.random() < 0.06:
        ref += "".join(chance.choices("ACGT", k=chance.randint(1, 6)))
        alt = ref[0]
    elif chance.random() < 0.06:
        alt = ref + "".join(chance.choices("ACGT", k=chance.randint(1, 6)))
    rs_id = f"rs{chance.randint(100, 2_000_000_000)}" if chance.random() < 0.85 else "."
    return _row(chance, (chrom, position, ref, alt, rs_id, chance.choice(GENES), chance.choice(CONSEQUENCES), "", ""))


def _row(chance: random.Random, item: tuple[Any, ...]) -> str:
    chrom, position, ref, alt, rs_id, gene, consequence, hgvs_c, hgvs_p = item
    depth = max(8, int(chance.gauss(90, 30)))
    homozygous = chance.random() < 0.35 and not hgvs_c
    alternative = depth if homozygous else max(3, int(depth * chance.gauss(0.5, 0.06)))
    quality = round(chance.uniform(80, 3000), 2)
    passed = "PASS" if hgvs_c or chance.random() < 0.96 else "LowQual"
    # VEP names an indel's allele without the base that both share.
    allele = alt if len(ref) == len(alt) else alt[1:] or "-"
    csq = f"CSQ={allele}|{consequence}|{gene}|{hgvs_c}|{hgvs_p}"
    values = f"{'1/1' if homozygous else '0/1'}:{depth - alternative},{alternative}:{depth}:{chance.randint(60, 99)}"
    return f"{chrom}\t{position}\t{rs_id}\t{ref}\t{alt}\t{quality}\t{passed}\t{csq}\tGT:AD:DP:GQ\t{values}\n"
