"""The values of the published chart: single lines of the checkout's change, and a line that is gone is told."""

from __future__ import annotations

import pytest

from docker import helm

VALUES = """\
# Its image.
image:
  # -- Where
  repository: careway

  nested:
    digest: "no"
  # -- Which
  digest: ""
other:
  repository: other
"""


def test_one_line_changes_and_the_comments_stay() -> None:
    changed = helm.set_value(VALUES, helm.DIGEST, "sha256:1")
    assert changed == VALUES.replace('  digest: ""', '  digest: "sha256:1"')


def test_only_the_named_block_is_meant() -> None:
    assert helm.set_value(VALUES, "other.repository", "x") == VALUES.replace("repository: other", 'repository: "x"')


def test_a_line_that_is_not_there_is_told() -> None:
    with pytest.raises(SystemExit, match=r"values\.yaml has no other\.digest"):
        helm.set_value(VALUES, "other.digest", "x")


@pytest.mark.parametrize("place", [helm.REPOSITORY, helm.DIGEST, helm.TRIAL_IMAGE])
def test_the_chart_has_what_publishing_sets(place: str) -> None:
    values = (helm.CHART / "values.yaml").read_text()
    assert helm.set_value(values, place, "published") != values


def test_its_name_is_the_last_part_of_its_repository() -> None:
    """Helm makes the address from it."""
    assert f"name: {helm.NAME.rpartition('/')[2]}\n" in (helm.CHART / "Chart.yaml").read_text()
