"""`make plan ENV=…` and `make apply ENV=…`: what is applied is the plan that was read, and no other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from terraform.changes import changes, table
from terraform.environment import Environment


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="terraform.plan", description=__doc__)
    parser.add_argument("verb", choices=("plan", "apply"))
    parser.add_argument("environment")
    asked = parser.parse_args(words)
    environment = Environment.named(asked.environment)
    if asked.verb == "apply":
        environment.apply()
        return
    plan = environment.plan()
    if not plan["applyable"]:
        sys.stdout.write(f"{environment.name} is as the repository says.\n")
        return
    sys.stdout.write(table(list(changes(plan))))
    sys.stdout.write(f"Read it, and then: make apply ENV={environment.name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
