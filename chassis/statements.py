"""Queries compiled once: the SQL of a queryset, and the places in it where the values of each request go.

To put a queryset together and to compile it is most of what a read costs here (bench/statements.py), and its SQL is the
same each time. So it is compiled with stand-ins, and from then on the values are bound. It is compiled with two sets of
them: what comes out otherwise than they went in, or as other SQL, was calculated from a value or decided by one. Such a
question is compiled anew for each request.

What two sets cannot show is a choice that falls alike for both. Hence the law for whoever writes a question: it may
choose by true and false, and passes all other values on. The tests compile every question that they ask both ways.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import QuerySet

Values = Mapping[str, Any]
Build = Callable[[Values], QuerySet[Any]]
Narrow = Callable[[Any, Values], QuerySet[Any]]

# A service has fewer kinds, unless a client combines filters, orderings and limits for their own sake.
MOST = 2000


class Question:
    """A queryset whose values are not known yet, and the values of one request.

    `kind` is all that its SQL depends on besides them. `build` sees the values and no request: what it took from one
    would be asked for the next one too.
    """

    __slots__ = ("_build", "kind", "model", "values")

    def __init__(self, model: Any, kind: tuple[Hashable, ...], build: Build, values: Values) -> None:
        self.model, self.kind, self._build, self.values = model, kind, build, values

    def narrowed(self, kind: Hashable, narrow: Narrow, **values: Any) -> Question:
        """The same with a filter, an order or columns more."""
        build = self._build
        whole = {**self.values, **values}
        return Question(self.model, (*self.kind, kind), lambda given: narrow(build(given), given), whole)

    def queryset(self) -> Any:
        return self._build(self.values)

    def rows(self) -> list[Any]:
        """The rows of a queryset of `values_list`, as they come from PostgreSQL. One query."""
        found = self.statement()
        if found is None:
            return list(self.queryset())
        with connection.cursor() as cursor:
            cursor.execute(*found)
            rows: list[Any] = cursor.fetchall()
            return rows

    def statement(self) -> tuple[str, list[Any]] | None:
        """SQL and parameters; None if it has to be compiled for this request."""
        decisive = [each for each in self.values.items() if isinstance(each[1], bool)]
        kind = (*self.kind, *decisive) if decisive else self.kind
        if kind not in _statements:
            if len(_statements) >= MOST:
                _statements.clear()
            _statements[kind] = _compiled(self._build, self.values)
        statement = _statements[kind]
        return statement and (statement.sql, [each.of(self.values) for each in statement.parameters])


class _Place(NamedTuple):
    """Where a parameter comes from: a value, or an item or attribute of it, in the type that its column wants."""

    name: str
    part: str | int | None
    kind: type | None = None

    def of(self, values: Values) -> Any:
        value = values[self.name]
        if self.part is not None:
            value = getattr(value, self.part) if isinstance(self.part, str) else value[self.part]
        return self.kind(value) if self.kind else value


class _Constant(NamedTuple):
    value: Any

    def of(self, _: Values) -> Any:
        return self.value


class _Statement(NamedTuple):
    sql: str
    parameters: list[_Place | _Constant]


_statements: dict[tuple[Hashable, ...], _Statement | None] = {}


class _Undecidable(Exception):
    """A value was looked into while the SQL was made."""


class _Sealed:
    """Stands in for what is no plain value: whoever looks into it decides by it."""

    def _refuse(self, *_: Any) -> Any:
        raise _Undecidable

    __getattr__ = __getitem__ = __contains__ = __iter__ = __len__ = __bool__ = _refuse


def _compiled(build: Build, values: Values) -> _Statement | None:
    try:
        one, other = ({name: _stand_in(value, turn) for name, value in values.items()} for turn in range(2))
        (sql, first), (again, second) = (build(each).query.sql_with_params() for each in (one, other))
    except (_Undecidable, EmptyResultSet, FullResultSet):
        return None
    places = {(a, b): (place, a) for (place, a), (_, b) in zip(_leaves(one), _leaves(other), strict=True)}
    parameters: list[_Place | _Constant] = []
    for pair in zip(first, second, strict=True):
        place, leaf = places.get(pair, (None, None)) if isinstance(pair[0], Hashable) else (None, None)
        if place is not None:
            parameters.append(place if type(pair[0]) is type(leaf) else place._replace(kind=type(pair[0])))
        elif pair[0] == pair[1]:
            parameters.append(_Constant(pair[0]))
        else:
            return None
    return _Statement(sql, parameters) if sql == again else None


def _leaves(values: Values) -> Iterator[tuple[_Place, Hashable]]:
    for name, value in values.items():
        if dataclasses.is_dataclass(value):
            parts: Iterator[tuple[Any, Any]] = (
                (each.name, getattr(value, each.name)) for each in dataclasses.fields(value)
            )
        elif isinstance(value, tuple):
            parts = iter(enumerate(value))
        else:
            parts = iter([(None, value)])
        yield from ((_Place(name, part), leaf) for part, leaf in parts if not isinstance(leaf, bool | _Sealed))


def _stand_in(value: Any, turn: int) -> Any:
    """Another value of the same type, never the same in both turns; of a tuple or a dataclass, one for each part."""
    chance = random.SystemRandom()
    match value:
        case bool():
            return value
        case str():
            # Not as it would be stored: trimmed, composed or in capitals it is another.
            return f" aBe\u0301{chance.getrandbits(64):x} "
        case uuid.UUID():
            return uuid.uuid4()
        case int() | float() | Decimal():
            return type(value)(chance.randrange(1_000, 16_000) + turn * 16_000)  # no column of numbers is too small
        case dt.datetime():
            return dt.datetime(2000 + turn, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=chance.getrandbits(44))
        case tuple():
            items = [_stand_in(each, turn) for each in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: _stand_in(getattr(value, each.name), turn) for each in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return _Sealed()
