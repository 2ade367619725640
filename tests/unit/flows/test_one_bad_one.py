"""One file or passage that nasd itself fails at holds up none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasd.clock import SystemClock
from nasd.domain.files import FileState
from nasd.domain.jobs import JobKind, JobState
from nasd.domain.passages import Block, Document
from nasd.embed.base import Vectors
from nasd.extract.base import Members, SmallText
from nasd.flows.admission import Admission
from nasd.flows.embedding import Embedding
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.members import Unpacking
from nasd.flows.models import Models
from nasd.flows.reading import Reading
from nasd.flows.work import Work
from nasd.index.faiss_index import FaissIndex
from nasd.store import changes, files, queue
from nasd.store.changes import Seen
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from nasd.watch.open import observe
from nasd.watch.rules import Rules
from tests.fakes.catalogue import NOW, add_volume
from tests.fakes.embedder import HashingEmbedder

BAD = "poison"


class PlainExtractor:
    """Reads text, and while it is `strict` fails at bad text in a way that no reader is supposed to."""

    strict = True

    def extract(self, fd: int, *, name: str, kind: str) -> Document:
        with open(fd, "rb", closefd=False) as file:
            text = file.read().decode()
        if self.strict and BAD in text:
            raise ZeroDivisionError("a defect")
        return Document(blocks=(Block(text=text),), title=None, reader="text/1", notes=(), metadata={})

    def warm_up(self) -> None:
        return None

    def extract_texts(self, texts: Sequence[SmallText]) -> list[Document | None]:
        if self.strict and any(BAD.encode() in text.data for text in texts):
            raise ZeroDivisionError("a defect")
        return [Document(blocks=(Block(text=text.data.decode()),), reader="text/1") for text in texts]

    def unpack(self, fd: int, *, name: str, kind: str) -> Members:
        raise AssertionError("no container is read here")

    def close(self) -> None:
        return None


class DelicateEmbedder(HashingEmbedder):
    """Gives what is no vector for a batch with bad text in it."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        vectors = super().embed_documents(texts)
        if any(BAD in text for text in texts):
            vectors[:] = np.nan
        return vectors


class Bench:
    """A catalogue with a volume of real files, and the flows over it."""

    def __init__(self, folder: Path, lane: Lane) -> None:
        clock = SystemClock()
        self.folder, self.lane, self.away = folder, lane, False
        self.work, hub = Work(clock), Hub(clock)
        self.index = IndexCache(lane, hub, folder / "index", load=FaissIndex.load, empty=FaissIndex.empty)
        self.models = Models(
            lane,
            hub,
            self.index,
            self.work,
            clock,
            name="hashing",
            open_embedder=lambda _name, _told: DelicateEmbedder(),
            counter=lambda text: len(text.split()),
        )
        self.extractor = PlainExtractor()
        self.reading = Reading(
            lane,
            hub,
            self.models,
            self.index,
            self.extractor,
            Unpacking(
                lane, self.extractor, Admission((), clock), clock, rules_of=lambda _name: Rules.build()
            ),
            self.work,
            clock,
            root_of=lambda _volume: None if self.away else str(folder),
            believed=self.is_there,
            max_file=1 << 20,
        )
        self.embedding = Embedding(lane, hub, self.models, self.index, self.work, clock)

    async def is_there(self, volume_id: int) -> bool:
        return not self.away

    async def see(self, **texts: str) -> None:
        volume = await add_volume(self.lane)
        found = []
        for name, text in texts.items():
            (self.folder / f"{name}.txt").write_text(text, "utf-8")
            stat = observe(str(self.folder), f"{name}.txt".encode())
            assert stat is not None
            found.append(Seen(stat=stat, kind="text", media_type="text/plain"))
        await self.lane.write(
            changes.apply_changes, volume.id, new=found, changed=(), gone=(), priority=queue.FRESH, now=NOW
        )

    async def states(self) -> dict[str, FileState]:
        page = await self.lane.read(files.page_files)
        return {file.path.decode(): file.state for file in page}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    state, folder = tmp_path / "state", tmp_path / "home"
    state.mkdir()
    folder.mkdir()
    upgrade(state, NOW)
    lane = Lane(database_path(state))
    yield Bench(folder, lane)
    await lane.close()


@asynccontextmanager
async def running(*services: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(service) for service in services]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_a_defect_of_nasds_own_fails_one_file_alone(bench: Bench) -> None:
    await bench.see(a=BAD, b="heron", c="stork")

    async def all_judged() -> bool:
        return FileState.PENDING not in (await bench.states()).values()

    async with running(bench.reading.run(), bench.reading.run_fresh()):
        await until(all_judged)
    assert await bench.states() == {
        "a.txt": FileState.FAILED,
        "b.txt": FileState.INDEXED,
        "c.txt": FileState.INDEXED,
    }
    (failed,) = await bench.lane.read(files.recent_failures, 9)
    assert "ZeroDivisionError" in (failed.detail or "")
    job = await bench.lane.read(queue.job_about, JobKind.READ, failed.id)
    assert job is not None
    assert job.state is JobState.WAITING, "it is tried again"


async def test_a_text_that_cannot_be_embedded_leaves_the_others_their_vectors(bench: Bench) -> None:
    await bench.see(a=BAD, b="heron", c="stork")
    bench.extractor.strict = False

    async def embedded() -> bool:
        counts = await bench.lane.read(queue.count_jobs, SystemClock().now())
        return (counts.read, counts.embed, counts.retry) == (0, 0, 1)

    async with running(bench.reading.run(), bench.models.run(), bench.embedding.run()):
        await until(embedded)
    assert len(bench.index) == 2
    semantic = {file.path: file.semantic for file in await bench.lane.read(files.page_files)}
    assert semantic == {b"a.txt": False, b"b.txt": True, b"c.txt": True}


async def test_work_of_a_volume_that_is_away_rests_as_a_whole(bench: Bench) -> None:
    await bench.see(**{f"n{number}": f"heron {number}" for number in range(20)})
    bench.away = True

    async def resting() -> bool:
        counts = await bench.lane.read(queue.count_jobs, SystemClock().now())
        return (counts.read, counts.retry) == (0, 20)

    async with running(bench.reading.run()):
        await until(resting)
    assert set((await bench.states()).values()) == {FileState.PENDING}
