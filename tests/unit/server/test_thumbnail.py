"""Small pictures over HTTP."""

from __future__ import annotations

from nasd.domain.identity import Scope
from tests.unit.server.conftest import Site

URL = "/api/v1/files/f_1/thumbnail"


async def test_a_picture_and_not_again(site: Site) -> None:
    site.world.files.put(1, b"a.jpg", b"x", kind="image")
    reply = await site.send("GET", URL, Scope.FILES)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/webp")
    assert reply.body.startswith(b"RIFF")
    again = await site.send("GET", URL, Scope.FILES, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == reply.headers["ETag"]


async def test_none_is_a_problem(site: Site) -> None:
    site.world.files.put(1, b"a.txt", b"x", kind="text")
    reply = await site.send("GET", URL, Scope.FILES)
    assert (reply.status, reply.headers["Content-Type"]) == (404, "application/problem+json")


async def test_it_needs_the_scope(site: Site) -> None:
    site.world.files.put(1, b"a.jpg", b"x", kind="image")
    assert (await site.send("GET", URL, Scope.SEARCH)).status == 403
