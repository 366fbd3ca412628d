"""The product's routes, and those that crash, with what the path says in the message and in a cause's."""

from typing import Any, NoReturn

from django.http import HttpRequest
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def crash(words: str) -> NoReturn:
    try:
        raise ValueError(f'cause {words}\n  File "{words}", line 1, in <module>')
    except ValueError as error:
        raise LookupError(f"{words} is not here") from error


class CrashView(APIView):
    """Crashes where the chassis words it."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, words: str) -> Any:
        crash(words)


def bare(request: HttpRequest, words: str) -> Any:
    """Crashes where Django sees it first."""
    crash(words)


urlpatterns = [*product, path("crash/<str:words>", CrashView.as_view()), path("bare/<str:words>", bare)]
