"""An analysis as a GA4GH Phenopacket, schema version 2.0: its sample, and what people concluded from its variants.

The standard requires what this service does not know: a label of each term (it keeps identifiers, so a condition's label
is its identifier), the release of each ontology (`unspecified`, where nobody said which), and an HGNC id beside a gene's
symbol (so the symbol is an extension of the variation, not its gene context).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chassis.fhir import present

from .choices import PATHOGENIC_TIERS

Term = tuple[str, str]

SCHEMA_VERSION = "2.0"
# The interpretation of a report that a condition is named in; nobody has concluded yet where there is none.
PROGRESS = {"positive": "SOLVED", "negative": "UNSOLVED", "inconclusive": "UNSOLVED"}
ONGOING = "IN_PROGRESS"
CLASSIFICATIONS = {
    "pathogenic": "PATHOGENIC",
    "likely-pathogenic": "LIKELY_PATHOGENIC",
    "uncertain-significance": "UNCERTAIN_SIGNIFICANCE",
    "likely-benign": "LIKELY_BENIGN",
    "benign": "BENIGN",
}
STATUSES = {"uncertain-significance": "CANDIDATE", "likely-benign": "REJECTED", "benign": "REJECTED"}
RECESSIVE = "HP:0000007"
ALLELIC_STATES = {
    "hemizygous": "GENO:0000134",
    "heterozygous": "GENO:0000135",
    "homozygous": "GENO:0000136",
    "homoplasmic": "GENO:0000602",
    "heteroplasmic": "GENO:0000603",
}
TISSUES: dict[str, Term] = {
    "blood": ("UBERON:0000178", "blood"),
    "saliva": ("UBERON:0001836", "saliva"),
    "amniotic-fluid": ("UBERON:0000173", "amniotic fluid"),
}
HUMAN: Term = ("NCBITaxon:9606", "Homo sapiens")
OBO = "http://purl.obolibrary.org/obo"
UNSPECIFIED = "unspecified"
# By the prefix of the terms: id, name, URL, IRI prefix, and the release, where it is known.
RESOURCES = {
    "GENO": ("geno", "Genotype Ontology", f"{OBO}/geno.owl", f"{OBO}/GENO_", "2025-07-25"),
    "MONDO": ("mondo", "Mondo Disease Ontology", f"{OBO}/mondo.owl", f"{OBO}/MONDO_", UNSPECIFIED),
    "NCBITaxon": (
        "ncbitaxon", "NCBI organismal classification", f"{OBO}/ncbitaxon.owl", f"{OBO}/NCBITaxon_", UNSPECIFIED,
    ),
    "OMIM": (
        "omim", "An Online Catalog of Human Genes and Genetic Disorders", "https://www.omim.org", "https://www.omim.org/entry/",
        UNSPECIFIED,
    ),
    "ORPHA": ("orphanet", "Orphanet", "https://www.orpha.net", "http://www.orpha.net/ORDO/Orphanet_", UNSPECIFIED),
    "UBERON": ("uberon", "Uber-anatomy ontology", f"{OBO}/uberon.owl", f"{OBO}/UBERON_", UNSPECIFIED),
}  # fmt: skip


def phenopacket(facts: dict[str, Any]) -> dict[str, Any]:
    """The packet. `facts` are the rows as content.py puts them together."""
    analysis, sample, changed = facts["analysis"], facts["sample"], facts["changed"]
    said = present(
        id=analysis["id"],
        subject={"id": sample["patient_id"], "taxonomy": _term(*HUMAN)},
        interpretations=list(_interpretations(facts)),
        biosamples=[_biosample(sample)],
    )
    meta = {
        "created": changed["at"],
        "createdBy": changed["by"],
        "resources": [_resource(prefix) for prefix in sorted(set(_prefixes(said)))],
        "phenopacketSchemaVersion": SCHEMA_VERSION,
    }
    return {**said, "metaData": present(**meta)}


def _biosample(sample: dict[str, Any]) -> dict[str, Any]:
    tissue = TISSUES.get(sample["kind"])
    return present(
        id=sample["id"],
        individualId=sample["patient_id"],
        derivedFromId=sample["parent"],
        sampledTissue=_term(*tissue) if tissue else None,
        timeOfCollection=present(timestamp=sample["collected_at"]),
    )


def _interpretations(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each condition that a confirmed finding names, or one without a diagnosis when a report names none.

    Nothing is said from an analysis or a sample that was entered in error: a packet has no word for that.
    """
    analysis, sample, report = facts["analysis"], facts["sample"], facts["report"]
    if "entered-in-error" in {analysis["status"], sample["status"]}:
        return
    named = sorted((f for f in facts["findings"] if f["condition"]), key=lambda f: (f["condition"], f["id"]))
    for condition, group in groupby(named, key=lambda finding: finding["condition"]):
        findings = list(group)
        diagnosis = {
            "disease": _term(condition, condition),
            "genomicInterpretations": [_genomic(finding, findings, facts) for finding in findings],
        }
        yield {
            "id": f"{analysis['id']}/{condition}",
            "progressStatus": _progress(findings, report),
            "diagnosis": diagnosis,
        }
    if report and not named:
        yield {"id": analysis["id"], "progressStatus": PROGRESS[report["outcome"]]}


def _progress(findings: list[dict[str, Any]], report: dict[str, Any] | None) -> str:
    """A report speaks of the findings it names, and solves the condition that a (likely) pathogenic one of them names."""
    reported = [finding for finding in findings if report and finding["id"] in report["findings"]]
    if not (report and reported):
        return ONGOING
    if any(finding["classification"] in PATHOGENIC_TIERS for finding in reported):
        return PROGRESS[report["outcome"]]
    return PROGRESS["inconclusive"]


def _genomic(finding: dict[str, Any], peers: list[dict[str, Any]], facts: dict[str, Any]) -> dict[str, Any]:
    sample = facts["sample"]
    # The standard's way of saying that a variant is in the germline.
    whose = sample["patient_id"] if sample["origin"] == "germline" else sample["id"]
    return {
        "subjectOrBiosampleId": whose,
        "interpretationStatus": _status(finding, peers),
        "variantInterpretation": {
            "acmgPathogenicityClassification": CLASSIFICATIONS[finding["classification"]],
            "variationDescriptor": _variation(finding, facts["analysis"]["genome_build"]),
        },
    }


def _status(finding: dict[str, Any], peers: list[dict[str, Any]]) -> str:
    """Causative is what suffices alone; of a recessive condition's two heterozygous variants each contributes."""
    if finding["classification"] in STATUSES:
        return STATUSES[finding["classification"]]
    causes = [peer for peer in peers if peer["classification"] in PATHOGENIC_TIERS]
    half = finding["inheritance"] == RECESSIVE and finding["variant"]["zygosity"] == "heterozygous"
    return "CONTRIBUTORY" if half or len(causes) > 1 else "CAUSATIVE"


def _variation(finding: dict[str, Any], build: str) -> dict[str, Any]:
    """The descriptor's id must be unique in the packet, so it is the finding's: a variant may have several."""
    variant = finding["variant"]
    state = variant["zygosity"]
    expressions = [
        {"syntax": syntax, "value": variant[name]}
        for syntax, name in (("hgvs.c", "hgvs_c"), ("hgvs.p", "hgvs_p"))
        if variant[name]
    ]
    extensions = [{"name": "variant_id", "value": variant["id"]}]
    if variant["gene_symbol"]:
        extensions.append({"name": "gene_symbol", "value": variant["gene_symbol"]})
    return present(
        id=finding["id"],
        expressions=expressions,
        vcfRecord=_vcf_record(variant, build),
        extensions=extensions,
        moleculeContext="genomic",
        allelicState=_term(ALLELIC_STATES[state], state) if state in ALLELIC_STATES else None,
    )


def _vcf_record(variant: dict[str, Any], build: str) -> dict[str, Any]:
    """One allele as it is stored: trimmed, without the other ALTs of its line."""
    failed, quality = variant["filters"], variant["qual"]
    return present(
        genomeAssembly=build,
        chrom=variant["chrom"],
        # A 64-bit number, which the JSON of protocol buffers writes as a string.
        pos=str(variant["pos"]),
        id=";".join(variant["rs_ids"] or ()),
        ref=variant["ref"],
        alt=variant["alt"],
        qual=None if quality is None else f"{quality:.15g}",
        filter=None if failed is None else ";".join(failed) or "PASS",
        info=_info(variant),
    )


def _info(variant: dict[str, Any]) -> str | None:
    """What a symbolic allele does not say itself (the standard wants INFO for structural variants alone)."""
    if not variant["alt"].startswith("<"):
        return None
    told = {"END": variant["end_pos"], **{key: variant["info"].get(key) for key in ("SVTYPE", "SVLEN")}}
    return ";".join(f"{key}={value}" for key, value in told.items() if value is not None)


def _term(id_: str, label: str) -> dict[str, str]:
    return {"id": id_, "label": label}


def _prefixes(said: Any) -> Iterator[str]:
    """The prefix of every term in the packet: each needs its resource."""
    if isinstance(said, list):
        for item in said:
            yield from _prefixes(item)
    elif isinstance(said, dict):
        if said.keys() == {"id", "label"}:
            yield said["id"].split(":")[0]
        else:
            yield from _prefixes(list(said.values()))


def _resource(prefix: str) -> dict[str, str]:
    id_, name, url, iri, version = RESOURCES[prefix]
    return {
        "id": id_,
        "name": name,
        "url": url,
        "version": version,
        "namespacePrefix": prefix,
        "iriPrefix": iri,
    }
