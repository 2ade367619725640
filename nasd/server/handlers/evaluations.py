"""/api/v1/evaluations: how well search finds the owner's own documents."""

from __future__ import annotations

from nasd import render, wire
from nasd.domain.identity import Scope
from nasd.server.paging import numbered_page
from nasd.server.routes import Call, PageQuery, Routes

routes = Routes("evaluations")


@routes.route(
    "GET",
    "/api/v1/evaluations",
    scope=Scope.SEARCH,
    summary="Measurements of search on the owner's own documents, the oldest first",
    query=PageQuery,
    reply=wire.Page[wire.EvaluationOut],
)
async def list_evaluations(call: Call) -> wire.Page[wire.EvaluationOut]:
    wanted = call.given(PageQuery)
    after = render.decode_cursor(wanted.cursor)
    found = await call.flows.evaluation.page(after_id=after, limit=wanted.limit + 1)
    items, cursor = numbered_page(found, wanted.limit, number=lambda evaluation: evaluation.id)
    return wire.Page[wire.EvaluationOut](items=list(map(render.evaluation_out, items)), next_cursor=cursor)


@routes.route(
    "POST",
    "/api/v1/evaluations",
    scope=Scope.ADMIN,
    summary="Measure search on the owner's own documents, now",
    reply=wire.EvaluationOut,
    cost=5.0,
)
async def measure(call: Call) -> wire.EvaluationOut:
    return render.evaluation_out(await call.flows.evaluation.measure())
