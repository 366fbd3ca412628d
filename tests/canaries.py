"""Canaries: values that stand for clinical content. They are planted wherever a client may write, and searched for
wherever something leaves the process.

Free text takes a word of our own. What has a form (a date, a code, a number) takes a value of that form which nothing
else here uses, and is searched for as a whole word. Dates and codes that a few people share would prove nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from typing import Any, Protocol, cast
from uuid import UUID

from tests.api import Answer, Api, RemoteApi
from tests.routes import documents
from tests.worlds import Records

# Letters and digits alone: it stays itself in JSON, in a URL, in a header and in a Python literal.
WORD = re.compile(r"cnry[0-9]{4}", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Nest(Protocol):
    """The module `tests/<service>/canaries.py`."""

    @staticmethod
    def plant(api: Api, canary: Canaries) -> Records:
        """Makes one record of each kind, and leads some to later states: a canary in every member that can hold one."""

    @staticmethod
    def break_files(api: Api, canary: Canaries, records: Records) -> None:
        """Sends broken bodies of the actions that read a stream, with canaries in every place of them."""


def nest_of(service: str) -> Nest:
    return cast("Nest", import_module(f"tests.{service}.canaries"))


class Canaries:
    """Makes them, remembers where each was planted, and finds them."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}
        # What is no word of ours, and so is looked for one by one.
        self.forms: set[str] = set()
        self.ids: set[str] = set()
        self._numbers = count(1)

    def word(self, where: str) -> str:
        """A new word."""
        word = f"CNRY{next(self._numbers):04}"
        self.planted[word.lower()] = where
        return word

    def legal(self, where: str, value: str, *, seen: str = "") -> str:
        """A value of a form; `seen` is the part of it that nothing but it has."""
        self.planted[(seen or value).lower()] = where
        self.forms.add((seen or value).lower())
        return value

    def id(self, where: str) -> str:
        """A UUID that names no record."""
        made = f"019a9d1e-0c0c-7c0c-9c0c-0c0c{next(self._numbers):08x}"
        self.planted[made] = where
        self.ids.add(made)
        return made

    def in_(self, text: str) -> set[str]:
        """The canaries that a text holds."""
        text = text.lower()
        # A day or a number must not be a part of a longer number.
        found = {value for value in self.forms if value in text}
        found = {value for value in found if re.search(rf"(?<![0-9]){re.escape(value)}(?![0-9])", text)}
        return {*WORD.findall(text), *found, *(value for value in self.ids if value in text or UUID(value).hex in text)}

    def told(self, text: str) -> list[str]:
        """The same for the words of a failure: where each was planted, and the line it was found in."""
        if not self.in_(text):
            return []
        return sorted(
            f"{value} ({self.planted.get(value, 'a part of a longer one')}): {line[:300]}"
            for line in text.splitlines()
            for value in self.in_(line)
        )


@dataclass
class PlantingApi(RemoteApi):
    """A client that notes which members held a canary when they were accepted, and reads every problem for values."""

    canaries: Canaries = field(default_factory=Canaries)
    # Of (service, path without ids, member): those that were sent with a canary, and those that were so accepted.
    sent: set[tuple[str, str, str]] = field(default_factory=set)
    accepted: set[tuple[str, str, str]] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str
    ) -> Answer:
        answer = super().call(method, path, body, content_type=content_type, **headers)
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        if isinstance(body, Mapping):
            route = _ID.sub("{}", self.url_of(path).partition("?")[0]).removeprefix(f"/{self.service}/v1")
            held = {(self.service, route, member) for member in self._holding(body)}
            self.sent |= held
            self.accepted |= held if answer.status < 300 else set()
        if answer.status >= 400:
            self.leaks += [f"{method} {path[:80]} {answer.status}: {words}" for words in self._leaked(answer)]
        return answer

    def _holding(self, body: Any, before: str = "") -> Iterator[str]:
        """The members with a canary, an inner one as `codings.code`."""
        for name, value in body.items():
            if self.canaries.in_(json.dumps(value)):
                yield before + name
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, Mapping):
                    yield from self._holding(inner, f"{before}{name}.")

    def _leaked(self, answer: Answer) -> list[str]:
        """A problem repeats the names that its own client invented, as pointers, and lists the columns of its own file."""
        problem = {name: value for name, value in answer.json.items() if name != "samples"}
        errors = [{**fault, "pointer": ""} for fault in problem.get("errors", [])]
        return self.canaries.told(json.dumps({**problem, "errors": errors}) + json.dumps(answer.headers))


def writable_members(service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each member of a JSON body of the service, from its OpenAPI document: path without ids, name, schema."""
    document = documents()[service]

    def members(schema: Any, before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        for name, inner in resolved(schema).get("properties", {}).items():
            inner = resolved(inner)
            items = resolved(inner.get("items", {}))
            if "properties" in items:
                yield from members(items, f"{before}{name}.")
            else:
                yield before + name, {**inner, **items}

    def resolved(schema: Any) -> dict[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        return dict(document["components"]["schemas"][name] if name else schema)

    for path, item in document["paths"].items():
        for method in {"post", "put", "patch"} & set(item):
            content = item[method].get("requestBody", {}).get("content", {})
            for name, schema in members(content.get("application/json", {}).get("schema", {})):
                yield re.sub(r"{\w+}", "{}", path), name, schema


def is_telling(schema: Mapping[str, Any]) -> bool:
    """Whether its value can be one that nothing else has: no word of a list, no flag, no id of a record."""
    listed = bool({"enum", "$ref", "oneOf", "allOf"} & set(schema)) or "boolean" in str(schema.get("type"))
    return not listed and schema.get("format") != "uuid"
