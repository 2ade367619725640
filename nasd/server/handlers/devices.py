"""/api/v1/devices: who else may ask, and what."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from nasd import render, wire
from nasd.domain.identity import Scope
from nasd.server.paging import named_page
from nasd.server.replies import created
from nasd.server.routes import Call, PageQuery, Routes

routes = Routes("devices")


class DevicePath(BaseModel):
    name: str


@routes.route(
    "GET",
    "/api/v1/devices",
    scope=Scope.ADMIN,
    summary="All devices, revoked ones too",
    query=PageQuery,
    reply=wire.Page[wire.DeviceOut],
)
async def list_devices(call: Call) -> wire.Page[wire.DeviceOut]:
    found = await call.flows.devices.list()
    items, cursor = named_page(found, call.given(PageQuery), name=lambda device: device.name)
    return wire.Page[wire.DeviceOut](items=[render.device_out(one) for one in items], next_cursor=cursor)


@routes.route(
    "POST",
    "/api/v1/devices",
    scope=Scope.ADMIN,
    summary="A new device; the reply is the only time its token is shown",
    body=wire.DeviceIn,
    reply=wire.DeviceToken,
    status=201,
)
async def add_device(call: Call) -> web.Response:
    wanted = call.given(wire.DeviceIn)
    device, token = await call.flows.devices.add(
        wanted.name, frozenset(Scope(scope) for scope in wanted.scopes)
    )
    made = wire.DeviceToken(**render.device_out(device).model_dump(), token=token)
    return created(made, "/api/v1/devices", device.name)


@routes.route(
    "GET",
    "/api/v1/devices/{name}",
    scope=Scope.ADMIN,
    summary="One device",
    path=DevicePath,
    reply=wire.DeviceOut,
)
async def show_device(call: Call) -> wire.DeviceOut:
    return render.device_out(await call.flows.devices.get(call.given(DevicePath).name))


@routes.route(
    "DELETE",
    "/api/v1/devices/{name}",
    scope=Scope.ADMIN,
    summary="Revoke its token at once; the device stays on record",
    path=DevicePath,
    reply=wire.DeviceOut,
)
async def revoke_device(call: Call) -> wire.DeviceOut:
    return render.device_out(await call.flows.devices.revoke(call.given(DevicePath).name))
