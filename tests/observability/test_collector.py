"""The lists of the collector's second net are the code's. What the real collector does with them: test_net.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
import yaml
from django.conf import settings

from chassis.instrumentation import OF_REQUEST, OF_STATEMENT
from chassis.logs import described
from chassis.redaction import FRAME, KEPT, OURS
from tests.routes import operations
from tests.test_house import ROOT

TRANSFORM = yaml.safe_load((ROOT / "observability" / "collector.yaml").read_text(encoding="utf-8"))["processors"][
    "transform/allow"
]
PACKAGES = {"chassis", "config", *settings.AVAILABLE_SERVICES}
PRODUCT = [path for name in sorted(PACKAGES) for path in sorted((ROOT / name).rglob("*.py"))]
# Whose words leave beside those of the packages.
LOGGERS = {"careway", "gunicorn", "opentelemetry", "psycopg.pool"}
ANY_OF_OURS = f"{OURS}.+"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def statements(signal: str, context: str) -> list[str]:
    (group,) = [each for each in TRANSFORM[f"{signal}_statements"] if each["context"] == context]
    return [str(each) for each in group["statements"]]


def allowed(signal: str, context: str) -> set[str]:
    """The names on a list; a name that stands for many is as its pattern has it."""
    (pattern,) = [
        found[1]
        for each in statements(signal, context)
        if (found := re.match(r'keep_matching_keys\(attributes, "(.*)"\)$', each))
    ]
    assert pattern.startswith("^(")
    assert pattern.endswith(")$")
    return {each.replace("[.]", ".") for each in expanded(pattern[2:-2])}


def expanded(pattern: str) -> Iterator[str]:
    """Every text that a pattern of names, brackets and bars stands for."""
    depth, start, alternatives = 0, 0, []
    for at, each in enumerate(pattern):
        depth += (each == "(") - (each == ")")
        if each == "|" and depth == 0:
            alternatives.append(pattern[start:at])
            start = at + 1
    for each in [*alternatives, pattern[start:]]:
        before, bracket, rest = each.partition("(")
        if not bracket:
            yield each
            continue
        end = closing(rest)
        inner, after = rest[:end], rest[end + 1 :]
        if after.startswith("?"):
            inner, after = f"|{inner}", after[1:]
        yield from (before + one + tail for one in expanded(inner) for tail in expanded(after))


def loggers() -> set[str]:
    """Those whose lines keep their words."""
    (found,) = [
        pattern[1]
        for each in statements("log", "log")
        if (pattern := re.search(r'IsMatch\(instrumentation_scope\.name, "\^\((.*)\)\(\[\.\]\|\$\)"\)$', each))
    ]
    return {each.replace("[.]", ".") for each in expanded(found)}


def is_of_this_house() -> bool:
    """A copy has lists of Careway's services, too, until somebody gives it its own (docs/copying.md)."""
    return loggers() <= PACKAGES | LOGGERS


def closing(text: str) -> int:
    """Where the bracket closes that was opened before it."""
    depth = 1
    for at, each in enumerate(text):
        depth += (each == "(") - (each == ")")
        if depth == 0:
            return at
    raise AssertionError(text)


def keys(node: ast.AST) -> set[str]:
    """The texts that are keys of a dictionary written anywhere below."""
    found = [key for each in ast.walk(node) if isinstance(each, ast.Dict) for key in each.keys]
    return {key.value for key in found if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def members_of_lines() -> set[str]:
    """What the code gives a line, but for trace_id and span_id, which a record has beside its attributes."""
    found = {*described(ValueError()), "repeats"}  # which chassis/repeats.py writes on the record
    for path in PRODUCT:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                assigned.setdefault(node.targets[0].id, set()).update(keys(node.value))
        for node in ast.walk(tree):
            for given in node.keywords if isinstance(node, ast.Call) else []:
                if given.arg == "extra":
                    whole = [given.value]
                    if isinstance(given.value, ast.Dict):
                        whole = [
                            part for key, part in zip(given.value.keys, given.value.values, strict=True) if not key
                        ]
                    named = {each.id for each in whole if isinstance(each, ast.Name)}
                    found |= keys(given.value).union(*(assigned.get(each, set()) for each in named))
    return found


def attributes_of_instruments() -> set[str]:
    """What instruments are declared with, or told when they count."""
    found = {*OF_REQUEST, *OF_STATEMENT}
    for path in PRODUCT:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.name == "metrics.py":
            found |= keys(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            if path.name == "metrics.py" and ast.unparse(node.func) in {"Counted", "Counter", "Gauge"}:
                found |= {str(each.arg) for each in node.keywords} - {"unit", "description"}
                found |= {str(each.value) for each in node.args[2:] if isinstance(each, ast.Constant)}
            elif ast.unparse(node.func).endswith(("_duration.record", ".Observation")):
                found |= keys(node)
    return found


class TestTheLists:
    def test_a_span_keeps_what_the_services_let_out(self) -> None:
        assert allowed("trace", "span") == {*KEPT, ANY_OF_OURS}

    def test_an_event_keeps_the_type_and_the_frames_of_an_exception(self) -> None:
        assert allowed("trace", "spanevent") == {"exception.type", "exception.stacktrace", ANY_OF_OURS}

    def test_a_log_record_keeps_the_members_of_a_line(self) -> None:
        # Of an exception what chassis/redaction.py leaves.
        found = members_of_lines() | {"exception.type", "exception.stacktrace"}
        assert found <= allowed("log", "log")
        assert found == allowed("log", "log") or not is_of_this_house()

    def test_a_data_point_keeps_the_attributes_of_the_instruments(self) -> None:
        of_process = {"type"}  # process.cpu.time
        found = attributes_of_instruments() | of_process | {ANY_OF_OURS}
        assert found <= allowed("metric", "datapoint")
        assert found == allowed("metric", "datapoint") or not is_of_this_house()

    def test_a_line_of_the_house_keeps_its_words(self) -> None:
        if not is_of_this_house():
            pytest.skip("The collector's loggers are not this house's yet: docs/copying.md, What waits.")
        assert loggers() == PACKAGES | LOGGERS

    def test_a_resource_keeps_what_the_rules_and_the_chart_name(self) -> None:
        prometheus = yaml.safe_load((ROOT / "observability" / "prometheus.yaml").read_text(encoding="utf-8"))
        chart = set(
            re.findall(r'"(k8s[.\w]+)=', (ROOT / "chart" / "templates" / "_pod.tpl").read_text(encoding="utf-8"))
        )
        promoted = set(prometheus["otlp"]["promote_resource_attributes"])
        kept = allowed("trace", "resource")
        assert chart
        assert chart | promoted | {"service.instance.id"} <= kept
        assert kept == allowed("log", "resource") == allowed("metric", "resource")

    def test_a_name_of_a_span_is_let_through_as_the_routes_make_it(self) -> None:
        (refused,) = [
            found[1] for each in statements("trace", "span") if (found := re.search(r'IsMatch\(name, "(.*)"\)$', each))
        ]
        pattern = re.compile(refused.replace('\\"', '"'))
        names = {f"{each.method} {each.route}" for each in operations()} | {"SELECT", "COPY", "ingest", "GET", "_OTHER"}
        assert len(names) > 20
        assert [each for each in names if pattern.search(each)] == []
        for each in ("GET /patients/123", "GET /a?name=b", f"GET /{TRACE[:8]}-1234-", "SELECT 'Ann'"):
            assert pattern.search(each)

    def test_a_frame_is_what_the_services_take_for_one(self) -> None:
        patterns = [
            each.replace("\\\\", "\\").replace('\\"', '"')
            for each in (*statements("trace", "spanevent"), *statements("log", "log"))
            if "(?m)" in each
        ]
        ours = FRAME.pattern.removeprefix("^").removesuffix("$").replace("\\.", "[.]").replace("\\d", "[0-9]")
        assert len(patterns) == 3
        assert all(f"(?m)^(?:({ours}|" in each for each in patterns)

    def test_what_cannot_be_looked_through_does_not_leave(self) -> None:
        assert TRANSFORM["error_mode"] == "propagate"
