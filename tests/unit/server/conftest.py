"""A real server over fake flows, on loopback and a Unix socket."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from nasd.domain.identity import Scope
from nasd.server.sites import Running, serve
from tests.fakes.flows import World


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Site:
    world: World
    running: Running
    http: aiohttp.ClientSession
    local: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    async def send(self, method: str, path: str, scope: Scope | None = Scope.ADMIN, **rest: Any) -> Reply:
        """`scope` None sends no token."""
        headers = dict(rest.pop("headers", None) or {})
        if scope is not None:
            headers.setdefault("Authorization", f"Bearer {await self.world.token(scope)}")
        async with self.http.request(method, self.url + path, headers=headers, **rest) as response:
            return Reply(status=response.status, headers=response.headers, body=await response.read())


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="nasd") as folder:
        yield Path(folder)


@pytest.fixture
async def site(tmp_path: Path, short_path: Path) -> AsyncIterator[Site]:
    world = World(tmp_path)
    running = await serve(
        world.flows, port=0, socket_path=short_path / "run" / "nasd.sock", drain_s=5, version="1.2.3"
    )
    connector = aiohttp.UnixConnector(str(running.socket_path))
    async with aiohttp.ClientSession() as http, aiohttp.ClientSession(connector=connector) as local:
        yield Site(world, running, http, local)
    await running.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("the command openssl, which makes the test's certificate, is not installed")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", *how.split(), *names, "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key
