"""The routes of the product, from the URL resolver: what is walked is what is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from chassis.documents import generate
from tests.worlds import Records

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

    def path(self, world: Records) -> str:
        """The URL of this operation on the records of a world."""
        return self._filled(self.route, world)

    def record_path(self, world: Records) -> str:
        """The URL of the record that it is about."""
        return self._filled(self.route.rsplit(">", 1)[0] + ">", world)

    def _filled(self, route: str, world: Records) -> str:
        # A route is named for its resource, a hyphen, and more: the longest name that fits is the resource's.
        names = [name for name in world if self.name.startswith(name)]
        values = world[max(names, key=len)] if names else {}
        return "/" + PARAMETER.sub(lambda match: str(values[match[1]]), route)

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
    """Every operation of every route of the product; what the tests add is not its."""
    return [
        Operation(method.upper(), route, pattern.name or "", _service(route), action, _view(pattern))
        for route, pattern in _routes(get_resolver("config.urls"))
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
