"""The OpenAPI 3.1 document, drawn from the routes and the models that check requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from nasd import wire
from nasd.server.problems import PROBLEM_JSON
from nasd.server.routes import JSON, Route
from nasd.server.streams import EVENT_STREAM

Schema = dict[str, Any]
REF: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = """\
Search, cited answers and the administration of one daemon.

Lists are pages: follow `next_cursor` until it is null. Errors are problem documents (RFC 9457) whose `code`
is stable. Over the network every call but the open ones needs `Authorization: Bearer …`; what a token may do
is set by its scopes, named at each operation. The daemon's owner needs no token on the local Unix socket.
`GET /metrics` needs none from the daemon's own machine and a token with the scope `search` from elsewhere."""


def draw(routes: Sequence[Route], *, version: str) -> Schema:
    """The document for these routes. Only what the routes declare goes in."""
    refs, schemas = _schemas(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        paths.setdefault(route.url, {})[route.method.lower()] = _operation(route, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nasd",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(routes: Iterable[Route]) -> tuple[Mapping[type[BaseModel], Schema], Mapping[str, Schema]]:
    """Each model's reference, and the definitions they refer to."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(wire.Problem, "serialization"): None}
    for route in routes:
        for model in (route.path, route.query, route.body):
            if model is not None:
                wanted[model, "validation"] = None
        for model in (route.reply, *route.also.values()):
            if model is not None:
                wanted[model, "serialization"] = None
    drawn, definitions = models_json_schema(list(wanted), ref_template=REF)
    refs = {model: drawn[model, mode] for model, mode in wanted}
    return refs, definitions.get("$defs", {})


def _operation(route: Route, refs: Mapping[type[BaseModel], Schema], schemas: Mapping[str, Schema]) -> Schema:
    parameters = [
        *_parameters(route.path, "path", refs, schemas),
        *_parameters(route.query, "query", refs, schemas),
    ]
    operation: Schema = {
        "operationId": route.name.replace(".", "_"),
        "tags": [route.tag],
        "summary": route.summary,
        "responses": _responses(route, refs),
    }
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": refs[route.body]}}}
    if route.scope is not None:
        operation["security"] = [{"bearer": []}]
        operation["description"] = f"Scope: `{route.scope.value}`."
    else:
        operation["security"] = []
    return operation


def _responses(route: Route, refs: Mapping[type[BaseModel], Schema]) -> Schema:
    content: Schema = {media: {"schema": _plain_schema(media)} for media in route.media}
    if route.reply is not None:
        content[JSON] = {"schema": refs[route.reply]}
    found: Schema = {str(route.status): _response(route.status, content)}
    for status, model in route.also.items():
        more = {JSON: {"schema": refs[model]}} if model is not None else content if status == 206 else {}
        found[str(status)] = _response(status, more)
    problem = {PROBLEM_JSON: {"schema": refs[wire.Problem]}}
    found["default"] = {"description": "A problem document", "content": problem}
    return found


def _response(status: int, content: Schema) -> Schema:
    described: Schema = {"description": HTTPStatus(status).phrase}
    return {**described, "content": content} if content else described


def _plain_schema(media: str) -> Schema:
    """Text is a string; of bytes, and of events one after the other, a schema has nothing to say."""
    return {"type": "string"} if media.startswith("text/") and media != EVENT_STREAM else {}


def _parameters(
    model: type[BaseModel] | None,
    where: str,
    refs: Mapping[type[BaseModel], Schema],
    schemas: Mapping[str, Schema],
) -> list[Schema]:
    """One parameter for each field of a model. A field that may be absent is not also null in a URL."""
    if model is None:
        return []
    whole = schemas[re.sub(r"^#/components/schemas/", "", refs[model]["$ref"])]
    required = set(whole.get("required", ()))
    found = []
    for name, described in whole["properties"].items():
        schema = {key: value for key, value in described.items() if key not in ("title", "description")}
        choices = [one for one in schema.pop("anyOf", ()) if one.get("type") != "null"]
        if len(choices) == 1:
            schema = {**choices[0], **schema}
        elif choices:
            schema["anyOf"] = choices
        if schema.get("default", ...) is None:
            del schema["default"]
        parameter: Schema = {"name": name, "in": where, "required": name in required, "schema": schema}
        if "description" in described:
            parameter["description"] = described["description"]
        found.append(parameter)
    return found
