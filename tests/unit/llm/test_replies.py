"""Replies that come over a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from nasd.errors import ModelError
from nasd.llm import replies
from nasd.llm.base import Finish, ModelGone, Usage

TEXT = 'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
END = 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'


@asynccontextmanager
async def replying(*parts: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0)
        return response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            yield response
    finally:
        await runner.cleanup()


async def pieces_of(*parts: str) -> Sequence[object]:
    async with replying(*(part.encode() for part in parts)) as response:
        return [piece async for piece in replies.pieces(response)]


async def test_lines_are_put_together_wherever_they_were_cut() -> None:
    whole = "eins\r\nzwei ü\n\ndrei"
    data = whole.encode()
    for cut in range(1, len(data)):
        async with replying(data[:cut], data[cut:]) as response:
            found = [line async for line in replies.lines(response)]
        assert found == [b"eins", "zwei ü".encode(), b"", b"drei"]


async def test_a_line_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "MOST_LINE", 100)
    async with replying(b"x" * 300) as response:
        with pytest.raises(ModelError, match="does not end"):
            [line async for line in replies.lines(response)]


async def test_a_body_is_bounded() -> None:
    async with replying(b"x" * 50) as response:
        assert await replies.body(response, most=50) == b"x" * 50
    async with replying(b"x" * 51) as response:
        with pytest.raises(ModelError, match="too long"):
            await replies.body(response, most=50)


async def test_usage_and_speed_are_read_where_they_are_told() -> None:
    usage = (
        'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, '
        '"prompt_tokens_details": {"cached_tokens": 4}}, '
        '"timings": {"prompt_ms": 500, "predicted_ms": 250}}\n\n'
    )
    found = await pieces_of(TEXT % "a", TEXT % "b", END, usage, "data: [DONE]\n\n")
    expected = Usage(prompt_tokens=9, reused_tokens=4, completion_tokens=2, prompt_s=0.5, generate_s=0.25)
    assert found == ["a", "b", Finish(reason="stop", usage=expected)]


async def test_a_server_that_tells_no_usage_is_taken_as_it_is() -> None:
    found = await pieces_of(TEXT % "a", END)
    assert found[-1] == Finish(reason="stop", usage=Usage(prompt_tokens=0, completion_tokens=0))


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ((TEXT % "a",), ModelGone),
        ((TEXT % "a", "data: [DONE]\n\n"), ModelGone),
        ((), ModelGone),
        (("data: {]\n\n",), ModelError),
        (("data: 7\n\n",), ModelError),
        (('data: {"error": {"message": "no room"}}\n\n',), ModelError),
        (('data: {"choices": [{"delta": {"content": {"a": 1}}}]}\n\n',), ModelError),
    ],
)
async def test_what_is_no_whole_reply(parts: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        await pieces_of(*parts)


async def test_odd_chunks_are_passed_over() -> None:
    odd = 'data: {"choices": [{"delta": null}]}\n\ndata: {"choices": null}\n\nevent: x\n\n: ping\n\n'
    assert (await pieces_of(odd, TEXT % "a", END))[0] == "a"


def test_complaints_fit_on_a_line() -> None:
    assert replies.complaint({"error": {"message": "a\n b"}}) == "a b"
    assert replies.complaint({"error": "plain"}) == "plain"
    assert replies.complaint({}) == "no reason is given"
    assert len(replies.complaint({"error": "x" * 999})) == 300
