"""/, /docs, /openapi.json and what the two pages need. Nothing comes from elsewhere."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from nasd.server.parts import PARTS
from nasd.server.routes import JSON, Call, Routes

routes = Routes("pages")

ASSETS: Final = {
    "page.css": "text/css",
    "search.js": "text/javascript",
    "docs.js": "text/javascript",
}
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


class AssetPath(BaseModel):
    name: str


@routes.route("GET", "/", scope=None, summary="The web page: search and ask", media=("text/html",))
async def show_page(_call: Call) -> web.Response:
    return _asset("search.html", "text/html")


@routes.route("GET", "/docs", scope=None, summary="This document, to read", media=("text/html",))
async def show_docs(_call: Call) -> web.Response:
    return _asset("docs.html", "text/html")


@routes.route(
    "GET",
    "/web/{name}",
    scope=None,
    summary="Scripts and styles of both pages",
    path=AssetPath,
    media=("text/css", "text/javascript"),
)
async def show_asset(call: Call) -> web.Response:
    name = call.given(AssetPath).name
    if name not in ASSETS:
        raise web.HTTPNotFound
    return _asset(name, ASSETS[name])


@routes.route("GET", "/openapi.json", scope=None, summary="This document", media=(JSON,))
async def show_openapi(call: Call) -> web.Response:
    body = json.dumps(call.request.app[PARTS].openapi, ensure_ascii=False).encode()
    return web.Response(body=body, content_type=JSON)


def _asset(name: str, media_type: str) -> web.Response:
    return web.Response(
        body=_read(name),
        content_type=media_type,
        charset="utf-8",
        headers={"Content-Security-Policy": CSP, "Cache-Control": "no-cache"},
    )


@cache
def _read(name: str) -> bytes:
    return resources.files("nasd.server").joinpath("web", name).read_bytes()
