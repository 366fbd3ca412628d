"""Stock Django REST framework: ModelViewSet, ModelSerializer, PageNumberPagination, and connections that are kept."""

from __future__ import annotations

from typing import Any, ClassVar

from bench.stacks.setup import configure

configure(
    __name__,
    ["rest_framework"],
    REST_FRAMEWORK={
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "PAGE_SIZE": 50,
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
    },
)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import IntegrityError, connection  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils.cache import get_conditional_response  # noqa: E402
from rest_framework import mixins, pagination, routers, serializers, viewsets  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402

from bench.stacks.models import ORGANIZATION, Sample, SampleColumns, Variant, WrittenSample  # noqa: E402
from bench.stacks.tables import CHROMOSOMES, LOOK_BACK, SAMPLE_FIELDS, VARIANT_FIELDS, fault_of_moments  # noqa: E402


class SampleSerializer(serializers.ModelSerializer[Sample]):
    parent = serializers.UUIDField(source="parent_id", required=False, allow_null=True)  # type: ignore[assignment]

    class Meta:
        model: type[SampleColumns] = Sample
        fields: ClassVar = list(SAMPLE_FIELDS)
        read_only_fields = ("id", *SAMPLE_FIELDS[SAMPLE_FIELDS.index("status") :])


class WrittenSampleSerializer(SampleSerializer):
    class Meta(SampleSerializer.Meta):
        model = WrittenSample

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if fault := fault_of_moments(attrs.get("collected_at"), attrs.get("received_at")):
            raise serializers.ValidationError(fault)
        return attrs


class VariantSerializer(serializers.ModelSerializer[Variant]):
    chrom = serializers.SerializerMethodField()

    class Meta:
        model = Variant
        fields: ClassVar = list(VARIANT_FIELDS)

    def get_chrom(self, variant: Variant) -> str:
        return CHROMOSOMES[variant.chrom - 1]


class SampleViewSet(viewsets.ModelViewSet[Sample]):
    queryset = Sample.objects.filter(organization=ORGANIZATION).order_by("-created_at", "-id")

    def get_serializer_class(self) -> Any:
        return WrittenSampleSerializer if self.request.method == "POST" else SampleSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        sample = self.get_object()
        tag = f'"{sample.version}"'
        answer = Response(self.get_serializer(sample).data, headers={"ETag": tag})
        # Django's own; it answers 304, or the answer that it was given.
        return get_conditional_response(request, etag=tag, response=answer)

    def perform_create(self, serializer: Any) -> None:
        try:
            serializer.save()
        except IntegrityError:
            raise serializers.ValidationError("A sample with this accession exists already.") from None


class Hundred(pagination.PageNumberPagination):
    page_size = 100


class VariantViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Variant]):
    serializer_class = VariantSerializer
    pagination_class = Hundred

    def get_queryset(self) -> Any:
        chrom, _, span = self.request.query_params["region"].partition(":")
        start, end = map(int, span.split("-"))
        found = Variant.objects.filter(analysis_id=self.kwargs["analysis"], chrom=int(chrom))
        found = found.filter(pos__gte=start - LOOK_BACK, pos__lte=end, end_pos__gte=start)
        return found.order_by("chrom", "pos", "id")


def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


router = routers.SimpleRouter(trailing_slash=False)
router.register("samples", SampleViewSet)
urlpatterns = [
    path("livez", livez),
    path("readyz", readyz),
    path("genomics/v1/", include(router.urls)),
    path("genomics/v1/analyses/<uuid:analysis>/variants", VariantViewSet.as_view({"get": "list"})),
]
application = get_wsgi_application()
