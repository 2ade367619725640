"""The application: routes, checks, problems and headers put together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from nasd.clock import Clock, SystemClock
from nasd.domain.identity import Caller
from nasd.errors import InvalidRequest, NasdError
from nasd.server import openapi
from nasd.server.access import Access, Rates, peer_socket
from nasd.server.base import Flows
from nasd.server.handlers import (
    ask,
    devices,
    evaluations,
    events,
    files,
    health,
    openai,
    pages,
    search,
    status,
    volumes,
)
from nasd.server.hosts import host_allowed, own_names, secure
from nasd.server.metrics import Meter
from nasd.server.parts import PARTS, Parts
from nasd.server.problems import answer_with_problems, error_response, invalid
from nasd.server.replies import json_reply
from nasd.server.routes import JSON, Call, Route, read_path

ROUTES: Final[tuple[Route, ...]] = tuple(
    route
    for group in (search, ask, volumes, files, events, status, evaluations, devices, openai, health, pages)
    for route in group.routes.all
)
BODY_LIMIT: Final = 1 << 20
"""Bytes of a request's body. The largest real one, a volume with long ignore rules, has a few thousand."""


def make_app(
    flows: Flows,
    *,
    version: str = "",
    admins: frozenset[int] | None = None,
    host_names: Iterable[str] = (),
    clock: Clock | None = None,
    rates: Rates | None = None,
    keep_alive_s: float = 15.0,
) -> web.Application:
    """The application over `flows`; it belongs to one event loop.

    `admins` are the user ids that the Unix socket admits (default: this process's own and root). `host_names`
    are further names by which browsers may reach the daemon. `keep_alive_s` of silence on an event stream
    is broken by a comment.
    """
    clock = clock or SystemClock()
    if admins is None:
        admins = frozenset({0, os.geteuid()})
    app = web.Application(
        client_max_size=BODY_LIMIT, middlewares=[_measure, answer_with_problems, _check_host]
    )
    app[PARTS] = Parts(
        flows=flows,
        access=Access(flows.devices, admins=admins, clock=clock, rates=rates),
        meter=Meter(),
        clock=clock,
        openapi=openapi.draw(ROUTES, version=version),
        names=own_names(host_names),
        stopping=asyncio.Event(),
        keep_alive_s=keep_alive_s,
    )
    app.on_response_prepare.append(secure)
    app.on_shutdown.append(_begin_stop)
    for route in ROUTES:
        if route.method == "GET":
            # HEAD would hold an endless stream open for nothing
            app.router.add_get(route.url, _endpoint(route), allow_head=route.url != "/api/v1/events")
        else:
            app.router.add_route(route.method, route.url, _endpoint(route))
    return app


async def _begin_stop(app: web.Application) -> None:
    app[PARTS].stopping.set()


@web.middleware
async def _measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    parts = request.app[PARTS]
    began = parts.clock.monotonic()
    response = await handler(request)
    if not response.prepared:  # a stream's length is its reader's affair
        parts.meter.observe(request, response.status, parts.clock.monotonic() - began)
    return response


@web.middleware
async def _check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    if peer_socket(request) is None and not host_allowed(
        request.headers.get("Host"), request.app[PARTS].names
    ):
        raise web.HTTPMisdirectedRequest
    return await handler(request)


def _endpoint(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        parts = request.app[PARTS]
        caller = await parts.access.admit(request, route)
        try:
            return await carry_out(request, caller)
        except NasdError as error:
            return error_response(error, caller)

    async def carry_out(request: web.Request, caller: Caller | None) -> web.StreamResponse:
        try:
            inputs = read_path(route, request)
        except ValidationError as error:
            raise invalid(error, "query" if route.query else "path") from None
        if route.body is not None:
            inputs[route.body] = await _read_body(request, route.body)
        call = Call(request=request, flows=request.app[PARTS].flows, caller=caller, inputs=inputs)
        reply = await route.handler(call)
        if reply is None:
            return web.Response(status=204)
        if isinstance(reply, web.StreamResponse):
            return reply
        return json_reply(reply, status=route.status)

    return answer


async def _read_body(request: web.Request, model: type[BaseModel]) -> BaseModel:
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType
    raw = await request.read()
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors(include_url=False)):
            raise InvalidRequest("The body is not JSON.", fields={"body": "not JSON"}) from None
        raise invalid(error, "body") from None
