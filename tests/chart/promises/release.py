"""A release as the promises see it: its objects, and the values that they were rendered from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from tests.chart.releases import SERVICES
from tests.chart.rendering import Object, Objects, Values, component, merged, of_kind, pods, render
from tests.chart.values import DEFAULTS, look_up


@dataclass(frozen=True)
class Release:
    objects: Objects
    given: Values
    name: str = "own"
    namespace: str = "team"

    @classmethod
    def of(cls, values: Values, **options: Any) -> Release:
        return cls(render(values, **options), values)

    @cached_property
    def values(self) -> dict[str, Any]:
        return merged(DEFAULTS, self.given)

    def value(self, path: str) -> Any:
        return look_up(self.values, path)

    @property
    def service(self) -> str:
        return str(self.value("service"))

    @property
    def facts(self) -> dict[str, Any]:
        """What the chart itself knows of the service."""
        return SERVICES[self.service]

    @property
    def trial(self) -> bool:
        return bool(self.value("database.trial"))

    def named(self, kind: str, name: str) -> Object:
        """The one object; a KeyError where there is none, or more than one."""
        found = [each for each in of_kind(self.objects, kind) if each["metadata"]["name"] == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} of {kind}/{name}")
        return found[0]

    def has(self, kind: str, name: str = "") -> bool:
        return any(each["metadata"]["name"] == (name or self.name) for each in of_kind(self.objects, kind))

    def kind(self, *kinds: str) -> Objects:
        return of_kind(self.objects, *kinds)

    @cached_property
    def ours(self) -> Objects:
        """Without the objects that values bring whole."""
        return [each for each in self.objects if not each["metadata"]["name"].endswith(("-more", "-most"))]

    @cached_property
    def pods(self) -> dict[str, Object]:
        return dict(pods(self.objects))

    @property
    def own_pods(self) -> Iterator[tuple[str, Object]]:
        """Those of our image."""
        return ((name, pod) for name, pod in self.pods.items() if component(pod) != "trial-database")

    @property
    def server(self) -> Object:
        """The Deployment of the service."""
        return self.named("Deployment", self.name)

    @property
    def serving(self) -> Object:
        """Its pods."""
        return dict(self.server["spec"]["template"]["spec"])

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.named("ConfigMap", self.name)["data"])

    def database_url(self, place: Mapping[str, Any] | None = None) -> str:
        """Without user and password; outside a trial the server's certificate is verified. `place` is another host and port."""
        name = self.value("database.name") or f"careway_{self.service}"
        if self.trial:
            return f"postgresql://{self.name}-trial-database:5432/{name}"
        authority = "/etc/careway/database-ca/ca.pem" if self.value("database.caConfigMap") else "system"
        options = {"sslmode": "verify-full", "sslrootcert": authority, **self.value("database.options")}
        at = place or self.value("database")
        return f"postgresql://{at['host']}:{at['port']}/{name}?{urlencode(dict(sorted(options.items())))}"

    def components(self, *names: str) -> Iterator[tuple[str, Object]]:
        return ((name, pod) for name, pod in self.pods.items() if component(pod) in names)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector of labels takes these; an empty one takes all."""
    exact = all(labels.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
    return exact and all(_expressed(each, labels) for each in selector.get("matchExpressions") or [])


def _expressed(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if expression["operator"] != "In":
        raise ValueError(f"the chart uses no {expression['operator']}")
    return labels.get(expression["key"]) in expression["values"]
