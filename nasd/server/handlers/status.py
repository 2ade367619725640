"""/api/v1/status, /jobs, /models: the dashboard's numbers."""

from __future__ import annotations

from nasd import render, wire
from nasd.domain.identity import Scope
from nasd.server.paging import named_page, numbered_page
from nasd.server.routes import Call, PageQuery, Routes

routes = Routes("status")


@routes.route(
    "GET",
    "/api/v1/status",
    scope=Scope.SEARCH,
    summary="Daemon, volumes, coverage, queue, index and models at a glance",
    reply=wire.StatusOut,
)
async def show_status(call: Call) -> wire.StatusOut:
    return await call.flows.status.status()


@routes.route(
    "GET",
    "/api/v1/jobs",
    scope=Scope.ADMIN,
    summary="Work that waits, runs or was given up",
    query=PageQuery,
    reply=wire.Page[wire.JobOut],
)
async def list_jobs(call: Call) -> wire.Page[wire.JobOut]:
    wanted = call.given(PageQuery)
    found = await call.flows.files.jobs(after_id=render.decode_cursor(wanted.cursor), limit=wanted.limit + 1)
    items, cursor = numbered_page(found, wanted.limit, number=lambda pair: pair[0].id)
    return wire.Page[wire.JobOut](
        items=[render.job_out(job, subject) for job, subject in items], next_cursor=cursor
    )


@routes.route(
    "GET",
    "/api/v1/models",
    scope=Scope.SEARCH,
    summary="Embedding and language models",
    query=PageQuery,
    reply=wire.Page[wire.ModelOut],
)
async def list_models(call: Call) -> wire.Page[wire.ModelOut]:
    found = await call.flows.status.models()
    items, cursor = named_page(found, call.given(PageQuery), name=lambda model: model.name)
    return wire.Page[wire.ModelOut](items=items, next_cursor=cursor)


@routes.route(
    "POST",
    "/api/v1/models/use",
    scope=Scope.ADMIN,
    summary="Change the embedding model; the present one answers until the new one is ready",
    body=wire.ModelUse,
    reply=wire.ModelOut,
    status=202,
)
async def use_model(call: Call) -> wire.ModelOut:
    wanted = call.given(wire.ModelUse)
    return await call.flows.models.use(wanted.name, force=wanted.force)
