"""What every view behind a token shares: its scope and organization, bodies, pages, one recorded transaction for a write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, cast

from django.db import transaction
from django.http import HttpResponse
from rest_framework import exceptions
from rest_framework.decorators import MethodMapper
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from . import fairness, idempotency
from .authentication import ORGANIZATION_HEADER
from .concurrency import etag, not_modified
from .history import context_of, tell
from .issuers import Caller
from .logs import record_access
from .pagination import KeysetPagination
from .parsers import StrictJSONParser, read_body
from .problems import Problem
from .renderers import JSONRenderer, ProblemRenderer, encode, json_response, page_body
from .statements import Question, Values

Reply = Callable[[], HttpResponse]


class Streamed(NamedTuple):
    """An action that reads its body itself, while it arrives: what it takes, and what it answers by status."""

    media_types: Sequence[str]
    answers: Mapping[int, str]
    schema: Mapping[str, Any]


class Rendition(NamedTuple):
    """An action that shows a record in the form of another standard: its media type, and what it is."""

    media_type: str
    description: str


class ServiceViewSet(GenericViewSet[Any]):
    """What every view behind a token shares: scope by action, bodies read whole and bounded, private caching."""

    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put", "patch", "delete"]  # type: ignore[misc]
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer, ProblemRenderer)
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    lookup_value_converter = "uuid"
    streaming_actions: ClassVar[Mapping[str, Streamed]] = {}
    renditions: ClassVar[Mapping[str, Rendition]] = {}
    # For a resource below another one: the foreign key to it, and the URL parameter of the same name.
    parent: ClassVar[str] = ""
    # The scope of each action that differs from read (GET) and write (all else).
    scopes: ClassVar[Mapping[str, str]] = {}

    @property
    def service(self) -> str:
        return str(self.model._meta.app_label)

    @property
    def model(self) -> Any:
        return cast("Any", type(self)).queryset.model

    def required_scope(self, request: Request) -> str | None:
        """The scope the current action needs; None for an action nobody declared."""
        action: str | None = self.action
        if action is None:
            return None
        if action == "history":
            return "history:read"
        right = "read" if request.method in {"GET", "HEAD"} else "write"
        return f"{self.service}:{self.scopes.get(action, right)}"

    def check_permissions(self, request: Request) -> None:
        if getattr(self, self.action or "", None) is None and request.user is not None:
            raise exceptions.MethodNotAllowed(str(request.method))
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """DRF asks here once it knows who calls, before a body is read."""
        request._request.caller = request.user  # type: ignore[attr-defined]  # the log names who was refused too
        fairness.enter(self.caller)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in {"POST", "PUT", "PATCH"}:
            return
        if request.headers.get("Content-Encoding"):
            raise exceptions.UnsupportedMediaType("")
        if streamed := self.streaming_actions.get(self.action):
            if request.content_type.split(";")[0].strip().lower() not in {"", *streamed.media_types}:
                raise exceptions.UnsupportedMediaType("")
        else:
            # Read here, once: the retry key is a digest of it, and Django alone takes a chunked body for an empty one.
            http: Any = request._request
            self.body = http._body = read_body(http.META)
            http._read_started = True
            http.META["CONTENT_LENGTH"] = str(len(self.body))
            self.document: Any = request.data  # what is not JSON is refused before a transaction begins
            if not self.body:
                # DRF takes it for an empty object: a PATCH that says nothing would be answered 200.
                raise Problem("malformed-body", "The body is empty.")

    @classmethod
    def get_extra_actions(cls) -> list[Any]:
        """As DRF's, which also looks at `schema`, and so imports what makes OpenAPI documents: a tenth of the start."""
        members = (getattr(cls, name) for name in dir(cls) if name != "schema")
        return [member for member in members if isinstance(getattr(member, "mapping", None), MethodMapper)]

    # DRF's way to what finalize_response adds.
    default_response_headers: ClassVar[dict[str, str]] = {}

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What DRF's comes to for responses that are finished, as all of ours are."""
        response.headers["Allow"] = ", ".join(self.allowed_methods)
        response.headers["Vary"] = f"Accept, Authorization, {ORGANIZATION_HEADER}"
        response.headers.setdefault("Cache-Control", "private, no-cache")  # a problem says no-store
        return response

    @property
    def caller(self) -> Caller:
        return cast("Caller", self.request.user)

    @property
    def above(self) -> dict[str, Any]:
        """The column, and the id that the URL gives it, of the record this resource stands below."""
        return {f"{self.parent}_id": self.kwargs[self.parent]} if self.parent else {}

    @classmethod
    def visible(cls, values: Values) -> Any:
        """What the caller may see, below the record that the URL names; a view that shows less narrows it here.

        Its SQL serves the next request too, and `values` are all that it knows of this one. A record's history is asked of
        its events, and only by organization.
        """
        queryset: Any = cls.queryset.all()  # type: ignore[union-attr]
        queryset = queryset.for_caller(values["caller"])
        return queryset.filter(**{f"{cls.parent}_id": values["above"]}) if cls.parent else queryset

    def question(self) -> Question:
        """What is visible, for a list or one record."""
        above = {"above": self.kwargs[self.parent]} if self.parent else {}
        return Question(self.model, (type(self),), self.visible, {"caller": self.caller, **above})

    def get_queryset(self) -> Any:
        return self.question().queryset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in {"get_queryset", "filter_queryset"} & {*vars(cls)}:
            raise TypeError(f"{cls.__name__}: reads do not ask {name}; override `visible`")

    def check_parent(self) -> None:
        """Raises Problem not-found when the record above is not the caller's to see. Costs a query."""
        if self.parent:
            parents = self.model._meta.get_field(self.parent).related_model._default_manager
            if not parents.for_caller(self.caller).filter(pk=self.kwargs[self.parent]).exists():
                raise Problem("not-found")

    def get_renderers(self) -> list[BaseRenderer]:
        renderers = super().get_renderers()
        if rendition := self.renditions.get(getattr(self, "action", None) or ""):
            own = JSONRenderer()
            own.media_type = rendition.media_type
            renderers = [own, *renderers]
        return renderers

    def list_response(
        self,
        question: Question,
        expression: Any,
        orderings: Mapping[str, Sequence[str]],
        *,
        record: str | None = None,
        when_empty: Callable[[], Any] | None = None,
    ) -> HttpResponse:
        """One page of what is asked, each row built by `expression`.

        `when_empty` may raise: a page of rows needs no second query to know that what they belong to exists.
        """
        page = KeysetPagination().page(self.request, question, expression, orderings)
        if when_empty and not page.rows:
            when_empty()
        record_access(self.request._request, self.caller, self.model.__name__, record, action=self.action)
        return json_response(page_body(page.rows, next_link=page.next, previous_link=page.previous))

    def one(self, pk: Any, *columns: Any) -> Any:
        """The row's columns. One query. Raises Problem not-found."""
        question = self.question().narrowed(
            columns, lambda found, values: found.filter(id=values["id"]).values_list(*columns), id=pk
        )
        rows = question.rows()
        if not rows:
            raise Problem("not-found")
        return rows[0]

    def render(self, pk: Any, content: Mapping[str, Any]) -> HttpResponse:
        """The answer of a rendition. It shows several records, so its entity tag is a digest of what it says."""
        body = encode(content)
        tag = hashlib.sha256(body).hexdigest()
        unchanged = not_modified(self.request, tag)  # or it raises, and nothing is shown
        record_access(self.request._request, self.caller, self.model.__name__, str(pk), action=self.action)
        if unchanged:
            return HttpResponse(status=304, headers={"ETag": etag(tag)})
        response = json_response(body, headers={"ETag": etag(tag)})
        if self.request.accepted_renderer.media_type == self.renditions[self.action].media_type:
            response["Content-Type"] = self.renditions[self.action].media_type
        return response

    def write(self, reply: Reply) -> HttpResponse:
        """Runs `reply` in one recorded transaction; a POST with an Idempotency-Key is done once and replayed after."""
        response = self._written(reply)
        # It answers the record; so it is an access as well, once it is committed.
        record = self.kwargs.get("pk") or response.get("Location", "").rpartition("/")[2]
        record_access(self.request._request, self.caller, self.model.__name__, str(record), action=self.action)
        return response

    def _written(self, reply: Reply) -> HttpResponse:
        context = context_of(self.caller, str(getattr(self.request._request, "request_id", "")))
        key = None
        if self.request.method == "POST" and idempotency.HEADER in self.request.headers:
            key = idempotency.Key(self.request, self.caller, self.body)
        with transaction.atomic():
            if key is None:
                tell(context)
            elif stored := key.replay(context):
                return stored
            response = reply()
            if key:
                key.store(response)
        return response
