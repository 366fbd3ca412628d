"""values.yaml as data: which values there are, what their comments say, and what the schema knows of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from tests.chart.rendering import CHART, merged

TEXT = (CHART / "values.yaml").read_text(encoding="utf-8")
DEFAULTS: dict[str, Any] = yaml.safe_load(TEXT)
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
COMMENT = re.compile(r"( *)# -- (.+)")
KEY = re.compile(r"( *)([A-Za-z][\w-]*):")


class Value(NamedTuple):
    """A value with a comment of its own, by its path such as `image.digest`; it may be a map, such as `resources`."""

    path: str
    meaning: str

    @property
    def default(self) -> Any:
        return look_up(DEFAULTS, self.path)

    @property
    def schema(self) -> dict[str, Any]:
        return schema_of(self.path)


def look_up(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for part in path.split("."):
        found = found[part]
    return found


def described() -> list[Value]:
    """The values that have a comment, in the order of the file."""
    found: list[Value] = []
    parents: list[str] = []
    meaning = ""
    for line in TEXT.splitlines():
        if comment := COMMENT.fullmatch(line):
            meaning = comment[2]
        elif key := KEY.match(line):
            parents = [*parents[: len(key[1]) // 2], key[2]]
            if meaning:
                found.append(Value(".".join(parents), meaning))
            meaning = ""
    return found


def leaves(values: Any = DEFAULTS, path: str = "") -> Iterator[str]:
    """The paths of all that is no map, or an empty one. A list is a leaf as a whole."""
    if isinstance(values, Mapping) and values:
        for name, value in values.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the definition that it names; several that all hold are one."""
    if "$ref" in schema:
        return resolved(SCHEMA["definitions"][schema["$ref"].removeprefix("#/definitions/")])
    if "allOf" in schema and "properties" not in schema:
        return merged(*map(resolved, schema["allOf"]))
    return schema


def schema_of(path: str) -> dict[str, Any]:
    """What the schema says of a value."""
    found = SCHEMA
    for part in path.split("."):
        inside = found.get("properties", {})
        found = resolved(inside[part] if part in inside else found["additionalProperties"])
    return found


def closed(schema: dict[str, Any] = SCHEMA, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the schema that names its members, with its path; definitions by their own name."""
    if "properties" in schema:
        yield path, schema
    for word in ("properties", "definitions", "patternProperties"):
        for name, inner in schema.get(word, {}).items():
            yield from closed(inner, f"{path}.{name}".lstrip("."))
    for inner in [schema.get("items"), *schema.get("oneOf", [])]:
        if isinstance(inner, dict):
            yield from closed(inner, f"{path}[]")
