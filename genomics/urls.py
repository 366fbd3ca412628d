"""The routes of this service, below its prefix."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from chassis.urls import documents

from . import views

app_name = __package__

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("samples", views.SampleViewSet, "sample")
router.register("analyses", views.AnalysisViewSet, "analysis")
router.register("findings", views.FindingViewSet, "finding")
router.register("reports", views.ReportViewSet, "report")

variants = "analyses/<uuid:analysis>/variants"

urlpatterns = [
    *router.urls,
    path(variants, views.VariantViewSet.as_view({"get": "list"}), name="variant-list"),
    path(f"{variants}/<uuid:id>", views.VariantViewSet.as_view({"get": "retrieve"}), name="variant-detail"),
    path(f"{variants}.vcf", views.VariantVCFViewSet.as_view({"get": "list"}), name="variant-vcf"),
    path(f"{variants}.ndjson", views.VariantNDJSONViewSet.as_view({"get": "list"}), name="variant-ndjson"),
    *documents(app_name),
]
