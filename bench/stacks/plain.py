"""Plain Django: the database, and one view that asks it whether it answers."""

from __future__ import annotations

from bench.stacks.setup import configure

configure(__name__, [])

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


def readyz(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


urlpatterns = [path("readyz", readyz)]
application = get_wsgi_application()
