"""Every way of being refused is a problem document that says what is wrong and gives nothing away."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from io import BytesIO
from typing import Any

import pytest

from nasd.domain.identity import Scope
from nasd.errors import DiskFull, StateError, Unavailable
from nasd.server.app import BODY_LIMIT
from tests.unit.server.conftest import Reply, Site


async def problem(response: Reply, status: int, code: str) -> dict[str, Any]:
    assert response.status == status
    assert response.media_type == "application/problem+json"
    found: dict[str, Any] = json.loads(response.body)
    assert (found["status"], found["code"]) == (status, code)
    assert found["title"]
    assert found["detail"]
    return found


async def test_unknown_addresses_and_methods(site: Site) -> None:
    await problem(await site.send("GET", "/api/v1/nowhere"), 404, "not_found")
    response = await site.send("PUT", "/api/v1/search")
    await problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": "  "}, "query"),
        ({}, "query"),
        ({"query": "x", "k": 0}, "k"),
        ({"query": "x", "k": "10"}, "k"),
        ({"query": "x", "k": True}, "k"),
        ({"query": "x", "mode": "magic"}, "mode"),
        ({"query": "x", "filters": {"modified_after": "2024-01-01T00:00:00"}}, "filters.modified_after"),
        ({"query": "x", "filters": {"volumes": [1]}}, "filters.volumes.0"),
        ({"query": "x", "surprise": 1}, "surprise"),
        ([], "body"),
    ],
)
async def test_wrong_fields_are_named(site: Site, body: object, field: str) -> None:
    response = await site.send("POST", "/api/v1/search", json=body)
    found = await problem(response, 422, "invalid_request")
    assert [error["field"] for error in found["errors"]] == [field]
    assert site.world.search.asked == []


async def test_values_are_not_sent_back(site: Site) -> None:
    response = await site.send("POST", "/api/v1/devices", json={"name": "s e c r e t"})
    assert "s e c r e t" not in response.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"query": "\\ud800"}', b'{"query": NaN}'])
async def test_a_body_that_is_not_json(site: Site, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await site.send("POST", "/api/v1/search", data=body, headers=headers)
    await problem(response, 422, "invalid_request")


async def test_another_media_type_and_too_much_of_it(site: Site) -> None:
    await problem(await site.send("POST", "/api/v1/search", data=b"a=b"), 415, "unsupported_media_type")
    headers = {"Content-Type": "application/json"}
    response = await site.send(
        "POST", "/api/v1/search", data=BytesIO(b" " * (BODY_LIMIT + 1)), headers=headers
    )
    await problem(response, 413, "too_large")


async def test_a_body_that_unpacks_to_too_much(site: Site) -> None:
    packed = gzip.compress(b" " * (50 * BODY_LIMIT))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await site.send("POST", "/api/v1/search", data=packed, headers=headers)
    await problem(response, 413, "too_large")


async def test_a_damaged_packed_body(site: Site) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await site.send("POST", "/api/v1/search", data=b"not packed", headers=headers)
    assert response.status in (400, 422)
    assert response.media_type == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("surprise=1", "surprise"),
        ("state=lost", "state"),
        ("cursor=x", "cursor"),
        ("cursor=c_zzzzzzzzzzzzzzzz", "cursor"),
    ],
)
async def test_wrong_query_parameters_are_named(site: Site, query: str, field: str) -> None:
    response = await site.send("GET", f"/api/v1/files?{query}")
    found = await problem(response, 422, "invalid_request")
    assert [error["field"] for error in found["errors"]] == [field]


async def test_a_named_listing_takes_its_own_cursors_only(site: Site) -> None:
    for cursor in ("x", "n_%C3%BC", "n_a", "n__w"):
        await problem(await site.send("GET", f"/api/v1/volumes?cursor={cursor}"), 422, "invalid_request")


@pytest.mark.parametrize(
    "file_id", ["1", "f_", "f_A", "f_-1", "p_1", "f_01", "f_zzzzzzzzzzzzz", "..%2F..%2Fetc"]
)
async def test_malformed_file_ids_are_not_found(site: Site, file_id: str) -> None:
    for rest in ("", "/content", "/text", "/why"):
        await problem(await site.send("GET", f"/api/v1/files/{file_id}{rest}"), 404, "not_found")


async def test_an_answerer_that_is_not_there(site: Site) -> None:
    for stream in (False, True):
        body = {"question": "x", "answerer": "llm", "stream": stream}
        found = await problem(await site.send("POST", "/api/v1/ask", json=body), 422, "invalid_request")
        assert found["errors"] == [{"field": "answerer", "detail": "extractive is allowed"}]


async def test_what_is_unavailable_says_so(site: Site) -> None:
    site.world.search.error = Unavailable("The daemon is stopping.", cure="Ask again later.")
    found = await problem(await site.send("POST", "/api/v1/search", json={"query": "x"}), 503, "unavailable")
    assert (found["detail"], found["cure"]) == ("The daemon is stopping.", "Ask again later.")


async def test_an_accident_inside_is_logged_and_not_told(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.world.search.error = RuntimeError("the secret of line 7")
    with caplog.at_level(logging.ERROR):
        response = await site.send("POST", "/api/v1/search", json={"query": "x"})
    await problem(response, 500, "internal")
    assert "secret" not in response.text
    assert "the secret of line 7" in caplog.text


@pytest.mark.parametrize("error", [StateError("/state/nasd.db is damaged."), DiskFull("/state is full.")])
async def test_failures_of_the_state_are_told_to_administrators_alone(site: Site, error: StateError) -> None:
    site.world.search.error = error
    told = await problem(
        await site.send("POST", "/api/v1/search", json={"query": "x"}), error.http_status, error.code
    )
    assert told["detail"] == error.detail
    kept = await problem(
        await site.send("POST", "/api/v1/search", Scope.SEARCH, json={"query": "x"}),
        error.http_status,
        error.code,
    )
    assert "/state" not in json.dumps(kept)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01 nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer secret\0token\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_a_request_that_is_no_http_is_answered_and_not_logged(
    site: Site, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.running.port)
    writer.write(request_bytes)
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert (await site.send("GET", "/healthz", None)).status == 200
    assert caplog.text == ""
