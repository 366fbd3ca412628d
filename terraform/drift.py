"""`make drift ENV=…`: what of an environment is no longer as the repository says; a table, and JSON in build/terraform.

Ends with 0 where nothing is, with 2 where something is, and with 1 where it could not be told.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from terraform.changes import changes, table
from terraform.environment import BUILD, Environment

# As Terraform's own -detailed-exitcode.
DRIFTED = 2
# The actions of a plan, in the words of who reads that somebody has changed something.
WORDS = {
    ("update",): "changed",
    ("create",): "missing",
    ("delete",): "not in the repository",
    ("delete", "create"): "changed, would be replaced",
    ("create", "delete"): "changed, would be replaced",
    ("forget",): "not in the repository",
}


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="terraform.drift", description=__doc__.partition("\n")[0])
    parser.add_argument("environment")
    environment = Environment.named(parser.parse_args(words).environment)
    found = list(changes(environment.look(), WORDS))
    BUILD.mkdir(parents=True, exist_ok=True)
    report = BUILD / f"{environment.name}-drift.json"
    report.write_text(json.dumps([each._asdict() for each in found], indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(table(found) if found else f"{environment.name} is as the repository says.\n")
    return DRIFTED if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
