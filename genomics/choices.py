"""The words of the domain, each with the standard it comes from, and how states follow each other."""

from django.db.models import TextChoices

from chassis.transitions import Machine


class SampleKind(TextChoices):
    """What the specimen is (HL7 FHIR R4 Specimen.type, coded in SNOMED CT)."""

    BLOOD = "blood"
    SALIVA = "saliva"
    TISSUE = "tissue"
    AMNIOTIC_FLUID = "amniotic-fluid"
    DNA = "dna"
    RNA = "rna"
    OTHER = "other"


class SampleOrigin(TextChoices):
    """Genomic source class (LOINC 48002-0, answer list LL378-1)."""

    GERMLINE = "germline"
    SOMATIC = "somatic"
    FETAL = "fetal"
    UNKNOWN = "unknown"


class SampleStatus(TextChoices):
    """After FHIR R4 Specimen.status: available, unavailable (exhausted), unsatisfactory (rejected), entered-in-error."""

    EXPECTED = "expected"
    AVAILABLE = "available"
    EXHAUSTED = "exhausted"
    REJECTED = "rejected"
    ENTERED_IN_ERROR = "entered-in-error"


SAMPLE_MACHINE = Machine(
    initial="expected",
    asked={
        "expected": ["available", "rejected", "entered-in-error"],
        "available": ["exhausted", "rejected", "entered-in-error"],
        "exhausted": ["entered-in-error"],
        "rejected": ["entered-in-error"],
    },
    reasoned=frozenset({"rejected", "entered-in-error"}),
    editable=frozenset({"expected", "available"}),
)


class Assay(TextChoices):
    """How the genome was read."""

    WGS = "wgs"
    WES = "wes"
    PANEL = "panel"
    ARRAY = "array"
    RNA = "rna"


class GenomeBuild(TextChoices):
    """Reference assembly of the Genome Reference Consortium (LOINC 62374-4, answer list LL1040-6)."""

    GRCH37 = "GRCh37", "GRCh37"
    GRCH38 = "GRCh38", "GRCh38"


class AnalysisStatus(TextChoices):
    """After FHIR R5 GenomicStudy.status: registered, available (ready), cancelled, entered-in-error."""

    REGISTERED = "registered"
    READY = "ready"
    REPORTED = "reported"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


ANALYSIS_MACHINE = Machine(
    initial="registered",
    asked={"registered": ["cancelled"], "ready": ["entered-in-error"], "reported": ["entered-in-error"]},
    made={"registered": ["ready"], "ready": ["reported"]},
    reasoned=frozenset({"entered-in-error"}),
    editable=frozenset({"registered"}),
)


INGESTED = ["ready", "reported"]
"""The statuses of an analysis whose variants findings may build on."""


class VariantKind(TextChoices):
    """Sequence Ontology: SO:0001483, 0002007, 0000667, 0000159, 1000032, 1000035, 1000036, 0001019, and VCF's breakend."""

    SNV = "snv"
    MNV = "mnv"
    INSERTION = "insertion"
    DELETION = "deletion"
    DELINS = "delins"
    DUPLICATION = "duplication"
    INVERSION = "inversion"
    CNV = "cnv"
    BREAKEND = "breakend"


class Zygosity(TextChoices):
    """Allelic state (LOINC 53034-5, answer list LL381-5)."""

    HETEROZYGOUS = "heterozygous"
    HOMOZYGOUS = "homozygous"
    HEMIZYGOUS = "hemizygous"
    HOMOPLASMIC = "homoplasmic"
    HETEROPLASMIC = "heteroplasmic"
    UNKNOWN = "unknown"


class Classification(TextChoices):
    """Five tiers of ACMG/AMP 2015 (Richards et al., LOINC 53037-8). Chosen by a person, never computed."""

    PATHOGENIC = "pathogenic"
    LIKELY_PATHOGENIC = "likely-pathogenic"
    UNCERTAIN_SIGNIFICANCE = "uncertain-significance"
    LIKELY_BENIGN = "likely-benign"
    BENIGN = "benign"


PATHOGENIC_TIERS = ["pathogenic", "likely-pathogenic"]
"""A finding of these names its condition, and a positive report has one of them."""


class Inheritance(TextChoices):
    """Mode of inheritance (Human Phenotype Ontology, below HP:0000005)."""

    AUTOSOMAL_DOMINANT = "HP:0000006"
    AUTOSOMAL_RECESSIVE = "HP:0000007"
    X_LINKED = "HP:0001417"
    X_LINKED_RECESSIVE = "HP:0001419"
    X_LINKED_DOMINANT = "HP:0001423"
    MITOCHONDRIAL = "HP:0001427"
    Y_LINKED = "HP:0001450"


class FindingStatus(TextChoices):
    """A finding is superseded by a later one, never edited after it was confirmed."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


FINDING_MACHINE = Machine(
    initial="draft",
    asked={"draft": ["confirmed", "withdrawn"]},
    made={"confirmed": ["superseded"]},
    editable=frozenset({"draft"}),
)


class Outcome(TextChoices):
    """What the report says as a whole (compare Phenopackets v2 InterpretationProgressStatus)."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INCONCLUSIVE = "inconclusive"


class ReportStatus(TextChoices):
    """FHIR R4 DiagnosticReport.status; `superseded` is ours: its FHIR view keeps the signed status."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


SIGNED = ["final", "amended", "corrected"]
"""The statuses that signing gives."""

REPORT_MACHINE = Machine(
    initial="preliminary",
    asked={
        "preliminary": ["final", "amended", "corrected", "cancelled", "entered-in-error"],
        "final": ["entered-in-error"],
        "amended": ["entered-in-error"],
        "corrected": ["entered-in-error"],
        "superseded": ["entered-in-error"],
        "cancelled": ["entered-in-error"],
    },
    made={status: ["superseded"] for status in SIGNED},
    reasoned=frozenset({"entered-in-error"}),
    editable=frozenset({"preliminary"}),
    scopes=dict.fromkeys(SIGNED, "sign"),
)


CHROMOSOMES = [*map(str, range(1, 23)), "X", "Y", "MT"]
"""Names of the stored chromosome codes 1 to 25, in order."""
