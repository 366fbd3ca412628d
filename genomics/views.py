"""The routes of this service choose: a queryset, a serializer, a filterset, and one operation a verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request

from chassis.concurrency import etag, not_modified
from chassis.exports import export, streamed_rows
from chassis.fhir import MEDIA_TYPE, instant
from chassis.filters import StrictFilterBackend, check_parameters
from chassis.logs import record_access
from chassis.models import Record
from chassis.openapi import header, query
from chassis.problems import Problem
from chassis.renderers import JSONRenderer, ProblemRenderer, encode, json_response
from chassis.representation import json_of
from chassis.streams import BodyReader
from chassis.views import Rendition, ServiceViewSet, Streamed
from chassis.viewsets import RecordViewSet

from . import filters, ingestion, operations, serializers
from .content import analysis_facts, shown_content
from .fhir import report_bundle
from .models import Analysis, Finding, Report, Sample, Variant
from .phenopacket import phenopacket
from .vcf import Allele, vcf_lines


class VCFRenderer(JSONRenderer):
    """Negotiates the export of variants as VCF."""

    media_type = "text/vcf"
    format = "vcf"


class NDJSONRenderer(JSONRenderer):
    """Negotiates the export of variants as one JSON object a line."""

    media_type = "application/x-ndjson"
    format = "ndjson"


COUNTERS = ("stored", "skipped_reference", "skipped_other_contigs", "duplicates", "warnings")
VCF_FILE = Streamed(
    media_types=["text/vcf", "text/plain", "application/gzip", "application/x-gzip", "application/octet-stream"],
    answers={200: "The analysis holds this very file already.", 201: "Counters of what the file held."},
    schema={
        "type": "object",
        "required": [*COUNTERS, "sha256"],
        "properties": {
            **{name: {"type": "array" if name == "warnings" else "integer"} for name in COUNTERS},
            "sha256": {"type": "string"},
        },
    },
)


class SampleViewSet(RecordViewSet):
    """Specimens of patients. A patient is an opaque UUID here."""

    queryset = Sample.objects.all()
    serializer_class = serializers.SampleSerializer
    transition_serializer = serializers.SampleTransitionSerializer
    filterset_class = filters.SampleFilter
    orderings: ClassVar[Mapping[str, Sequence[str]]] = {
        **RecordViewSet.orderings,
        # Unique within the organization, so that no tie needs breaking and the index of that rule is the list's.
        "accession": ("accession",),
        "-accession": ("-accession",),
    }

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_sample(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_sample(record, caller=self.caller, **values)


class AnalysisViewSet(RecordViewSet):
    """Sequencing analyses of a sample. Their variants come from one VCF file, put in their `vcf`."""

    queryset = Analysis.objects.all()
    serializer_class = serializers.AnalysisSerializer
    filterset_class = filters.AnalysisFilter
    streaming_actions: ClassVar[Mapping[str, Streamed]] = {"vcf": VCF_FILE}
    renditions: ClassVar[Mapping[str, Rendition]] = {
        "phenopacket": Rendition(JSONRenderer.media_type, "A Phenopacket of the GA4GH, schema version 2.0."),
    }
    documented_parameters: ClassVar[dict[str, Any]] = {
        "vcf": [
            query("vcf_sample", "The sample column to read; needed when the file has more than one."),
            header("Content-Digest", "Checked when it names sha-256 (RFC 9530)."),
        ]
    }

    def perform_create(self, **values: Any) -> Record:
        return operations.register_analysis(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_analysis(record, caller=self.caller, **values)

    @action(detail=True, methods=["put"])
    def vcf(self, request: Request, pk: Any) -> HttpResponse:
        """The body is the file: plain, gzip or bgzip. Stores its variants and makes the analysis ready, or changes nothing."""
        check_parameters(request, {"vcf_sample"})
        return self.write(lambda: self._ingest(pk))

    @action(detail=True, methods=["get"])
    def phenopacket(self, request: Request, pk: Any) -> HttpResponse:
        """The analysis as a GA4GH Phenopacket 2.0: its sample and its confirmed findings, by the condition they name."""
        check_parameters(request, set())
        analysis = self.get_queryset().select_related("sample").get(pk=pk)
        return self.render(pk, phenopacket(analysis_facts(analysis, caller=self.caller)))

    def _ingest(self, pk: Any) -> HttpResponse:
        body = BodyReader(
            self.request.META,
            idle_seconds=settings.BODY_IDLE_SECONDS,
            minimum_rate=settings.INGESTION_MINIMUM_BYTES_PER_SECOND,
            deadline_seconds=settings.INGESTION_SECONDS,
        )
        created, analysis = ingestion.ingest(
            caller=self.caller,
            analysis_id=pk,
            body=body,
            vcf_sample=self.request.query_params.get("vcf_sample"),
            content_digest=self.request.headers.get("Content-Digest"),
        )
        summary = {name: getattr(analysis, name) for name in COUNTERS} | {"sha256": analysis.file_sha256}
        return json_response(encode(summary), status=201 if created else 200)


class VariantsOfAnalysis(ServiceViewSet):
    """What every view of variants shares: they are those of one analysis, and of the caller's organization."""

    queryset = Variant.objects.all()
    serializer_class = serializers.VariantSerializer
    parent = "analysis"
    documented_trouble: ClassVar[Mapping[str, Sequence[int]]] = {"list": (409,)}  # they come with the file

    def ready_analysis(self) -> dict[str, Any]:
        """The analysis these variants are of. Raises Problem: not-found, wrong-state."""
        analyses = Analysis.objects.for_caller(self.caller).filter(pk=self.kwargs["analysis"])
        found = next(iter(analyses.values("status", "genome_build", "vcf_sample")), None)
        if found is None:
            raise Problem("not-found")
        if found["status"] in {"registered", "cancelled"}:
            words = f"The analysis is {found['status']}; it has no variants."
            raise Problem("wrong-state", words, current=found["status"])
        return dict(found)


class VariantViewSet(VariantsOfAnalysis):
    """Variants of one analysis, in order of position. They are never written through JSON."""

    filterset_class = filters.VariantFilter
    orderings: ClassVar[Mapping[str, Sequence[str]]] = {
        "position": ("chrom", "pos", "id"),
        "-position": ("-chrom", "-pos", "-id"),
    }

    def list(self, request: Request, analysis: Any) -> HttpResponse:
        return self.list_response(
            StrictFilterBackend().narrow(request, self.question(), self),
            json_of(self.serializer_class),
            self.orderings,
            record=str(analysis),
            when_empty=self.ready_analysis,
        )

    def retrieve(self, request: Request, analysis: Any, id: Any) -> HttpResponse:
        check_parameters(request, set())
        (body,) = self.one(id, json_of(self.serializer_class))
        # A variant never changes: its first version is its last.
        unchanged = not_modified(request, 1)
        record_access(request._request, self.caller, "Variant", f"{analysis}/{id}", action="retrieve")
        if unchanged:
            return HttpResponse(status=304, headers={"ETag": etag(1)})
        return json_response(body, headers={"ETag": etag(1)})


class VariantVCFViewSet(VariantsOfAnalysis):
    """All variants of an analysis as VCF."""

    renderer_classes = (VCFRenderer, JSONRenderer, ProblemRenderer)
    export_media_type = VCFRenderer.media_type

    def list(self, request: Request, analysis: Any) -> StreamingHttpResponse:
        check_parameters(request, set())
        found = self.ready_analysis()
        record_access(request._request, self.caller, "Variant", str(analysis), action="export")
        rows = streamed_rows(self.get_queryset().order_by("chrom", "pos", "id").values_list(*Allele._fields))
        names = self.get_queryset().filter_names()
        lines = vcf_lines(
            map(Allele._make, rows), build=found["genome_build"], sample=found["vcf_sample"], filters=names
        )
        return export(lines, media_type=self.export_media_type, filename=f"{analysis}.vcf")


class VariantNDJSONViewSet(VariantsOfAnalysis):
    """All variants of an analysis as one JSON object a line."""

    renderer_classes = (NDJSONRenderer, JSONRenderer, ProblemRenderer)
    export_media_type = NDJSONRenderer.media_type

    def list(self, request: Request, analysis: Any) -> StreamingHttpResponse:
        check_parameters(request, set())
        self.ready_analysis()
        record_access(request._request, self.caller, "Variant", str(analysis), action="export")
        rows = streamed_rows(
            self.get_queryset().order_by("chrom", "pos", "id").values_list(json_of(self.serializer_class))
        )
        return export((f"{row[0]}\n" for row in rows), media_type=self.export_media_type, filename=f"{analysis}.ndjson")


class FindingViewSet(RecordViewSet):
    """Classifications of variants by people. Confirmed ones are superseded, never edited."""

    queryset = Finding.objects.all()
    serializer_class = serializers.FindingSerializer
    filterset_class = filters.FindingFilter

    def perform_create(self, **values: Any) -> Record:
        return operations.draft_finding(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_finding(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_finding(record, caller=self.caller, **values)


class ReportViewSet(RecordViewSet):
    """Signed statements about an analysis. A change after signing is a new report that replaces the old one."""

    queryset = Report.objects.all()
    serializer_class = serializers.ReportSerializer
    filterset_class = filters.ReportFilter
    renditions: ClassVar[Mapping[str, Rendition]] = {
        "fhir": Rendition(MEDIA_TYPE, "A Bundle of HL7 FHIR R4 around a DiagnosticReport."),
    }

    def perform_create(self, **values: Any) -> Record:
        return operations.draft_report(caller=self.caller, **{"findings": [], **values})

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit_report(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move_report(record, caller=self.caller, **values)

    @action(detail=True, methods=["get"])
    def fhir(self, request: Request, pk: Any) -> HttpResponse:
        """The report as HL7 FHIR R4: a DiagnosticReport with its Specimen and an Observation a finding.

        A signed report shows what was signed, whatever has changed since.
        """
        check_parameters(request, set())
        report = self.get_queryset().with_subject().get(pk=pk)
        content = shown_content(report, caller=self.caller)
        body = report_bundle(
            content,
            status=report.status,
            organization=report.organization,
            changed_at=instant(report.updated_at),
        )
        return self.render(pk, body)
