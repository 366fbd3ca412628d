"""The routes of this service choose: a queryset, a serializer, a filterset, and one operation a verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request

from chassis.exports import export, streamed_rows
from chassis.filters import check_parameters
from chassis.logs import record_access
from chassis.models import Record
from chassis.renderers import JSONRenderer, ProblemRenderer, encode, json_response
from chassis.representation import json_of
from chassis.streams import BodyReader
from chassis.views import ServiceViewSet, Streamed
from chassis.viewsets import RecordViewSet

from . import filters, operations, serializers
from .models import Specimen

PICTURE = Streamed(
    media_types=["image/jpeg", "image/png"],
    answers={200: "Digest and size of the picture."},
    schema={
        "type": "object",
        "required": ["sha256", "bytes"],
        "properties": {"sha256": {"type": "string"}, "bytes": {"type": "integer"}},
    },
)


class SpecimenViewSet(RecordViewSet):
    """Specimens of patients. A patient is an opaque UUID here."""

    queryset = Specimen.objects.all()
    serializer_class = serializers.SpecimenSerializer
    filterset_class = filters.SpecimenFilter
    streaming_actions: ClassVar[Mapping[str, Streamed]] = {"picture": PICTURE}
    orderings: ClassVar[Mapping[str, Sequence[str]]] = {
        **RecordViewSet.orderings,
        # Unique within the organization, so that no tie needs breaking and the index of that rule is the list's.
        "accession": ("accession",),
        "-accession": ("-accession",),
    }

    def perform_create(self, **values: Any) -> Record:
        return operations.register(caller=self.caller, **values)

    def perform_update(self, record: Any, **values: Any) -> None:
        operations.edit(record, caller=self.caller, **values)

    def perform_transition(self, record: Any, **values: Any) -> None:
        operations.move(record, caller=self.caller, **values)

    @action(detail=True, methods=["put"])
    def picture(self, request: Request, pk: Any) -> HttpResponse:
        """The body is a picture of the tube, read while it arrives; its digest and its size are kept."""
        check_parameters(request, set())
        return self.write(lambda: self._keep_picture(pk))

    def _keep_picture(self, pk: Any) -> HttpResponse:
        body = BodyReader(self.request.META, idle_seconds=settings.BODY_IDLE_SECONDS)
        kept = operations.keep_picture(caller=self.caller, specimen_id=pk, body=body)
        return json_response(encode(kept.picture))


class NDJSONRenderer(JSONRenderer):
    """Negotiates the export of samples as one JSON object a line."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class ChildrenViewSet(ServiceViewSet):
    """All samples that were taken from one, as one JSON object a line."""

    queryset = Specimen.objects.all()
    serializer_class = serializers.SpecimenSerializer
    parent = "parent"
    renderer_classes = (NDJSONRenderer, JSONRenderer, ProblemRenderer)
    export_media_type = NDJSONRenderer.media_type

    def list(self, request: Request, parent: Any) -> StreamingHttpResponse:
        check_parameters(request, set())
        self.check_parent()
        record_access(request._request, self.caller, "Specimen", str(parent), action="export")
        rows = streamed_rows(self.get_queryset().as_exported().values_list(json_of(self.serializer_class)))
        return export((f"{row[0]}\n" for row in rows), media_type=self.export_media_type, filename=f"{parent}.ndjson")
