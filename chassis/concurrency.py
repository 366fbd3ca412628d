"""Lost updates: strong ETags from record versions, If-Match on every change, If-None-Match on reads (RFC 9110 §8.8.3, §13)."""

from __future__ import annotations

import re

from rest_framework.request import Request

from .problems import Problem, invalid

TAG = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)"|(\*))\s*')


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def check_match(request: Request, version: int) -> None:
    """Raises Problem: precondition-required, stale-version, or invalid for a malformed If-Match."""
    header = request.headers.get("If-Match")
    if header is None:
        raise Problem("precondition-required")
    if etag(version) not in _strong(header, "If-Match"):
        raise Problem("stale-version")


def not_modified(request: Request, version: int) -> bool:
    """Whether the client's copy is still the current one (weak comparison, RFC 9110 §13.1.2)."""
    header = request.headers.get("If-None-Match")
    return header is not None and bool({etag(version), "*"} & (_strong(header, "If-None-Match") | _weak(header)))


def _strong(header: str, name: str) -> set[str]:
    tags = set()
    for part in header.split(","):
        match = TAG.fullmatch(part)
        if not match:
            raise invalid(name, "malformed", "Must be a list of entity tags, each in double quotes.", place="header")
        # `*` with If-Match would mean "whatever the version": the very update that gets lost.
        if not match[1] and not match[3]:
            tags.add(f'"{match[2]}"')
    return tags


def _weak(header: str) -> set[str]:
    found = (TAG.fullmatch(part) for part in header.split(","))
    return {match[3] or f'"{match[2]}"' for match in found if match}
