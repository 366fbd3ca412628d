"""What leaves in a span or in an exported log record: frames and types of errors, templates of paths; never a value.

One place for all spans, whoever made them. An attribute that is not on the list does not leave, so a new version of an
instrumentation, or a variable that captures headers, adds nothing unseen. PostgreSQL quotes the offending row in its
messages, and the traceback repeats them; a client chooses paths, queries, User-Agent and tracestate.
"""

from __future__ import annotations

import copy
import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, Span, SpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status

logger = logging.getLogger(__name__)

# Of the semantic conventions, what is bounded, and tells nothing of a person. Those of our own begin with `careway.`.
KEPT = frozenset(
    {
        "db.collection.name",
        "db.namespace",
        "db.operation.name",
        "db.query.summary",
        "db.query.text",
        "db.system.name",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "network.protocol.version",
        "server.address",
        "server.port",
        "url.full",
        "url.path",
        "url.scheme",
    }
)
OURS = "careway."
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# A frame, and not a line of a message that looks like one: no quoted value has such a file name.
FRAME = re.compile(r'^  File "(?:[\w./@+-]+\.py|<[\w. ]+>)", line \d+, in [\w<>.]+$', re.MULTILINE)
LITERAL = re.compile(r"'(?:[^']|'')*'")


class Redaction(SpanProcessor):
    """Acts while a span ends, before any processor hands it on; so its place among them does not matter.

    The SDK freezes a span before it asks, and has no public way to change one then: hence the private names. The tests
    look at what arrives over the wire, and would notice an SDK that has others.
    """

    def _on_ending(self, span: Span) -> None:
        try:
            _redact(span)
        except Exception as error:
            # Better an empty span than one with a patient's name; and no request fails for its span.
            span._attributes, span._events, span._status = BoundedAttributes(), [], Status(span.status.status_code)
            logger.error("a span could not be redacted", extra={"error": type(error).__qualname__})


def _redact(span: Any) -> None:
    attributes = span._attributes.copy()
    if span._events:
        events = [Event(each.name, _event_attributes(each), each.timestamp) for each in span.events]
        types = [str(dict(each.attributes or {})["exception.type"]) for each in events if each.name == "exception"]
        raised = types[-1] if types else None
        if raised and "error.type" in attributes:
            attributes["error.type"] = raised  # more than the status code that the instrumentation puts there
        span._events = events
    else:
        raised = None
    found = kept(attributes, server=span.kind is SpanKind.SERVER)
    if found != span._attributes.copy():
        span._attributes = BoundedAttributes(attributes=found)
    if span.status.description:
        span._status = Status(span.status.status_code, raised)
    context = span.get_span_context()
    if context.trace_state:
        span._context = SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)


def kept(attributes: Mapping[str, Any], *, server: bool) -> dict[str, Any]:
    """The attributes that may leave, each in the form in which it may."""
    found = {name: each for name, each in attributes.items() if name in KEPT or name.startswith(OURS)}
    if server:
        found.pop("server.address", None)  # the Host header
        found.pop("url.path", None)
        if "http.route" in found:
            found["url.path"] = f"/{found['http.route'].removeprefix('/')}"
    if "url.full" in found:
        found["url.full"] = template(str(found["url.full"]))
    if "db.query.text" in found:
        found["db.query.text"] = LITERAL.sub("?", str(found["db.query.text"]))
    return found


def template(url: str) -> str:
    """The URL of a call to somebody else, with its ids blanked, and nothing of its query or credentials."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{UUID.sub('{id}', parts.path)}"


def _event_attributes(event: Event) -> dict[str, Any]:
    attributes = dict(event.attributes or {})
    if event.name != "exception":
        return {name: each for name, each in attributes.items() if name.startswith(OURS)}
    frames = "\n".join(FRAME.findall(str(attributes.get("exception.stacktrace", ""))))
    return {"exception.type": attributes.get("exception.type", ""), "exception.stacktrace": frames}


def without_values(record: logging.LogRecord) -> logging.LogRecord:
    """A copy whose exception has kept its type and frames; what prints the same record keeps all of it."""
    if not record.exc_info and not record.exc_text:
        return record
    copied = copy.copy(record)
    kind, _, frames = record.exc_info or (None, None, None)
    copied.exc_info = copied.exc_text = None
    setattr(copied, "exception.type", kind.__qualname__ if kind else "")
    setattr(copied, "exception.stacktrace", "".join(traceback.format_tb(frames)))
    return copied


def redact_handlers(handlers: Iterable[logging.Handler]) -> None:
    """Lets these handlers see records without values alone. (A filter may replace a record only since Python 3.12.)"""
    for handler in handlers:
        emit = handler.emit
        handler.emit = lambda record, emit=emit: emit(without_values(record))  # type: ignore[method-assign, misc]
