"""Whatever is sent, the server answers below 500 or has an accident of its own to log; here it has none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from nasd.domain.identity import Scope
from nasd.server.access import Rates
from nasd.server.allowance import Rate
from nasd.server.app import ROUTES
from nasd.server.sites import serve
from nasd.wire import FiltersIn
from tests.fakes.flows import World

TEXT = st.text(max_size=40) | st.sampled_from(
    ["a", "home", "f_1", "\0", "..", "/srv", "2024-01-01T00:00:00Z"]
)
NAMES = st.sampled_from(
    sorted(
        {
            name
            for route in ROUTES
            for model in (route.query, route.body)
            if model
            for name in model.model_fields
        }
        | set(FiltersIn.model_fields)
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXT, inner, max_size=5),
    max_leaves=12,
)
HEADERS = st.dictionaries(
    st.sampled_from(["Range", "If-Range", "If-None-Match", "Accept", "Last-Event-ID", "Content-Type"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
    | st.sampled_from(["bytes=0-", "bytes=-1", "application/json"]),
    max_size=3,
)
BOUNDED = [route for route in ROUTES if route.url != "/api/v1/events"]
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Line:
    """A server and a way to ask it from plain code."""

    runner: asyncio.Runner
    session: aiohttp.ClientSession

    def send(self, method: str, url: URL, **rest: Any) -> tuple[int, str, bytes]:
        async def exchange() -> tuple[int, str, bytes]:
            async with self.session.request(method, url, **rest) as response:
                return response.status, response.content_type, await response.read()

        return self.runner.run(exchange())


@asynccontextmanager
async def serving(root: Path) -> AsyncIterator[aiohttp.ClientSession]:
    world = World(root)
    world.files.put(1, b"a.txt", b"some bytes")
    world.files.texts[1] = "text"
    rates = Rates(work=Rate(burst=1e9, per_s=1e9))
    running = await serve(world.flows, rates=rates)
    headers = {"Authorization": f"Bearer {await world.token(Scope.ADMIN)}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}", headers=headers) as session:
        yield session
    await running.stop()


@contextmanager
def line_to(root: Path) -> Iterator[Line]:
    with asyncio.Runner() as runner:
        server = serving(root)
        yield Line(runner, runner.run(server.__aenter__()))
        runner.run(server.__aexit__(None, None, None))


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with line_to(tmp_path) as made:
        yield made


def check(status: int, media_type: str, body: bytes) -> None:
    assert status < 500, body
    if status >= 400:
        assert media_type == "application/problem+json"
        assert json.loads(body)["status"] == status


@FUZZ
@given(route=st.sampled_from([route for route in BOUNDED if route.body]), body=JSON)
def test_any_json(line: Line, route: Any, body: object) -> None:
    path = route.url.replace("{name}", "a")
    check(*line.send(route.method, URL(path), json=body))


@FUZZ
@given(
    route=st.sampled_from(BOUNDED),
    part=TEXT,
    query=st.lists(st.tuples(NAMES | TEXT, TEXT), max_size=3),
    headers=HEADERS,
    data=st.binary(max_size=30),
)
def test_any_address_query_header_and_bytes(
    line: Line, route: Any, part: str, query: list[tuple[str, str]], headers: dict[str, str], data: bytes
) -> None:
    path = URL.build(path=route.url.replace("{name}", "{id}").replace("{id}", part.replace("/", "")))
    body = {"data": data} if route.body else {}
    check(*line.send(route.method, path.with_query(query), headers=headers, **body))


@FUZZ
@given(
    query=st.text(min_size=1, max_size=50).filter(str.strip),
    k=st.integers(1, 100),
    mode=st.sampled_from(["hybrid", "semantic", "lexical"]),
    kinds=st.lists(TEXT, max_size=3),
    after=st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)),
)
def test_every_right_search_is_answered(
    line: Line, query: str, k: int, mode: str, kinds: list[str], after: datetime
) -> None:
    filters = {"kinds": kinds, "path": "**", "modified_after": after.isoformat()}
    body = {"query": query, "k": k, "mode": mode, "filters": filters}
    status, _, reply = line.send("POST", URL("/api/v1/search"), json=body)
    assert status == 200, reply
