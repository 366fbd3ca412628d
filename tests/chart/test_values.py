"""Every value does what it says, and nothing else; and every value is known to the file, its comments and the schema."""

from __future__ import annotations

import pytest

from tests.chart.effects import EFFECTS
from tests.chart.kubernetes import VERSIONS, faults
from tests.chart.places import ECHOES, changed, unexplained
from tests.chart.releases import SERVICES
from tests.chart.rendering import Refused, at, merged, render
from tests.chart.values import DEFAULTS, SCHEMA, closed, described, leaves, look_up, resolved, schema_of

LEAVES = list(leaves())
DESCRIBED = [each.path for each in described()]
# Helm's own: a chart around this one sets it.
UNWRITTEN = {"global"}


class TestTheWalk:
    def test_every_value_has_its_effect(self) -> None:
        assert set(EFFECTS) == set(LEAVES)

    @pytest.mark.parametrize("path", [path for path, effect in EFFECTS.items() if effect])
    def test_another_value_is_seen_where_it_should_be_and_nowhere_else(self, path: str) -> None:
        effect = EFFECTS[path]
        assert effect
        before = render(effect.values)
        after = render(merged(effect.values, at(path, effect.change), effect.beside))
        assert unexplained(changed(before, after, ECHOES), effect.places) == (set(), [])
        assert [fault for each in after for fault in faults(each, VERSIONS[-1])] == []

    @pytest.mark.parametrize("path", [path for path, effect in EFFECTS.items() if not effect])
    def test_what_has_no_effect_has_no_other_value(self, path: str) -> None:
        assert "const" in schema_of(path)


class TestTheFile:
    def test_every_value_is_described_once(self) -> None:
        above = {leaf: [path for path in DESCRIBED if f"{leaf}.".startswith(f"{path}.")] for leaf in LEAVES}
        assert {leaf: paths for leaf, paths in above.items() if len(paths) != 1} == {}
        assert len(DESCRIBED) == len(set(DESCRIBED))

    def test_every_description_is_one_clause(self) -> None:
        assert [each for each in described() if each.meaning.endswith(".") or len(each.meaning) > 125] == []

    def test_every_value_is_in_the_schema(self) -> None:
        for leaf in LEAVES:
            assert schema_of(leaf)

    def test_the_schema_names_no_value_that_the_file_has_not(self) -> None:
        inside = {path: schema for path, schema in closed() if _is_value(path)}
        missing = {
            f"{path}.{name}".lstrip(".")
            for path, schema in inside.items()
            for name in schema["properties"]
            if not _written(f"{path}.{name}".lstrip("."))
        }
        assert missing == UNWRITTEN

    def test_the_defaults_alone_are_refused_by_the_chart_and_not_by_the_schema(self) -> None:
        with pytest.raises(Refused) as refused:
            render({})
        assert refused.value.reasons == [
            f"service is required: set it to {' or '.join(sorted(SERVICES))}",
            "no database: set database.host, or database.trial=true for a first look without patients' data",
        ]


def _is_value(path: str) -> bool:
    """Whether a part of the schema stands for values that values.yaml writes out."""
    return not path or (not path.startswith("definitions") and "[]" not in path and _written(path) and not _free(path))


def _free(path: str) -> bool:
    """Whether it is a map that is empty by default, whose names the schema alone knows."""
    return bool(look_up(DEFAULTS, path) == {})


def _written(path: str) -> bool:
    try:
        look_up(DEFAULTS, path)
    except (KeyError, TypeError):
        return False
    return True


def test_a_definition_is_used() -> None:
    text = str(SCHEMA)
    assert [name for name in SCHEMA["definitions"] if f"#/definitions/{name}'" not in text] == []
    assert resolved({"$ref": "#/definitions/port"})["maximum"] == 65535
