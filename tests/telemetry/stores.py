"""The three stores as a person asks them, by their query APIs; and all that they hold, to search it."""

from __future__ import annotations

import http.client
import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

Found = TypeVar("Found")

# How long a request to a store may take.
PATIENCE = 20
# What Loki answers at most to one question, and how far one of the searches looks back.
LINES = 5000
# Jaeger answers fewer than it may hold: `max_traces` of observability/jaeger.yaml.
TRACES = 49_999
HOUR = 3600.0


def eventually(question: Callable[[], Found], seconds: float = 30) -> Found:
    """Asks until the answer is true; then answers it. A store that does not answer has not answered yet."""
    until = time.monotonic() + seconds
    while True:
        try:
            if found := question():
                return found
            trouble: object = f"the last answer was {found!r}"
        except (OSError, http.client.HTTPException, AssertionError) as error:
            trouble = error
        if time.monotonic() > until:
            raise AssertionError(f"not in {seconds:g} s: {trouble}")
        time.sleep(0.2)


def ask(url: str, parameters: Mapping[str, Any] | None = None, **headers: str) -> Any:
    """The JSON of a GET. The words of a store that refuses are part of the error."""
    query = f"?{urllib.parse.urlencode(parameters, doseq=True)}" if parameters else ""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url + query, headers=named), timeout=PATIENCE) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None


class Refused(OSError):
    """A store answered with an error; `status` and `words` are its own."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words[:500]}")
        self.status = status
        self.words = words


class Sample(NamedTuple):
    """A series at one moment."""

    labels: dict[str, str]
    value: float


class Exemplar(NamedTuple):
    """One measurement of a series; `labels` are its own, with the trace."""

    series: dict[str, str]
    labels: dict[str, str]
    value: float

    @property
    def trace_id(self) -> str:
        return self.labels.get("trace_id", "")


@dataclass(frozen=True)
class Prometheus:
    """Metrics."""

    url: str

    def query(self, expr: str, *, at: float | None = None) -> list[Sample]:
        """At a moment, or at this one."""
        parameters = {"query": expr} | ({} if at is None else {"time": f"{at:.3f}"})
        data = ask(f"{self.url}/api/v1/query", parameters)["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(each["metric"], float(each["value"][1])) for each in data["result"]]

    def total(self, expr: str, *, at: float | None = None) -> float:
        """The sum of what an expression finds; 0 where it finds nothing."""
        return math.fsum(sample.value for sample in self.query(expr, at=at))

    def over(self, expr: str, *, start: float, end: float, step: float = 1) -> list[Sample]:
        """Each value of each series in a time, as a graph shows them."""
        parameters = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": step}
        found = ask(f"{self.url}/api/v1/query_range", parameters)["data"]["result"]
        return [Sample(each["metric"], float(value)) for each in found for _, value in each["values"]]

    def exemplars(self, expr: str, *, start: float | None = None) -> list[Exemplar]:
        """Those of the series that an expression names, since `start` or of the last hour."""
        now = time.time()
        parameters = {"query": expr, "start": f"{now - HOUR if start is None else start:.3f}", "end": f"{now + 60:.3f}"}
        return [
            Exemplar(each["seriesLabels"], one["labels"], float(one["value"]))
            for each in ask(f"{self.url}/api/v1/query_exemplars", parameters)["data"]
            for one in each["exemplars"]
        ]

    def values(self, label: str) -> list[str]:
        """Every value that a label has anywhere; of `__name__` the names of all metrics."""
        return list(ask(f"{self.url}/api/v1/label/{urllib.parse.quote(label, safe='')}/values")["data"])

    def parsed(self, expr: str) -> dict[str, Any]:
        """The syntax tree of an expression, as Prometheus reads it."""
        return dict(ask(f"{self.url}/api/v1/parse_query", {"query": expr})["data"])

    def everything(self) -> Iterator[str]:
        """Names and values of all labels, all series, all descriptions, and all exemplars."""
        for label in ask(f"{self.url}/api/v1/labels")["data"]:
            yield json.dumps([label, *self.values(label)])
        yield json.dumps(ask(f"{self.url}/api/v1/metadata")["data"])
        every = '{__name__=~".+"}'
        for series in ask(f"{self.url}/api/v1/series", {"match[]": every})["data"]:
            yield json.dumps(series)
        for exemplar in self.exemplars(every):
            yield json.dumps(exemplar)


class Line(NamedTuple):
    """One record of the log; `labels` are those of its stream, `metadata` is beside it."""

    text: str
    labels: dict[str, str]
    metadata: dict[str, str]
    time: float


@dataclass(frozen=True)
class Loki:
    """Logs."""

    url: str

    def lines(self, query: str, *, start: float | None = None, end: float | None = None) -> list[Line]:
        """All lines that a query finds since `start` or of the last hour, oldest first."""
        end = time.time() + 60 if end is None else end
        begin = round((end - HOUR if start is None else start) * 1e9)
        found: dict[tuple[Any, ...], Line] = {}
        # Answers are cut off at their end, so each question begins with the last time of the one before.
        while True:
            page = list(self._page(query, begin, round(end * 1e9)))
            fresh = {key: line for key, line in page if key not in found}
            found |= fresh
            if len(page) < LINES or not fresh:
                return list(found.values())
            begin = max(key[0] for key, _ in page)

    def _page(self, query: str, start: int, end: int) -> list[tuple[tuple[Any, ...], Line]]:
        parameters = {"query": query, "start": start, "end": end, "limit": LINES, "direction": "forward"}
        answer = ask(
            f"{self.url}/loki/api/v1/query_range", parameters, X_Loki_Response_Encoding_Flags="categorize-labels"
        )
        page = []
        for stream in answer["data"]["result"]:
            for told, text, *rest in stream["values"]:
                metadata = dict(rest[0].get("structuredMetadata", {})) if rest else {}
                key = (int(told), text, json.dumps([stream["stream"], metadata], sort_keys=True))
                page.append((key, Line(text, stream["stream"], metadata, int(told) / 1e9)))
        return page

    def over(self, query: str, *, start: float, end: float) -> list[Any]:
        """What a panel shows: lines, or the values of each series."""
        parameters = {
            "query": query,
            "start": round(start * 1e9),
            "end": round(end * 1e9),
            "limit": LINES,
            "step": "1s",
        }
        found = ask(f"{self.url}/loki/api/v1/query_range", parameters)["data"]["result"]
        return [value for each in found for value in each["values"]]

    def everything(self) -> Iterator[str]:
        """All lines with their metadata, and the names and values of all labels."""
        for line in self.lines('{service_name=~".+"}'):
            yield json.dumps(line)
        for label in ask(f"{self.url}/loki/api/v1/labels")["data"]:
            yield json.dumps([label, ask(f"{self.url}/loki/api/v1/label/{label}/values").get("data")])


@dataclass(frozen=True)
class Span:
    """One span as Jaeger shows it."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    tags: dict[str, Any]
    logs: list[dict[str, Any]] = field(repr=False)
    resource: dict[str, Any] = field(repr=False)
    seconds: float

    @property
    def kind(self) -> str:
        return str(self.tags.get("span.kind", "internal"))


@dataclass(frozen=True)
class Jaeger:
    """Traces."""

    url: str

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace; none where it was not kept."""
        try:
            return [span for each in self._asked(f"traces/{trace_id}") for span in _spans(each)]
        except Refused as refused:
            if refused.status != 404:
                raise
            return []

    def services(self) -> list[str]:
        return list(self._asked("services") or [])

    def traces(self, service: str, *, limit: int = TRACES, **parameters: Any) -> dict[str, list[Span]]:
        """By their ids, those that a service has a part in."""
        found = self._asked("traces", {"service": service, "limit": limit, "lookback": "1h", **parameters})
        return {each["traceID"].zfill(32): _spans(each) for each in found or []}

    def kept(self, trace_ids: Iterator[str] | list[str] | set[str], service: str) -> set[str]:
        """Which of these traces there are."""
        return set(trace_ids) & set(self.traces(service))

    def everything(self) -> Iterator[str]:
        """Every trace of every service, and the names of all operations."""
        for service in self.services():
            for trace in self._asked("traces", {"service": service, "limit": TRACES, "lookback": "1h"}) or []:
                yield json.dumps(trace)
            yield json.dumps(self._asked(f"services/{urllib.parse.quote(service, safe='')}/operations"))

    def _asked(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return ask(f"{self.url}/api/{path}", parameters)["data"]


def _spans(trace: dict[str, Any]) -> list[Span]:
    whose = dict(trace["processes"])
    return [
        Span(
            service=whose[each["processID"]]["serviceName"],
            name=each["operationName"],
            trace_id=each["traceID"].zfill(32),
            span_id=each["spanID"].zfill(16),
            parent_id=next((one["spanID"].zfill(16) for one in each["references"]), ""),
            tags={tag["key"]: tag["value"] for tag in each["tags"]},
            logs=[{tag["key"]: tag["value"] for tag in log["fields"]} for log in each["logs"] or []],
            resource={tag["key"]: tag["value"] for tag in whose[each["processID"]].get("tags", [])},
            seconds=each["duration"] / 1e6,
        )
        for each in trace["spans"]
    ]
