"""`make format` writes the table of values in chart/README.md from values.yaml's comments and from the schema.

`python -m tests.chart.document --check` writes nothing, and fails when the table is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from tests.chart.rendering import CHART
from tests.chart.values import Value, described, resolved

PAGE = CHART / "README.md"
HEAD = "| value | type | default | meaning |\n|---|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")
# A pattern says nothing to a reader; what it means stands in the comment.
WORDS = {"string": "text", "integer": "whole number", "array": "list", "object": "map"}


def table() -> str:
    rows = [
        f"| `{each.path}` | {kind_of(each.schema)} | {shown(each)} | {each.meaning.replace('|', '&#124;')} |"
        for each in described()
    ]
    return HEAD + "\n".join(rows) + "\n"


def kind_of(schema: dict[str, Any]) -> str:
    """The type in a word, with its choices or bounds."""
    schema = resolved(schema)
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"] if choice != "")
    if schema["type"] == "boolean":
        return "`true`, `false`"
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return WORDS[schema["type"]]


def shown(value: Value) -> str:
    """The default as it would be written on one line; what is empty is shown as nothing."""
    if value.default in ("", [], {}):
        return ""
    text = value.default if isinstance(value.default, str) else json.dumps(value.default).replace('"', "")
    return f"`{text}`".replace("|", "&#124;")


def main(words: Sequence[str]) -> None:
    old = PAGE.read_text(encoding="utf-8")
    new = TABLE.sub(lambda _: table(), old, count=1)
    if words == ["--check"] and new != old:
        sys.exit("chart/README.md is out of date: run `make format`.")
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
