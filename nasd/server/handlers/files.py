"""/api/v1/files and /api/v1/why: what is known of each file, its text and its bytes."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from nasd import render, wire
from nasd.domain.files import FileState
from nasd.domain.identity import Scope
from nasd.server import content
from nasd.server.paging import numbered_page
from nasd.server.replies import json_reply
from nasd.server.routes import JSON, Call, PageQuery, Routes

routes = Routes("files")


class FilesQuery(PageQuery):
    volume: str | None = Field(default=None, max_length=63)
    path: str | None = Field(default=None, max_length=4096, description="a glob over paths within volumes")
    state: Literal["pending", "indexed", "failed", "skipped"] | None = None
    kind: str | None = Field(default=None, max_length=63)


class FilePath(BaseModel):
    id: str


class WhyQuery(wire.Request):
    path: str = Field(
        min_length=1, max_length=17000, description="absolute on the daemon's machine, or volume:path"
    )


@routes.route(
    "GET",
    "/api/v1/files",
    scope=Scope.FILES,
    summary="Files, as they are known",
    query=FilesQuery,
    reply=wire.Page[wire.FileEntry],
)
async def list_files(call: Call) -> wire.Page[wire.FileEntry]:
    wanted = call.given(FilesQuery)
    found = await call.flows.files.page(
        volume=wanted.volume,
        path=wanted.path,
        state=None if wanted.state is None else FileState(wanted.state),
        kind=wanted.kind,
        after_id=render.decode_cursor(wanted.cursor),
        limit=wanted.limit + 1,
    )
    items, cursor = numbered_page(found, wanted.limit, number=lambda file: file.id)
    return wire.Page[wire.FileEntry](items=[render.file_entry(file) for file in items], next_cursor=cursor)


@routes.route(
    "GET", "/api/v1/files/{id}", scope=Scope.FILES, summary="One file", path=FilePath, reply=wire.FileDetail
)
async def show_file(call: Call) -> wire.FileDetail:
    return await call.flows.files.detail(_number(call))


@routes.route(
    "GET",
    "/api/v1/files/{id}/content",
    scope=Scope.FILES,
    summary="The file's bytes, also of a member of a container; takes Range, If-Range and If-None-Match",
    path=FilePath,
    media=("*/*",),
    also={206: None, 304: None},
    stream=True,
)
async def read_content(call: Call) -> web.StreamResponse:
    return await content.send(call.request, await call.flows.files.content(_number(call)))


@routes.route(
    "GET",
    "/api/v1/files/{id}/thumbnail",
    scope=Scope.FILES,
    summary="A small picture of an image or of a PDF's first page; takes If-None-Match",
    path=FilePath,
    media=("image/webp",),
    also={304: None},
)
async def read_thumbnail(call: Call) -> web.Response:
    data, digest = await call.flows.files.thumbnail(_number(call))
    tag = f'"{digest[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=60"}
    known = [
        one.strip().removeprefix("W/") for one in call.request.headers.get("If-None-Match", "").split(",")
    ]
    if tag in known or "*" in known:
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type="image/webp", headers=headers)


@routes.route(
    "GET",
    "/api/v1/files/{id}/text",
    scope=Scope.FILES,
    summary="The whole extracted text, plain; as JSON with what the reader said of it when JSON is accepted",
    path=FilePath,
    reply=wire.FileTextOut,
    media=("text/plain",),
)
async def read_text(call: Call) -> web.Response:
    found = await call.flows.files.text(_number(call))
    if prefers_json(call.request.headers.get("Accept", "")):
        reply = wire.FileTextOut(
            id=render.encode_file_id(found.file.id),
            text=found.text,
            passages=found.passages,
            reader=found.reader,
            notes=list(found.notes),
            digest=found.digest,
            metadata=found.metadata,
        )
        return json_reply(reply, headers={"Vary": "Accept"})
    return web.Response(
        body=found.text.encode("utf-8", "replace"),
        content_type="text/plain",
        charset="utf-8",
        headers={"Vary": "Accept"},
    )


@routes.route(
    "GET",
    "/api/v1/files/{id}/why",
    scope=Scope.FILES,
    summary="Why the file is searchable, or is not",
    path=FilePath,
    reply=wire.WhyOut,
)
async def why_file(call: Call) -> wire.WhyOut:
    return await call.flows.files.why_file(_number(call))


@routes.route(
    "GET",
    "/api/v1/why",
    scope=Scope.FILES,
    summary="The same for a path, known or not",
    query=WhyQuery,
    reply=wire.WhyOut,
)
async def why_path(call: Call) -> wire.WhyOut:
    return await call.flows.files.why(call.given(WhyQuery).path)


def prefers_json(accept: str) -> bool:
    """Whether an Accept header names JSON and ranks it above plain text. `*/*` asks for nothing special."""
    quality = {JSON: 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if media in quality:
            given = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
            try:
                quality[media] = float(given[0]) if given else 1.0
            except ValueError:
                quality[media] = 0.0
    return quality[JSON] > quality["text/plain"]


def _number(call: Call) -> int:
    return render.decode_file_id(call.given(FilePath).id)
