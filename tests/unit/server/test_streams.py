"""Server-sent events: order, resuming, silence, ends from either side."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nasd.domain.identity import Scope
from nasd.errors import Unavailable
from nasd.server.sites import serve
from tests.fakes.flows import World
from tests.unit.server.conftest import Site


async def blocks(response: aiohttp.ClientResponse) -> list[dict[str, str]]:
    """All blocks of a stream that ends by itself, as the fields of each."""
    return [fields(block) for block in (await response.text()).split("\n\n") if block]


def fields(block: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in block.strip().splitlines())


async def ask(site: Site, **body: Any) -> aiohttp.ClientResponse:
    headers = {"Authorization": f"Bearer {await site.world.token(Scope.ASK)}"}
    return await site.http.post(
        f"{site.url}/api/v1/ask", json={"question": "how long?", "stream": True, **body}, headers=headers
    )


async def test_an_answer_comes_about(site: Site) -> None:
    async with await ask(site) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        found = await blocks(response)
    assert [block["event"] for block in found] == ["passages", "token", "token", "citation", "done"]
    tokens = [json.loads(block["data"])["text"] for block in found if block["event"] == "token"]
    assert "".join(tokens) == "It runs five years\n[1]."
    whole = await site.send("POST", "/api/v1/ask", Scope.ASK, json={"question": "how long?"})
    assert json.loads(found[-1]["data"]) == whole.json()
    assert json.loads(found[-2]["data"]) == whole.json()["citations"][0]


@pytest.mark.parametrize(
    ("error", "code"),
    [(Unavailable("The daemon is stopping."), "unavailable"), (RuntimeError("secret"), "internal")],
)
async def test_an_answer_that_breaks_ends_in_an_error(site: Site, error: Exception, code: str) -> None:
    site.world.ask.breaks = error
    async with await ask(site) as response:
        found = await blocks(response)
    assert [block["event"] for block in found] == ["passages", "token", "error"]
    problem = json.loads(found[-1]["data"])
    assert problem["code"] == code
    assert "secret" not in found[-1]["data"]


async def test_a_reader_that_leaves_ends_the_answer(site: Site) -> None:
    site.world.ask.proceed = asyncio.Event()
    async with await ask(site) as response:
        await response.content.readuntil(b"token")
    site.world.ask.proceed.set()
    await asyncio.wait_for(site.world.ask.ended.wait(), 10)


async def follow(site: Site, query: str = "", **headers: str) -> aiohttp.ClientResponse:
    headers["Authorization"] = f"Bearer {await site.world.token(Scope.SEARCH)}"
    return await site.http.get(f"{site.url}/api/v1/events{query}", headers=headers)


async def next_block(response: aiohttp.ClientResponse) -> dict[str, str]:
    return fields((await asyncio.wait_for(response.content.readuntil(b"\n\n"), 10)).decode())


async def test_events_as_they_happen(site: Site) -> None:
    async with await follow(site) as response:
        assert await next_block(response) == {"retry": "3000"}
        await site.world.events.subscribed.wait()
        site.world.events.emit("file.searchable", path="a\nb")
        block = await next_block(response)
    assert (block["id"], block["event"]) == ("1", "file.searchable")
    assert json.loads(block["data"]) == {
        "id": 1,
        "type": "file.searchable",
        "at": "2024-05-02T10:11:12Z",
        "data": {"path": "a\nb"},
    }
    site.world.events.emit("file.gone")  # finds the reader gone, if nothing did before


@pytest.mark.parametrize(
    ("query", "header", "first"), [("", "1", "2"), ("?after=2", None, "3"), ("?after=2", "0", "1")]
)
async def test_events_resume(site: Site, query: str, header: str | None, first: str) -> None:
    for _ in range(3):
        site.world.events.emit("scan.done")
    headers = {} if header is None else {"Last-Event-ID": header}
    async with await follow(site, query, **headers) as response:
        await next_block(response)
        assert (await next_block(response))["id"] == first


@pytest.mark.parametrize("header", ["x", "-1", "1.5", "9" * 30, "١"])
async def test_a_wrong_last_event_id(site: Site, header: str) -> None:
    async with await follow(site, **{"Last-Event-ID": header}) as response:
        assert response.status == 422


async def test_silence_is_broken_and_a_reader_that_left_is_found(tmp_path: Path) -> None:
    world = World(tmp_path)
    running = await serve(world.flows, keep_alive_s=0.02)
    headers = {"Authorization": f"Bearer {await world.token(Scope.SEARCH)}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as session:
        async with session.get("/api/v1/events", headers=headers) as response:
            await response.content.readuntil(b"\n\n")
            assert await response.content.readuntil(b"\n\n") == b": still here\n\n"
        await asyncio.wait_for(world.events.ended.wait(), 10)
    await running.stop()


async def test_a_revoked_device_hears_no_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    running = await serve(world.flows, keep_alive_s=0.02)
    headers = {"Authorization": f"Bearer {await world.token(Scope.SEARCH)}"}
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as session,
        session.get("/api/v1/events", headers=headers) as response,
    ):
        await world.events.subscribed.wait()
        await world.devices.revoke("device-search")
        await asyncio.wait_for(response.read(), 10)
    await running.stop()


async def test_a_stop_ends_event_streams_at_once_and_lets_answers_finish(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ask.proceed = asyncio.Event()
    running = await serve(world.flows, drain_s=30)
    headers = {"Authorization": f"Bearer {await world.token(Scope.ADMIN)}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}", headers=headers) as session:
        async with (
            session.get("/api/v1/events") as events,
            session.post("/api/v1/ask", json={"question": "x", "stream": True}) as answer,
        ):
            await answer.content.readuntil(b"token")
            stopping = asyncio.create_task(running.stop())
            await asyncio.wait_for(events.read(), 10)
            assert not stopping.done()
            world.ask.proceed.set()
            assert b"event: done" in await asyncio.wait_for(answer.read(), 10)
        await asyncio.wait_for(stopping, 10)


async def test_a_stop_cuts_off_what_outlasts_its_deadline(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ask.proceed = asyncio.Event()
    running = await serve(world.flows, drain_s=0.1)
    headers = {"Authorization": f"Bearer {await world.token(Scope.ASK)}"}
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{running.port}", headers=headers) as session,
        session.post("/api/v1/ask", json={"question": "x", "stream": True}) as answer,
    ):
        await answer.content.readuntil(b"token")
        await asyncio.wait_for(running.stop(), 10)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert world.ask.ended.is_set()
