"""What the stacks share: names of members in their order, and the rules of a sample as Careway has them."""

from __future__ import annotations

import datetime as dt

SAMPLE_FIELDS = (
    "id", "accession", "patient_id", "kind", "origin", "collected_at", "received_at", "parent",
    "status", "status_reason", "version", "created_at", "created_by", "updated_at", "updated_by",
)  # fmt: skip
VARIANT_FIELDS = (
    "id", "chrom", "pos", "end_pos", "ref", "alt", "kind", "genotype", "zygosity", "qual", "filters", "depth", "depth_ref",
    "depth_alt", "genotype_quality", "rs_ids", "gene_symbol", "consequence", "hgvs_c", "hgvs_p", "record_line", "alt_index",
    "info",
)  # fmt: skip
KINDS = ("blood", "saliva", "tissue", "amniotic-fluid", "dna", "rna", "other")
ORIGINS = ("germline", "somatic", "fetal", "unknown")
ACCESSION = r"^[A-Z0-9][A-Z0-9-]{2,31}$"
CHROMOSOMES = (*map(str, range(1, 23)), "X", "Y", "MT")
LOOK_BACK = 1000


def fault_of_moments(collected: dt.datetime | None, received: dt.datetime | None) -> str | None:
    """What is wrong with when a sample was collected and received."""
    if collected and received and received < collected:
        return "received_at must not lie before collected_at."
    if any(moment and moment > dt.datetime.now(dt.UTC) for moment in (collected, received)):
        return "Must not lie in the future."
    return None
