"""What no shape says of a collector's file: that pipelines name what is there, and in which order; that statements parse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import ottl
from .shapes import KINDS

Place = tuple[Any, ...]
Found = Iterator[tuple[Place, str]]

LISTED = re.compile(r"^#   ([A-Z_]+) +(\S+)", re.MULTILINE)
# What the filter processor names after its signal, and the statements after their context.
CONTEXTS = {"span": "span", "metric": "metric", "datapoint": "datapoint", "log_record": "log"}
USED = re.compile(r"\$\{env:([A-Z_]+)(?::-([^}]*))?\}")


def links(content: Any, of: Any = None) -> Found:
    """Whether the service names what is there, and everything that is there; `of` is the part whose own are asked."""
    service = members(content, "service")
    used: set[tuple[str, str]] = set()
    for kind, place, names in _named(service):
        for number, name in enumerate(map(str, names)):
            used.add((kind, name))
            if name not in members(content, kind) and name not in members(content, "connectors"):
                yield (*place, number), f"`{name}` is none of the {kind} of this file"
    for name, settings in members(content, "exporters").items():
        given = members(settings, "auth").get("authenticator")
        if given and given not in listed_in(service.get("extensions")):
            yield ("exporters", name, "auth", "authenticator"), f"`{given}` is none of the extensions in `service`"
    for kind in KINDS:
        for name in members(content if of is None else of, kind):
            if (kind, name) not in used and kind != "connectors":
                yield (kind, name), f"`{name}` is used nowhere in `service`"


def _named(service: Any) -> Iterator[tuple[str, Place, Sequence[str]]]:
    yield "extensions", ("service", "extensions"), listed_in(service.get("extensions"))
    for pipeline, parts in members(service, "pipelines").items():
        for kind in ("receivers", "processors", "exporters"):
            yield kind, ("service", "pipelines", pipeline, kind), listed_in(mapped(parts).get(kind))


def statements(content: Any) -> Found:
    """Whether each statement of a transform processor can be read, and each condition of a filter."""
    for name, settings in members(content, "processors").items():
        yield from _conditions(name, settings)
        for key, groups in mapped(settings).items():
            for number, group in enumerate(listed_in(groups) if str(key).endswith("_statements") else []):
                context = str(mapped(group).get("context", ""))
                if context not in ottl.PATHS:
                    known = ", ".join(ottl.PATHS)
                    yield ("processors", name, key, number, "context"), f"the context `{context}` is none of {known}"
                    continue
                for index, statement in enumerate(listed_in(mapped(group).get("statements"))):
                    place = ("processors", name, key, number, "statements", index)
                    for sentence in ottl.faults(str(statement), context):
                        yield place, sentence


def _conditions(name: str, settings: Any) -> Found:
    for signal in ("traces", "metrics", "logs"):
        for key, context in CONTEXTS.items():
            for number, condition in enumerate(listed_in(members(settings, signal).get(key))):
                for sentence in ottl.faults(str(condition), context, changes=False):
                    yield ("processors", name, signal, key, number), sentence


def ordered(content: Any) -> Found:
    """Whether memory is watched first, nothing is kept or sent that was not looked through, and requests are made last."""
    for pipeline, parts in members(members(content, "service"), "pipelines").items():
        names = [str(each) for each in listed_in(mapped(parts).get("processors"))]
        place = ("service", "pipelines", pipeline, "processors")
        if names[:1] != ["memory_limiter"]:
            yield place, "`memory_limiter` does not stand first"
        if names[-1:] != ["batch"]:
            yield place, "`batch` does not stand last"
        before = names[: names.index("tail_sampling")] if "tail_sampling" in names else names
        if "transform/allow" not in before:
            yield (
                place,
                "`transform/allow` is missing" + (", or stands behind `tail_sampling`" if before != names else ""),
            )


def selectors(content: Any) -> Found:
    """Whether the patterns by which AWS is told of metrics compile."""
    for name, settings in members(content, "exporters").items():
        for number, declared in enumerate(listed_in(mapped(settings).get("metric_declarations"))):
            for index, pattern in enumerate(listed_in(mapped(declared).get("metric_name_selectors"))):
                place = ("exporters", name, "metric_declarations", number, "metric_name_selectors", index)
                if fault := ottl.fault_of_pattern(str(pattern)):
                    yield place, fault


def environment(text: str) -> Iterator[tuple[int, str]]:
    """Whether the head of the file lists each variable that the file reads, with its default; each with its line."""
    listed = {name: (default, text.count("\n", 0, at) + 1) for name, default, at in _found(LISTED, text)}
    used = {name: (default, text.count("\n", 0, at) + 1) for name, default, at in _found(USED, text)}
    for name, (default, line) in used.items():
        if name not in listed:
            yield line, f"the environment variable `{name}` is not listed at the head"
        elif listed[name][0] != default:
            yield line, f"the environment variable `{name}` has another default at the head"
    for name in listed.keys() - used.keys():
        yield listed[name][1], f"the environment variable `{name}` is read nowhere"


def _found(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str, int]]:
    for each in pattern.finditer(text):
        yield each[1], each[2] or "", each.start()


def members(content: Any, name: str) -> dict[str, Any]:
    return mapped(mapped(content).get(name))


def mapped(found: Any) -> dict[str, Any]:
    """What should be a mapping: where it is not, its shape says so."""
    return dict(found) if isinstance(found, Mapping) else {}


def listed_in(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
