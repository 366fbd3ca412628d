"""As much of an API server as helm needs to look a Secret up: it knows the kinds, and holds what it is given."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.chart.rendering import CHART, ENVIRONMENT, HELM, Object, Objects, Values, render

VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
NOT_FOUND = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


def helm(*words: str, values: Values, folder: Path, held: Iterable[Object] = ()) -> str:
    """What `helm … own chart` says of a release, beside a cluster that holds these objects."""
    command = [HELM, *words, "own", str(CHART), "--namespace", "team", "--values", "-", "--kubeconfig"]
    # What it remembers of the server is not for the developer's home.
    environment = {**ENVIRONMENT, "HOME": str(folder)}
    with _serving([*render(values), *held], held) as url:
        config = {"clusters": [{"name": "own", "cluster": {"server": url}}], "current-context": "own"}
        config |= {"contexts": [{"name": "own", "context": {"cluster": "own"}}]}
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config), encoding="utf-8")
        done = subprocess.run(
            [*command, str(path)],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _answers(known: Objects, held: Iterable[Object]) -> dict[str, Any]:
    """What it answers, by path."""
    kinds: dict[str, set[str]] = {}
    for each in known:
        kinds.setdefault(each["apiVersion"], set()).add(each["kind"])
    versions = [{"groupVersion": group, "version": group.rpartition("/")[2]} for group in kinds if "/" in group]
    groups = [
        {"name": each["groupVersion"].partition("/")[0], "versions": [each], "preferredVersion": each}
        for each in versions
    ]
    resources = {
        _root(group): {
            "groupVersion": group,
            "resources": [
                {"name": _plural(each), "kind": each, "namespaced": True, "verbs": ["get"]} for each in names
            ],
        }
        for group, names in kinds.items()
    }
    fixed = {"/version": VERSION, "/api": {"versions": ["v1"]}, "/apis": {"groups": groups}}
    return fixed | resources | {_path(each): each for each in held}


def _plural(kind: str) -> str:
    name = kind.lower()
    return name[:-1] + "ies" if name.endswith("y") else name + ("es" if name.endswith("s") else "s")


def _root(group: str) -> str:
    return f"/apis/{group}" if "/" in group else f"/api/{group}"


def _path(each: Object) -> str:
    head = each["metadata"]
    return f"{_root(each['apiVersion'])}/namespaces/{head['namespace']}/{_plural(each['kind'])}/{head['name']}"


@contextmanager
def _serving(known: Objects, held: Iterable[Object]) -> Iterator[str]:
    """Its URL, while it runs."""
    answers = _answers(known, held)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found or NOT_FOUND).encode())

        def log_message(self, *words: object) -> None:
            """Not to the output of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
