"""A small collector: takes what services export over OTLP/HTTP, and tells what it was sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Use as a context, and start services with its `environment`."""

    def __init__(self) -> None:
        self._received: list[tuple[str, bytes]] = []
        received = self._received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] else body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """Sends soon, so that no test waits for the usual seconds."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    def spans(self, trace_id: str) -> list[Span]:
        """Those of one trace so far."""
        return [
            span
            for path, body in list(self._received)
            if path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.trace_id.hex() == trace_id
        ]

    def counted(self, name: str, attribute: str) -> dict[str, int]:
        """What a counter says now, by the value of its one attribute: waits for two exports, for one may be under way."""
        sent = len(self._metrics())
        assert eventually(lambda: len(self._metrics()) >= sent + 2), "no metrics arrive"
        return self.counted_at_last(name, attribute)

    def counted_at_last(self, name: str, attribute: str) -> dict[str, int]:
        """The same of a process that has ended, which sends what it has before it does."""
        found: dict[str, int] = {}
        for resource in ExportMetricsServiceRequest.FromString(self._metrics()[-1]).resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.sum.data_points if metric.name == name else []:
                    (key,) = point.attributes
                    assert key.key == attribute
                    found[key.value.string_value] = point.as_int
        return found

    def _metrics(self) -> list[bytes]:
        return [body for path, body in list(self._received) if path == "/v1/metrics"]


def eventually(holds: Callable[[], Any], *, seconds: float = 10) -> Any:
    """Waits until it is true; answers what it was at last."""
    until = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
