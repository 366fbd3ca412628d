"""A report as HL7 FHIR R4: a Bundle around a DiagnosticReport, its specimen, and an Observation a finding.

Codes are those of the HL7 Genomics Reporting Implementation Guide, STU 2. What this service does not know (names, HGNC
ids, names of diseases) is left out or given as text; the patient is a logical reference by an opaque UUID.
"""

from __future__ import annotations

from typing import Any

from chassis.fhir import (
    LOINC,
    OBSERVATION_CATEGORY,
    SERVICE_SECTION,
    SNOMED,
    TO_BE_DETERMINED,
    UCUM,
    Element,
    bundle,
    coding,
    concept,
    curie_coding,
    identifier,
    logical_reference,
    present,
    reference,
    resource,
    uuid_identifier,
)

HGVS = "http://varnomen.hgvs.org"
SEQUENCE_ONTOLOGY = "http://sequenceontology.org"
DBSNP = "http://www.ncbi.nlm.nih.gov/projects/SNP"

Answer = tuple[str, str]

# FHIR's status follows the report's, except that `superseded` is ours: there it is the status that was signed.
OUTCOMES: dict[str, Answer] = {  # LOINC LL541-4
    "positive": ("LA6576-8", "Positive"),
    "negative": ("LA6577-6", "Negative"),
    "inconclusive": ("LA9663-1", "Inconclusive"),
}
SPECIMEN_STATUS = {  # one that is still expected has none
    "available": "available",
    "exhausted": "unavailable",
    "rejected": "unsatisfactory",
    "entered-in-error": "entered-in-error",
}
SPECIMEN_TYPES: dict[str, Answer] = {  # SNOMED CT
    "blood": ("119297000", "Blood specimen"),
    "saliva": ("119342007", "Saliva specimen"),
    "tissue": ("119376003", "Tissue specimen"),
    "amniotic-fluid": ("119373006", "Amniotic fluid specimen"),
    "dna": ("258566005", "Deoxyribonucleic acid specimen"),
    "rna": ("441673008", "Ribonucleic acid specimen"),
}
ORIGINS: dict[str, Answer] = {  # LOINC LL378-1
    "germline": ("LA6683-2", "Germline"),
    "somatic": ("LA6684-0", "Somatic"),
    "fetal": ("LA10429-1", "Fetal"),
    "unknown": ("LA18197-6", "Unknown genomic origin"),
}
BUILDS: dict[str, Answer] = {  # LOINC LL1040-6
    "GRCh37": ("LA14029-5", "GRCh37"),
    "GRCh38": ("LA26806-2", "GRCh38"),
}
CHROMOSOME = "Chromosome [Identifier] in Blood or Tissue by Molecular genetics method"
# LOINC LL2938-0, in order; it knows no mitochondrial chromosome.
CHROMOSOMES = (
    "LA21254-0", "LA21255-7", "LA21256-5", "LA21257-3", "LA21258-1", "LA21259-9", "LA21260-7", "LA21261-5", "LA21262-3",
    "LA21263-1", "LA21264-9", "LA21265-6", "LA21266-4", "LA21267-2", "LA21268-0", "LA21269-8", "LA21270-6", "LA21271-4",
    "LA21272-2", "LA21273-0", "LA21274-8", "LA21275-5", "LA21276-3", "LA21277-1",
)  # fmt: skip
CHROMOSOME_CODES = dict(zip([*map(str, range(1, 23)), "X", "Y"], CHROMOSOMES, strict=True))
ZYGOSITIES: dict[str, Answer] = {  # LOINC LL381-5
    "heterozygous": ("LA6706-1", "Heterozygous"),
    "homozygous": ("LA6705-3", "Homozygous"),
    "hemizygous": ("LA6707-9", "Hemizygous"),
    "homoplasmic": ("LA6704-6", "Homoplasmic"),
    "heteroplasmic": ("LA6703-8", "Heteroplasmic"),
}
CLASSIFICATIONS: dict[str, Answer] = {  # LOINC LL4034-6
    "pathogenic": ("LA6668-3", "Pathogenic"),
    "likely-pathogenic": ("LA26332-9", "Likely pathogenic"),
    "uncertain-significance": ("LA26333-7", "Uncertain significance"),
    "likely-benign": ("LA26334-5", "Likely benign"),
    "benign": ("LA6675-8", "Benign"),
}
KINDS: dict[str, Answer] = {  # of the Sequence Ontology, which has no breakend
    "snv": ("SO:0001483", "SNV"),
    "mnv": ("SO:0002007", "MNV"),
    "insertion": ("SO:0000667", "insertion"),
    "deletion": ("SO:0000159", "deletion"),
    "delins": ("SO:1000032", "delins"),
    "duplication": ("SO:1000035", "duplication"),
    "inversion": ("SO:1000036", "inversion"),
    "cnv": ("SO:0001019", "copy_number_variation"),
}


def report_bundle(content: dict[str, Any], *, status: str, organization: str, changed_at: str) -> Element:
    """The report as it was signed, or as signing would freeze it now. `status` is the record's own."""
    report, sample = content["report"], content["sample"]
    subject = logical_reference("Patient", uuid_identifier(sample["patient_id"]))
    specimen = _specimen(sample, subject, organization)
    shown = report["status"] if status == "superseded" else status
    # A wrong report must not leave right-looking results behind in whoever stores the bundle's parts.
    state = "entered-in-error" if status == "entered-in-error" else "final"
    results = [
        _observation(finding, content, state, subject=subject, specimen=reference(specimen))
        for finding in content["findings"]
    ]
    diagnostic = resource(
        "DiagnosticReport",
        report["id"],
        meta={"versionId": str(report["revision"]), "lastUpdated": changed_at},
        identifier=[identifier(report["number"], assigner=organization)] if report["number"] else None,
        basedOn=_order(content["analysis"]),
        status=shown,
        category=[concept(coding(SERVICE_SECTION, "GE", "Genetics"))],
        code=concept(coding(LOINC, "51969-4", "Genetic analysis report")),
        subject=subject,
        effectiveDateTime=sample.get("collected_at"),
        issued=report["signed_at"],
        performer=[logical_reference("Organization", identifier(organization))],
        resultsInterpreter=_people(report["signed_by"]),
        specimen=[reference(specimen)],
        result=[reference(result) for result in results],
        conclusion=report["conclusion"],
        conclusionCode=[concept(_answer(OUTCOMES[report["outcome"]]))],
    )
    return bundle("collection", [diagnostic, specimen, *results], timestamp=changed_at)


def _order(analysis: dict[str, Any]) -> list[Element] | None:
    order = analysis.get("order_id")
    return [logical_reference("ServiceRequest", uuid_identifier(order))] if order else None


def _people(actor: str | None) -> list[Element] | None:
    return [logical_reference("Practitioner", identifier(actor))] if actor else None


def _specimen(sample: dict[str, Any], subject: Element, organization: str) -> Element:
    kind = SPECIMEN_TYPES.get(sample["kind"])
    # `get`: what was signed by an earlier version has fewer members, and stays as it was signed.
    parent = sample.get("parent")
    return resource(
        "Specimen",
        sample["id"],
        accessionIdentifier=identifier(sample["accession"], assigner=organization),
        status=SPECIMEN_STATUS.get(sample.get("status", "")),
        type=concept(coding(SNOMED, *kind)) if kind else concept(text=sample["kind"]),
        subject=subject,
        receivedTime=sample.get("received_at"),
        parent=[logical_reference("Specimen", uuid_identifier(parent))] if parent else None,
        collection=present(collectedDateTime=sample.get("collected_at")),
    )


def _observation(
    finding: dict[str, Any], content: dict[str, Any], state: str, *, subject: Element, specimen: Element
) -> Element:
    sample, analysis = content["sample"], content["analysis"]
    sequenced = analysis["assay"] != "array"
    return resource(
        "Observation",
        finding["id"],
        status=state,
        category=[
            concept(coding(OBSERVATION_CATEGORY, "laboratory", "Laboratory")),
            concept(coding(SERVICE_SECTION, "GE", "Genetics")),
        ],
        code=concept(coding(LOINC, "69548-6", "Genetic variant assessment")),
        subject=subject,
        effectiveDateTime=sample.get("collected_at"),
        performer=_people(finding["confirmed_by"]),
        valueCodeableConcept=concept(_answer(("LA9633-4", "Present"))),
        note=[{"text": finding["comment"]}] if finding["comment"] else None,
        method=concept(_answer(("LA26398-0", "Sequencing"))) if sequenced else None,
        specimen=specimen,
        component=[*_place(finding["variant"], analysis), *_call(finding["variant"], sample), *_judgement(finding)],
    )


def _place(variant: dict[str, Any], analysis: dict[str, Any]) -> list[Element]:
    """Which allele it is."""
    chromosome = CHROMOSOME_CODES.get(variant["chrom"])
    kind = KINDS.get(variant["kind"])
    parts = [
        _component("62374-4", "Human reference sequence assembly version", BUILDS[analysis["genome_build"]]),
        _component("48000-4", CHROMOSOME, (chromosome, f"Chromosome {variant['chrom']}") if chromosome else None),
        _component("92822-6", "Genomic coord system", ("LA30102-0", "1-based character counting")),
        _valued("81254-5", "Genomic allele start-end", valueRange=_range(variant["pos"], variant["end_pos"])),
        _valued("69547-8", "Genomic ref allele [ID]", valueString=variant["ref"]),
        _valued("69551-0", "Genomic alt allele [ID]", valueString=variant["alt"]),
        _concept("48019-4", "DNA change type", concept(coding(SEQUENCE_ONTOLOGY, *kind)) if kind else None),
        *(
            _concept("81252-9", "Discrete genetic variant", concept(coding(DBSNP, known)))
            for known in variant.get("rs_ids") or ()
        ),
        _concept("48018-6", "Gene studied [ID]", concept(text=variant["gene_symbol"])),
        _concept("48004-6", "DNA change (c.HGVS)", _hgvs(variant["hgvs_c"])),
        _concept("48005-3", "Amino acid change (pHGVS)", _hgvs(variant["hgvs_p"])),
    ]
    return [part for part in parts if part]


def _call(variant: dict[str, Any], sample: dict[str, Any]) -> list[Element]:
    """How it was seen in this sample."""
    reads = variant.get("depth_alt")
    depth = present(value=reads, unit="reads per base pair", system=UCUM, code="{reads}/{base}")
    parts = [
        _component("48002-0", "Genomic source class", ORIGINS[sample["origin"]]),
        _component("53034-5", "Allelic state", ZYGOSITIES.get(variant["zygosity"])),
        _valued("82121-5", "Allelic read depth", valueQuantity=depth) if reads is not None else None,
    ]
    return [part for part in parts if part]


def _judgement(finding: dict[str, Any]) -> list[Element]:
    """What a person concluded. The guide has these in an Observation of their own, derived from the variant's."""
    answer = CLASSIFICATIONS[finding["classification"]]
    criteria = f"{answer[1]} (ACMG/AMP 2015: {', '.join(finding['criteria'])})" if finding["criteria"] else None
    condition, inheritance = finding["condition"], finding["inheritance"]
    mode = concept(coding(TO_BE_DETERMINED, "condition-inheritance", "Condition Inheritance"))
    parts = [
        _concept("53037-8", "Genetic variation clinical significance [Imp]", concept(_answer(answer), text=criteria)),
        _concept("81259-4", "Associated phenotype", concept(curie_coding(condition)) if condition else None),
        {"code": mode, "valueCodeableConcept": concept(curie_coding(inheritance))} if inheritance else None,
    ]
    return [part for part in parts if part]


def _hgvs(expression: str | None) -> Element | None:
    return concept(coding(HGVS, expression, expression)) if expression else None


def _range(low: int, high: int) -> Element:
    return {"low": {"value": low}, "high": {"value": high}}


def _answer(answer: Answer) -> Element:
    return coding(LOINC, *answer)


def _component(code: str, display: str, answer: Answer | None) -> Element | None:
    return _concept(code, display, concept(_answer(answer)) if answer else None)


def _concept(code: str, display: str, value: Element | None) -> Element | None:
    """Nothing at all where there is no value: a component without one would say that the value is unknown."""
    return _valued(code, display, valueCodeableConcept=value) if value else None


def _valued(code: str, display: str, **value: Any) -> Element:
    return {"code": concept(coding(LOINC, code, display)), **value}
