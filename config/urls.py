"""Mounts the chassis's own routes, and each service this process serves under /<service>/v1/."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [
    *(path(f"{service}/v1/", include(f"{service}.urls")) for service in settings.SERVICES),
    path("", include("chassis.urls")),
]

handler400 = "chassis.problems.bad_request"
handler403 = "chassis.problems.forbidden"
handler404 = "chassis.problems.not_found"
handler500 = "chassis.problems.server_error"
