"""The client against the real server, over the socket, over the network and over nothing at all."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web

from nasd import wire
from nasd.client import Client
from nasd.domain.identity import Scope
from nasd.errors import (
    ConfigError,
    Conflict,
    InvalidRequest,
    NasdError,
    NotFound,
    NotPermitted,
    Unauthenticated,
    Unavailable,
)
from nasd.server.sites import serve
from tests.fakes.flows import World
from tests.unit.server.conftest import Site


async def test_all_that_it_can_ask(site: Site) -> None:
    world = site.world
    for number in range(1, 4):
        world.files.put(number, f"d/{number}.txt".encode(), b"x")
    world.files.texts[1] = "text"
    async with Client.open(socket=site.running.socket_path) as client:
        assert (await client.status()).index.vectors == 7
        assert (await client.ready()).ready
        world.status.reasons = ["starting"]
        assert (await client.ready()).reasons == ["starting"]

        made = await client.add_volume(wire.VolumeIn(path="/srv/home"))
        assert made == await client.volume("home")
        assert [volume.name for volume in await client.volumes()] == ["home"]
        assert (await client.pause_volume("home")).state == "paused"
        assert (await client.resume_volume("home")).state == "active"
        assert (await client.scan_volume("home")).scanning
        await client.remove_volume("home")
        assert await client.volumes() == []

        found = await client.search(wire.SearchIn(query="x", k=3))
        assert found.hits[0].file.id == "f_1"
        assert (await client.ask(wire.AskIn(question="x"))).citations[0].quote == "five years"

        page = await client.files(volume="home", path="d/*", state="indexed", kind="text", limit=2)
        assert [file.id for file in page.items] == ["f_1", "f_2"]
        rest = await client.files(limit=2, cursor=page.next_cursor)
        assert [file.id for file in rest.items] == ["f_3"]
        assert (await client.file("f_2")).path == "d/2.txt"
        assert (await client.file_text("f_1")).text == "text"
        assert (await client.why("home:d/ü?&.txt")).path == "home:d/ü?&.txt"
        assert (await client.why(os.fsdecode(b"/x/\xff"))).path == "/x/\\xff"
        longest = b"/" + b"\xff" * 4095
        assert len((await client.why(os.fsdecode(longest))).path) == 1 + 4 * 4095
        assert [job.subject for job in await client.jobs()] == ["d/1.txt", "d/2.txt", "d/3.txt"]
        assert [model.name for model in await client.models()] == ["minilm", "qwen"]

        device = await client.add_device(wire.DeviceIn(name="phone", scopes=["search"]))
        assert device.token == "token-of-phone"
        assert (await client.device("phone")).scopes == ["search"]
        assert (await client.revoke_device("phone")).revoked is not None
        assert [one.name for one in await client.devices()] == ["phone"]
        assert (await client.openapi())["openapi"] == "3.1.0"


async def test_listings_are_walked_to_their_end(site: Site) -> None:
    for number in range(450):
        site.world.files.put(number + 1, f"{number}".encode(), b"")
    async with Client.open(socket=site.running.socket_path) as client:
        assert len(await client.jobs()) == 450


async def test_a_streamed_answer(site: Site) -> None:
    async with Client.open(socket=site.running.socket_path) as client:
        steps = [step async for step in client.ask_stream(wire.AskIn(question="how long?"))]
        assert [event for event, _ in steps] == ["passages", "token", "token", "citation", "done"]
        assert wire.AskOut.model_validate(steps[-1][1]) == await client.ask(wire.AskIn(question="how long?"))
        assert wire.SearchOut.model_validate(steps[0][1]).hits


async def test_a_streamed_answer_that_fails(site: Site) -> None:
    async with Client.open(socket=site.running.socket_path) as client:
        with pytest.raises(InvalidRequest) as caught:
            await anext(client.ask_stream(wire.AskIn(question="x", answerer="llm")))
        assert caught.value.fields == {"answerer": "extractive is allowed"}
        site.world.ask.breaks = Unavailable("The model went away.", cure="Wait.")
        with pytest.raises(Unavailable, match=r"The model went away\. Wait\."):
            async for _ in client.ask_stream(wire.AskIn(question="x")):
                pass


async def test_an_answer_that_the_daemon_does_not_finish(tmp_path: Path, short_path: Path) -> None:
    world = World(tmp_path)
    world.ask.proceed = asyncio.Event()
    running = await serve(world.flows, host=None, socket_path=short_path / "s", drain_s=0.05)
    async with Client.open(socket=short_path / "s") as client:
        steps = client.ask_stream(wire.AskIn(question="x"))
        await anext(steps)
        await anext(steps)
        await running.stop()
        with pytest.raises(Unavailable):
            await anext(steps)


async def test_events_and_going_on_where_one_was(site: Site) -> None:
    async with Client.open(socket=site.running.socket_path) as client:
        site.world.events.emit("scan.done", volume="home")
        site.world.events.emit("file.gone")
        async with aclosing(client.events(after=0)) as events:
            first = await anext(events)
            assert (first.id, first.type, first.data) == (1, "scan.done", {"volume": "home"})
            assert (await anext(events)).id == 2
            site.world.events.emit("file.searchable")
            assert (await anext(events)).id == 3
        async with aclosing(client.events(after=2)) as events:
            assert (await anext(events)).id == 3


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "ü", "a b", "%41", "a?b#c", "a%2Fb"])
async def test_any_name_is_asked_for_as_it_is(site: Site, name: str) -> None:
    async with Client.open(socket=site.running.socket_path) as client:
        with pytest.raises(NotFound) as caught:
            await client.volume(name)
        if name.strip("."):
            assert repr(name) in caught.value.detail


async def test_errors_come_back_as_they_were(site: Site) -> None:
    async with Client.open(socket=site.running.socket_path) as client:
        wanted = wire.VolumeIn(path="/srv/home")
        await client.add_volume(wanted)
        with pytest.raises(Conflict) as caught:
            await client.add_volume(wanted)
        assert caught.value.cure == "Choose another name."
        with pytest.raises(InvalidRequest) as wrong:
            await client.add_volume(wire.VolumeIn(path="relative"))
        assert wrong.value.fields == {"path": "not absolute"}
        site.world.search.error = RuntimeError("inside")
        with pytest.raises(NasdError, match="went wrong inside"):
            await client.search(wire.SearchIn(query="x"))


async def test_over_the_network_with_and_without_a_token(site: Site) -> None:
    async with Client.open(url=site.url) as client:
        with pytest.raises(Unauthenticated):
            await client.status()
        assert (await client.ready()).ready
    token = await site.world.token(Scope.SEARCH)
    async with Client.open(url=site.url + "/", token=token) as client:
        assert (await client.status()).version == "0"
        with pytest.raises(NotPermitted, match="admin"):
            await client.devices()


async def test_over_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    running = await serve(World(tmp_path).flows, ssl_context=context)
    url = f"https://localhost:{running.port}"
    async with Client.open(url=url, ca_file=certificate[0]) as client:
        assert (await client.ready()).ready
    async with Client.open(url=url) as client:
        with pytest.raises(Unavailable, match="is not trusted"):
            await client.ready()
    async with Client.open(url=url.replace("localhost", "127.0.0.1"), ca_file=certificate[0]) as client:
        with pytest.raises(Unavailable, match="is not trusted"):
            await client.ready()
    await running.stop()


async def test_nobody_there(short_path: Path) -> None:
    async with Client.open(socket=short_path / "none") as client:
        with pytest.raises(Unavailable, match=r"No daemon answers at .*/none; start it with `nasd run`"):
            await client.status()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with Client.open(url=f"http://127.0.0.1:{port}") as client:
        with pytest.raises(Unavailable, match=f"No daemon answers at http://127.0.0.1:{port}"):
            await client.status()


async def test_a_socket_path_that_no_socket_can_have(short_path: Path) -> None:
    async with Client.open(socket=short_path / ("x" * 200)) as client:
        with pytest.raises(Unavailable, match="No daemon answers"):
            await client.status()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"socket": Path("/s"), "url": "http://a"},
        {"url": "a"},
        {"url": "ftp://a"},
        {"url": "http://a/b"},
        {"url": "http://user:pw@a"},
        {"url": "http://[::1"},
        {"url": "http://a", "token": "x\r\ny"},
        {"url": "http://a", "token": "ü"},
        {"url": "https://a", "ca_file": Path("/no/such/file")},
    ],
)
async def test_addresses_that_are_none(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        async with Client.open(**given):  # type: ignore[arg-type]
            pass


async def foreign(short_path: Path, status: int, body: bytes) -> web.AppRunner:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={"Location": "http://elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, short_path / "s").start()
    return runner


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", NasdError),
        (200, b"{}", NasdError),
        (302, b"", NasdError),
        (404, b"<html>", NotFound),
        (502, b"bad gateway", NasdError),
        (503, b"", Unavailable),
        (409, b'{"title":"x","status":409,"detail":"d","code":"of_a_newer_daemon"}', Conflict),
    ],
)
async def test_what_answers_is_no_daemon_that_it_knows(
    short_path: Path, status: int, body: bytes, kind: type[NasdError]
) -> None:
    runner = await foreign(short_path, status, body)
    async with Client.open(socket=short_path / "s") as client:
        with pytest.raises(NasdError) as caught:
            await client.status()
    assert type(caught.value) is kind
    assert "html" not in str(caught.value)
    await runner.cleanup()


def test_its_import_is_light() -> None:
    """Commands that only ask must start quickly."""
    code = (
        "import sys, nasd.client; "
        "heavy = {'sqlalchemy', 'numpy', 'faiss', 'onnxruntime', 'torch', 'textual', 'watchdog', 'alembic', "
        "'prometheus_client', 'nasd.server', 'nasd.flows'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == ""
