"""JSON in, strictly: one object, no member twice, no NaN, bounded in size and depth (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser

from .problems import Problem
from .streams import BodyReader

# Deeper than any resource of ours; json itself would recurse until Python gives up.
MAX_DEPTH = 16
# Bytes a second, from CAREWAY_BODY_IDLE_SECONDS on: one that drips would hold a thread for the five minutes of a body.
MINIMUM_RATE = 1024


class StrictJSONParser(BaseParser):
    """Parses `application/json` bodies. Raises Problem: malformed-body, too-large, timeout."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return loads(stream.read())


class MergePatchParser(StrictJSONParser):
    """The same under the media type of RFC 7396."""

    media_type = "application/merge-patch+json"


def read_body(environ: dict[str, Any]) -> bytes:
    """The whole body, chunked or not, up to MAX_BODY_BYTES. Raises Problem: too-large, malformed-body, timeout."""
    reader = BodyReader(environ, idle_seconds=settings.BODY_IDLE_SECONDS, minimum_rate=MINIMUM_RATE)
    limit: int = settings.MAX_BODY_BYTES
    if reader.declared is not None and reader.declared > limit:
        raise Problem("too-large", f"A body may have at most {limit} bytes.")
    parts: list[bytes] = []
    for part in reader:
        parts.append(part)
        if reader.received > limit:
            raise Problem("too-large", f"A body may have at most {limit} bytes.")
    return b"".join(parts)


def loads(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Problem malformed-body; the detail names the rule, never the content."""
    try:
        parsed = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise Problem("malformed-body", "The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(
            "malformed-body", f"The JSON syntax breaks at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise Problem("malformed-body", f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError:
        raise Problem("malformed-body", "A number in the body has too many digits.") from None
    if not isinstance(parsed, dict):
        raise Problem("malformed-body", "The body must be a JSON object.")
    _refuse_depth(parsed, MAX_DEPTH)
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Problem("malformed-body", "A member stands twice in one object.")
    try:
        # A name may come back in a pointer, and half a surrogate pair cannot be written as UTF-8 (RFC 7493 §2.1).
        "".join(members).encode()
    except UnicodeEncodeError:
        raise Problem("malformed-body", "The name of a member is not Unicode text.") from None
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise Problem("malformed-body", "NaN and Infinity are not JSON.")


def _refuse_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise Problem("malformed-body", f"The body is nested deeper than {MAX_DEPTH} levels.")
    for child in value.values() if isinstance(value, dict) else value:
        _refuse_depth(child, left - 1)
