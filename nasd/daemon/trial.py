"""`nasd try`: the whole daemon inside the command's own process, over one folder."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nasd import wire
from nasd.client import Client
from nasd.clock import SystemClock
from nasd.config import Settings
from nasd.daemon.lock import StateLock
from nasd.daemon.run import open_catalogue, running


@asynccontextmanager
async def trial(settings: Settings, folder: Path) -> AsyncIterator[Client]:
    """A client of a daemon that watches `folder`, without a TCP port. What is in the state folder already
    stays: a second trial of the same folder finds its vectors there. The prepared model is kept in the user's
    cache, so that only the first trial takes the time to make it."""
    logging.getLogger("nasd").setLevel(logging.ERROR)
    clock = SystemClock()
    with StateLock(settings.paths.state_dir):
        await asyncio.to_thread(open_catalogue, settings, clock)
        async with (
            running(settings, clock, tcp=False, models_dir=models_cache()),
            Client.open(socket=settings.paths.socket) as client,
        ):
            path = str(folder.resolve())
            if not any(volume.path == path for volume in await client.volumes()):
                await client.add_volume(wire.VolumeIn(path=path))
            yield client


def models_cache() -> Path:
    """$XDG_CACHE_HOME/nasd/models, or ~/.cache/nasd/models."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return cache / "nasd" / "models"
