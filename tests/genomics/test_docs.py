"""docs/genomics.md names every code of the reader of VCF."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.test_docs import CODE, ROOT, document_of, rows, section

# Where the code stands among the arguments of what makes a fault or a warning.
MAKERS = {"Fault", "RowFault", "_refused", "add"}
COLUMNS = {"file", "header", "sample"}
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def emitted(folder: Path) -> set[str]:
    """The codes of faults and warnings: literals in the calls that make them, and in what is assigned to `code`."""
    nodes = [node for path in folder.glob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    sources: list[ast.AST] = []
    for node in nodes:
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            sources += node.args if name in MAKERS else []
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "code" for target in node.targets):
            sources.append(node.value)
    constants = {inner.value for source in sources for inner in ast.walk(source) if isinstance(inner, ast.Constant)}
    return {text for text in constants if isinstance(text, str) and KEBAB.fullmatch(text)} - COLUMNS


def test_every_fault_and_warning_of_the_reader_is_documented() -> None:
    documented = [
        CODE.findall(row[0])[0]
        for title in ("Faults", "Warnings")
        for row in rows(section(document_of("genomics"), title))
    ]
    assert len(documented) == len(set(documented))
    assert set(documented) == emitted(ROOT / "genomics" / "vcf")
