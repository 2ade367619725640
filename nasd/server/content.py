"""A file's bytes, whole or in part, such that no browser takes them for a page of this daemon."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from nasd.domain.files import FileBytes, FileRecord, display_path
from nasd.errors import NotFound
from nasd.server.streams import break_off

CHUNK: Final = 256 * 1024
_MEDIA_TYPE: Final = re.compile(
    r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*\Z", re.ASCII | re.IGNORECASE
)
_ACTIVE: Final = re.compile(r"html|xml|svg|script|flash|shockwave", re.IGNORECASE)
OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A regular file opened for reading; whoever holds it closes `fd`."""

    fd: int
    size: int
    mtime_ns: int
    tag: str | None = None

    @property
    def etag(self) -> str:
        return f'"{self.tag or f"{self.mtime_ns:x}-{self.size:x}"}"'


def open_exactly(path: Path) -> Opened:
    """Opens the file at `path`, which has no symbolic link in it, and no other: a link that was put there
    since the path was checked is refused. Leaves the access time alone where the kernel lets us.
    `NotFound` when it is not there, not a regular file, or not readable."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    gone = NotFound("The file is not on its volume now.", cure="Ask /why for what is known of it.")
    try:
        try:
            fd = os.open(path, flags | os.O_NOATIME)
        except PermissionError:
            fd = os.open(path, flags)  # O_NOATIME is for the file's owner alone
    except OSError as error:
        raise gone from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or Path(f"/proc/self/fd/{fd}").readlink() != path:
            raise gone
    except BaseException:
        os.close(fd)
        raise
    return Opened(fd=fd, size=found.st_size, mtime_ns=found.st_mtime_ns)


def headers_for(file: FileRecord, opened: Opened) -> dict[str, str]:
    """Always an attachment, in a sandbox. What a browser could run goes as plain octets."""
    name = display_path(file.path).rpartition("/")[2] or "file"
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return {
        "Content-Type": media_type_for(file.media_type),
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Accept-Ranges": "bytes",
        "ETag": opened.etag,
        "Last-Modified": formatdate(opened.mtime_ns // 1_000_000_000, usegmt=True),
        "Cache-Control": "private, no-cache",
    }


def media_type_for(known: str) -> str:
    if not _MEDIA_TYPE.match(known) or _ACTIVE.search(known):
        return OCTETS
    return known


def part_wanted(request: web.Request, opened: Opened) -> slice | None:
    """The one range that is asked for, as offsets; None for the whole file. A header that makes no sense, or
    asks for several ranges, is ignored, as the standard allows.

    `HTTPRequestRangeNotSatisfiable` when it begins behind the end.
    """
    condition = request.headers.get("If-Range")
    if "Range" not in request.headers or (condition is not None and condition != opened.etag):
        return None
    match = re.fullmatch(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", request.headers["Range"], re.ASCII)
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = max(0, opened.size - int(match[2])), opened.size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or opened.size), opened.size - 1)
        if match[2] and int(match[2]) < first:
            return None
    if first >= opened.size or last < first:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{opened.size}"})
    return slice(first, last + 1)


async def send(request: web.Request, found: FileBytes) -> web.StreamResponse:
    """200 with all bytes, 206 with a part, 304 when the caller has them. `NotFound`. The connection is
    cut when the file shrinks under way, so that nobody takes what came for the whole."""
    opened = await asyncio.to_thread(open_exactly, found.path)
    if found.tag is not None:  # taken out for now: when, is of no interest
        opened = replace(opened, mtime_ns=found.file.mtime_ns, tag=found.tag)
    try:
        headers = headers_for(found.file, opened)
        known = [
            tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")
        ]
        if opened.etag in known or "*" in known:
            return web.Response(status=304, headers=headers)
        part = part_wanted(request, opened)
        span = part or slice(0, opened.size)
        response = web.StreamResponse(status=206 if part else 200, headers=headers)
        if part:
            response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{opened.size}"
        response.content_length = span.stop - span.start
        await response.prepare(request)
        try:
            if request.method != "HEAD":
                await _pump(response, opened.fd, span)
            await response.write_eof()
        except (ConnectionError, _Shorter):
            break_off(request)
        return response
    finally:
        os.close(opened.fd)


class _Shorter(Exception):
    """The file has not the bytes that were promised."""


async def _pump(response: web.StreamResponse, fd: int, span: slice) -> None:
    at = span.start
    while at < span.stop:
        try:
            piece = await asyncio.to_thread(os.pread, fd, min(CHUNK, span.stop - at), at)
        except OSError as error:
            raise _Shorter from error
        if not piece:
            raise _Shorter
        await response.write(piece)
        at += len(piece)
