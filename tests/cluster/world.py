"""The world of the proof: two teams with a namespace and a service each, a platform, clients, strangers, and what is outside."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.chassis.issuing import Signer, key_document, signer

from . import objects
from .aws import Role, SecretsManager
from .kubectl import apply, kubectl, name_of, within
from .outside import Database
from .registry import Registry

PREFIX = os.environ.get("CAREWAY_PROOF_PREFIX", "careway-proof")
PLATFORM, CLIENTS, STRANGERS, TRIAL = (f"{PREFIX}-{name}" for name in ("platform", "clients", "strangers", "trial"))
NAMESPACES = {"genomics": f"{PREFIX}-analyses", "clinical": f"{PREFIX}-consultations"}
ISSUER = "https://identity.example/realm"
ORGANIZATION = "st-elsewhere"
SCOPES = {
    "genomics": "genomics:read genomics:write genomics:sign history:read",
    "clinical": "clinical:read clinical:write genomics:read history:read",
}
ALL = " ".join(SCOPES.values())
COLLECTOR_IMAGE = os.environ.get("CAREWAY_PROOF_COLLECTOR_IMAGE", "")
ESO_IMAGE, ESO_DEFINITIONS = (
    os.environ.get(f"CAREWAY_PROOF_EXTERNAL_SECRETS{end}", "") for end in ("_IMAGE", "_DEFINITIONS")
)


@dataclass(frozen=True)
class Answer:
    """What a client in the cluster was told; status 0 and `error` where nobody answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Load:
    """What constant load came to, once it has ended."""

    told: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.told['requests']} requests, {self.told['failures']} failed, slowest {self.told['slowest']} s"

    def must_be_whole(self, least: int = 1000) -> str:
        assert self.told["failures"] == 0, f"{self.words}: {self.told['examples']}"
        assert self.told["requests"] >= least, f"{self.words}, and less than {least} prove nothing"
        return self.words


class World:
    """Use as a context: makes all but the releases, which `install` makes; takes everything away at its end."""

    def __init__(self, folder: Path, registry: Registry, versions: tuple[str, str]) -> None:
        self.folder = folder
        self.registry = registry
        self.first, self.second = versions
        self.address = _own_address()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.database = self._open.enter_context(Database(self.address, tuple(NAMESPACES), self.folder))
        self.aws = self._open.enter_context(SecretsManager(self.address, self.key_set))
        self._open.callback(self._leave)
        self._prepare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    # --- What a platform prepares --------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._leave()
        self._secrets()
        for name in (*NAMESPACES.values(), PLATFORM, CLIENTS, STRANGERS, TRIAL):
            kubectl("create", "--filename", "-", stdin=json.dumps(objects.namespace(name)))
            login = objects.secret(
                "pull", name, {".dockerconfigjson": self.registry.login}, "kubernetes.io/dockerconfigjson"
            )
            apply([login, objects.scripts(name)])
        for team in NAMESPACES.values():
            authority = self.database.authority.file.read_text(encoding="utf-8")
            keys = {"clients.json": key_document(self.clients).decode(), "cluster.json": self.key_set()}
            made = [objects.config_map("database-ca", team, {"ca.pem": authority}), *objects.limits(team)]
            apply([*made, objects.config_map("key-sets", team, keys)])
        apply(objects.key_sets_refresher(PLATFORM, self.image, list(NAMESPACES.values())))
        apply(objects.collector(PLATFORM, self.image))
        if ESO_IMAGE:
            kubectl("apply", "--server-side", "--filename", ESO_DEFINITIONS)
            apply(objects.external_secrets(PLATFORM, ESO_IMAGE, self.aws.url, list(NAMESPACES.values())))
        for where in (CLIENTS, STRANGERS):  # a pod that nobody repeats is refused until its account is there
            kubectl("--namespace", where, "wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        apply([objects.pod("client", CLIENTS, self.image), objects.pod("stranger", STRANGERS, self.image)])
        for where, pod in ((CLIENTS, "client"), (STRANGERS, "stranger")):
            kubectl("--namespace", where, "wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=120s")

    def _secrets(self) -> None:
        for service, team in NAMESPACES.items():
            own = (f"careway/{service}", f"careway/{service}/database")
            self.aws.values[own[0]] = {"secret-key": secrets.token_urlsafe(64)}
            self.aws.values[own[1]] = self.database.login(self.database.users(service)[0])
            # Of the release, and of the one that `install.beside` puts beside it.
            subjects = tuple(f"system:serviceaccount:{team}:{release}-secrets" for release in (service, "second"))
            self.aws.roles.append(Role(self.role(service), subjects, own))

    def _leave(self) -> None:
        """What the proof made, in this run or in one that was killed."""
        found = json.loads(kubectl("get", "namespaces", "--selector", "careway.test/proof", "--output", "json"))[
            "items"
        ]
        ours = [name_of(each) for each in found if name_of(each).startswith(f"{PREFIX}-")]
        for where in ours:
            for release in json.loads(self.registry.helm("list", "--namespace", where, "--output", "json")):
                self.registry.helm("uninstall", release["name"], "--namespace", where, "--wait")
        if ours:
            kubectl("delete", "namespace", *ours, "--timeout=180s")
        for kind in ("clusterrolebinding", "clusterrole"):
            for each in json.loads(kubectl("get", kind, "--selector", "careway.test/proof", "--output", "json"))[
                "items"
            ]:
                if name_of(each).startswith(f"{PREFIX}-"):
                    kubectl("delete", kind, name_of(each))

    # --- Facts ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def key_set() -> str:
        return kubectl("get", "--raw", "/openid/v1/jwks")

    @cached_property
    def cluster_issuer(self) -> str:
        return str(json.loads(kubectl("get", "--raw", "/.well-known/openid-configuration"))["issuer"])

    @cached_property
    def image(self) -> str:
        """The image of the first version, by digest, as its chart names it."""
        return self.image_of(self.first)

    def image_of(self, version: str) -> str:
        shown = self.registry.helm("show", "values", self.registry.chart, "--version", version, *self.registry.trust)
        image = yaml.safe_load(shown)["image"]
        assert image["digest"].startswith("sha256:"), image
        return f"{image['repository']}@{image['digest']}"

    @property
    def clients(self) -> Signer:
        return signer("clients", "ES256")

    def token(
        self, subject: str = "dr-okafor", scope: str = ALL, organization: str = ORGANIZATION, **changes: Any
    ) -> str:
        """A client's, from the issuer that both services trust."""
        return self.clients.token(iss=ISSUER, sub=subject, scope=scope, organization=organization, **changes)

    @staticmethod
    def role(service: str) -> str:
        return f"arn:aws:iam::000000000000:role/{service}-secrets-reader"

    @staticmethod
    def url(service: str) -> str:
        return f"http://{service}.{NAMESPACES[service]}.svc:8000"

    # --- Asking, as clients in the cluster -----------------------------------------------------------------------------

    def ask(self, *asked: Mapping[str, Any], where: str = CLIENTS, pod: str = "client") -> list[Answer]:
        """Sends requests ({method, url, headers, body}) from a pod, one after the other."""
        plan = [{**each, "body": base64.b64encode(_content(each.get("body"))).decode()} for each in asked]
        told = json.loads(within(where, pod, "python", "/proof/ask.py", stdin=json.dumps(plan)))
        return [Answer(each["status"], each["headers"], base64.b64decode(each["body"]), each["error"]) for each in told]

    def call(self, method: str, service: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request of a client with a token that may do everything, to the Service."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        (answer,) = self.ask(
            {
                "method": method,
                "url": f"{self.url(service)}/{service}/v1/{path}",
                "headers": {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json", **named},
                "body": body,
            }
        )
        return answer

    def made(self, service: str, path: str, body: Any, **headers: str) -> Any:
        """The record that a POST makes."""
        answer = self.call("POST", service, path, body, **headers)
        assert answer.status == 201, (answer.status, answer.error, answer.content[:500])
        return answer.json

    def connects(self, where: str, pod: str, *targets: tuple[str, int], container: str = "") -> dict[str, str]:
        """Who lets a pod in, by `host:port`: connected, refused, silent or unknown."""
        words = [word for host, port in targets for word in (host, str(port))]
        asks = ["python", "-", *words]
        patience = 60 + 4 * len(targets)
        told = within(where, pod, *asks, stdin=objects.script("connect.py"), container=container, timeout=patience)
        return dict(json.loads(told))

    @contextmanager
    def load(self, *requests: Mapping[str, Any], clients: int = 3, pause: float = 0.02) -> Iterator[Load]:
        """Constant load from the clients' pod for as long as the block lasts; what it came to is there afterwards."""
        plan = json.dumps({"requests": requests, "clients": clients, "pause": pause})
        folder = f"/tmp/load-{secrets.token_hex(4)}"
        load = Load()
        within(CLIENTS, "client", "python", "/proof/load.py", "begin", folder, stdin=plan)
        try:
            yield load
        finally:
            load.told.update(json.loads(within(CLIENTS, "client", "python", "/proof/load.py", "end", folder)))

    def reads_and_writes(self, service: str, subject: str = "dr-okafor") -> list[dict[str, Any]]:
        """What the load asks of a service: to list, and to make a record of its own each time."""
        lists, made = _COLLECTIONS[service]
        headers = {
            "Authorization": f"Bearer {self.token(subject, exp=int(time.time()) + 3600)}",
            "Content-Type": "application/json",
        }
        url = f"{self.url(service)}/{service}/v1"
        write = {"method": "POST", "url": f"{url}/{lists}", "body": json.dumps(made), "expected": [201]}
        return [{"url": f"{url}/{lists}?limit=5", "headers": headers}, {**write, "headers": headers}]


_PATIENT = {"mrn_system": "urn:oid:2.16.840.1.113883.19.5", "mrn": "P%n", "family_name": "Okafor", "sex": "female"}
_SAMPLE = {
    "accession": "N-%n",
    "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "kind": "blood",
    "origin": "germline",
    "received_at": "2026-11-18T10:05:00Z",
}
_COLLECTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "genomics": ("samples", _SAMPLE),
    "clinical": ("patients", _PATIENT),
}


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _own_address() -> str:
    """This machine's address as pods see it: the one it reaches the cluster's nodes from."""
    if given := os.environ.get("CAREWAY_PROOF_ADDRESS"):
        return given
    node = json.loads(kubectl("get", "nodes", "--output", "json"))["items"][0]
    address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))  # sends nothing
        return str(probe.getsockname()[0])
