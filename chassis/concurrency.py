"""Lost updates: strong ETags from record versions, If-Match on every change, If-None-Match on reads (RFC 9110 §8.8.3, §13)."""

from __future__ import annotations

import re

from rest_framework.request import Request

from .problems import Problem, invalid

TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"|(\*)')
# A comma may stand within a tag, and an element of the list may be empty (RFC 9110 §5.6.1).
TAGS = re.compile(rf"[ \t,]*(?:(?:{TAG.pattern})[ \t]*(?:,[ \t,]*|\Z))+")


def etag(version: int | str) -> str:
    """The strong entity tag of a version, or of a digest."""
    return f'"{version}"'


def check_match(request: Request, version: int) -> None:
    """Raises Problem: precondition-required, stale-version, or invalid for a malformed If-Match."""
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        raise Problem("precondition-required")
    # `*` with If-Match would mean "whatever the version": the very update that gets lost.
    if (etag(version), False) not in _tags(header, "If-Match"):
        raise Problem("stale-version")


def not_modified(request: Request, version: int | str) -> bool:
    """Whether the client's copy is still the current one (weak comparison, RFC 9110 §13.1.2)."""
    header = request.META.get("HTTP_IF_NONE_MATCH")  # `headers` would parse them all, at every read
    return header is not None and any(tag in {etag(version), "*"} for tag, _ in _tags(header, "If-None-Match"))


def _tags(header: str, name: str) -> list[tuple[str, bool]]:
    """Each tag of the list, and whether it is a weak one."""
    if not TAGS.fullmatch(header):
        raise invalid(name, "malformed", "Must be a list of entity tags, each in double quotes.", place="header")
    return [(star or f'"{opaque}"', bool(weak)) for weak, opaque, star in TAG.findall(header)]
