"""Careway and psql in turn: the same file, the same rows, the same table."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench import rows
from bench.loaders import READERS
from bench.processes import cpu_seconds, family, postmaster_of


@dataclass
class Taken:
    """What one way took: seconds of each round, and processor seconds of the client's side and of PostgreSQL."""

    seconds: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)

    def add(self, seconds: float, client: float, postgres: float) -> None:
        self.seconds.append(seconds)
        self.client.append(client)
        self.postgres.append(postgres)

    def capacity(self) -> list[float]:
        """Seconds of each round with one core for the client's side and one for PostgreSQL, whoever else works here."""
        return [max(pair) for pair in zip(self.client, self.postgres, strict=True)]


class Round:
    """One file and one server: Careway and psql in turn, and what each took."""

    def __init__(self, url: str, folder: Path, records: int) -> None:
        from tests.servers import Server

        self.url, self.records = url, records
        self.postmaster = postmaster_of(url)
        self.file = folder / "genome.vcf.gz"
        generate(self.file, records)
        self.dumps = {form: folder / f"rows.{form}" for form in rows.FORMATS}
        self.taken = {"careway": Taken(), "floor": Taken(), "psql-binary": Taken()}
        self.server = Server(url, {"CAREWAY_WORKERS": "1"}, "genomics")
        self.peak_mib = 0.0
        self.stored = 0

    def measure(self, rounds: int) -> None:
        from tests.servers import peak_memory

        self.server.start()
        try:
            for number in range(rounds):
                ways = [self._careway, *(self._psql(form) for form in rows.FORMATS)]
                # The first round makes the rows that psql copies.
                for way in ways if number % 2 == 0 else reversed(ways):
                    way()
            self.peak_mib = peak_memory(self.server) / 1024
        finally:
            self.server.stop()

    def _careway(self) -> None:
        from bench.upload import put

        assert self.server.process
        rows.empty(self.url)
        worker, postgres = cpu_seconds(family(self.server.process.pid)), rows.postgres_seconds(self.postmaster)
        seconds = put(self.server, pieces(self.file), assay="wgs")
        worker = cpu_seconds(family(self.server.process.pid)) - worker
        self.taken["careway"].add(seconds, worker, rows.postgres_seconds(self.postmaster) - postgres)
        if not self.stored:
            self.content = rows.content(self.url)
            self.stored = self.content[0]
            for form, file in self.dumps.items():
                rows.dump(self.url, file, form)

    def _psql(self, form: str) -> Any:
        def way() -> None:
            rows.empty(self.url)
            client, postgres = _children(), rows.postgres_seconds(self.postmaster)
            seconds = rows.load(self.url, self.dumps[form], form, self.postmaster)
            name = "floor" if form == "text" else "psql-binary"
            self.taken[name].add(seconds, _children() - client, rows.postgres_seconds(self.postmaster) - postgres)
            if rows.content(self.url) != self.content:
                raise SystemExit(f"bench: psql in {form} and Careway did not store the same rows")

        return way

    def rows(self, work: str) -> Iterator[dict[str, Any]]:
        floor = self.taken["floor"]
        for stack, taken in self.taken.items():
            ratios = [base / mine for base, mine in zip(floor.seconds, taken.seconds, strict=True)]
            by_cpu = [base / mine for base, mine in zip(floor.capacity(), taken.capacity(), strict=True)]
            row = {
                "work": work,
                "stack": stack,
                "ratio_to_floor": round(median(ratios), 3),
                "lowest": round(min(ratios), 3),
                "highest": round(max(ratios), 3),
                "capacity_ratio": round(median(by_cpu), 3),
                "records": self.records,
                "rows_per_second": round(self.stored / median(taken.seconds)),
                "client_us": self._micros(median(taken.client)),
                "postgres_us": self._micros(median(taken.postgres)),
            }
            yield row | (self._parts(taken) if stack == "careway" else {})

    def _parts(self, taken: Taken) -> dict[str, Any]:
        """The worker's time by stage, from the stages run alone in this process."""
        inflating, reading = stages(self.file)
        return {
            "inflate_us": self._micros(inflating),
            "parse_us": self._micros(reading - inflating),
            "copy_and_http_us": self._micros(median(taken.client) - reading),
            "rss_mib": round(self.peak_mib, 1),
        }

    def _micros(self, seconds: float) -> float:
        return round(seconds / self.stored * 1e6, 2)


def generate(file: Path, records: int) -> None:
    """By bgzip, as sequencing pipelines write it."""
    import pysam

    from bench.generate_vcf import vcf

    with pysam.BGZFile(str(file), "wb", None) as target:
        for piece in vcf(records):
            target.write(piece)


def pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(256 * 1024):
            yield piece


def stages(file: Path) -> tuple[float, float]:
    """Processor seconds to inflate the file, and to read it, which inflates it too."""
    from genomics.vcf import Limits, Reader, Window
    from genomics.vcf.faults import Warnings
    from genomics.vcf.framing import blocks

    inflated = blocks(pieces(file), Limits(), Warnings())
    read = Window(Reader(pieces(file), build="GRCh38")).ordered()
    return _exhausted(inflated), _exhausted(read)


def _exhausted(values: Iterable[object]) -> float:
    started = time.process_time()
    for _ in values:
        pass
    return time.process_time() - started


def _children() -> float:
    """Processor seconds of all child processes that have ended: psql, for as long as nothing else ends here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def loaded(url: str, folder: Path, records: int, floor: float) -> Iterator[dict[str, Any]]:
    """What people do; `floor` is the rows per second of psql at the nearest size."""
    from tests.servers import ROOT, product_environment

    file = folder / "small.vcf.gz"
    generate(file, records)
    for reader in READERS:
        rows.empty(url)
        command = [sys.executable, "-W", "ignore", "-m", "bench.loaders", reader, str(file)]
        said = subprocess.run(
            command, cwd=ROOT, env=product_environment(DATABASE_URL=url), check=True, stdout=subprocess.PIPE
        )
        count, seconds = said.stdout.split()
        rate = int(count) / float(seconds)
        yield {
            "work": "ingest",
            "stack": f"{reader}-bulk-create",
            "ratio_to_floor": round(rate / floor, 3),
            "records": records,
            "rows_per_second": round(rate),
        }


def measured(url: str, files: Mapping[int, int], folder: Path) -> list[dict[str, Any]]:
    """The rows of the results; `files` has the rounds of each number of records, in ascending order.

    Raises SystemExit where the ways did not store the same.
    """
    found: list[dict[str, Any]] = []
    smallest = 0.0
    for records, rounds in files.items():
        one = Round(url, folder, records)
        one.measure(rounds)
        smallest = smallest or one.peak_mib
        careway, *others = one.rows("ingest" if records == max(files) else f"ingest-{records}")
        found += [careway | {"rss_growth_mib": round(one.peak_mib - smallest, 1)}, *others]
    return found
