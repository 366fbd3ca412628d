"""A registry of a test's own: Debian's docker-registry with TLS and a login, on an address of this machine alone.

It makes repositories by itself, lets tags be overwritten and lists no referrers. `Strict` stands before one and does none
of that, as Amazon ECR does; it shows what publishing asks of such a registry, and not that ECR gives it.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import requests

from tests.pgbouncer import Authority
from tests.servers import free_port

PROGRAM = shutil.which("docker-registry")
USER = "careway"
PASSWORD = "made-up"
INDEX = "application/vnd.oci.image.index.v1+json"
ACCEPTED = f"application/vnd.oci.image.manifest.v1+json, {INDEX}"


def own_name() -> tuple[str, str] | None:
    """This machine's name and its address, if nobody else can reach that.

    Helm takes localhost, and every address of it, for a registry without TLS.
    """
    name = socket.gethostname()
    with suppress(OSError):
        address = socket.gethostbyname(name)
        if name != "localhost" and ip_address(address).is_loopback:
            return name, address
    return None


class DockerRegistry:
    """Use as a context. Everything it holds lies in its folder."""

    def __init__(self, folder: Path) -> None:
        named = own_name()
        assert PROGRAM
        assert named
        self.name, self.address = named
        self.folder, self.port = folder, free_port()
        self.host = f"{self.name}:{self.port}"
        authority = Authority(folder, "registry")
        self.authority = authority.file
        self.certificate, self.key = authority.certify(folder, self.name)
        # bcrypt is all that the registry takes, and Python has none.
        words = ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, "$2b$05$" + "a" * 22]
        hashed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        (folder / "users").write_text(f"{USER}:{hashed}\n")
        settings = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": {
                "addr": f"{self.address}:{self.port}",
                "tls": {"certificate": str(self.certificate), "key": str(self.key)},
            },
            "auth": {"htpasswd": {"realm": "careway", "path": str(folder / "users")}},
        }
        (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        assert PROGRAM
        log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [PROGRAM, "serve", str(self.folder / "config.yml")], stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        until = time.monotonic() + 20
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((self.address, self.port), timeout=1):
                return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def __exit__(self, *trouble: object) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    @property
    def held(self) -> set[str]:
        """Every file of its storage that somebody put there: tags, manifests, blobs."""
        return {
            str(path) for path in (self.folder / "data").rglob("*") if path.is_file() and "_uploads" not in path.parts
        }

    def ask(self, path: str, method: str = "GET") -> requests.Response:
        return requests.request(
            method,
            f"https://{self.host}/v2/{path}",
            auth=(USER, PASSWORD),
            headers={"Accept": ACCEPTED},
            verify=str(self.authority),
            timeout=20,
        )


class Strict(ThreadingHTTPServer):
    """A registry before the registry: repositories have to be made, tags stay what they are, and referrers are listed."""

    def __init__(self, behind: DockerRegistry, *repositories: str) -> None:
        super().__init__((behind.address, 0), Front)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(behind.certificate, behind.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.behind, self.repositories = behind, set(repositories)
        self.host, self.authority = f"{behind.name}:{self.server_address[1]}", behind.authority
        self.referrers: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """What it says itself; None leaves the answer to the registry behind it."""
        found = re.fullmatch(r"/v2/(.+)/(blobs|manifests|referrers|tags)/([^?]*).*", path)
        repository, kind, reference = found.groups() if found else ("", "", "")
        if method == "GET" and kind == "referrers":
            return 200, {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.referrers.get(reference, [])}
        if method in {"POST", "PUT"} and repository not in self.repositories:
            said = f"The repository with name '{repository}' does not exist in the registry with id '123456789012'"
            return 404, {"errors": [{"code": "NAME_UNKNOWN", "message": said}]}
        if method == "PUT" and kind == "manifests":
            there = self.behind.ask(f"{repository}/manifests/{reference}")
            if not reference.startswith("sha256:") and there.ok and there.content != body:
                said = f"The image tag '{reference}' already exists, and cannot be overwritten because the tag is immutable."
                return 400, {"errors": [{"code": "TAG_INVALID", "message": said}]}
            self._note(reference, body)
        return None

    def _note(self, digest: str, body: bytes) -> None:
        manifest = json.loads(body)
        if subject := manifest.get("subject"):
            entry = {"mediaType": manifest["mediaType"], "digest": digest, "size": len(body)}
            entry["artifactType"] = manifest["artifactType"]
            self.referrers.setdefault(subject["digest"], []).append(entry)


class Front(BaseHTTPRequestHandler):
    """Passes on what `Strict` leaves to the registry. The login is that one's to check: without it nothing is answered here."""

    protocol_version = "HTTP/1.1"
    server: Strict

    def _pass_on(self) -> None:
        body, strict = self._body(), self.server
        has_login = "Authorization" in self.headers
        if has_login and (own := strict.answer(self.command, self.path, body)):
            self._say(own[0], {"Content-Type": "application/json"}, json.dumps(own[1]).encode())
            return
        hops = {"transfer-encoding", "content-length", "connection"}
        # Addresses in its answers are made from the host that it was asked as: this one.
        headers = {name: text for name, text in self.headers.items() if name.lower() not in hops} | {
            "Host": strict.host
        }
        context = ssl.create_default_context(cafile=strict.authority)
        behind = http.client.HTTPSConnection(strict.behind.name, strict.behind.port, timeout=20, context=context)
        with closing(behind):
            # A stranger is asked for a login everywhere, also where the registry behind has no such address.
            behind.request(self.command, self.path if has_login else "/v2/", body, headers)
            answer = behind.getresponse()
            self._say(answer.status, dict(answer.getheaders()), answer.read())

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return pieces

    def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding", "date"}:
                self.send_header(name, text)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
