"""The tables in the modules' pages are those of their variables and outputs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from terraform.document import GROUND, blocks, main, pages, table
from terraform.environment import ENVIRONMENTS

PLATFORM = GROUND / "modules" / "platform"
DECLARED = """
variable "names" {
  type        = list(string)
  nullable    = false
  description = "Names, \\"quoted\\" or a|b"
}

variable "groups" {
  type = map(object({
    min  = number
    kind = optional(string, "x")
  }))
  default     = {}
  description = "Groups by name"
}

variable "kept_days" {
  type        = number
  default     = 30
  description = "Days"
}

variable "kinds" {
  type        = set(string)
  default     = ["a", "b"]
  description = "Kinds"
}
"""
OUTPUTS = """
output "arn" {
  value       = aws_x.this.arn
  description = "Of it"
}
"""


def test_the_tables_are_those_that_the_declarations_make() -> None:
    main(["--check"])


def test_every_module_and_environment_has_a_page() -> None:
    folders = {file.parent for file in GROUND.rglob("variables.tf") if ".terraform" not in file.parts}
    assert {page.parent for page in pages()} == folders


def test_a_table_has_what_is_declared(tmp_path: Path) -> None:
    (tmp_path / "variables.tf").write_text(DECLARED, encoding="utf-8")
    (tmp_path / "outputs.tf").write_text(OUTPUTS, encoding="utf-8")
    assert table(tmp_path).splitlines() == [
        "| input | type | default | meaning |",
        "|---|---|---|---|",
        '| `names` | `list(string)` | required | Names, "quoted" or a&#124;b |',
        "| `groups` | `map(object)` |  | Groups by name |",
        "| `kept_days` | `number` | `30` | Days |",
        "| `kinds` | `set(string)` | `[a, b]` | Kinds |",
        "",
        "| output | meaning |",
        "|---|---|",
        "| `arn` | Of it |",
    ]


def test_a_table_that_is_out_of_date_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("terraform.document.table", lambda folder: "| something else |\n")
    with pytest.raises(SystemExit, match=r"README.md is out of date: run `make format`"):
        main(["--check"])


def test_the_environments_differ_in_what_they_are_told_and_in_nothing_else() -> None:
    own = {"terraform.tfvars", "backend.tf", "README.md"}
    texts = {
        folder.name: {
            path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.tf") if path.name not in own
        }
        for folder in ENVIRONMENTS.iterdir()
    }
    assert texts["dev"]
    assert texts["dev"] == texts["staging"] == texts["production"]


def test_an_environment_takes_what_the_platform_takes() -> None:
    """A field that one of them does not know is dropped by Terraform without a word."""
    platform, environment = (dict(blocks(folder, "variable")) for folder in (PLATFORM, ENVIRONMENTS / "dev"))
    made = {"tags", "secret_keys"}  # in the environment's main.tf
    assert platform.keys() - environment.keys() == made
    told = ("type", "default", "nullable", "description")
    for name in platform.keys() - made:
        assert {key: environment[name].get(key) for key in told} == {key: platform[name].get(key) for key in told}, name


def test_everything_that_is_declared_is_described_and_typed() -> None:
    undescribed = []
    for file in GROUND.rglob("*.tf"):
        for block in re.findall(
            r"^(?:variable|output) \"\w+\" \{.*?^\}", file.read_text(encoding="utf-8"), re.M | re.S
        ):
            needed = {"description", "type"} if block.startswith("variable") else {"description"}
            if missing := [word for word in needed if not re.search(rf"^  {word} +=", block, re.M)]:
                undescribed.append((file.name, block.splitlines()[0], missing))
    assert undescribed == []


def test_a_scanner_s_finding_is_left_with_a_reason() -> None:
    for file in GROUND.rglob("*.tf"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "checkov:skip" in line:
                assert re.search(r"#checkov:skip=CKV2?_AWS_\d+: ?\S.{20,}", line), (file, line)
            if "trivy:ignore" in line:
                assert re.search(r"#trivy:ignore:\S+ .{20,}", line), (file, line)
