"""OpenAPI 3.1, complete: every status a client can get, with its body and headers, from the declarations the code runs on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from .history import HISTORY_ORDERINGS
from .openapi import header, query
from .pagination import DEFAULT_LIMIT, MAX_LIMIT
from .representation import Computed
from .serializers import RecordSerializer

Schema = dict[str, Any]

# What can go wrong, by action; the statuses of `ALWAYS` belong to every operation behind a token.
ALWAYS = (400, 401, 403, 404, 406, 414, 429, 431, 500, 503)
BODY = (408, 409, 413, 415)
STREAMED = (*BODY, 422)
TROUBLE: dict[str, tuple[int, ...]] = {
    "create": (*BODY, 422),
    "update": (*BODY, 412, 428),
    "partial_update": (*BODY, 412, 428),
    "destroy": (409, 412, 428),
    "transitions": (*BODY, 412, 422, 428),
}
WORDS = {
    "list": "One page, newest first unless ordered otherwise. Follow `next` and `previous`; there is no total.",
    "retrieve": "One record. With `If-None-Match` an unchanged one is 304.",
    "create": "Makes a record. With an `Idempotency-Key` a retry answers what the first request answered.",
    "update": "Replaces the record: what the body leaves out returns to its default.",
    "partial_update": "Changes the members that the body has (JSON Merge Patch, RFC 7396).",
    "destroy": "Deletes a record that is still in its first state and has no dependants.",
    "transitions": "Moves the record to another status.",
    "history": "Every change of the record, recorded by the database: when, what, by whom, and the record as it then was.",
}
ETAG_HEADER: Schema = {
    "description": "The record's version, for If-Match and If-None-Match.",
    "schema": {"type": "string"},
}
LOCATION_HEADER: Schema = {"description": "URL of the new record.", "schema": {"type": "string", "format": "uri"}}
# As long as the data are: a client is to write it to a file, and not to read it into a text.
FILE: Schema = {"type": "string", "format": "binary"}
REPLAYED_HEADER: Schema = {
    "description": "`true` when this is the stored answer of an earlier request.",
    "schema": {"type": "string"},
}


IF_MATCH = header("If-Match", "The ETag of the version that was read.", required=True, examples=['"1"'])
IF_NONE_MATCH = header("If-None-Match", "The ETag of the version the client holds.", examples=['"1"'])
IDEMPOTENCY_KEY = header(
    "Idempotency-Key", "Makes a retry safe for 24 hours.", minLength=1, maxLength=128, pattern="^[ -~]+$"
)
PAGE = [
    {
        **query("limit", "Rows a page."),
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    },
    query("cursor", "From `next` or `previous`, as it was given."),
]


class BearerScheme(OpenApiAuthenticationExtension):
    """The token, as OpenAPI calls it."""

    target_class = "chassis.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of a trusted OpenID Connect issuer.",
        }


class ComputedField(OpenApiSerializerFieldExtension):
    """A Computed documents itself by its child."""

    target_class = "chassis.representation.Computed"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        return auto_schema._map_serializer_field(self.target.child, direction)


class RecordSchema(AutoSchema):
    """One operation, from the view's action."""

    view: Any

    @property
    def _action(self) -> str:
        return str(self.view.action)

    @property
    def _record(self) -> ResolvedComponent:
        return self.resolve_serializer(self.view.serializer_class(), "response")

    def _named(self, name: str, schema: Schema) -> Schema:
        """A reference to the schema as a component: what is generated from the document calls it by a name of ours."""
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema=schema, object=name)
        self.registry.register_on_missing(component)
        return component.ref

    def _postprocess_serializer_schema(self, schema: Schema, serializer: Any, direction: Any) -> Schema:
        """A record is what its model says it is, where its serializer has no words of its own; answers leave nothing out."""
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if isinstance(serializer, RecordSerializer):
            words = type(serializer).__doc__ or serializer.Meta.model.__doc__ or ""
            schema["description"] = inspect.cleandoc(words).partition("\n\n")[0]
            if direction == "response":
                schema["required"] = list(schema["properties"])
            elif serializer.partial:
                for member in map(schema["properties"].__getitem__, serializer.removable):
                    member |= {"type": [member["type"], "null"]}
                    member |= {"enum": [*member["enum"], None]} if "enum" in member else {}
        return schema

    def _tokenize_path(self) -> list[str]:
        # In an operation's id a dot would be a character that no programming language has in a name.
        return [token.replace(".", "_") for token in super()._tokenize_path()]

    def get_tags(self) -> list[str]:
        return [self.view.model._meta.verbose_name_plural]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular dropped the arguments
        method = getattr(type(self.view), self._action, None)
        words = getattr(method, "__doc__", None) or WORDS.get(self._action, "")
        return f"{words}\n\nScope: `{self._scope()}`."

    def get_summary(self) -> str:
        return f"{self._action.replace('_', ' ')} {self.view.model._meta.verbose_name}"

    def get_auth(self) -> list[Schema]:
        super().get_auth()  # makes the scheme a component
        return [{"bearer": [self._scope()]}]

    def _scope(self) -> str:
        request = type("Request", (), {"method": self.method, "user": None})
        return str(self.view.required_scope(request))

    def _get_parameters(self) -> list[Schema]:
        parameters: list[Schema] = super()._get_parameters()
        action = self._action
        if action == "list" and not self._exports:
            parameters += [query("ordering", "The order of the list.", enum=list(self.view.orderings)), *PAGE]
        elif action == "history":
            parameters += [query("ordering", "The order of the list.", enum=list(HISTORY_ORDERINGS)), *PAGE]
        elif action == "retrieve" or action in self.view.renditions:
            parameters.append(IF_NONE_MATCH)
        elif action in {"update", "partial_update", "destroy", "transitions"}:
            parameters.append(IF_MATCH)
        if action in {"create", "transitions"}:
            parameters.append(IDEMPOTENCY_KEY)
        own: list[Schema] = getattr(self.view, "documented_parameters", {}).get(action, [])
        return parameters + own

    @property
    def _exports(self) -> bool:
        """A list that is streamed whole: neither paged nor filtered."""
        return hasattr(self.view, "export_media_type")

    def get_filter_backends(self) -> list[Any]:
        return list(super().get_filter_backends()) if self._action == "list" and not self._exports else []

    def _get_pagination_parameters(self) -> list[Schema]:
        return []  # ours stand in _get_parameters, beside the ordering

    def _get_request_body(self, direction: Any = "request") -> Schema | None:
        if streamed := self.view.streaming_actions.get(self._action):
            content: Schema = {media_type: {"schema": FILE} for media_type in streamed.media_types}
        elif self._action == "transitions":
            content = {"application/json": {"schema": self._transition()}}
        elif self._action == "partial_update":
            # Plain JSON is taken too; two media types with one schema would only be two functions in a generated client.
            patch = self.resolve_serializer(self.view.serializer_class(partial=True), "request").ref
            content = {"application/merge-patch+json": {"schema": patch}}
        elif self._action in {"create", "update"}:
            schema = self.resolve_serializer(self.view.serializer_class(), "request").ref
            content = {"application/json": {"schema": schema, "example": self.view.serializer_class.Meta.example}}
        else:
            return None
        return {"content": content, "required": True}

    def _transition(self) -> Schema:
        machine = self.view.model.machine
        declared = self.view.transition_serializer().fields
        more = {name: self._map_serializer_field(field, "request") for name, field in declared.items()}
        return {
            "type": "object",
            "required": ["to"],
            "additionalProperties": False,
            "properties": {
                **more,
                "to": {"type": "string", "enum": machine.targets},
                "reason": {
                    "type": "string",
                    "maxLength": 1000,
                    "description": f"Required for {', '.join(sorted(machine.reasoned)) or 'none'}.",
                },
            },
            "examples": [{"to": machine.targets[0]}],
        }

    def _get_response_bodies(self, direction: Any = "response") -> Schema:
        special = STREAMED if self._action in self.view.streaming_actions else TROUBLE.get(self._action, ())
        statuses = sorted({*ALWAYS, *special, *getattr(self.view, "documented_trouble", {}).get(self._action, ())})
        return {
            **self._success(),
            **{str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses},
        }

    def _success(self) -> Schema:
        action = self._action
        if self._exports:
            return {"200": _content(self.view.export_media_type, FILE, "The whole export, streamed.")}
        not_modified = {"304": {"description": "Not changed since.", "headers": {"ETag": ETAG_HEADER}}}
        if rendition := self.view.renditions.get(action):
            shown = _content(rendition.media_type, {"type": "object"}, rendition.description)
            return {"200": {**shown, "headers": {"ETag": ETAG_HEADER}}, **not_modified}
        if action == "destroy":
            return {"204": {"description": "Deleted."}}
        if streamed := self.view.streaming_actions.get(action):
            return {
                str(status): _content("application/json", self._outcome(streamed.schema), words)
                for status, words in streamed.answers.items()
            }
        name = self._record.name
        if action == "list":
            page = self._named(f"{name}Page", _page(self._record.ref))
            return {"200": _content("application/json", page, "One page.")}
        if action == "history":
            event = self._named(f"{name}Event", _event(self._past_record()))
            page = self._named(f"{name}EventPage", _page(event))
            return {"200": _content("application/json", page, "One page of changes.")}
        record = {**_content("application/json", self._record.ref, "The record."), "headers": {"ETag": ETAG_HEADER}}
        if action == "create":
            record["headers"] |= {"Location": LOCATION_HEADER, "Idempotent-Replayed": REPLAYED_HEADER}
            return {"201": record}
        return {"200": record, **(not_modified if action == "retrieve" else {})}

    def _outcome(self, answer: Mapping[str, Any]) -> Schema:
        """What a streamed body came to. A member that the record has too is described there, and is not null by now."""
        record = self._record.schema["properties"]
        shared = {name: _not_null(record[name]) for name in answer["properties"] if name in record}
        schema = {**answer, "properties": {**answer["properties"], **shared}}
        return self._named(f"{self._record.name}{self._action.title()}Outcome", schema)

    def _past_record(self) -> Schema:
        """The record in an event: without the members that no past version keeps."""
        fields = self.view.serializer_class().fields.items()
        lost = {name for name, field in fields if isinstance(field, Computed) and not field.history}
        if not lost:
            return self._record.ref
        members = {name: one for name, one in self._record.schema["properties"].items() if name not in lost}
        schema = {**self._record.schema, "properties": members, "required": list(members)}
        return self._named(f"Past{self._record.name}", schema)


def _content(media_type: str, schema: Mapping[str, Any], description: str) -> Schema:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _not_null(schema: Schema) -> Schema:
    kinds = [kind for kind in schema["type"] if kind != "null"] if isinstance(schema["type"], list) else []
    return {**schema, "type": kinds[0]} if len(kinds) == 1 else schema


def _page(row: Schema) -> Schema:
    link = {"type": ["string", "null"], "format": "uri"}
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "properties": {"results": {"type": "array", "items": row}, "next": link, "previous": link},
    }


def _event(record: Schema) -> Schema:
    text = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["at", "action", "actor", "request_id", "trace_id", "version", "record"],
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "action": {"type": "string", "enum": ["created", "changed", "deleted"]},
            "actor": text,
            "request_id": text,
            "trace_id": text,
            "version": {"type": "integer"},
            "record": record,
        },
    }
