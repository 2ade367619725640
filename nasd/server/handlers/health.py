"""/healthz, /readyz, /metrics: for supervisors."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from nasd import wire
from nasd.server import metrics
from nasd.server.access import may_read_metrics
from nasd.server.parts import PARTS
from nasd.server.replies import json_reply
from nasd.server.routes import Call, Routes

routes = Routes("health")


class AliveOut(wire.Reply):
    status: Literal["ok"] = "ok"


@routes.route("GET", "/healthz", scope=None, summary="Answers while the daemon lives", reply=AliveOut)
async def healthz(_call: Call) -> AliveOut:
    return AliveOut()


@routes.route(
    "GET",
    "/readyz",
    scope=None,
    summary="200 when the daemon can be used; else 503 with the reasons",
    reply=wire.CheckOut,
    also={503: wire.CheckOut},
)
async def readyz(call: Call) -> web.Response:
    check = await call.flows.status.ready()
    return json_reply(check, status=200 if check.ready else 503)


@routes.route(
    "GET",
    "/metrics",
    scope=None,
    summary="Prometheus text; from another machine with a token of scope `search`",
    media=("text/plain",),
)
async def show_metrics(call: Call) -> web.Response:
    parts = call.request.app[PARTS]
    await may_read_metrics(parts.access, call.request)
    body = parts.meter.render(await call.flows.status.status())
    return web.Response(body=body, headers={"Content-Type": metrics.MEDIA_TYPE})
