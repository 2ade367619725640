"""Models as replies."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel

from nasd.server.routes import JSON


def json_reply(
    model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = model.model_dump_json().encode()
    return web.Response(body=body, status=status, headers=headers, content_type=JSON, charset=None)


def created(model: BaseModel, collection: str, name: str) -> web.Response:
    """201, with the address of what was made."""
    return json_reply(model, status=201, headers={"Location": f"{collection}/{quote(name, safe='')}"})
