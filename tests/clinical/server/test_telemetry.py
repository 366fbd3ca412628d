"""One trace through two services that both export: the caller's, clinical's, genomics', and each one's statements."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.clinical.peers import Peer, problem
from tests.clinical.server import pair
from tests.clinical.server.pair import link
from tests.collector import Collector, Traced, eventually
from tests.servers import Server

CALLER = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def genomics(collector: Collector) -> Iterator[Server]:
    plain = pair.genomics_server()
    running = replace(plain, environment={**plain.environment, **collector.environment, "CAREWAY_WORKERS": "2"}).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def clinical(genomics: Server, collector: Collector) -> Iterator[Server]:
    running = pair.clinical_server(genomics.url, **collector.environment, CAREWAY_WORKERS="2").start()
    yield running
    pair.forget_links()
    assert running.stop() == 0


def server_spans(collector: Collector, trace_id: str) -> dict[str, Traced]:
    """By the service that made them."""
    spans = collector.traced(trace_id)
    return {str(each.resource["service.name"]): each for each in spans if each.span.kind == Span.SPAN_KIND_SERVER}


def test_a_trace_goes_out_to_the_other_service_and_its_database(
    clinical: Server, genomics: Server, collector: Collector
) -> None:
    visit = pair.visit(clinical.api)
    analysis = pair.analysis(genomics.api, visit["patient"])["id"]
    trace_id = uuid.uuid4().hex
    made = link(clinical.api, visit["id"], analysis, traceparent=f"00-{trace_id}-{CALLER}-01")
    assert made.json["verification"] == "verified"
    assert eventually(lambda: len(server_spans(collector, trace_id)) == 2)
    found = server_spans(collector, trace_id)
    asking, asked = found["careway-clinical"], found["careway-genomics"]
    below = {each.span.span_id: each for each in collector.traced(trace_id)}
    call = below[asked.span.parent_span_id]
    assert (asking.span.parent_span_id.hex(), call.span.parent_span_id) == (CALLER, asking.span.span_id)
    assert (call.span.kind, call.span.name) == (Span.SPAN_KIND_CLIENT, "GET")
    # The id of the analysis stands in the URL that is called, and not in what is told of it.
    assert call.attributes["url.full"] == f"{genomics.url}/genomics/v1/analyses/{{id}}"
    assert analysis not in collector.all_text()
    assert asked.attributes["http.route"] == "genomics/v1/analyses/<uuid:pk>"
    queries = [each for each in below.values() if each.attributes.get("db.system.name")]
    parents = {each.span.parent_span_id for each in queries}
    assert parents == {asking.span.span_id, asked.span.span_id}
    assert eventually(lambda: collector.total("http.client.request.duration") > 0)
    # Counted after the call, so the next export may be the one that has it.
    assert eventually(lambda: collector.total("careway.link.verifications", outcome="verified") == 1)


def test_baggage_travels_with_it_and_is_told_to_nobody_else(collector: Collector) -> None:
    with Peer(problem("not-found")) as peer:
        server = pair.clinical_server(peer.url, **collector.environment).start()
        trace_id = uuid.uuid4().hex
        headers = {"traceparent": f"00-{trace_id}-{CALLER}-01", "baggage": "ward=Zqx7canary"}
        assert link(server.api, pair.visit(server.api)["id"], str(uuid.uuid4()), **headers).status == 409
        assert server.stop() == 0
    (asked,) = peer.asked
    assert asked.headers["baggage"] == "ward=Zqx7canary"
    assert asked.headers["traceparent"].split("-")[1] == trace_id
    # What a process still held when it was told to end has arrived as well.
    assert set(server_spans(collector, trace_id)) == {"careway-clinical"}
    assert "Zqx7canary" not in collector.all_text()
