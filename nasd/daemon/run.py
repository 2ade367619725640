"""`nasd run`: one process from the lock to the last saved byte."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nasd import __version__
from nasd.clock import Clock, SystemClock
from nasd.config import Settings, TlsFiles, bind_host
from nasd.daemon.assemble import assemble
from nasd.daemon.lock import StateLock
from nasd.daemon.memory import collect_in_bulk, keep_few_arenas, keep_what_is_loaded
from nasd.daemon.parts import Daemon
from nasd.daemon.systemd import Notifier, read_supervision
from nasd.errors import ConfigError, NasdError, StateError
from nasd.load.cores import keep_to
from nasd.server.sites import Running, serve
from nasd.store.lane import CommitPoint
from nasd.store.upgrade import upgrade

log = logging.getLogger("nasd")

DRAIN_S = 5.0
SWITCH_S = 0.0005
"""How long one thread may keep the others from running Python code. A search changes threads some ten times,
and beside a thread that takes texts apart each change waits so long: ten reads from the catalogue take 3 ms
rather than 13, and that thread does as much."""

STOP_S = 25.0
"""An orderly stop takes at most this long; the unit's TimeoutStopSec is longer."""


def run(settings: Settings, *, commit_point: CommitPoint | None = None) -> int:
    """The daemon in the foreground, until SIGTERM or SIGINT; the exit code.

    Raises `NasdError` when it cannot start: `Conflict` when another daemon holds the state folder or the
    port, `StateError` for a state folder that cannot be written or a database of a newer version.
    """
    import uvloop

    start_log()
    keep_few_arenas()
    collect_in_bulk()
    sys.setswitchinterval(SWITCH_S)
    with StateLock(settings.paths.state_dir):
        open_catalogue(settings, SystemClock())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_main(settings, commit_point))


def open_catalogue(settings: Settings, clock: Clock) -> None:
    """Brings the database to this version's schema; the state folder must be held."""
    try:
        if upgrade(settings.paths.state_dir, clock.now()):
            log.info("the catalogue in %s has this version's schema now", settings.paths.state_dir)
    except OSError as error:
        raise StateError(
            f"The state folder {settings.paths.state_dir} cannot be used: {error.strerror or error}."
        ) from error


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock,
    *,
    tcp: bool = True,
    models_dir: Path | None = None,
    commit_point: CommitPoint | None = None,
) -> AsyncIterator[tuple[Daemon, Running]]:
    """A daemon with its doors open; stopped in order at the end, whatever happens."""
    if settings.load.cores != "auto":
        keep_to(settings.load.cores)
    daemon = assemble(settings, clock, models_dir=models_dir, commit_point=commit_point)
    server: Running | None = None
    try:
        host, narrowed = bind_host(settings)
        if tcp and narrowed:
            log.info("listening on %s only: %s", host, narrowed)
        server = await serve(
            daemon.flows,
            host=host if tcp else None,
            port=settings.server.port,
            ssl_context=tls_context(settings) if tcp else None,
            socket_path=settings.paths.socket,
            drain_s=DRAIN_S,
            version=__version__,
        )
        daemon.status.host, daemon.status.port = host, server.port
        await daemon.start()
        await asyncio.to_thread(keep_what_is_loaded)
        daemon.status.state = "ready"
        yield daemon, server
    finally:
        daemon.status.state = "stopping"
        if server is not None:
            await server.stop()
        await daemon.stop()


async def _main(settings: Settings, commit_point: CommitPoint | None) -> int:
    notifier = Notifier(read_supervision(os.environ, pid=os.getpid()))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    deadline: asyncio.TimerHandle | None = None
    try:
        async with running(settings, SystemClock(), commit_point=commit_point) as (daemon, server):
            where = f"{daemon.status.host}:{server.port}"
            log.info("nasd %s is ready at %s and %s", __version__, where, settings.paths.socket)
            notifier.ready(f"serving at {where}")
            beating = asyncio.create_task(_beat(notifier, daemon))
            await stop.wait()
            log.info("stopping")
            notifier.stopping()
            deadline = loop.call_later(STOP_S, _give_up)
            beating.cancel()
    finally:
        if deadline is not None:
            deadline.cancel()
    log.info("stopped")
    return 0


async def _beat(notifier: Notifier, daemon: Daemon) -> None:
    """Signs of life, as long as the catalogue answers; a daemon that hangs is started anew by systemd."""
    if notifier.beat_every_s is None:
        return
    while True:
        try:
            async with asyncio.timeout(notifier.beat_every_s):
                await daemon.status.ready()
                await daemon.flows.devices.list()
            notifier.beat()
        except (NasdError, TimeoutError) as error:
            log.error("no sign of life is given: %s", error or "the catalogue does not answer")
        await asyncio.sleep(notifier.beat_every_s)


def _give_up() -> None:
    # Everything committed is safe; what hangs must not keep the machine from shutting down.
    log.error("stopping took longer than %.0f s: ending at once", STOP_S)
    logging.shutdown()
    os._exit(1)


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """From the certificate in the settings, or None without one. Raises `ConfigError`."""
    tls = settings.server.tls
    if not isinstance(tls, TlsFiles):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"server.tls: {tls.cert} and {tls.key} cannot be used: {error}.",
            cure="Give a PEM certificate chain and its key, both readable for the user that runs nasd.",
        ) from error
    return context


def start_log() -> None:
    """Lines on stderr; under systemd, which adds the time itself, without one."""
    plain = "JOURNAL_STREAM" in os.environ
    form = "%(levelname)s %(message)s" if plain else "%(asctime)s %(levelname)s %(message)s"
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=form)
