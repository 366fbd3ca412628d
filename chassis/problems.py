"""Trouble, worded in one place: RFC 9457 problem details for whatever goes wrong, wherever it is noticed.

`type` is a URI reference to the served catalogue (`/problems#<code>`) and to the heading of that name in docs/api.md.
No problem carries a stack trace, SQL, or a value that a client sent: such values may be clinical.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from opentelemetry import trace
from rest_framework import exceptions

from . import constraints
from .logs import described
from .renderers import encode

logger = logging.getLogger(__name__)


class Kind(NamedTuple):
    """One kind of problem: its HTTP status, its title, and what a client does about it."""

    status: int
    title: str
    advice: str


CATALOGUE: dict[str, Kind] = {
    "malformed-body": Kind(
        400, "The body is not well-formed JSON", "Mend the body: one JSON object, UTF-8, no member twice, no NaN."
    ),
    "invalid": Kind(400, "The request breaks a rule", "Mend each place that `errors` points to, and send it again."),
    "invalid-cursor": Kind(
        400,
        "The cursor is not one of this list",
        "Follow `next` and `previous` as they were given, or start at the first page.",
    ),
    "bad-request": Kind(400, "The request is not valid HTTP for this server", "Mend the request line or the headers."),
    "unauthenticated": Kind(
        401, "A valid access token is needed", "Send `Authorization: Bearer <access token>` of a trusted issuer."
    ),
    "missing-scope": Kind(
        403, "The token lacks a scope", "Ask the issuer for a token with the scope that `scope` names."
    ),
    "forbidden": Kind(403, "This is not allowed to the caller", "Another person has to do this; `detail` says why."),
    "not-found": Kind(
        404, "There is no such thing here", "Check the URL. What belongs to another organization is not found either."
    ),
    "method-not-allowed": Kind(405, "The method is not allowed here", "Use one of the methods in the `Allow` header."),
    "not-acceptable": Kind(406, "No such representation", "Accept the media type that the documentation gives."),
    "timeout": Kind(408, "The body came too slowly", "Send it again over a better line."),
    "conflict": Kind(
        409, "The request conflicts with what is stored", "Read the record again; `detail` names the rule."
    ),
    "duplicate": Kind(
        409, "This exists already", "Use the existing record; `existing` links to it where it can be told."
    ),
    "illegal-transition": Kind(409, "The status cannot change that way", "Choose one of `allowed`."),
    "not-editable": Kind(
        409, "The record can no longer be edited", "Follow what `detail` says: a transition, or a new record."
    ),
    "not-deletable": Kind(409, "The record can no longer be deleted", "Move it to entered-in-error with a reason."),
    "wrong-state": Kind(
        409,
        "A record has the wrong status for this",
        "Bring the record that `detail` names into the needed status first.",
    ),
    "in-use": Kind(
        409, "Another request is working on this", "Wait as long as `Retry-After` says, then send it again."
    ),
    "stale-version": Kind(
        412, "The record has changed since it was read", "Read it again, and repeat the change with the new ETag."
    ),
    "too-large": Kind(413, "The content is too large", "Send less; `detail` gives the limit."),
    "uri-too-long": Kind(414, "The URL is too long", "Use a shorter one; cursors are used as they were given."),
    "unsupported-media-type": Kind(
        415, "The media type is not understood here", "Use one that the documentation names, without Content-Encoding."
    ),
    "unprocessable-file": Kind(
        422,
        "The file breaks the rules of its format",
        "Mend what `errors` lists by line and column; nothing was stored.",
    ),
    "digest-mismatch": Kind(
        422, "The content does not have the digest it was sent with", "Send it again; nothing was stored."
    ),
    "key-reused": Kind(422, "The Idempotency-Key was used for another request", "Use a new key for a new request."),
    "precondition-required": Kind(
        428, "A precondition is missing", "Send `If-Match` with the ETag of the version you read."
    ),
    "too-many-requests": Kind(
        429,
        "The caller has too many requests in flight",
        "Wait as long as `Retry-After` says, then send it again; send fewer at once.",
    ),
    "headers-too-large": Kind(431, "The headers are too large", "Send fewer or smaller ones."),
    "internal": Kind(
        500, "The server failed", "Report `request_id`; the request may be repeated with the same Idempotency-Key."
    ),
    "busy": Kind(
        503,
        "As much of this is under way as may be at once",
        "Wait as long as `Retry-After` says, then send it again; nothing was done.",
    ),
    "unavailable": Kind(
        503, "The service cannot answer now", "Wait as long as `Retry-After` says, then send it again."
    ),
}


MAX_FAULTS = 100
"""Nobody mends more at a time, and an answer must not be larger than what it answers."""


class Fault(TypedDict):
    """One thing to mend: an RFC 6901 pointer into the body, or the name of a query parameter or header."""

    pointer: NotRequired[str]
    parameter: NotRequired[str]
    header: NotRequired[str]
    code: str
    message: str


class Problem(Exception):
    """Raised anywhere, answered as `application/problem+json`. `members` become extension members (RFC 9457 §3.2)."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = CATALOGUE[code]
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.members = members


def invalid(where: str, code: str, message: str, *, place: str = "pointer") -> Problem:
    """A 400 with a single fault; `place` is `pointer`, `parameter` or `header`."""
    return Problem("invalid", errors=[{place: where, "code": code, "message": message}])


def respond(problem: Problem, request: HttpRequest | None) -> HttpResponse:
    """The response for a problem; every path to an error ends here."""
    request_id = str(getattr(request, "request_id", ""))
    body: dict[str, Any] = {
        "type": f"/problems#{problem.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail or problem.kind.advice,
        "instance": f"urn:uuid:{request_id}",
        "code": problem.code,
        "request_id": request_id,
    }
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        body["trace_id"] = trace.format_trace_id(span.trace_id)
    if problem.errors:
        body["errors"] = problem.errors
    response = HttpResponse(
        encode({**body, **problem.members}), status=problem.kind.status, content_type="application/problem+json"
    )
    for name, value in problem.headers.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    response.problem = problem.code  # type: ignore[attr-defined]  # ours; who counts answers tells them apart by it
    return response


def get_only(request: HttpRequest) -> HttpResponse | None:
    """The refusal of every other method, on routes that are only read; None for GET and HEAD."""
    if request.method in {"GET", "HEAD"}:
        return None
    return respond(Problem("method-not-allowed", headers={"Allow": "GET, HEAD"}), request)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER."""
    request = context.get("request")
    return respond(problem_of(error), getattr(request, "_request", request))


def problem_of(error: Exception) -> Problem:
    """The problem that words `error`; what nobody foresaw is logged with its traceback and becomes a bare 500."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404 | ObjectDoesNotExist | exceptions.NotFound):
        return Problem("not-found")
    if isinstance(error, exceptions.ValidationError):
        return Problem("invalid", errors=faults_in(error.detail)[:MAX_FAULTS])
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, RequestDataTooBig):
        return Problem("too-large")
    if isinstance(error, SuspiciousOperation):
        return Problem("bad-request")
    if isinstance(error, PermissionDenied):
        return Problem("forbidden")
    if isinstance(error, DatabaseError | InterfaceError):
        return _of_database(error)
    return _unforeseen(error)


def _of_framework(error: exceptions.APIException) -> Problem:
    codes = {
        exceptions.ParseError: "malformed-body",
        exceptions.NotAuthenticated: "unauthenticated",
        exceptions.AuthenticationFailed: "unauthenticated",
        exceptions.PermissionDenied: "forbidden",
        exceptions.MethodNotAllowed: "method-not-allowed",
        exceptions.NotAcceptable: "not-acceptable",
        exceptions.UnsupportedMediaType: "unsupported-media-type",
    }
    code = codes.get(type(error), "bad-request")
    headers = {"WWW-Authenticate": "Bearer"} if code == "unauthenticated" else {}
    return Problem(code, headers=headers)


# SQLSTATE classes and codes (PostgreSQL, appendix A) after which the same request can succeed later.
TRANSIENT = ("08", "53", "57", "25006", "25P03", "40001", "40P01", "55P03", "58")


def _of_database(error: Exception) -> Problem:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    if isinstance(error, IntegrityError) or state.startswith("23"):
        return constraint_problem(cause)
    if state == "P0001":
        # A trigger refused what an operation should have refused with better words: keep the data, tell the developers.
        logger.error(
            "a trigger refused a write that no rule had refused", extra={"trigger": str(cause).split("\n")[0][:200]}
        )
        return Problem("conflict", "The database refused this change of state.")
    # A pool that hands out no connection in time raises a bare OperationalError without an SQLSTATE.
    if state.startswith(TRANSIENT) or (not state and isinstance(error, OperationalError | InterfaceError)):
        logger.warning(
            "the database could not answer", extra={"sqlstate": state, "error": type(cause or error).__name__}
        )
        return Problem("unavailable", headers={"Retry-After": "2"})
    return _unforeseen(error)


def constraint_problem(cause: BaseException | None) -> Problem:
    """Words a violated constraint by its name; a constraint nobody worded is a defect, and says so in the log."""
    diagnostics = getattr(cause, "diag", None)
    rule = constraints.by_name(getattr(diagnostics, "constraint_name", None) or "")
    if rule is None:
        logger.error("a constraint without words was violated", extra={"sqlstate": getattr(cause, "sqlstate", "")})
        return Problem("conflict")
    fault = {"pointer": rule.pointer, "code": rule.code, "message": rule.message}
    if not rule.conflict:
        return Problem("invalid", errors=[fault])
    return Problem("duplicate" if rule.code == "duplicate" else "conflict", rule.message, errors=[fault])


def _unforeseen(error: Exception) -> Problem:
    # Answering here hides the exception from the tracer, which only sees what is raised: record it by hand.
    span = trace.get_current_span()
    span.set_attribute("error.type", type(error).__qualname__)
    span.record_exception(error)  # its message does not leave: chassis/redaction.py
    span.set_status(trace.StatusCode.ERROR)
    logger.error("unforeseen", extra=described(error))
    return Problem("internal")


def faults_in(detail: Any, pointer: str = "") -> list[Fault]:
    """Flattens DRF's nested error detail into faults with RFC 6901 pointers."""
    if isinstance(detail, Mapping):
        found: list[Fault] = []
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            found += faults_in(inner, pointer + step)
        return found
    if isinstance(detail, list):
        nested = any(isinstance(inner, Mapping | list) for inner in detail)
        return [
            fault
            for index, inner in enumerate(detail)
            for fault in faults_in(inner, f"{pointer}/{index}" if nested else pointer)
        ]
    return [
        {"pointer": pointer, "code": str(getattr(detail, "code", "invalid")).replace("_", "-"), "message": str(detail)}
    ]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: what never reached a view."""
    return respond(Problem("bad-request"), request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return respond(Problem("forbidden"), request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: an unknown URL."""
    return respond(Problem("not-found"), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a crash outside DRF. Django calls it while it handles the exception, which it would log in full."""
    error = sys.exception()
    return respond(problem_of(error) if isinstance(error, Exception) else Problem("internal"), request)
