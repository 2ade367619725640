"""The document is valid, names exactly the routes there are, and replies agree with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from nasd.server.app import ROUTES, make_app
from nasd.server.openapi import draw
from tests.unit.server.conftest import Site

DOCUMENT = draw(ROUTES, version="1.2.3")


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).validate()


async def test_it_names_exactly_the_routes_of_the_application(site: Site) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in make_app(site.world.flows).router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    named = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert named == served
    assert len(served) == len(ROUTES)
    reply = await site.send("GET", "/openapi.json", None)
    assert reply.json() == json.loads(json.dumps(DOCUMENT))


def test_operation_ids_are_unique() -> None:
    ids = [what["operationId"] for methods in DOCUMENT["paths"].values() for what in methods.values()]
    assert len(ids) == len(set(ids))


def test_parameters_come_from_the_models_that_check_them() -> None:
    listing = {one["name"]: one for one in DOCUMENT["paths"]["/api/v1/files"]["get"]["parameters"]}
    assert listing["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert listing["state"]["schema"] == {
        "type": "string",
        "enum": ["pending", "indexed", "failed", "skipped"],
    }
    assert not listing["limit"]["required"]
    (why,) = DOCUMENT["paths"]["/api/v1/why"]["get"]["parameters"]
    assert (why["in"], why["required"]) == ("query", True)
    (file_id,) = DOCUMENT["paths"]["/api/v1/files/{id}"]["get"]["parameters"]
    assert (file_id["in"], file_id["required"]) == ("path", True)


def test_open_routes_say_that_they_are_open() -> None:
    assert DOCUMENT["paths"]["/healthz"]["get"]["security"] == []
    assert DOCUMENT["paths"]["/api/v1/search"]["post"]["security"] == [{"bearer": []}]


def schema_of(method: str, path: str, status: int, media_type: str) -> dict[str, Any]:
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    schema: dict[str, Any] = response["content"][media_type]["schema"]
    return {**schema, "components": DOCUMENT["components"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/search", {"query": "x"}, 200),
        ("POST", "/api/v1/search", {"query": ""}, 422),
        ("POST", "/api/v1/ask", {"question": "x"}, 200),
        ("POST", "/api/v1/ask", {"question": "nothing"}, 200),
        ("GET", "/api/v1/volumes", None, 200),
        ("POST", "/api/v1/volumes", {"path": "/srv/b", "ignore": ["*.tmp"]}, 201),
        ("GET", "/api/v1/volumes/{name}", None, 200),
        ("POST", "/api/v1/volumes/{name}/scan", None, 202),
        ("POST", "/api/v1/volumes/{name}/pause", None, 200),
        ("POST", "/api/v1/volumes/{name}/resume", None, 200),
        ("GET", "/api/v1/files", None, 200),
        ("GET", "/api/v1/files/{id}", None, 200),
        ("GET", "/api/v1/files/{id}/text", None, 200),
        ("GET", "/api/v1/files/{id}/why", None, 200),
        ("GET", "/api/v1/why?path=/x", None, 200),
        ("GET", "/api/v1/status", None, 200),
        ("GET", "/api/v1/jobs", None, 200),
        ("GET", "/api/v1/models", None, 200),
        ("POST", "/api/v1/models/use", {"name": "other"}, 202),
        ("POST", "/api/v1/models/use", {"name": "unknown"}, 404),
        ("POST", "/api/v1/models/use", {"name": ""}, 422),
        ("GET", "/api/v1/evaluations", None, 200),
        ("POST", "/api/v1/evaluations", None, 200),
        ("GET", "/api/v1/devices", None, 200),
        ("POST", "/api/v1/devices", {"name": "new"}, 201),
        ("GET", "/api/v1/devices/{name}", None, 200),
        ("DELETE", "/api/v1/devices/{name}", None, 200),
        ("GET", "/api/v1/devices/{name}", None, 404),
        ("GET", "/healthz", None, 200),
        ("GET", "/readyz", None, 200),
        ("GET", "/readyz", None, 503),
    ],
)
async def test_replies_agree_with_it(site: Site, method: str, path: str, body: object, status: int) -> None:
    site.world.files.put(1, b"a.txt", b"x")
    site.world.files.texts[1] = "x"
    await site.send("POST", "/api/v1/volumes", json={"path": "/srv/a"})
    if status == 503:
        site.world.status.reasons = ["starting"]
    elif status != 404:
        await site.send("POST", "/api/v1/devices", json={"name": "a"})
    address = path.replace("{name}", "a").replace("{id}", "f_1")
    headers = {"Accept": "application/json"}
    reply = await site.send(method, address, json=body, headers=headers)
    assert reply.status == status
    schema = schema_of(method, path.partition("?")[0], status, reply.media_type)
    checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    checker.validate(reply.json())
