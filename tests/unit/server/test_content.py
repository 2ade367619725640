"""A file's bytes: whole, in part, not again; and never as a page."""

from __future__ import annotations

import asyncio
import os
from email.utils import formatdate
from pathlib import Path

import aiohttp
import pytest

from nasd.domain.identity import Scope
from nasd.errors import NotFound
from nasd.server.content import media_type_for, open_exactly
from tests.unit.server.conftest import Reply, Site

DATA = bytes(range(256)) * 4


@pytest.fixture
def one_file(site: Site) -> Site:
    site.world.files.put(1, b"d/a.bin", DATA, media_type="application/pdf")
    return site


async def fetch(site: Site, method: str = "GET", **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await site.send(method, "/api/v1/files/f_1/content", Scope.FILES, headers=sent)


async def test_whole(one_file: Site) -> None:
    reply = await fetch(one_file)
    assert (reply.status, reply.body) == (200, DATA)
    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.headers["Content-Length"] == str(len(DATA))
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="a.bin"')


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, 1024),
        ("bytes=1000-99999", 1000, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-99999", 0, 1024),
        ("bytes= 5-6 ", 5, 7),
    ],
)
async def test_a_part(one_file: Site, header: str, start: int, stop: int) -> None:
    reply = await fetch(one_file, Range=header)
    assert (reply.status, reply.body) == (206, DATA[start:stop])
    assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/1024"


@pytest.mark.parametrize("header", ["bytes=1024-", "bytes=9999-10000", "bytes=-0"])
async def test_a_part_behind_the_end(one_file: Site, header: str) -> None:
    reply = await fetch(one_file, Range=header)
    assert (reply.status, reply.media_type) == (416, "application/problem+json")
    assert reply.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "header", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=x"]
)
async def test_a_range_that_makes_no_sense_is_ignored(one_file: Site, header: str) -> None:
    reply = await fetch(one_file, Range=header)
    assert (reply.status, reply.body) == (200, DATA)


async def test_what_the_caller_has_is_not_sent_again(one_file: Site) -> None:
    etag = (await fetch(one_file)).headers["ETag"]
    assert (await fetch(one_file, If_None_Match=f'"other", W/{etag}')).status == 304
    assert (await fetch(one_file, If_None_Match='"other"')).status == 200
    assert (await fetch(one_file, Range="bytes=0-1", If_Range=etag)).status == 206
    assert (await fetch(one_file, Range="bytes=0-1", If_Range='"other"')).status == 200


async def test_bytes_that_were_taken_out_have_a_tag_and_a_time_of_their_own(one_file: Site) -> None:
    plain = (await fetch(one_file)).headers
    one_file.world.files.tags[1] = "d1" * 16
    taken = (await fetch(one_file)).headers
    assert taken["ETag"] == f'"{"d1" * 16}"' != plain["ETag"]
    modified = one_file.world.files.known[1].mtime_ns // 1_000_000_000
    assert taken["Last-Modified"] == formatdate(modified, usegmt=True)
    assert (await fetch(one_file, If_None_Match=taken["ETag"])).status == 304


async def test_head_has_the_headers_alone(one_file: Site) -> None:
    reply = await fetch(one_file, "HEAD")
    assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, "1024", b"")


async def test_an_empty_file(site: Site) -> None:
    site.world.files.put(1, b"empty", b"")
    reply = await fetch(site)
    assert (reply.status, reply.body) == (200, b"")
    assert (await fetch(site, Range="bytes=0-")).status == 416


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        ("text/plain", "text/plain"),
        ("image/png", "image/png"),
        ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        ("text/html", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
        ("text/JavaScript", "application/octet-stream"),
        ("text/plain\r\nX-Evil: 1", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_no_media_type_that_a_browser_runs(known: str, sent: str) -> None:
    assert media_type_for(known) == sent


async def test_names_of_all_kinds_make_a_safe_header(site: Site) -> None:
    site.world.files.put(1, 'd/"Rechnung"; ü\r\nX.pdf'.encode(), b"x")
    header = (await fetch(site)).headers["Content-Disposition"]
    assert header == (
        'attachment; filename="_Rechnung__ ___X.pdf"; '
        "filename*=UTF-8''%22Rechnung%22%3B%20%C3%BC%0D%0AX.pdf"
    )


async def test_a_file_that_is_gone(one_file: Site) -> None:
    (one_file.world.files.root / "d/a.bin").unlink()
    assert (await fetch(one_file)).status == 404


async def test_a_link_put_in_its_place_is_not_followed(one_file: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path = one_file.world.files.root / "d/a.bin"
    path.unlink()
    path.symlink_to(secret)
    assert (await fetch(one_file)).status == 404


def test_only_the_very_file_is_opened(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "f").write_text("x")
    (tmp_path / "folder").symlink_to(real)
    os.mkfifo(tmp_path / "pipe")
    for path in ("folder/f", "pipe", "real", "missing"):
        with pytest.raises(NotFound):
            open_exactly(tmp_path / path)
    opened = open_exactly(real / "f")
    assert opened.size == 1
    os.close(opened.fd)


async def test_a_file_that_shrinks_under_way_breaks_off(site: Site) -> None:
    size = 64 << 20  # more than all the buffers between both sides hold
    path = site.world.files.root / "big"
    path.touch()
    os.truncate(path, size)
    site.world.files.known[1] = site.world.files.put(1, b"big", b"")
    os.truncate(path, size)
    headers = {"Authorization": f"Bearer {await site.world.token(Scope.FILES)}"}
    async with site.http.get(site.url + "/api/v1/files/f_1/content", headers=headers) as response:
        assert response.content_length == size
        await response.content.readexactly(1)
        os.truncate(path, 10)
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(response.content.read(), 30)
    assert (await site.send("GET", "/healthz", None)).status == 200
