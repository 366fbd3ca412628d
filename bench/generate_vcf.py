"""A single-sample VCF like a whole genome's, any number of records, deterministic: `python -m bench.generate_vcf 1000000`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from genomics.vcf.contigs import LENGTHS

HEADER = """##fileformat=VCFv4.2
{contigs}
##FILTER=<ID=LowQual,Description="Low quality">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Allele depths">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNA1
"""
NAMES = [*map(str, range(1, 23)), "X"]


def vcf(records: int, *, seed: int = 7) -> Iterator[bytes]:
    """The file in pieces of about a thousand lines."""
    chance = random.Random(seed)
    lengths = LENGTHS["GRCh38"]
    contigs = "\n".join(f"##contig=<ID=chr{name},length={lengths[code]}>" for code, name in enumerate(NAMES, 1))
    yield HEADER.format(contigs=contigs).encode()
    total = sum(lengths[1:24])
    for code, name in enumerate(NAMES, 1):
        count = records * lengths[code] // total + 1
        step = (lengths[code] - 20_000) // count
        lines = []
        for number in range(count):
            lines.append(_line(chance, name, 10_000 + number * step + chance.randrange(step)))
            if len(lines) == 1000:
                yield "".join(lines).encode()
                lines = []
        yield "".join(lines).encode()


def _line(chance: random.Random, name: str, position: int) -> str:
    ref, alt = chance.sample("ACGT", 2)
    dice = chance.random()
    if dice < 0.06:
        ref = alt + ref + alt
    elif dice < 0.12:
        alt = ref + alt + ref
    depth = chance.randrange(12, 60)
    half = depth // 2
    genotype = "1/1" if dice > 0.65 else "0/1"
    copies = 2 if genotype == "1/1" else 1
    # GATK compares the reads of REF and ALT where there are both.
    ranks = ["", "", ""]
    if copies == 1:
        ranks = [f"{name}RankSum={chance.gauss(0, 1):.3f};" for name in ("BaseQ", "MQ", "ReadPos")]
    info = (
        f"AC={copies};AF={copies / 2:.3f};AN=2;{ranks[0]}DP={depth};ExcessHet=3.01;FS={dice * 20:.3f};MLEAC={copies};"
        f"MLEAF={copies / 2:.3f};MQ=60.00;{ranks[1]}QD={dice * 30:.2f};{ranks[2]}SOR={dice * 3:.3f}"
    )
    call = f"{genotype}:{depth - half},{half}:{depth}:99:{depth * 9},0,{depth * 11}"
    rs_id = f"rs{chance.randrange(10**9)}" if dice < 0.9 else "."
    return f"chr{name}\t{position}\t{rs_id}\t{ref}\t{alt}\t{dice * 900:.2f}\tPASS\t{info}\tGT:AD:DP:GQ:PL\t{call}\n"


if __name__ == "__main__":
    for piece in vcf(int(sys.argv[1])):
        sys.stdout.buffer.write(piece)
