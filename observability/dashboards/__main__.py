"""Writes chart/files/dashboards; `--check` writes nothing, and fails where a file is out of date."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from observability.dashboards.database import DATABASE
from observability.dashboards.ingestion import INGESTION
from observability.dashboards.links import LINKS
from observability.dashboards.service import SERVICE

FOLDER = Path(__file__).resolve().parents[2] / "chart" / "files" / "dashboards"
ALL = (SERVICE, INGESTION, LINKS, DATABASE)


def texts() -> dict[str, str]:
    """What each file holds, by its name."""
    return {f"{each.name}.json": json.dumps(each.written(), indent=2, ensure_ascii=False) + "\n" for each in ALL}


def outdated(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """The files that differ, are missing, or that nobody writes."""
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))


def main(arguments: Sequence[str]) -> int:
    wanted = texts()
    stale = outdated(FOLDER, wanted)
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"chart/files/dashboards/{name} is out of date: python -m observability.dashboards\n")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
