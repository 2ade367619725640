"""GET /api/v1/events: what happens, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web
from pydantic import Field

from nasd import render, wire
from nasd.domain.events import Event
from nasd.domain.identity import Scope
from nasd.errors import InvalidRequest, NasdError
from nasd.server import streams
from nasd.server.parts import PARTS
from nasd.server.routes import Call, Routes

routes = Routes("events")
RETRY_MS = 3000


class EventsQuery(wire.Request):
    after: int | None = Field(
        default=None,
        ge=0,
        le=2**63 - 1,
        description="first those remembered after this event; the header Last-Event-ID does the same",
    )


@routes.route(
    "GET",
    "/api/v1/events",
    scope=Scope.SEARCH,
    summary="Server-sent events: `id`, `event` (its type) and `data` (EventOut as JSON)",
    query=EventsQuery,
    media=(streams.EVENT_STREAM,),
    stream=True,
)
async def follow_events(call: Call) -> web.StreamResponse:
    after = _resume(call.request.headers.get("Last-Event-ID"), call.given(EventsQuery).after)
    parts = call.request.app[PARTS]

    async def still_welcome() -> bool:
        try:
            caller = await parts.access.identify(call.request)
        except NasdError:
            return False
        return caller.may(Scope.SEARCH)

    return await streams.send(
        call.request,
        _frames(call.flows.events.subscribe(after)),
        keep_alive_s=parts.keep_alive_s,
        stopping=parts.stopping,
        still_welcome=still_welcome,
    )


def _resume(header: str | None, after: int | None) -> int | None:
    if not header:
        return after
    if not (header.isascii() and header.isdecimal() and int(header[:20]) < 2**63):
        raise InvalidRequest(
            "Last-Event-ID is not the id of an event.",
            fields={"Last-Event-ID": "a whole number is allowed"},
        )
    return int(header)


async def _frames(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        async for event in events:
            yield streams.frame(event.type, render.event_out(event).model_dump_json(), event_id=event.id)
    finally:
        await streams.close(events)
