"""What the command line does to the state itself, while no daemon runs."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing

from nasd import wire
from nasd.clock import SystemClock
from nasd.config import Settings
from nasd.daemon.lock import StateLock
from nasd.embed import store
from nasd.embed.base import ModelInfo
from nasd.errors import NotFound
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.index.faiss_index import FaissIndex
from nasd.store import generations, vectors
from nasd.store.lane import Lane
from nasd.store.tables import SCHEMA_REVISION
from nasd.store.upgrade import database_path, revision_of, upgrade


def upgrade_database(settings: Settings) -> str:
    """Runs missing migrations; what was done, as a sentence."""
    state_dir = settings.paths.state_dir
    with StateLock(state_dir):
        done = upgrade(state_dir, SystemClock().now())
    return f"The catalogue has schema {SCHEMA_REVISION}{' now' if done else ' already'}."


def check_database(settings: Settings) -> list[str]:
    """What is wrong with the catalogue, in sentences; may run beside a daemon."""
    database = database_path(settings.paths.state_dir)
    revision = revision_of(database)
    if revision is None:
        raise NotFound(f"There is no catalogue in {settings.paths.state_dir}.", cure="`nasd run` makes one.")
    found = []
    if revision != SCHEMA_REVISION:
        found.append(f"It has schema {revision}, this version knows {SCHEMA_REVISION}: `nasd db upgrade`.")
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
            found += [f"Damaged: {row[0]}." for row in rows if row[0] != "ok"]
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
            found += [
                f"A row of {row[0]} refers to a row of {row[2]} that is not there." for row in broken[:20]
            ]
    except sqlite3.Error as error:
        found.append(f"It cannot be read: {error}.")
    return found


def rebuild_index(settings: Settings) -> int:
    """Makes the index of the model that answers anew from the catalogue's vectors; how many there are."""
    with StateLock(settings.paths.state_dir):
        upgrade(settings.paths.state_dir, SystemClock().now())
        name = asyncio.run(_serving(settings))
        prepared = store.find(settings.paths.state_dir / "models", name)
        if prepared is None:
            raise NotFound(f"The embedding model {name} is not prepared.", cure="`nasd model prepare`.")
        shutil.rmtree(settings.paths.state_dir / "index", ignore_errors=True)
        return asyncio.run(_rebuild(settings, _info(prepared)))


async def _serving(settings: Settings) -> str:
    """The model that answered last, or the one to begin with."""
    lane = Lane(database_path(settings.paths.state_dir))
    try:
        known = await lane.read(generations.generations)
    finally:
        await lane.close()
    return settings.embedding.model if known.serving is None else known.serving.name


async def _rebuild(settings: Settings, info: ModelInfo) -> int:
    clock = SystemClock()
    lane = Lane(database_path(settings.paths.state_dir))
    try:
        index = IndexCache(
            lane, Hub(clock), settings.paths.state_dir / "index", load=FaissIndex.load, empty=FaissIndex.empty
        )
        model = await lane.write(
            vectors.model_id,
            name=info.name,
            fingerprint=info.fingerprint,
            dimension=info.dimension,
            now=clock.now(),
        )
        await index.open(info, model)
        await index.save()
        return len(index)
    finally:
        await lane.close()


def prepare_model(settings: Settings, narrate: Callable[[str], None]) -> wire.ModelOut:
    """Exports the embedding model of the settings in a process of its own and checks it; works beside a
    daemon, which takes a newly prepared model at its next start. Raises `ModelError`."""

    def say(progress: store.Progress) -> None:
        narrate(f"[{progress.step}/{progress.steps}] {progress.stage}")

    prepared = store.prepare(settings.paths.state_dir / "models", settings.embedding.model, say)
    info = _info(prepared)
    return wire.ModelOut(
        name=info.name,
        purpose="embedding",
        state="ready",
        detail=f"cosine to the original at least {prepared.manifest.agreement.cosine_min:.4f}",
        dimension=info.dimension,
        max_tokens=info.max_tokens,
        serving=info.serving,
        fingerprint=info.fingerprint,
    )


def _info(prepared: store.PreparedModel) -> ModelInfo:
    manifest = prepared.manifest
    return ModelInfo(
        name=manifest.name,
        fingerprint=manifest.fingerprint,
        dimension=manifest.dimension,
        max_tokens=manifest.max_tokens,
        serving=manifest.serving,
    )
