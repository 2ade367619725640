"""Server-sent events: what is written, and how a stream lives beside a slow or vanished reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Literal

from aiohttp import web

EVENT_STREAM: Final = "text/event-stream"
KEEP_ALIVE: Final = b": still here\n\n"
_HEADERS: Final = {
    "Content-Type": EVENT_STREAM + "; charset=utf-8",
    "X-Accel-Buffering": "no",  # proxies that would hold events back
}


def frame(event: str, data: str, *, event_id: int | None = None) -> bytes:
    """One event. `data` is JSON of one line."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {event}\ndata: {data}\n\n".encode()


async def send(
    request: web.Request,
    frames: AsyncIterator[bytes],
    *,
    keep_alive_s: float,
    stopping: asyncio.Event | None = None,
    still_welcome: Callable[[], Awaitable[bool]] | None = None,
) -> web.StreamResponse:
    """Sends frames until they or the reader end, or the daemon stops.

    A comment goes out whenever nothing else did for `keep_alive_s`: it keeps proxies content and finds
    readers that are gone. As often, `still_welcome` is asked, and ends the stream by False. `frames` is ended
    in any case; what it raises is raised.
    """
    response = web.StreamResponse(headers=_HEADERS)
    halt = asyncio.ensure_future((stopping or asyncio.Event()).wait())
    try:
        await response.prepare(request)
        await _pump(response, frames, halt, keep_alive_s, still_welcome)
        await response.write_eof()
    except ConnectionError:
        break_off(request)  # the reader is gone, which is no error
    finally:
        halt.cancel()
        await close(frames)
    return response


async def _pump(
    response: web.StreamResponse,
    frames: AsyncIterator[bytes],
    halt: asyncio.Future[Literal[True]],
    keep_alive_s: float,
    still_welcome: Callable[[], Awaitable[bool]] | None,
) -> None:
    loop = asyncio.get_running_loop()
    asked = loop.time()
    upcoming: asyncio.Task[bytes | None] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(_next(frames))
            either: set[asyncio.Future[Any]] = {upcoming, halt}
            await asyncio.wait(either, timeout=keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
            if halt.done() and not upcoming.done():
                return
            if still_welcome is not None and loop.time() - asked >= keep_alive_s:
                if not await still_welcome():
                    return
                asked = loop.time()
            if upcoming.done():
                piece, upcoming = upcoming.result(), None
                if piece is None:
                    return
                await response.write(piece)
            else:
                await response.write(KEEP_ALIVE)
    finally:
        if upcoming is not None:
            upcoming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await upcoming


def break_off(request: web.Request) -> None:
    """Cuts the connection, so that a reply which is not whole does not look so."""
    if request.transport is not None:
        request.transport.abort()


async def close(source: AsyncIterator[object]) -> None:
    """Ends an iterator early, where its kind can be ended."""
    aclose = getattr(source, "aclose", None)
    if aclose is not None:
        await aclose()


async def _next(frames: AsyncIterator[bytes]) -> bytes | None:
    async for piece in frames:
        return piece
    return None
