"""The walkthrough of README.md as a client that takes notes, and enough of each healthy request that a tenth is some."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from tests.api import Answer, RemoteApi
from tests.servers import ROOT
from tests.telemetry.services import RELEASES, Release
from tests.telemetry.stores import Jaeger, Loki, Prometheus, eventually

FILE = ROOT / "docs" / "walkthrough.vcf"
# The caller's own span, which no store has.
CALLER = "00f067aa0ba902b7"
# Of each kind of healthy request. The collector keeps a tenth: that it keeps none of a hundred is one case in 37,000.
MANY = 100
# The collector keeps what takes longer than 0.5 s.
SLOW_SECONDS = 0.8
VCF_ROUTE = "genomics/v1/analyses/<uuid:pk>/vcf"
ANALYSIS_ROUTE = "genomics/v1/analyses/<uuid:pk>"
PAGE_ROUTE = "genomics/v1/analyses/<uuid:analysis>/variants"
LINK_ROUTE = "clinical/v1/consultations/<uuid:consultation>/genomic-links"
VISIT_ROUTE = "clinical/v1/consultations"
# What no release ever tells: values that the walk writes, each as nothing else here has it.
FAMILY, GIVEN, NOTE = "Mbatha-Quine", "Zinhle", "The seizures began at the market of Umlazi."
SECRETS = (FAMILY, GIVEN, "Umlazi", "PIK3CA", "179218303", "rs104886003", "Glu545Lys", "MONDO:0016054", "HP:0001250")


class Call(NamedTuple):
    """A request and how it was answered; `route` is the template that both sides name it by."""

    service: str
    method: str
    route: str
    status: int
    request_id: str
    trace_id: str
    seconds: float

    @property
    def kind(self) -> tuple[str, str, int]:
        return self.method, self.route, self.status


@dataclass
class NotingApi(RemoteApi):
    """Begins a trace with each request, and notes both."""

    calls: list[Call] = field(default_factory=list)

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str
    ) -> Answer:
        trace_id, started = uuid.uuid4().hex, time.monotonic()
        headers = {"traceparent": f"00-{trace_id}-{CALLER}-01", **headers}
        answer = super().call(method, path, body, content_type=content_type, **headers)
        self.note(method, path, answer, trace_id, time.monotonic() - started)
        return answer

    def send_slowly(self, path: str, body: bytes, seconds: float) -> Answer:
        """A PUT whose body takes so long to arrive."""
        address, trace_id, started = urlsplit(self.url), uuid.uuid4().hex, time.monotonic()
        connection = HTTPConnection(str(address.hostname), address.port, timeout=self.timeout)
        headers = {
            "Authorization": f"Bearer {self.bearer()}",
            "Content-Type": "text/vcf",
            "traceparent": f"00-{trace_id}-{CALLER}-01",
        }
        connection.request("PUT", self.url_of(path), _slowly(body, seconds), headers, encode_chunked=True)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        self.note("PUT", path, answer, trace_id, time.monotonic() - started)
        return answer

    def note(self, method: str, path: str, answer: Answer, trace_id: str, seconds: float) -> None:
        try:
            route = resolve(self.url_of(path).partition("?")[0]).route
        except Resolver404:
            route = ""
        request_id = answer.header("X-Request-Id") or ""
        self.calls.append(Call(self.service, method, route, answer.status, request_id, trace_id, seconds))


def _slowly(body: bytes, seconds: float) -> Iterator[bytes]:
    half = len(body) // 2
    yield body[:half]
    time.sleep(seconds)
    yield body[half:]


class Walk:
    """Drives both services; what it did is in `calls`, and what must have arrived follows from them."""

    def __init__(self, genomics_url: str, clinical_url: str, api: Callable[..., NotingApi] = NotingApi) -> None:
        self.calls: list[Call] = []
        self.genomics = api(service="genomics", url=genomics_url, calls=self.calls)
        self.clinical = api(service="clinical", url=clinical_url, calls=self.calls)
        self.began = time.time()
        self.ended = 0.0
        self.variants: list[int] = []
        self.patient = self.analysis = ""

    # --- What it did ----------------------------------------------------------------------------------------------------

    def of(self, service: str, method: str = "", route: str = "", status: int = 0) -> list[Call]:
        """The calls of a service; of a method, a route and a status where these are said."""
        return [
            call
            for call in self.calls
            if call.service == service
            and (not method or call.method == method)
            and (not route or call.route == route)
            and (not status or call.status == status)
        ]

    @property
    def asked(self) -> int:
        """How often clinical has asked genomics: once for each link, made or refused."""
        return sum(call.route == LINK_ROUTE and call.method == "POST" for call in self.calls)

    def kinds(self, service: str) -> Counter[tuple[str, str, int]]:
        """Requests as the service has seen them, by method, route and status: the walk's, and clinical's own."""
        found = Counter(call.kind for call in self.of(service))
        if service == "genomics":
            gone = len(self.of("clinical", "POST", LINK_ROUTE, 409))
            found += Counter({("GET", ANALYSIS_ROUTE, 404): gone, ("GET", ANALYSIS_ROUTE, 200): self.asked - gone})
        return found

    def healthy(self) -> list[Call]:
        """The many, without those that a busy machine made slow: neither an error nor slow, by far."""
        routes = {("GET", PAGE_ROUTE, 200), ("POST", VISIT_ROUTE, 201), ("POST", LINK_ROUTE, 201)}
        return [call for call in self.calls if call.kind in routes and call.seconds < SLOW_SECONDS / 2]

    # --- Doing it -------------------------------------------------------------------------------------------------------

    def go(self) -> None:
        self.began = time.time()
        self._sequence()
        self._report()
        self._consult()
        self._be_refused()
        self._do_much()

    def _sequence(self) -> None:
        body: dict[str, Any] = {
            "mrn_system": "urn:oid:2.16.840.1.113883.19.5",
            "mrn": "0020261118",
            "family_name": FAMILY,
        }
        body |= {"given_names": [GIVEN], "birth_date": "1980-04", "sex": "female"}
        self.patient = made(self.clinical.post("patients", body))
        sample, self.analysis = self._analysis("S-2026-1118")
        path = f"analyses/{self.analysis}/vcf"
        made(self.genomics.call("PUT", path, FILE.read_bytes(), content_type="text/vcf"), 422)
        for status in (201, 200):  # the second time it was there
            self._ingested(
                self.genomics.call("PUT", f"{path}?vcf_sample=CHILD", FILE.read_bytes(), content_type="text/vcf"),
                status,
            )
        _, slow = self._analysis("S-2026-1119")
        self._ingested(
            self.genomics.send_slowly(f"analyses/{slow}/vcf?vcf_sample=MOTHER", FILE.read_bytes(), SLOW_SECONDS)
        )
        for form in ("", "?region=chr3:179148114-179240093&passed=true&limit=50", ".vcf", ".ndjson"):
            made(self.genomics.get(f"analyses/{self.analysis}/variants{form}"), 200)
        made(self.genomics.get(f"samples/{sample}/history"), 200)

    def _analysis(self, accession: str) -> tuple[str, str]:
        body = {"accession": accession, "patient_id": self.patient, "kind": "blood", "origin": "germline"}
        sample = made(self.genomics.post("samples", {**body, "received_at": "2026-11-18T10:05:00Z"}))
        made(self.genomics.move(f"samples/{sample}", "available"), 200)
        body = {"sample": sample, "assay": "wes", "genome_build": "GRCh38", "pipeline_name": "sarek"}
        return sample, made(self.genomics.post("analyses", {**body, "pipeline_version": "3.5.1"}))

    def _ingested(self, answer: Answer, status: int = 201) -> None:
        made(answer, status)
        if status == 201:
            self.variants.append(int(answer.json["stored"]))

    def _report(self) -> None:
        found = self.genomics.get(f"analyses/{self.analysis}/variants?gene=PIK3CA")
        body = {"analysis": self.analysis, "variant": found.json["results"][0]["id"], "condition": "MONDO:0016054"}
        body |= {"classification": "likely-pathogenic", "criteria": ["PS2", "PM1", "PM2_Supporting"]}
        finding = made(self.genomics.post("findings", body))
        made(self.genomics.move(f"findings/{finding}", "confirmed"), 200)
        body = {
            "analysis": self.analysis,
            "findings": [finding],
            "outcome": "positive",
            "conclusion": "PIK3CA explains it.",
        }
        report = made(self.genomics.post("reports", body))
        made(self.genomics.move(f"reports/{report}", "final"), 403)  # nobody signs what they wrote
        made(self.genomics.as_(subject="dr-lindqvist").move(f"reports/{report}", "final"), 200)
        made(self.genomics.get(f"reports/{report}/fhir"), 200)
        made(self.genomics.get(f"analyses/{self.analysis}/phenopacket"), 200)

    def _visit(self, **headers: str) -> str:
        return made(
            self.clinical.post("consultations", {"patient": self.patient, "kind": "AMB", "reason": NOTE}, **headers)
        )

    def _link(self, consultation: str, analysis: str, status: int = 201) -> None:
        body = {"analysis_id": analysis, "relation": "reviewed"}
        answer = self.clinical.post(f"consultations/{consultation}/genomic-links", body)
        made(answer, status)
        assert status != 201 or answer.json["verification"] == "verified", answer.content

    def _consult(self) -> None:
        visit = self._visit()
        path = f"consultations/{visit}"
        made(self.clinical.move(path, "in-progress"), 200)
        made(self.clinical.post(f"{path}/phenotypes", {"term": "HP:0001250", "excluded": False, "onset": "2019"}))
        body: dict[str, Any] = {"patient": self.patient, "consultation": visit, "clinical_status": "active"}
        body |= {"codings": [{"system": "MONDO", "code": "MONDO:0016054"}], "verification_status": "confirmed"}
        for status in (201, 409):  # one active diagnosis for each patient and code
            made(self.clinical.post("diagnoses", body), status)
        self._link(visit, self.analysis)
        self._link(visit, str(uuid.uuid4()), 409)
        made(self.clinical.move(path, "completed"), 200)
        made(self.clinical.post(f"{path}/addenda", {"note": NOTE}))
        made(self.clinical.get(f"{path}/fhir"), 200)

    def _be_refused(self) -> None:
        for api in (self.genomics, self.clinical):
            kind = {"genomics": "samples", "clinical": "patients"}[api.service]
            made(api.get(kind, Authorization="Bearer nonsense"), 401)
            made(api.get(f"{kind}/{uuid.uuid4()}"), 404)
            made(api.post(kind, {"sex": 1}), 400)
            made(api.as_(organization="st-other").get(kind), 200)
        made(self.clinical.post(f"patients/{self.patient}/transitions", {"to": "merged"}, If_Match='"999"'), 412)
        first, second = (self._visit(Idempotency_Key="the-walk-in-telemetry") for _ in range(2))
        assert first == second

    def _do_much(self) -> None:
        for _ in range(MANY):
            made(self.genomics.get(f"analyses/{self.analysis}/variants"), 200)
            self._link(self._visit(), self.analysis)


def made(answer: Answer, status: int = 201) -> str:
    assert answer.status == status, (answer.status, answer.content)
    is_json = (answer.header("Content-Type") or "").startswith("application/json")
    body = json.loads(answer.content) if is_json else {}
    return str(body.get("id", "")) if isinstance(body, dict) else ""


def requests_counted(
    prometheus: Prometheus, release: Release, *, at: float | None = None
) -> Counter[tuple[str, str, int]]:
    """How many requests a release has counted, by method, route and status."""
    names = "http_request_method, http_route, http_response_status_code"
    expr = f"sum by ({names}) (http_server_request_duration_seconds_count{{{release.series}}})"
    found: Counter[tuple[str, str, int]] = Counter()
    for labels, value in prometheus.query(expr, at=at):
        kind = labels["http_request_method"], labels.get("http_route", ""), int(labels["http_response_status_code"])
        found[kind] += round(value)
    return found


def arrived(
    walk: Walk,
    prometheus: Prometheus,
    loki: Loki,
    jaeger: Jaeger,
    releases: Mapping[str, Release] = RELEASES,
) -> None:
    """Waits until the three stores have all of it; says what is missing where they do not."""
    for service, release in releases.items():
        before = requests_counted(prometheus, release, at=walk.began)
        wanted = walk.kinds(service)

        def is_counted(release: Any = release, wanted: Any = wanted, before: Any = before) -> bool:
            counted = requests_counted(prometheus, release) - before
            assert counted == wanted, f"missing: {wanted - counted}, not expected: {counted - wanted}"
            return True

        def is_logged(release: Any = release, wanted: Any = wanted) -> bool:
            query = f'{release.stream} | scope_name="careway.request"'
            found = len(loki.lines(query, start=walk.began))
            assert found == wanted.total(), f"{found} of {wanted.total()} request lines of {release.name}"
            return True

        eventually(is_counted, 30)
        eventually(is_logged, 30)
    slow = walk.of("genomics", "PUT", VCF_ROUTE)[-1]
    eventually(lambda: jaeger.trace(slow.trace_id), 30)
    # Of the last traces the collector decides only when their time is over.
    eventually(lambda: is_steady(jaeger), 30)


def is_steady(jaeger: Jaeger) -> bool:
    """Nothing has come for longer than the collector waits for a trace, and then for a batch."""
    before = {name: set(jaeger.traces(name)) for name in jaeger.services()}
    time.sleep(4)
    return before == {name: set(jaeger.traces(name)) for name in jaeger.services()}
