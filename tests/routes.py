"""The routes of the house, from the URL resolver: what is walked is what is served."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from chassis.documents import generate

PARAMETER = re.compile(r"<uuid:(\w+)>")


@dataclass(frozen=True)
class Operation:
    """One method of one route. `action` is empty for what stands outside the services or needs no token."""

    method: str
    route: str
    name: str
    service: str
    action: str
    view: Any

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    @property
    def is_open(self) -> bool:
        """Probes, the index, the catalogue of problems, and the documents of a service."""
        return self.name in {"index", "problems", "livez", "readyz", "openapi", "docs"}

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.route)

    @property
    def takes_json(self) -> bool:
        return self.action in {"create", "update", "partial_update", "transitions"}

    @property
    def needs_version(self) -> bool:
        return self.action in {"update", "partial_update", "destroy", "transitions"}

    def path(self, world: Mapping[str, Mapping[str, Any]]) -> str:
        """The URL of this operation on the records of a world."""
        values = world.get(self.name.split("-")[0], {})
        return "/" + PARAMETER.sub(lambda match: str(values[match[1]]), self.route)

    def record_path(self, world: Mapping[str, Mapping[str, Any]]) -> str:
        """The URL of the record that it is about."""
        return "/" + PARAMETER.sub(
            lambda match: str(world[self.name.split("-")[0]][match[1]]), self.route.rsplit(">", 1)[0] + ">"
        )

    def documented(self) -> dict[str, Any]:
        """Its entry in the OpenAPI document of its service."""
        document = documents()[self.service]
        wanted = PARAMETER.sub("{}", "/" + self.route.removeprefix(f"{self.service}/v1/"))
        path = next(item for name, item in document["paths"].items() if re.sub(r"{\w+}", "{}", name) == wanted)
        return dict(path[self.method.lower()])


def documents() -> dict[str, dict[str, Any]]:
    if not _documents:
        _documents.update({service: generate(service) for service in settings.SERVICES})
    return _documents


_documents: dict[str, dict[str, Any]] = {}


def operations() -> list[Operation]:
    """Every operation of every route."""
    return [
        Operation(method.upper(), route, pattern.name or "", _service(route), action, _view(pattern))
        for route, pattern in _routes(get_resolver())
        for method, action in _actions(pattern).items()
    ]


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        else:
            yield route, pattern


def _actions(pattern: URLPattern) -> dict[str, str]:
    return dict(getattr(pattern.callback, "actions", None) or {"get": ""})


def _view(pattern: URLPattern) -> Any:
    return getattr(pattern.callback, "cls", pattern.callback)


def _service(route: str) -> str:
    return next((service for service in settings.SERVICES if route.startswith(f"{service}/")), "")
