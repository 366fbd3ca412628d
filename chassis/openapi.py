"""The OpenAPI document as a whole: problems as components, closed request bodies, links between operations."""

from __future__ import annotations

import re
from typing import Any

from .problems import CATALOGUE

Schema = dict[str, Any]
PARAMETER = re.compile(r"{(\w+)}")


def header(name: str, description: str, *, required: bool = False, **schema: Any) -> Schema:
    """A request header parameter."""
    return {
        "in": "header",
        "name": name,
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
    }


def query(name: str, description: str, **schema: Any) -> Schema:
    """A query parameter."""
    return {"in": "query", "name": name, "description": description, "schema": {"type": "string", **schema}}


def problem_schema() -> Schema:
    """RFC 9457's members, and ours."""
    text = {"type": "string"}
    fault = {
        "type": "object",
        "required": ["code", "message"],
        "properties": dict.fromkeys(("pointer", "parameter", "header", "column", "code", "message"), text)
        | {"line": {"type": "integer"}},
    }
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "instance": {"type": "string", "format": "uri"},
            "code": {"type": "string", "enum": list(CATALOGUE)},
            "request_id": text,
            "trace_id": text,
            "errors": {"type": "array", "items": fault},
            "scope": {**text, "description": "With missing-scope: the scope that is needed."},
            "current": {**text, "description": "The status that stands in the way."},
            "allowed": {"type": "array", "items": text, "description": "With illegal-transition: the legal targets."},
            "existing": {**text, "format": "uri-reference", "description": "The record to use instead."},
            "samples": {
                "type": "array",
                "items": text,
                "description": "With unprocessable-file: the columns to choose from.",
            },
        },
    }


def complete_document(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Post-processing hook: problems as components, closed request bodies, links from a record to what can be done with it."""
    components = result.setdefault("components", {})
    components["schemas"]["Problem"] = problem_schema()
    components["responses"] = {
        f"Problem{status}": _problem_response(status) for status in sorted({kind.status for kind in CATALOGUE.values()})
    }
    for name, schema in components["schemas"].items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False
    for path, item in result["paths"].items():
        for method, operation in item.items():
            _link(result["paths"], path, method, operation)
    return result


def _problem_response(status: int) -> Schema:
    kinds = {code: kind for code, kind in CATALOGUE.items() if kind.status == status}
    code, kind = next(iter(kinds.items()))
    example = {
        "type": f"/problems#{code}",
        "title": kind.title,
        "status": status,
        "detail": kind.advice,
        "instance": "urn:uuid:0b3bd8a4-9f0e-4a35-a0f2-6a4b7c1d2e3f",
        "code": code,
        "request_id": "0b3bd8a4-9f0e-4a35-a0f2-6a4b7c1d2e3f",
    }
    headers = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    response: Schema = {
        "description": " ".join(f"`{code}`: {kind.title}." for code, kind in kinds.items()),
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }
    if status in headers:
        response["headers"] = {headers[status]: {"schema": {"type": "string"}}}
    return response


def _link(paths: Schema, path: str, method: str, operation: Schema) -> None:
    """From an answer that shows a record, or a page of them, to what can be done with it (OpenAPI links)."""
    detail = path if path.endswith("/{id}") else f"{path}/{{id}}"
    shown = operation["responses"].get("201" if method == "post" else "200")
    if detail not in paths or not shown:
        return
    collection = path.removesuffix("/{id}")
    versioned = "ETag" in shown.get("headers", {})
    record = "$response.body#/id" if versioned else "$response.body#/results/0/id"
    links: Schema = {}
    for below, item in paths.items():
        # What stands below a record calls it by another name than `id`.
        shows = below == detail or below.startswith(f"{detail}/") or _is_below(below, collection)
        if shows and "get" in item:
            name = "read" if below == detail else below.rsplit("/", 1)[1]
            links[name] = _to(below, item["get"], collection, record)
    changes = {"change": "patch", "replace": "put", "delete": "delete", "move": "post"}
    for name, verb in changes.items():
        target = f"{detail}/transitions" if name == "move" else detail
        if versioned and (change := paths.get(target, {}).get(verb)):
            links[name] = _to(target, change, collection, record, {"header.If-Match": "$response.header.ETag"})
    shown["links"] = links


def _is_below(path: str, collection: str) -> bool:
    """Whether a path is that of a list below a record of the collection."""
    rest = path.removeprefix(f"{collection}/{{")
    return rest != path and "{" not in rest and not rest.startswith("id}")


def _to(path: str, target: Schema, collection: str, record: str, more: Schema | None = None) -> Schema:
    """A link that fills the target's path: what stands above the collection as it was asked, then the record's id."""
    above = PARAMETER.findall(collection)
    own = PARAMETER.findall(path)[len(above)]
    parameters = {f"path.{name}": f"$request.path.{name}" for name in above}
    return {"operationId": target["operationId"], "parameters": {**parameters, f"path.{own}": record, **(more or {})}}
