"""Listening: ports and sockets that are free, taken, stale or out of bounds."""

from __future__ import annotations

import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from nasd.errors import ConfigError, Conflict
from nasd.server.sites import bind_owner_socket, is_loopback, serve
from tests.fakes.flows import World


async def test_a_port_in_use_names_itself_and_the_cure(tmp_path: Path) -> None:
    first = await serve(World(tmp_path).flows)
    with pytest.raises(Conflict) as caught:
        await serve(World(tmp_path).flows, port=first.port or 0)
    assert f"127.0.0.1:{first.port}" in caught.value.detail
    assert "--port" in (caught.value.cure or "")
    await first.stop()
    again = await serve(World(tmp_path).flows, port=first.port or 0)
    await again.stop()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_of_another_machine(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="not an address of this machine"):
        await serve(World(tmp_path).flows, host=host, allow_plain=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_every_form_of_loopback(tmp_path: Path, host: str) -> None:
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    running = await serve(World(tmp_path).flows, host=host)
    assert running.port
    await running.stop()


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("host", "inside"),
    [("localhost", True), ("127.9.9.9", True), ("[::1]", True), ("0.0.0.0", False), ("nas.local", False)],
)
def test_what_is_loopback(host: str, inside: bool) -> None:
    assert is_loopback(host) is inside


async def test_the_socket_is_its_owners_alone_and_goes_with_the_server(
    tmp_path: Path, short_path: Path
) -> None:
    path = short_path / "run" / "nasd.sock"
    running = await serve(World(tmp_path).flows, host=None, socket_path=path)
    assert running.port is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await running.stop()
    assert not path.exists()
    await running.stop()


async def test_a_stale_socket_is_replaced(tmp_path: Path, short_path: Path) -> None:
    path = short_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    running = await serve(World(tmp_path).flows, host=None, socket_path=path)
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.get("http://localhost/healthz") as response,
    ):
        assert response.status == 200
    await running.stop()


async def test_a_live_socket_is_left_alone_and_the_port_is_free_again(
    tmp_path: Path, short_path: Path
) -> None:
    path = short_path / "s"
    first = await serve(World(tmp_path).flows, host=None, socket_path=path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Conflict, match="Another daemon answers"):
        await serve(World(tmp_path).flows, port=port, socket_path=path)
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert path.exists()
    await first.stop()


async def test_a_socket_that_another_took_over_is_not_removed(tmp_path: Path, short_path: Path) -> None:
    path = short_path / "s"
    running = await serve(World(tmp_path).flows, host=None, socket_path=path)
    path.unlink()
    other = bind_owner_socket(path)
    await running.stop()
    assert path.exists()
    other.close()


def test_what_is_no_socket_is_left_alone(short_path: Path) -> None:
    (short_path / "s").write_text("mine")
    with pytest.raises(Conflict, match="is no socket"):
        bind_owner_socket(short_path / "s")
    assert (short_path / "s").read_text() == "mine"


def test_a_socket_path_that_is_too_long(short_path: Path) -> None:
    with pytest.raises(ConfigError, match="longer than"):
        bind_owner_socket(short_path / ("x" * 120))


def test_a_socket_folder_that_cannot_be(short_path: Path) -> None:
    (short_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        bind_owner_socket(short_path / "file" / "s")


async def test_over_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    running = await serve(World(tmp_path).flows, ssl_context=context)
    trust = ssl.create_default_context(cafile=str(cert))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://localhost:{running.port}/healthz", ssl=trust) as response,
    ):
        assert response.status == 200
    await running.stop()


def test_under_uvloop(tmp_path: Path, short_path: Path) -> None:
    """uvloop wraps sockets: peer credentials and the bound socket must work there, too."""
    code = f"""
import asyncio, pathlib, sys, uvloop
from nasd.client import Client
from nasd.server.sites import serve
from tests.fakes.flows import World
async def main():
    path = pathlib.Path({str(short_path / "s")!r})
    running = await serve(World(pathlib.Path({str(tmp_path)!r})).flows, socket_path=path)
    async with Client.open(socket=path) as client:
        assert (await client.status()).memory_bytes == 4096
        assert await client.devices() == []
    await running.stop()
    assert not path.exists()
uvloop.run(main())
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(__file__).parents[3])
