"""No secret's value can be given in a way that is kept: neither in the state nor in a plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from terraform.document import GROUND, blocks

# What names a secret, and what is a secret.
VALUE = re.compile(r"(^|_)(secret_keys?|password|passwords|token|tokens|private_key|credentials?)$")
# Arguments of the provider that take a secret into the state; beside each is one that does not (`…_wo`).
KEPT = re.compile(r"^\s*(secret_string|secret_binary|password|master_password|auth_token)\s*=", re.MULTILINE)


def values() -> Iterator[tuple[str, dict[str, Any]]]:
    """The variables that take one, with their folders."""
    for folder in {file.parent for file in GROUND.rglob("variables*.tf")}:
        for name, body in blocks(folder, "variable"):
            if VALUE.search(name):
                yield f"{folder.relative_to(GROUND)}: {name}", body


def written() -> list[Path]:
    return [file for file in GROUND.rglob("*.tf") if "tests" not in file.relative_to(GROUND).parts]


def test_a_variable_for_a_value_is_ephemeral_and_sensitive() -> None:
    found = dict(values())
    assert found.keys() >= {"modules/platform: secret_keys", "modules/secrets: secret_key"}
    assert [name for name, body in found.items() if not (body.get("ephemeral") and body.get("sensitive"))] == []


def test_nothing_takes_a_value_that_is_kept() -> None:
    assert [file.name for file in written() if KEPT.search(file.read_text(encoding="utf-8"))] == []


def test_no_value_stands_in_an_environment() -> None:
    for file in (GROUND / "environments").rglob("*.tfvars"):
        names = re.findall(r"^\s*(\w+)\s*=", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert [name for name in names if VALUE.search(name)] == []
