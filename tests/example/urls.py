"""The routes of this service, below its prefix."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from chassis.urls import documents

from . import views

# A service at the top of the house says `app_name = __package__`; this one lies in the folder of the tests.
app_name = str(__package__).rpartition(".")[2]

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("samples", views.SpecimenViewSet, "sample")

urlpatterns = [
    *documents(app_name),
    *router.urls,
    path(
        "samples/<uuid:parent>/children.ndjson", views.ChildrenViewSet.as_view({"get": "list"}), name="children-ndjson"
    ),
]
