"""`make image-report`: how large the image is, how long it takes to be ready, and what an idle worker holds.

All is measured here and now, of the image as it was built: with production's settings, on a read-only root, without
rights, and against a PostgreSQL of its own. Who looks at a start sees it once before; so its files are in memory.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import tests.environment  # noqa: F401  (before settings load)
from docker.build import PROJECT, name_of
from docker.builders import Builder, builder
from tests.config.starting import HOUSE
from tests.image.archive import Archive
from tests.image.container import Container, Run, Runner, runner_for
from tests.postgres import Postgres
from tests.servers import free_port
from tests.worlds import world_of

STARTS = 5
IDLE_SECONDS = 3
MEGABYTE = 1_000_000


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.image.report", description=__doc__.partition("\n")[0])
    parser.add_argument("--image", default=name_of("", PROJECT["version"]), help="default: the one of this checkout")
    image = parser.parse_args(words).image
    program = builder()
    if not program.has(image):
        raise SystemExit(f"There is no image {image} here: make image builds it.")
    with TemporaryDirectory(prefix="careway-report-") as name:
        folder = Path(name)
        program.write(image, folder / "image.tar")
        for row in (*sizes(program, image, Archive(folder / "image.tar")), *runs(runner_for(program, image, folder))):
            print("{:<44}{}".format(*row), flush=True)


def sizes(program: Builder, image: str, archive: Archive) -> Iterator[tuple[str, str]]:
    """Of the whole, and of what lies on top of the base: that much is pulled where the base is there already."""
    base = archive.configuration["config"]["Labels"]["org.opencontainers.image.base.name"]
    below, layers = program.layers(base), archive.layers()
    if [each.digest for each in layers[: len(below)]] != below:
        raise SystemExit(f"{image} does not stand on the {base} that is here: make image builds it anew.")
    yield image, f"{_megabytes(sum(each.size for each in layers))} in {len(layers)} layers"
    own = layers[len(below) :]
    pulled = {each: archive.compressed(each) for each in own}
    on_top = _megabytes(sum(each.size for each in own))
    yield f"  on top of {base.rpartition('/')[2]}", f"{on_top}, compressed {_megabytes(sum(pulled.values()))}"
    for each in own:
        yield f"    {each.digest[:19]}", f"{_megabytes(each.size)}, compressed {_megabytes(pulled[each])}"


def runs(runner: Runner) -> Iterator[tuple[str, str]]:
    """Starts of each service by itself, as it is deployed, and what is idle then."""
    from django.conf import settings

    with Postgres() as server:
        for service in settings.SERVICES:
            variables = {
                **HOUSE,
                **world_of(service).variables,
                "CAREWAY_SERVICES": service,
                "CAREWAY_ALLOWED_HOSTS": "127.0.0.1",
                "CAREWAY_DRAIN_SECONDS": "0",
                "DATABASE_URL": server.create_database(f"careway_{service}"),
            }
            with Container(runner, Run(["migrate", "--verbosity=0"], variables)) as migration:
                status, output = migration.end(timeout=120)
            if status:
                raise SystemExit(f"The image cannot migrate {service}:\n{output}")
            start(runner, variables)
            taken = [start(runner, variables) for _ in range(STARTS)]
            spread = f"{min(taken):.2f}–{max(taken):.2f} s"
            yield (
                f"{service}: ready, with 1 CPU",
                f"{statistics.median(taken):.2f} s after its start ({spread}, {STARTS} starts)",
            )
            yield f"{service}: memory, idle", idle(runner, variables)


def start(runner: Runner, variables: dict[str, str]) -> float:
    """Seconds from the start of the container to the first 200 of /readyz."""
    port = free_port()
    with Container(runner, Run(["serve"], {**variables, "CAREWAY_PORT": str(port)})) as container:
        return container.wait_until_ready(port)


def idle(runner: Runner, variables: dict[str, str]) -> str:
    port = free_port()
    own = {**variables, "CAREWAY_PORT": str(port), "CAREWAY_WORKERS": "2"}
    with Container(runner, Run(["serve"], own)) as container:
        container.wait_until_ready(port)
        time.sleep(IDLE_SECONDS)
        master, *workers = map(resident, container.processes())
    each = statistics.mean(workers)
    return f"{_megabytes(each)} resident a worker, and {_megabytes(master)} their master"


def resident(process: int) -> int:
    """Bytes of memory that a process has, those included that it shares."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:.1f} MB"


if __name__ == "__main__":
    main()
