"""Lists by keyset: the cost of page 1,000 is that of page 1, and rows that arrive meanwhile shift nothing.

The comparison is one of rows, `(a, id) < (x, y)`, which PostgreSQL answers from the index; the common
`a < x OR (a = x AND id < y)` reads and drops every earlier row. A cursor names the list's ordering and path, and is
signed, so that a forged one or one of another list is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.db.models.functions import Cast
from rest_framework.request import Request

from .problems import Problem, invalid
from .representation import Timestamp
from .statements import Narrow, Question, Values

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class Page(NamedTuple):
    """Rows of JSON text, and the links to the neighbours."""

    rows: list[str]
    next: str | None
    previous: str | None


class KeysetPagination:
    """Reads `limit`, `ordering` and `cursor`; the view names its `orderings`, each a tuple of columns ending in a unique one."""

    parameters = ("limit", "ordering", "cursor")

    def page(
        self,
        request: Request,
        question: Question,
        json: models.Expression,
        orderings: Mapping[str, Sequence[str]],
    ) -> Page:
        """One query, limit + 1 rows. Raises Problem: invalid, invalid-cursor."""
        if not orderings:
            raise ValueError("a list without an ordering cannot be paged")
        limit = _limit(request)
        name = request.query_params.get("ordering") or next(iter(orderings))
        if name not in orderings:
            raise invalid("ordering", "invalid-choice", f"Must be one of {', '.join(orderings)}.", place="parameter")
        columns = [column.lstrip("-") for column in orderings[name]]
        descending = orderings[name][0].startswith("-")
        salt = _salt(request, name)
        cursor = _read_cursor(request.query_params.get("cursor"), salt, len(columns))
        backwards = cursor is not None and cursor[0] == "p"
        falling = descending != backwards
        if cursor is not None:
            question = question.narrowed(
                falling, _beyond(columns, falling=falling), key=_key(question.model, columns, cursor[1])
            )

        def paged(queryset: Any, _: Values) -> Any:
            order = (f"-{column}" if falling else column for column in columns)
            return queryset.order_by(*order).values_list(json, *(_text(question.model, column) for column in columns))[
                : limit + 1
            ]

        rows = question.narrowed((json, name, falling, limit), paged).rows()
        more = len(rows) > limit
        rows = rows[:limit]
        if backwards:
            rows.reverse()
        links = _Links(request, salt)
        return Page(
            rows=[row[0] for row in rows],
            next=links.to("n", rows[-1][1:]) if rows and (more or backwards) else None,
            previous=links.to("p", rows[0][1:]) if rows and cursor is not None and (more or not backwards) else None,
        )


def _salt(request: Request, ordering: str) -> str:
    """What a cursor belongs to: the path, the ordering and the filters."""
    filters = sorted((k, v) for k, v in request.query_params.items() if k not in KeysetPagination.parameters)
    return f"{request.path}?{urlencode(filters)}#{ordering}"


def _limit(request: Request) -> int:
    raw = request.query_params.get("limit")
    if raw is None:
        return DEFAULT_LIMIT
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 4 and 1 <= int(raw) <= MAX_LIMIT):
        raise invalid("limit", "out-of-range", f"Must be a whole number from 1 to {MAX_LIMIT}.", place="parameter")
    return int(raw)


def _read_cursor(raw: str | None, salt: str, length: int) -> tuple[str, list[Any]] | None:
    if raw is None:
        return None
    try:
        direction, *values = signing.loads(raw, salt=salt)
    except (signing.BadSignature, ValueError, TypeError):
        raise Problem("invalid-cursor") from None
    if direction not in ("n", "p") or len(values) != length:
        raise Problem("invalid-cursor")
    return direction, values


def _text(model: type[models.Model], column: str) -> models.Func:
    """Keys go into links alone, as text: to parse those of 50 rows would cost as much as to fetch them."""
    return (
        Timestamp(column)
        if isinstance(model._meta.get_field(column), models.DateTimeField)
        else Cast(column, models.TextField())
    )


def _key(model: type[models.Model], columns: Sequence[str], values: Sequence[Any]) -> tuple[Any, ...]:
    fields: list[Any] = [model._meta.get_field(column) for column in columns]
    try:
        return tuple(field.to_python(value) for field, value in zip(fields, values, strict=True))
    except ValidationError:
        raise Problem("invalid-cursor") from None


def _beyond(columns: Sequence[str], *, falling: bool) -> Narrow:
    lookup = TupleLessThan if falling else TupleGreaterThan
    return lambda queryset, values: queryset.filter(lookup(Tuple(*map(models.F, columns)), values["key"]))


class _Links:
    """Absolute URLs of this list with other cursors."""

    def __init__(self, request: Request, salt: str) -> None:
        self._base = request.build_absolute_uri(request.path)
        self._parameters = {name: value for name, value in request.query_params.items() if name != "cursor"}
        self._salt = salt

    def to(self, direction: str, values: Sequence[Any]) -> str:
        cursor = signing.dumps([direction, *values], salt=self._salt)
        return f"{self._base}?{urlencode({**self._parameters, 'cursor': cursor})}"
