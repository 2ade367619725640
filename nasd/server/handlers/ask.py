"""POST /api/v1/ask: the whole answer, or the same as it comes about."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from nasd import render, wire
from nasd.domain.identity import Scope
from nasd.domain.search import Answer, Citation, SearchResult
from nasd.errors import NasdError
from nasd.server import streams
from nasd.server.parts import PARTS
from nasd.server.problems import problem_of
from nasd.server.routes import Call, Routes

log = logging.getLogger(__name__)
routes = Routes("ask")


@routes.route(
    "POST",
    "/api/v1/ask",
    scope=Scope.ASK,
    summary="A cited answer, or none when there is no evidence; with `stream` as server-sent events",
    body=wire.AskIn,
    reply=wire.AskOut,
    media=(streams.EVENT_STREAM,),
    cost=10,
    stream=True,
)
async def ask(call: Call) -> wire.AskOut | web.StreamResponse:
    wanted = call.given(wire.AskIn)
    filters = render.filters_from(wanted.filters)
    if not wanted.stream:
        answer = await call.flows.ask.ask(wanted.question, filters=filters, answerer=wanted.answerer)
        return render.answer_out(answer)
    steps = call.flows.ask.stream(wanted.question, filters=filters, answerer=wanted.answerer)
    try:
        first = await anext(steps, None)  # what is wrong from the start is answered by its status
    except BaseException:
        await streams.close(steps)
        raise
    return await streams.send(
        call.request, _frames(first, steps), keep_alive_s=call.request.app[PARTS].keep_alive_s
    )


async def _frames(
    first: tuple[str, object] | None, steps: AsyncIterator[tuple[str, object]]
) -> AsyncIterator[bytes]:
    try:
        if first is not None:
            yield _frame(first)
        async for step in steps:
            yield _frame(step)
    except NasdError as error:
        yield streams.frame("error", problem_of(error).model_dump_json(exclude_none=True))
    except Exception:
        log.exception("an answer broke off")
        broken = problem_of(NasdError("The answer broke off."))
        yield streams.frame("error", broken.model_dump_json(exclude_none=True))
    finally:
        await streams.close(steps)


def _frame(step: tuple[str, object]) -> bytes:
    event, value = step
    match value:
        case SearchResult():
            data = render.search_out(value).model_dump_json()
        case Citation():
            data = render.citation_out(value).model_dump_json()
        case Answer():
            data = render.answer_out(value).model_dump_json()
        case str():
            data = json.dumps({"text": value})
        case _:
            raise TypeError(f"an answer has no step of type {type(value).__name__}")
    return streams.frame(event, data)
