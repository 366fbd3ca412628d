"""`python -m observability.check`: whether every configuration here is one, without any of the servers.

Each file is held to a closed shape, so a typo in a key is a fault and not a setting that never comes into force; then to
what no shape says: that pipelines name components that are there, that statements and expressions parse. All faults are
told at once, each with its file and line. Servers that are on PATH are asked as well, and have the last word.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from . import asking, store_shapes
from .pipelines import Found, Place, environment, links, listed_in, mapped, members, ordered, selectors, statements
from .rules import RulesError, merged, rendered, services
from .shapes import COLLECTOR, COMPONENTS, JAEGER_COMPONENTS, KINDS, Shape

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# `schema/compose-spec.json` of github.com/compose-spec/compose-go v2.16.2 (Apache-2.0), as it is there: what
# `docker compose` itself validates with.
COMPOSE = json.loads((HERE / "compose-spec.json").read_text(encoding="utf-8"))


class Fault(NamedTuple):
    """One sentence, and where it is true."""

    file: str
    line: int
    place: Place
    sentence: str

    def __str__(self) -> str:
        where = f"{'/'.join(map(str, self.place))}: " if self.place else ""
        return f"{self.file}:{self.line}: {where}{self.sentence}."


class Document(NamedTuple):
    """A file as it was read, and the lines of its members."""

    content: Any
    node: yaml.Node | None

    def line(self, place: Place) -> int:
        """Of the nearest member that is written there: what an anchor brought has no line of its own."""
        node, line = self.node, 1
        for step in place:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            member = next(((key, value) for key, value in pairs if key.value == str(step)), None)
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                member = (node.value[step], node.value[step])
            if member is None:
                break
            line, node = member[0].start_mark.line + 1, member[1]
        return line


class Strict(yaml.SafeLoader):
    """YAML's own reading lets the second of two equal keys win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key.value}` stands twice", key.start_mark
                )
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


def read(text: str) -> Document:
    loader = Strict(text)
    try:
        node = loader.get_single_node()
        return Document(loader.construct_document(node) if node else None, node)
    finally:
        loader.dispose()


def faults_of(name: str, text: str, *, base: Mapping[str, Any] | None = None) -> list[Fault]:
    """Of one file; the collector's for AWS is laid over `base`."""
    try:
        document = read(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [Fault(name, line, (), f"it is not YAML: {error.problem}")]
    questions = QUESTIONS[Path(name).name] if Path(name).name in QUESTIONS else QUESTIONS["rules"]
    found = [each for ask in questions for each in ask(document.content)]
    if base is not None:
        whole = merged(base, mapped(document.content))
        found += [*links(whole, of=document.content), *ordered(whole)]
    faults = [Fault(name, document.line(place), place, sentence) for place, sentence in found]
    if Path(name).name == "collector.yaml":
        faults += [Fault(name, line, (), sentence) for line, sentence in environment(text)]
    return faults


# --- What is asked of a file ----------------------------------------------------------------------------------------------


def shaped(shape: Shape, at: Place = ()) -> Callable[[Any], Found]:
    """Whether it has this shape."""
    import jsonschema_rs  # a tool of development, which no process of the product has

    validator = jsonschema_rs.Draft202012Validator(shape)

    def ask(content: Any) -> Found:
        for error in validator.iter_errors(content):
            place = (*at, *error.instance_path)
            kind = error.kind.as_dict()
            for key in kind.get("unexpected", []):
                yield (*place, key), f"`{key}` is no key of this place"
            if "unexpected" not in kind:
                yield place, _worded(error, kind)

    return ask


def _worded(error: Any, kind: Mapping[str, Any]) -> str:
    if "property" in kind:
        return f"`{kind['property']}` is missing"
    if "options" in kind:
        return f"`{error.instance}` is none of {', '.join(map(str, kind['options']))}"
    return str(error.message)


def components(known: Mapping[str, Mapping[str, Shape]]) -> Callable[[Any], Found]:
    """Whether each component is one, and has the shape of its type."""

    def ask(content: Any) -> Found:
        for kind in KINDS:
            for name, settings in members(content, kind).items():
                shape = known.get(kind, {}).get(str(name).partition("/")[0])
                if shape is None:
                    there = ", ".join(known.get(kind, {})) or "none"
                    yield (kind, name), f"`{name}` is none of the {kind} known here ({there})"
                else:
                    yield from shaped(shape, (kind, name))(settings)

    return ask


def expressions(content: Any) -> Found:
    """Whether each rule's PromQL parses, and no two groups have one name."""
    import promql_parser  # a tool of development, too

    names: set[str] = set()
    for number, group in enumerate(listed_in(mapped(content).get("groups"))):
        given = mapped(group)
        if str(given.get("name")) in names:
            yield ("groups", number, "name"), f"another group is called `{given['name']}` too"
        names.add(str(given.get("name")))
        for index, rule in enumerate(listed_in(given.get("rules"))):
            try:
                # Where there is none, the shape says so.
                promql_parser.parse(str(mapped(rule).get("expr", 0)))
            except ValueError as error:
                yield ("groups", number, "rules", index, "expr"), f"the expression does not parse: {error}"


def receivers(content: Any) -> Found:
    """Whether routes name receivers that are there, and all of them."""
    listed = listed_in(mapped(content).get("receivers"))
    there = {str(mapped(each).get("name")): number for number, each in enumerate(listed)}
    used = set()
    for place, name in _routes(members(content, "route"), ("route",)):
        used.add(name)
        if name not in there:
            yield place, f"`{name}` is no receiver of this file"
    for name in there.keys() - used:
        yield ("receivers", there[name], "name"), f"no route leads to `{name}`"


def _routes(route: Any, place: Place) -> Iterator[tuple[Place, str]]:
    given = mapped(route)
    if "receiver" in given:
        yield (*place, "receiver"), str(given["receiver"])
    for number, each in enumerate(listed_in(given.get("routes"))):
        yield from _routes(each, (*place, "routes", number))


def links_of_sources(content: Any) -> Found:
    """Whether a link of Grafana leads to a data source that is there."""
    text = json.dumps(content, default=str)
    uids = {str(mapped(each).get("uid")) for each in listed_in(mapped(content).get("datasources"))}
    for uid in dict.fromkeys(re.findall(r'"datasourceUid": "([^"]*)"', text)):
        if uid not in uids:
            yield ("datasources",), f"a link leads to `{uid}`, which is the uid of no data source"


def loopback(content: Any) -> Found:
    """Whether what is published is for this machine alone."""
    for service, part in members(content, "services").items():
        for number, port in enumerate(listed_in(mapped(part).get("ports"))):
            host = str(port.get("host_ip", "")) if isinstance(port, Mapping) else str(port).rpartition(":")[0]
            if not f"{host}:".startswith("127.0.0.1:"):
                yield ("services", service, "ports", number), f"the port does not begin with `127.0.0.1:`: {port}"


QUESTIONS: dict[str, list[Callable[[Any], Found]]] = {
    "collector.yaml": [shaped(COLLECTOR), components(COMPONENTS), links, ordered, statements],
    "collector-aws.yaml": [shaped(COLLECTOR), components(COMPONENTS), selectors, statements],
    "jaeger.yaml": [shaped(COLLECTOR), components(JAEGER_COMPONENTS), links],
    "prometheus.yaml": [shaped(store_shapes.PROMETHEUS)],
    "alertmanager.yaml": [shaped(store_shapes.ALERTMANAGER), receivers],
    "loki.yaml": [shaped(store_shapes.LOKI)],
    "compose.yaml": [shaped(COMPOSE), loopback],
    "datasources.yaml": [shaped(store_shapes.DATASOURCES), links_of_sources],
    "dashboards.yaml": [shaped(store_shapes.PROVIDERS)],
    "rules": [shaped(store_shapes.RULES), expressions],
}


def files(folder: Path = HERE) -> list[Path]:
    """Every YAML file of the folder: what has no shape of its own is a file of rules."""
    return sorted(folder.rglob("*.yaml"))


def main() -> int:
    base = yaml.safe_load((HERE / "collector.yaml").read_text(encoding="utf-8"))
    found: list[str] = []
    for path in files():
        over = base if path.name == "collector-aws.yaml" else None
        name = str(path.relative_to(ROOT))
        found += map(str, faults_of(name, path.read_text(encoding="utf-8"), base=over))
    with tempfile.TemporaryDirectory() as folder:
        for service in services():
            try:
                text = rendered(service, release=service, namespace="check", values={})
            except RulesError as error:
                found.append(f"chart: the rules of {service} do not render: {error}.")
                continue
            (Path(folder) / f"{service}.yaml").write_text(text, encoding="utf-8")
            found += map(str, faults_of(f"the chart's rules of {service}", text))
        found += [] if found else asking.servers(HERE, Path(folder))
    sys.stderr.write("".join(f"{each}\n" for each in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
