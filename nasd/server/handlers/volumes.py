"""/api/v1/volumes: the storage that is watched."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from nasd import wire
from nasd.domain.identity import Scope
from nasd.server.paging import named_page
from nasd.server.replies import created
from nasd.server.routes import Call, PageQuery, Routes

routes = Routes("volumes")


class VolumePath(BaseModel):
    name: str


@routes.route(
    "GET",
    "/api/v1/volumes",
    scope=Scope.SEARCH,
    summary="All volumes",
    query=PageQuery,
    reply=wire.Page[wire.VolumeOut],
)
async def list_volumes(call: Call) -> wire.Page[wire.VolumeOut]:
    found = await call.flows.volumes.list()
    items, cursor = named_page(found, call.given(PageQuery), name=lambda volume: volume.name)
    return wire.Page[wire.VolumeOut](items=items, next_cursor=cursor)


@routes.route(
    "POST",
    "/api/v1/volumes",
    scope=Scope.ADMIN,
    summary="Watch a folder",
    body=wire.VolumeIn,
    reply=wire.VolumeOut,
    status=201,
)
async def add_volume(call: Call) -> web.Response:
    volume = await call.flows.volumes.add(call.given(wire.VolumeIn))
    return created(volume, "/api/v1/volumes", volume.name)


@routes.route(
    "GET",
    "/api/v1/volumes/{name}",
    scope=Scope.SEARCH,
    summary="One volume",
    path=VolumePath,
    reply=wire.VolumeOut,
)
async def show_volume(call: Call) -> wire.VolumeOut:
    return await call.flows.volumes.get(call.given(VolumePath).name)


@routes.route(
    "DELETE",
    "/api/v1/volumes/{name}",
    scope=Scope.ADMIN,
    summary="Watch it no longer and forget its files; the folder itself stays as it is",
    path=VolumePath,
    status=204,
)
async def remove_volume(call: Call) -> None:
    await call.flows.volumes.remove(call.given(VolumePath).name)


@routes.route(
    "POST",
    "/api/v1/volumes/{name}/scan",
    scope=Scope.ADMIN,
    summary="Begin a scan; files that failed are tried again",
    path=VolumePath,
    reply=wire.VolumeOut,
    status=202,
)
async def scan_volume(call: Call) -> wire.VolumeOut:
    return await call.flows.volumes.scan(call.given(VolumePath).name)


@routes.route(
    "POST",
    "/api/v1/volumes/{name}/pause",
    scope=Scope.ADMIN,
    summary="Watch and read it no more until it is resumed; what is known stays searchable",
    path=VolumePath,
    reply=wire.VolumeOut,
)
async def pause_volume(call: Call) -> wire.VolumeOut:
    return await call.flows.volumes.pause(call.given(VolumePath).name)


@routes.route(
    "POST",
    "/api/v1/volumes/{name}/resume",
    scope=Scope.ADMIN,
    summary="Watch and read it again",
    path=VolumePath,
    reply=wire.VolumeOut,
)
async def resume_volume(call: Call) -> wire.VolumeOut:
    return await call.flows.volumes.resume(call.given(VolumePath).name)
