"""Both Services at one address of this machine: `kubectl port-forward`, and before it a proxy, as a gateway would be."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .kubectl import PROGRAM
from .world import NAMESPACES

# Of a connection, and not of what it carries.
OF_A_HOP = {"connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding"}


def host(service: str) -> str:
    """The name that a service answers to: it refuses any other, such as this machine's."""
    return f"{service}.{NAMESPACES[service]}.svc"


@contextmanager
def forwarded(service: str) -> Iterator[int]:
    """A port of this machine that leads to one of the Service's pods."""
    command = [PROGRAM, "--namespace", NAMESPACES[service], "port-forward", f"service/{service}", ":8000"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        said = running.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+) ->", said)
        assert found, f"port-forward said: {said}"
        yield int(found[1])
    finally:
        running.terminate()
        running.communicate(timeout=10)


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ports: Mapping[str, int]

    def pass_on(self) -> None:
        service = "clinical" if self.path.startswith("/clinical/") else "genomics"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: text for name, text in self.headers.items() if name.lower() not in OF_A_HOP}
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[service], timeout=60)
        connection.request(self.command, self.path, body or None, {**headers, "Host": host(service)})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response_only(answer.status, answer.reason)
        for name, text in answer.getheaders():
            if name.lower() not in OF_A_HOP:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def log_message(self, format: str, *args: object) -> None:
        """The services write their own lines."""


@contextmanager
def gateway() -> Iterator[str]:
    """The address of a proxy that sends /clinical to the one Service, and all else to the other."""
    with ExitStack() as opened:
        ports = {service: opened.enter_context(forwarded(service)) for service in NAMESPACES}
        passing = type("Passing", (_Passing,), {"ports": ports})
        server = opened.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), passing))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_port}"
