"""A small collector: takes what services export over OTLP/HTTP, decodes it, and tells what it was sent."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

REQUESTS: dict[str, type[Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
# A process that has sent nothing for so long has ended; tests let it send every 0.2 s.
SILENT_SECONDS = 5.0


class Point(NamedTuple):
    """One series of an instrument in one process, as it said last. `value` of a histogram is its count."""

    name: str
    unit: str
    description: str
    kind: str
    attributes: dict[str, Any]
    value: float
    sum: float
    resource: dict[str, Any]
    scope: str

    @property
    def instance(self) -> str:
        return str(self.resource.get("service.instance.id", ""))


class Log(NamedTuple):
    """One log record."""

    body: Any
    severity: str
    attributes: dict[str, Any]
    trace_id: str
    span_id: str
    resource: dict[str, Any]


class Traced(NamedTuple):
    """A span with what it belongs to; `span` is the protobuf message."""

    span: Span
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str


class Collector:
    """Use as a context, and start services with its `environment`."""

    def __init__(self) -> None:
        self._received: list[tuple[str, Any]] = []
        self._series: dict[Any, Point] = {}
        self._exports: dict[str, list[float]] = {}
        self._text: list[str] = []
        self.undecodable: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers["Content-Encoding"] == "gzip"
                protobuf = self.headers["Content-Type"] == "application/x-protobuf"
                known = protobuf and collector.take(self.path, gzip.decompress(body) if packed else body)
                self.send_response(200 if known else 400)
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
        assert not self.undecodable, self.undecodable

    def take(self, path: str, body: bytes) -> bool:
        """Decodes and keeps one export; whether it was one."""
        try:
            message: Any = REQUESTS[path].FromString(body)
            if path == "/v1/metrics":
                self._note(message)
            else:
                self._received.append((path, message))
        except Exception as error:  # any: the thread of the handler would only print it
            self.undecodable.append(f"{path}: {error!r}")
            return False
        self._text.append(body.decode(errors="replace"))
        return True

    def _note(self, message: Any) -> None:
        """Each series as it is now: all exports of a long run would take long to read again."""
        for resource in message.resource_metrics:
            whose = values(resource.resource.attributes)
            self._exports.setdefault(str(whose.get("service.instance.id")), []).append(time.monotonic())
            for scope in resource.scope_metrics:
                for point in (each for metric in scope.metrics for each in _points(metric, whose, scope.scope.name)):
                    self._series[point.instance, point.name, json.dumps(point.attributes, sort_keys=True)] = point

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Sends soon, so that no test waits for the usual seconds."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    # --- What arrived ---------------------------------------------------------------------------------------------------

    def spans(self, trace_id: str | None = None) -> list[Span]:
        """Those of one trace so far, or all; as protobuf."""
        return [traced.span for traced in self.traced(trace_id)]

    def traced(self, trace_id: str | None = None) -> list[Traced]:
        """The same with their attributes as a dictionary, and whose they are."""
        return [
            Traced(span, values(span.attributes), values(resource.resource.attributes), scope.scope.name)
            for message in self._messages("/v1/traces")
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if trace_id is None or span.trace_id.hex() == trace_id
        ]

    def logs(self) -> list[Log]:
        """All log records so far."""
        return [
            Log(
                value(record.body),
                record.severity_text,
                values(record.attributes),
                record.trace_id.hex(),
                record.span_id.hex(),
                values(resource.resource.attributes),
            )
            for message in self._messages("/v1/logs")
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def points(self, name: str | None = None) -> list[Point]:
        """Each series of each process, as it said last; of one instrument, or of all."""
        return [point for point in list(self._series.values()) if name in {None, point.name}]

    def total(self, name: str, **attributes: Any) -> float:
        """Over all processes, the values of the series with these attributes; `http_route` is `http.route`."""
        wanted = {key.replace("_", ".", 1): wanted for key, wanted in attributes.items()}
        return sum(point.value for point in self.points(name) if wanted.items() <= point.attributes.items())

    def totals(self, name: str, attribute: str) -> dict[str, float]:
        """Over all processes, the values of an instrument by one attribute."""
        found: Counter[str] = Counter()
        for point in self.points(name):
            found[str(point.attributes.get(attribute))] += point.value  # type: ignore[assignment]  # a number is one
        return dict(found)

    def counted(self, name: str, attribute: str) -> dict[str, float]:
        """What a counter says now, by the value of its one attribute."""
        self.settle()
        return self.counted_at_last(name, attribute)

    def settle(self) -> None:
        """Waits until all that has been measured is here: two exports of each living process, for one may be under way."""
        asked = time.monotonic()
        assert eventually(lambda: self._exported_twice_since(asked)), "no metrics arrive"

    def counted_at_last(self, name: str, attribute: str) -> dict[str, float]:
        """The same of processes that have ended, which send what they have before they do."""
        assert all(set(point.attributes) == {attribute} for point in self.points(name))
        return self.totals(name, attribute)

    def all_text(self) -> str:
        """All that arrived, as it came over the wire, where a text is its own UTF-8: to search for what must not leave."""
        return "\n".join(list(self._text))

    # --- How it is told -------------------------------------------------------------------------------------------------

    def _messages(self, path: str) -> list[Any]:
        return [message for where, message in list(self._received) if where == path]

    def _exported_twice_since(self, asked: float) -> bool:
        now, exports = time.monotonic(), {name: list(times) for name, times in list(self._exports.items())}
        living = [times for times in exports.values() if times[-1] > asked - SILENT_SECONDS]
        return bool(living) and all(
            sum(at > asked for at in times) >= 2 or now - times[-1] > SILENT_SECONDS for times in living
        )


def _points(metric: Metric, resource: dict[str, Any], scope: str) -> Iterator[Point]:
    kind = metric.WhichOneof("data") or ""
    for point in getattr(metric, kind).data_points if kind else ():
        if kind == "histogram":
            number, total = float(point.count), float(point.sum)
        else:
            number = total = float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
        about = (metric.name, metric.unit, metric.description, kind)
        yield Point(*about, values(point.attributes), number, total, resource, scope)


def value(wire: AnyValue) -> Any:
    """What an OTLP value holds, in Python."""
    kind = wire.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value(each) for each in wire.array_value.values]
    if kind == "kvlist_value":
        return values(wire.kvlist_value.values)
    return getattr(wire, kind)


def values(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """OTLP attributes as a dictionary."""
    return {pair.key: value(pair.value) for pair in pairs}


def eventually(holds: Callable[[], Any], *, seconds: float = 10) -> Any:
    """Waits until it is true; answers what it was at last."""
    until = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
