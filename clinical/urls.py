"""The routes of this service, below its prefix."""

from rest_framework.routers import SimpleRouter

from chassis.urls import documents

from . import views

app_name = __package__

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("patients", views.PatientViewSet, "patient")
router.register("consultations", views.ConsultationViewSet, "consultation")
router.register("diagnoses", views.DiagnosisViewSet, "diagnosis")

below = "consultations/<uuid:consultation>"
router.register(f"{below}/phenotypes", views.PhenotypeViewSet, "phenotype")
router.register(f"{below}/genomic-links", views.GenomicLinkViewSet, "link")
router.register(f"{below}/addenda", views.AddendumViewSet, "addendum")

urlpatterns = [*router.urls, *documents(app_name)]
