"""Where Alertmanager's notifications arrive on a machine of one's own: kept, and told in one line an alert.

Needs nothing but Python, since compose runs this file alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

PORT = 9099

Notification = dict[str, Any]


class Webhook:
    """Use as a context. What Alertmanager posts is `received` as it came, and `path` says to which receiver."""

    def __init__(self, port: int = PORT, *, host: str = "127.0.0.1", told: Callable[[Notification], Any] | None = None):
        self.received: list[Notification] = []
        self.told = told
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.send_response(200 if webhook.take(self.path, body) else 400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Until the context ends."""
        self._server.serve_forever(poll_interval=0.1)

    def take(self, path: str, body: bytes) -> bool:
        """Keeps one notification; whether it was one."""
        try:
            notification = json.loads(body)
            alerts = notification["alerts"]
        except (ValueError, TypeError, KeyError):
            return False
        if not isinstance(alerts, list):
            return False
        notification["path"] = path
        self.received.append(notification)
        if self.told:
            self.told(notification)
        return True


def sentences(notification: Mapping[str, Any]) -> Iterator[str]:
    """A line for each alert: how urgent, what, whether it fires or is over, and where to read on."""
    urgency = str(notification.get("path", "")).strip("/")
    for alert in notification["alerts"]:
        labels, annotations = alert.get("labels", {}), alert.get("annotations", {})
        name = f"{urgency}: {labels.get('alertname', 'an alert')}"
        if alert.get("status") != "firing":
            yield f"{name} of {labels.get('release', '?')} in {labels.get('namespace', '?')} is over."
            continue
        page = str(annotations.get("runbook_url", "")).rpartition("/")[2]
        summary = str(annotations.get("summary", "")).removesuffix(".")
        yield f"{name} fires. {summary}. See docs/runbooks/{page}"


def tell(notification: Mapping[str, Any]) -> None:
    """On stdout; the dead man's switch says every minute that all is well, and is not news."""
    if notification.get("path") != "/dead-mans-switch":
        sys.stdout.write("".join(f"{line}\n" for line in sentences(notification)))
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    Webhook(given.port, host=given.host, told=tell).serve()


if __name__ == "__main__":
    main()
