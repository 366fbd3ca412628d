"""An ingestion as it arrives at a collector: a span with its phases, the COPY below it, and what was counted."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from genomics.choices import SIGNED
from tests.api import RemoteApi
from tests.collector import Collector, Traced, eventually, values
from tests.genomics import factories
from tests.genomics.files import file, record
from tests.servers import Server

CANARY = "Zqx7canary"
TABLE = "genomics_variant"


@pytest.fixture
def api(wired_server: Server) -> RemoteApi:
    return wired_server.api.as_(service="genomics")


def ingest(api: RemoteApi, collector: Collector, body: bytes, status: int, analysis: str = "") -> list[Traced]:
    """Sends the file; answers the spans of that request, in the order in which they began."""
    analysis = analysis or factories.analysis(api)["id"]
    trace_id = uuid.uuid4().hex
    answer = api.call(
        "PUT", f"analyses/{analysis}/vcf", body, content_type="text/vcf", traceparent=f"00-{trace_id}-{'ab' * 8}-01"
    )
    assert answer.status == status, answer.content
    assert eventually(lambda: any(each.span.parent_span_id == b"\xab" * 8 for each in collector.traced(trace_id)))
    return sorted(collector.traced(trace_id), key=lambda each: each.span.start_time_unix_nano)


def named(spans: list[Traced], name: str) -> Traced:
    (found,) = [each for each in spans if each.span.name == name]
    return found


def events(traced: Traced) -> dict[str, dict[str, Any]]:
    return {event.name: values(event.attributes) for event in traced.span.events}


class TestAFile:
    def test_it_has_a_span_with_its_phases_and_its_copy(self, api: RemoteApi, collector: Collector) -> None:
        spans = ingest(api, collector, factories.VCF, 201)
        server, ingestion = spans[0], named(spans, "ingest")
        assert server.span.name == "PUT genomics/v1/analyses/<uuid:pk>/vcf"
        assert ingestion.span.parent_span_id == server.span.span_id
        assert ingestion.attributes == {"careway.ingestion.outcome": "stored"}
        assert list(events(ingestion)) == ["parse", "copy", "constraints"]
        assert events(ingestion)["copy"] == {"careway.variants.stored": 2, "careway.variants.duplicates": 0}
        copy = named(spans, f"COPY {TABLE}")
        assert copy.span.parent_span_id == ingestion.span.span_id
        wanted = {"db.system.name": "postgresql", "db.operation.name": "COPY", "db.collection.name": TABLE}
        assert wanted.items() <= copy.attributes.items()
        assert copy.attributes["careway.rows"] == 2
        times = {event.name: event.time_unix_nano for event in ingestion.span.events}
        assert times["parse"] <= copy.span.end_time_unix_nano <= times["copy"] <= times["constraints"]

    def test_what_comes_after_a_step_back_has_a_copy_of_its_own(self, api: RemoteApi, collector: Collector) -> None:
        body = file(record("chr7", 3000), record("chr7", 2000), record("chr7", 2500))
        spans = ingest(api, collector, body, 201)
        ingestion = named(spans, "ingest")
        assert list(events(ingestion)) == ["parse", "copy", "constraints"]
        rows = [named(spans, f"COPY {table}").attributes["careway.rows"] for table in (TABLE, "staged")]
        assert sum(rows) == events(ingestion)["copy"]["careway.variants.stored"] == 3

    def test_a_refused_one_ends_where_it_broke_and_is_no_error_of_ours(
        self, api: RemoteApi, collector: Collector
    ) -> None:
        spans = ingest(api, collector, file(record(), record(pos=2000, ref=CANARY)), 422)
        ingestion = named(spans, "ingest")
        assert ingestion.attributes == {
            "careway.ingestion.outcome": "refused", "error.type": "unprocessable-file"
        }  # fmt: skip
        assert events(ingestion) == {}
        assert ingestion.span.status.code == 0
        copy = named(spans, f"COPY {TABLE}")
        assert copy.span.parent_span_id == ingestion.span.span_id
        assert CANARY not in collector.all_text()

    def test_one_that_breaks_a_constraint_shows_it(self, api: RemoteApi, collector: Collector) -> None:
        sample = factories.available_sample(api)["id"]
        first, second = (factories.analysis(api, sample=sample)["id"] for _ in range(2))
        ingest(api, collector, factories.VCF, 201, analysis=first)
        ingestion = named(ingest(api, collector, factories.VCF, 409, analysis=second), "ingest")
        assert ingestion.attributes["error.type"] == "duplicate"
        assert list(events(ingestion)) == ["parse", "copy"]

    def test_files_and_variants_are_counted(self, api: RemoteApi, collector: Collector) -> None:
        collector.settle()
        before = collector.totals("careway.ingestion.duration", "outcome")
        files = collector.totals("careway.ingestions", "outcome")
        assert set(files) == {"stored", "repeated", "refused", "failed"}  # zero or not, they are there
        variants = collector.total("careway.variants.ingested")
        analysis = factories.analysis(api)["id"]
        ingest(api, collector, factories.VCF, 201, analysis=analysis)
        ingest(api, collector, factories.VCF, 200, analysis=analysis)
        ingest(api, collector, b"nothing of the kind", 422)
        wanted = {outcome: before.get(outcome, 0) + 1 for outcome in ("stored", "repeated", "refused")}
        assert eventually(
            lambda: wanted.items() <= collector.totals("careway.ingestion.duration", "outcome").items()
        ), (wanted, collector.totals("careway.ingestion.duration", "outcome"))
        assert eventually(lambda: collector.total("careway.variants.ingested") == variants + 2)
        counted = {outcome: files[outcome] + (outcome != "failed") for outcome in files}
        assert eventually(lambda: collector.totals("careway.ingestions", "outcome") == counted), counted
        assert {point.unit for point in collector.points("careway.ingestion.duration")} == {"s"}


class TestAnExport:
    @pytest.mark.parametrize("form", ["vcf", "ndjson"])
    def test_its_rows_belong_to_the_request_though_it_has_long_been_answered(
        self, api: RemoteApi, collector: Collector, form: str
    ) -> None:
        analysis, trace_id = factories.ready_analysis(api)["id"], uuid.uuid4().hex
        answer = api.get(f"analyses/{analysis}/variants.{form}", traceparent=f"00-{trace_id}-{'ab' * 8}-01")
        assert answer.status == 200
        name = f"SELECT {TABLE}"
        assert eventually(lambda: {"SET", name} <= {each.span.name for each in collector.traced(trace_id)})
        spans = collector.traced(trace_id)
        (server,) = [each for each in spans if each.span.parent_span_id == b"\xab" * 8]
        assert {each.span.parent_span_id for each in spans} == {b"\xab" * 8, server.span.span_id}


class TestReports:
    def test_signing_one_is_counted_by_what_it_became(self, api: RemoteApi, collector: Collector) -> None:
        collector.settle()
        assert set(collector.totals("careway.reports.signed", "status")) == set(SIGNED)
        before = collector.totals("careway.reports.signed", "status")["final"]
        factories.signed_report(api)
        assert eventually(lambda: collector.totals("careway.reports.signed", "status").get("final") == before + 1)
