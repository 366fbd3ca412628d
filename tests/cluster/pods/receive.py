"""A small OTLP receiver: it keeps what it is sent of each trace, the newest of them.

With a trace id as its argument it prints what the receiver beside it has of that trace.
"""

import gzip
import json
import sys
import urllib.request
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PORT = 4318
# Of a load that is traced as a whole, memory holds the last minutes.
TRACES = 20_000
traces: OrderedDict[str, dict[str, list[dict[str, str]]]] = OrderedDict()


def kept(trace_id: bytes) -> dict[str, list[dict[str, str]]]:
    found = traces.setdefault(trace_id.hex(), {"spans": [], "exemplars": []})
    while len(traces) > TRACES:
        traces.popitem(last=False)
    return found


def service(resource: Any) -> str:
    return next((str(each.value.string_value) for each in resource.attributes if each.key == "service.name"), "")


def take_spans(body: bytes) -> None:
    for of in ExportTraceServiceRequest.FromString(body).resource_spans:
        for span in (span for scope in of.scope_spans for span in scope.spans):
            kept(span.trace_id)["spans"].append({"service": service(of.resource), "name": span.name})


def take_exemplars(body: bytes) -> None:
    for of in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for metric in (metric for scope in of.scope_metrics for metric in scope.metrics):
            for exemplar in (each for point in metric.histogram.data_points for each in point.exemplars):
                if exemplar.trace_id:
                    named = {"service": service(of.resource), "name": metric.name}
                    kept(exemplar.trace_id)["exemplars"].append(named)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        take = {"/v1/traces": take_spans, "/v1/metrics": take_exemplars}.get(self.path)
        if take:
            take(body)
        self.answer(200 if take else 404, "application/x-protobuf", b"")

    def do_GET(self) -> None:
        found = traces.get(self.path.strip("/"), {"spans": [], "exemplars": []})
        self.answer(200, "application/json", json.dumps(found).encode())

    def answer(self, status: int, media_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Silence."""


if __name__ == "__main__":
    if sys.argv[1:]:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/{sys.argv[1]}", timeout=10) as answered:
            print(answered.read().decode())
    else:
        ThreadingHTTPServer(("", PORT), Handler).serve_forever()
