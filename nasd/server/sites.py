"""Where the application listens: a TCP port and the owner's Unix socket."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from nasd.errors import ConfigError, Conflict, NasdError
from nasd.server.app import make_app
from nasd.server.base import Flows

LONGEST_SOCKET_PATH = 107
"""Bytes that Linux takes for the path of a Unix socket (sun_path, less its end)."""

LONGEST_REQUEST_LINE = 32 << 10
"""Bytes. The longest path that Linux knows has 4,096; one that is not UTF-8 takes six times that in a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that listens. `port` is the one bound, None without TCP."""

    port: int | None
    socket_path: Path | None
    _runner: web.AppRunner
    _inode: int | None

    async def stop(self) -> None:
        """Takes no more requests, ends event streams, lets running requests finish for at most `drain_s`,
        then cuts them off. Removes its socket file. May be called again."""
        await self._runner.cleanup()
        if self.socket_path is not None:
            try:
                if self.socket_path.lstat().st_ino == self._inode:
                    self.socket_path.unlink()
            except FileNotFoundError:
                pass


async def serve(
    flows: Flows,
    *,
    host: str | None = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    socket_path: Path | None = None,
    drain_s: float = 10.0,
    allow_plain: bool = False,
    **options: Any,
) -> Running:
    """Listens at `host`:`port` (0: any free one; `host` None: no TCP) and at `socket_path`. `options` go to
    `make_app`.

    `Conflict` when a port or socket is in use; `ConfigError` for an address that is not of this machine, a
    port that needs root, a socket path that is too long, and for a `host` beyond loopback without
    `ssl_context` unless `allow_plain`. Nothing listens after an error.
    """
    if host is not None and ssl_context is None and not allow_plain and not is_loopback(host):
        raise ConfigError(
            f"Without TLS the daemon listens on loopback alone, and {host} is not.",
            cure="Give a certificate (server.tls in nasd.toml), or set server.host to 127.0.0.1.",
        )
    runner = web.AppRunner(
        make_app(flows, **options),
        access_log=None,
        shutdown_timeout=drain_s,
        handle_signals=False,
        max_line_size=LONGEST_REQUEST_LINE,
        logger=_log(),
    )
    await runner.setup()
    bound: int | None = None
    inode: int | None = None
    try:
        if host is not None:
            bound = await _listen_tcp(runner, host, port, ssl_context)
        if socket_path is not None:
            site = _OwnerSite(runner, bind_owner_socket(socket_path))
            await site.start()
            inode = socket_path.lstat().st_ino
    except BaseException:
        await runner.cleanup()
        raise
    return Running(port=bound, socket_path=socket_path, _runner=runner, _inode=inode)


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _log() -> logging.Logger:
    """aiohttp's log, without what it says of requests that are no HTTP: strangers could fill the log, and the
    line shown may hold a token."""
    log = logging.getLogger(f"{__name__}.aiohttp")
    if not log.filters:
        log.addFilter(
            lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
        )
    return log


async def _listen_tcp(runner: web.AppRunner, host: str, port: int, ssl_context: ssl.SSLContext | None) -> int:
    site = web.TCPSite(runner, host.strip("[]"), port, ssl_context=ssl_context)
    try:
        await site.start()
    except OSError as error:
        raise _refused(error, host, port) from error
    bound: int = runner.addresses[0][1]
    return bound


def _refused(error: OSError, host: str, port: int) -> NasdError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"{host}:{port} is in use by another program.",
            cure="Choose another port (server.port in nasd.toml, or --port), or stop that program.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigError(
            f"This user may not listen at {host}:{port}.", cure="Choose a port from 1024 on (server.port)."
        )
    # From Python 3.12 on asyncio tells an address of another machine without an errno.
    if error.errno in (errno.EADDRNOTAVAIL, None) or isinstance(error, socket.gaierror):
        return ConfigError(
            f"{host} is not an address of this machine.", cure="Correct server.host in nasd.toml, or --host."
        )
    return ConfigError(f"The daemon cannot listen at {host}:{port}: {error.strerror or error}.")


def bind_owner_socket(path: Path) -> socket.socket:
    """A Unix socket bound at `path`, not yet listening, so that nobody connects before its mode is 0600.
    Makes its folder (0700) when it is missing; takes the place of a socket that nobody answers at.

    `Conflict` when somebody answers, or something else lies there; `ConfigError` when it cannot be made.
    """
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise ConfigError(
            f"The socket's path {path} is longer than the {LONGEST_SOCKET_PATH} bytes that the system takes.",
            cure="Choose a state folder with a shorter path.",
        )
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear_stale(path)
        sock.bind(str(path))
        path.chmod(0o600)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise ConfigError(
            f"The socket {path} cannot be made: {error.strerror or error}.",
            cure="Check that the folder exists and that this user may write there.",
        ) from error
    except NasdError:
        sock.close()
        raise
    return sock


def _clear_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Conflict(f"{path} is there and is no socket.", cure="Move it away.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its queue is full: somebody listens
        except TimeoutError:
            pass
    raise Conflict(f"Another daemon answers at {path}.", cure="Stop it first, or use another state folder.")


class _OwnerSite(web.BaseSite):
    def __init__(self, runner: web.AppRunner, sock: socket.socket) -> None:
        super().__init__(runner)
        self._sock = sock

    @property
    def name(self) -> str:
        return f"http://unix:{self._sock.getsockname()}:"

    async def start(self) -> None:
        await super().start()
        server = self._runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(server, sock=self._sock, backlog=self._backlog)
