"""History: database triggers record every change with its actor and trace; this file tells the triggers who, and in which request.

django-pghistory writes the triggers. Its own way of passing the context prefixes every statement with a SELECT, which
cannot be prepared; here the context is set once a transaction by set_config, which its triggers read all the same
(docs/adr/0007).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pghistory
from django.db import connection, models, transaction
from opentelemetry import trace

from .issuers import Caller

# Of an event table; its key counts up.
HISTORY_ORDERINGS = {"-at": ("-pgh_id",), "at": ("pgh_id",)}

Model = TypeVar("Model", bound=models.Model)


def tracked(model: type[Model]) -> type[Model]:
    """Class decorator: every insert, update and delete of the model's rows leaves an event, which nobody can change."""
    decorate: Callable[[type[Model]], type[Model]] = pghistory.track(
        pghistory.InsertEvent("created"),
        pghistory.UpdateEvent("changed"),
        pghistory.DeleteEvent("deleted"),
        # In each event row: no table of contexts to join.
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,  # type: ignore[arg-type]  # documented as allowed; the annotation forgets it
        append_only=True,
        meta={
            "indexes": [
                models.Index(
                    fields=["pgh_obj", "pgh_id"], name=f"{model._meta.app_label}_{model.__name__.lower()}_history"
                )
            ]
        },
    )
    return decorate(model)


def context_of(caller: Caller, request_id: str = "") -> str:
    """What the triggers record, for TELL: the caller, the request and its trace."""
    context: dict[str, Any] = {"actor": caller.actor, "organization": caller.organization, "request_id": request_id}
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        context["trace_id"] = trace.format_trace_id(span.trace_id)
    return json.dumps(context)


# The parameter is a context. An expression, so that it can ride on the first statement that a transaction has anyway.
TELL = "set_config('pghistory.context_metadata', %s, true)"


def tell(context: str) -> None:
    """From here to the end of the transaction changes are recorded with the context. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TELL}", [context])


@contextmanager
def recorded(caller: Caller, request_id: str = "") -> Iterator[None]:
    """One transaction whose changes are recorded as the caller's."""
    with transaction.atomic():
        tell(context_of(caller, request_id))
        yield
