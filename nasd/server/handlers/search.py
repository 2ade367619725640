"""POST /api/v1/search."""

from __future__ import annotations

from nasd import render, wire
from nasd.domain.identity import Scope
from nasd.domain.search import Mode
from nasd.server.routes import Call, Routes

routes = Routes("search")


@routes.route(
    "POST",
    "/api/v1/search",
    scope=Scope.SEARCH,
    summary="Ranked passages for a query",
    body=wire.SearchIn,
    reply=wire.SearchOut,
    cost=1,
)
async def search(call: Call) -> wire.SearchOut:
    wanted = call.given(wire.SearchIn)
    result = await call.flows.search.search(
        wanted.query,
        k=wanted.k,
        mode=Mode(wanted.mode),
        filters=render.filters_from(wanted.filters),
        newest=wanted.sort == "newest",
    )
    return render.search_out(result)
