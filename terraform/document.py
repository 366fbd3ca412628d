"""`make format` writes the table of inputs and outputs in each module's page, from its variables.tf and outputs.tf.

`python -m terraform.document --check` writes nothing, and fails where a table is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hcl2

from terraform.environment import ENVIRONMENTS, ROOT

GROUND = ROOT / "terraform"
MARKED = re.compile(r"(<!-- begin: inputs and outputs -->\n).*?(<!-- end: inputs and outputs -->\n)", re.DOTALL)
# The fields of an object are read where they are declared: a table has no room for them.
FIELDS = re.compile(r"object\(.*\)", re.DOTALL)


def pages() -> Iterator[Path]:
    """The pages that have such a table, which every module has to have."""
    modules = [*(GROUND / "modules").rglob("variables*.tf"), GROUND / "bootstrap" / "variables.tf"]
    modules += ENVIRONMENTS.glob("*/variables.tf")
    for folder in sorted({path.parent for path in modules}):
        yield folder / "README.md"


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The variables or outputs of a module, in the order that they are declared in."""
    for file in sorted(folder.glob(f"{kind}s*.tf")):
        for block in hcl2.loads(file.read_text(encoding="utf-8")).get(kind, []):
            for name, body in block.items():
                yield name.strip('"'), body


def type_of(body: dict[str, Any]) -> str:
    """`map(object)` for `map(object({…}))`."""
    text = re.sub(r"\s+", " ", unwrapped(body["type"]))
    short = FIELDS.sub("object", text)
    return short + ")" * (short.count("(") - short.count(")"))


def default_of(body: dict[str, Any]) -> str:
    if "default" not in body:
        return "required"
    value = body["default"]
    if isinstance(value, str):
        value = unwrapped(value)
        return f"`{value}`" if value not in {"", "null"} else ""
    if value is None or value in ([], {}):
        return ""
    text = re.sub(r"\\?\"", "", json.dumps(plain(value)))
    return f"`{text}`" if len(text) <= 60 else "as declared"


def plain(value: Any) -> Any:
    """What the reader of HCL gives, without what it adds."""
    if isinstance(value, dict):
        return {key.strip('"'): plain(each) for key, each in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return unwrapped(value) if isinstance(value, str) else value


def unwrapped(text: str) -> str:
    """An expression without its `${}`, a text without its quotes."""
    if text.startswith("${") and text.endswith("}"):
        return text[2:-1]
    return text[1:-1].replace('\\"', '"') if text.startswith('"') else text


def table(folder: Path) -> str:
    rows = ["| input | type | default | meaning |", "|---|---|---|---|"]
    for name, body in blocks(folder, "variable"):
        cells = [f"`{name}`", f"`{type_of(body)}`", default_of(body), unwrapped(body["description"])]
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    rows += ["", "| output | meaning |", "|---|---|"]
    for name, body in blocks(folder, "output"):
        rows.append(f"| `{name}` | {unwrapped(body['description']).replace('|', '&#124;')} |")
    return "\n".join(rows) + "\n"


def main(words: Sequence[str]) -> None:
    for page in pages():
        old = page.read_text(encoding="utf-8") if page.exists() else ""
        name = page.relative_to(ROOT)
        if not MARKED.search(old):
            sys.exit(f"{name} has no place for the table: add the lines that begin and end it, as in other modules.")
        new = MARKED.sub(lambda match, page=page: match[1] + table(page.parent) + match[2], old)  # type: ignore[misc]
        if words == ["--check"] and new != old:
            sys.exit(f"{name} is out of date: run `make format`.")
        if new != old:
            page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
