"""Statements of the collector's transform processor, read far enough to find a typo: functions, paths, brackets, patterns.

Conditions of its filter processor are read as well. Of the language (OTTL of collector-contrib 0.149) it knows the functions
that serve to drop and to blank, and the paths of the contexts that our files use. What needs more is added here with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

EDITORS = frozenset(
    {
        "delete_key", "delete_matching_keys", "keep_keys", "keep_matching_keys", "limit", "replace_all_matches",
        "replace_all_patterns", "replace_match", "replace_pattern", "set", "truncate_all",
    }
)  # fmt: skip
CONVERTERS = frozenset({"Concat", "HasPrefix", "HasSuffix", "IsMap", "IsMatch", "IsString", "Len", "SHA256", "String"})
# How many arguments it takes; two, where it is not here.
ARGUMENTS = {
    "IsMap": (1,), "IsString": (1,), "Len": (1,), "SHA256": (1,), "String": (1,), "limit": (3,),
    **dict.fromkeys(("replace_all_matches", "replace_match", "replace_pattern"), (3, 4, 5)),
    "replace_all_patterns": (4, 5, 6),
}  # fmt: skip
# Their argument at this place is a pattern.
PATTERNS = {
    "delete_matching_keys": 1, "keep_matching_keys": 1, "replace_all_patterns": 2, "replace_pattern": 1, "IsMatch": 1,
}  # fmt: skip
OF_ANY = {"resource.attributes", "instrumentation_scope.name", "instrumentation_scope.attributes", "cache"}
PATHS = {
    "resource": {"attributes", "schema_url"},
    "scope": {"attributes", "name", "version"},
    "span": {
        *OF_ANY, "attributes", "kind", "kind.string", "name", "parent_span_id", "span_id", "status.code", "status.message",
        "trace_id", "trace_state",
    },
    "spanevent": {*OF_ANY, "attributes", "name", "span.attributes", "span.name"},
    "metric": {*OF_ANY, "description", "name", "unit"},
    "datapoint": {*OF_ANY, "attributes", "flags", "metric.name", "metric.unit"},
    "log": {*OF_ANY, "attributes", "body", "body.string", "event_name", "severity_number", "severity_text", "span_id", "trace_id"},
}  # fmt: skip
WORDS = {"where", "and", "or", "not", "nil", "true", "false"}

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
PATH = re.compile(r"(?<![\w.])([a-z_]\w*(?:\.\w+)*)(?![\w.]|\s*\()")
ENUM = re.compile(r"(?<![\w.])([A-Z]\w*)(?!\w|\s*\()")
# A text behind something that no comma and no operator ends.
JOINED = re.compile(r'(?:""|[\w\])])\s*""')
# What Python's patterns know and Go's do not: looking around, what is possessive or atomic, and what repeats a group.
OF_PYTHON = re.compile(r"\(\?(?:<?[=!]|<|>|P=|\()|[*+?}]\+|\\[1-9]")
OF_CLASSES = re.compile(r"\\[^1-9]|\[\^?\]?(?:\\.|[^\]\\])*\]")
ENUMS = re.compile(r"(SPAN_KIND|STATUS_CODE|SEVERITY_NUMBER)_[A-Z0-9_]+")


def faults(statement: str, context: str, *, changes: bool = True) -> Iterator[str]:
    """What is wrong with it, a sentence each; the context is one of PATHS. A condition by itself changes nothing."""
    strings = [each[0][1:-1] for each in STRING.finditer(statement)]
    bare = STRING.sub('""', statement)
    if '"' in bare.replace('""', "") or not _balanced(bare):
        yield "a quote or a bracket is not closed"
        return
    others = [each[1] for each in CALL.finditer(bare)]
    editor = others.pop(0) if others and changes else ""
    if changes and (editor not in EDITORS or not bare.strip().startswith(editor)):
        yield f"it begins with `{editor or bare.split()[0]}`, which is no function that changes something"
    for name in others:
        if name not in CONVERTERS | WORDS:
            yield f"`{name}` is no function"
    for path in dict.fromkeys(each[1] for each in PATH.finditer(bare)):
        if path not in WORDS and path not in PATHS[context]:
            yield f"`{path}` is no path of the context `{context}`"
    for word in dict.fromkeys(each[1] for each in ENUM.finditer(bare)):
        if not ENUMS.fullmatch(word):
            yield f"`{word}` is no word of the language"
    if re.search(r"\bwhere\s*$", bare):
        yield "nothing stands after `where`"
    if JOINED.search(bare):
        yield "a comma or an operator is missing before a text"
    yield from _arguments(bare)
    yield from _patterns(bare, strings)


def fault_of_pattern(pattern: str) -> str | None:
    """Why Go's regular expressions do not take it."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f"the pattern {pattern!r} does not compile: {error}"
    if found := OF_PYTHON.search(OF_CLASSES.sub("x", pattern)):
        return f"the pattern {pattern!r} has `{found[0]}`, which Go does not know"
    return None


def _arguments(bare: str) -> Iterator[str]:
    """A function with too few or too many."""
    for call in CALL.finditer(bare):
        wanted = ARGUMENTS.get(call[1], (2,))
        depth, commas, end = 0, 0, call.end()
        while depth >= 0:
            depth += (bare[end] in "([") - (bare[end] in ")]")
            commas += bare[end] == "," and depth == 0
            end += 1
        count = commas + bool(bare[call.end() : end - 1].strip())
        if call[1] in EDITORS | CONVERTERS and count not in wanted:
            yield f"`{call[1]}` takes {' or '.join(map(str, wanted))} arguments, and has {count}"
        if call.start() == 0 and call[1] in EDITORS and (rest := bare[end:].strip()) and not rest.startswith("where"):
            yield f"`{rest.split()[0]}` stands where only `where` may"


def _balanced(text: str) -> bool:
    """Whether round and square brackets close in the order in which they open."""
    opened: list[str] = []
    for each in text:
        if each in "([":
            opened.append(each)
        elif each in ")]" and (not opened or opened.pop() + each not in {"()", "[]"}):
            return False
    return not opened


def _patterns(bare: str, strings: list[str]) -> Iterator[str]:
    """A pattern that does not compile: found by counting the texts before the argument it is."""
    for call in CALL.finditer(bare):
        if call[1] not in PATTERNS:
            continue
        place, depth, start = PATTERNS[call[1]], 0, call.end()
        for at in range(start, len(bare)):
            depth += (bare[at] in "([") - (bare[at] in ")]")
            if depth < 0:
                break
            if bare[at] == "," and depth == 0:
                place -= 1
            elif bare[at] == '"' and place == 0:
                text = strings[bare[:at].count('""')].replace("\\\\", "\\")
                if fault := fault_of_pattern(text):
                    yield fault
                break
