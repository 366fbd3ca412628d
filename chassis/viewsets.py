"""The verbs every resource has. A service's viewset names a queryset, a serializer, a filterset, and the operations it overrides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from django.http import HttpResponse
from rest_framework.decorators import action
from rest_framework.request import Request

from . import records
from .concurrency import check_match, etag, not_modified
from .filters import StrictFilterBackend, check_parameters
from .history import HISTORY_ORDERINGS
from .issuers import Caller
from .logs import record_access
from .models import Record
from .pagination import KeysetPagination
from .parsers import MergePatchParser, StrictJSONParser
from .permissions import check_scope
from .problems import Problem
from .renderers import json_response
from .representation import history_json_of, json_of
from .serializers import RecordSerializer, TransitionSerializer, kept
from .statements import Question, Values
from .views import ServiceViewSet


class RecordViewSet(ServiceViewSet):
    """List, create, read, replace, patch, delete, transitions and history of one kind of record."""

    serializer_class: type[RecordSerializer]
    transition_serializer: type[TransitionSerializer] = TransitionSerializer
    parser_classes = (StrictJSONParser, MergePatchParser)
    # The first is the default. Each ends in a unique column, and has an index that leads with the organization.
    orderings: ClassVar[Mapping[str, Sequence[str]]] = {
        "-created_at": ("-created_at", "-id"),
        "created_at": ("created_at", "id"),
    }

    def get_parsers(self) -> list[Any]:
        """A merge patch is the body of a PATCH and of nothing else."""
        parsers: list[Any] = super().get_parsers()
        return parsers if self.request and self.request.method == "PATCH" else parsers[:1]

    # What a service overrides: each is one call of an operation. `values` of a creation hold the record above too, and
    # `returning`, which is for `records.create`; those of a transition `to`, `reason`, and what the resource's own
    # `transition_serializer` adds.
    def perform_create(self, **values: Any) -> Record:
        return cast("Record", records.create(self.model, caller=self.caller, **values))

    def perform_update(self, record: Record, **values: Any) -> None:
        records.edit(record, caller=self.caller, **values)

    def perform_transition(self, record: Record, **values: Any) -> None:
        records.move(record, caller=self.caller, **values)

    def perform_delete(self, record: Record) -> None:
        records.delete(record, caller=self.caller)

    def list(self, request: Request, **above: Any) -> HttpResponse:
        return self.list_response(
            StrictFilterBackend().narrow(request, self.question(), self),
            json_of(self.serializer_class),
            self.orderings,
            record=str(above[self.parent]) if self.parent else None,
            when_empty=self.check_parent,
        )

    def retrieve(self, request: Request, pk: str, **above: Any) -> HttpResponse:
        check_parameters(request, set())
        version, body = self.one(pk, "version", json_of(self.serializer_class))
        unchanged = not_modified(request, version)  # or it raises, and nothing is shown
        record_access(request._request, self.caller, self.model.__name__, str(pk), action="retrieve")
        if unchanged:
            return HttpResponse(status=304, headers={"ETag": etag(version)})
        return json_response(body, headers={"ETag": etag(version)})

    def create(self, request: Request, **above: Any) -> HttpResponse:
        check_parameters(request, set())
        return self.write(self._create)

    def update(self, request: Request, pk: str, partial: bool = False, **above: Any) -> HttpResponse:
        check_parameters(request, set())
        return self.write(lambda: self._update(pk, partial=partial))

    def partial_update(self, request: Request, pk: str, **above: Any) -> HttpResponse:
        return self.update(request, pk, partial=True)

    def destroy(self, request: Request, pk: str, **above: Any) -> HttpResponse:
        check_parameters(request, set())
        return self.write(lambda: self._delete(pk))

    @action(detail=True, methods=["post"])
    def transitions(self, request: Request, pk: str, **above: Any) -> HttpResponse:
        check_parameters(request, set())
        return self.write(lambda: self._transition(pk))

    @action(detail=True, methods=["get"])
    def history(self, request: Request, pk: str, **above: Any) -> HttpResponse:
        check_parameters(request, set(KeysetPagination.parameters))
        events = self.model._meta.get_field("events").related_model
        past = Question(events, (type(self), "history"), self._past, {**self.question().values, "pk": pk})

        def refuse_unknown() -> None:
            if not past.queryset().exists():
                raise Problem("not-found")

        rows = history_json_of(self.serializer_class)
        return self.list_response(past, rows, HISTORY_ORDERINGS, record=str(pk), when_empty=refuse_unknown)

    @classmethod
    def _past(cls, values: Values) -> Any:
        """What happened to a record, also once it is gone; so the organization is asked of the events themselves."""
        events = cls.queryset.model._meta.get_field("events").related_model._default_manager  # type: ignore[union-attr]
        mine = events.filter(pgh_obj_id=values["pk"], organization=values["caller"].organization)
        return mine.filter(**{f"{cls.parent}_id": values["above"]}) if cls.parent else mine

    def required_scope(self, request: Request) -> str | None:
        scope = super().required_scope(request)
        if self.action == "transitions" and isinstance(request.user, Caller):
            # Whoever holds only the scope of one special target may come this far; _transition looks at the target.
            special = [
                name for name in self._machine.scopes.values() if f"{self.service}:{name}" in request.user.scopes
            ]
            return f"{self.service}:{special[0]}" if special else scope
        return scope

    @property
    def _machine(self) -> Any:
        return self.model.machine

    def _answer(self, pk: Any) -> HttpResponse:
        version, body = self.one(pk, "version", json_of(self.serializer_class))
        return json_response(body, headers={"ETag": etag(version)})

    def _create(self) -> HttpResponse:
        self.check_parent()
        shown = json_of(self.serializer_class)
        record = self.perform_create(**self._validated(), **self.above, returning=shown)
        location = self.request.build_absolute_uri(f"{self.request.path}/{record.pk}")
        body = record.returned or self.one(record.pk, shown)[0]
        return json_response(body, status=201, headers={"ETag": etag(record.version), "Location": location})

    def _update(self, pk: str, *, partial: bool) -> HttpResponse:
        record = self._matching(pk)
        current = json.loads(self.one(pk, "version", json_of(self.serializer_class))[1])
        self.perform_update(record, **self._validated(current=current, partial=partial))
        return self._answer(pk)

    def _delete(self, pk: str) -> HttpResponse:
        self.perform_delete(self._matching(pk))
        return HttpResponse(status=204)

    def _transition(self, pk: str) -> HttpResponse:
        record = self._matching(pk)
        serializer = kept(self.transition_serializer)
        serializer.fields["to"].choices = self._machine.targets  # type: ignore[attr-defined]
        values = dict(serializer.run_validation(self.document))
        check_scope(self.caller, f"{self.service}:{self._machine.scopes.get(values['to'], 'write')}")
        self.perform_transition(record, **values)
        return self._answer(pk)

    def _matching(self, pk: str) -> Record:
        """The locked record, when it exists and `If-Match` names its version."""
        record = records.locked(self.get_queryset(), pk=pk)
        check_match(self.request, record.version)
        return cast("Record", record)

    def _validated(self, *, current: Mapping[str, Any] | None = None, partial: bool = False) -> dict[str, Any]:
        return self.serializer_class.validated(self.document, current=current or {}, partial=partial)
