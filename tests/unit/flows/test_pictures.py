"""The worker that looks at pictures, and searching what it saw, with a model that is told what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from nasd.clock import SystemClock
from nasd.domain.jobs import Job, JobKind
from nasd.domain.pictures import PICTURE_MODEL
from nasd.errors import ModelError, ReadError
from nasd.extract.base import Picture, Piece
from nasd.extract.vision.base import PictureEncoder
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.inside import Inside
from nasd.flows.models import Models
from nasd.flows.pictures import NO_MODEL, Pictures
from nasd.flows.sight import MOST, Sight
from nasd.flows.work import Work
from nasd.index.faiss_index import FaissIndex
from nasd.store import changes, contents, files, pictures, queue, reads
from nasd.store.changes import Seen
from nasd.store.contents import Content, NewContent
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from nasd.watch.open import observe
from tests.fakes.catalogue import NOW, add_volume
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.vision import ScriptedEncoder, drawn

Find = Callable[[], PictureEncoder | None]


class NoTaker:
    def take(self, fd: int, *, name: str, kind: str, paths: Collection[str]) -> Generator[Piece, None, None]:
        raise AssertionError("no member is asked for here")


class NamedDrawer:
    """Draws a picture of the colour that its file is named after; `fails` is raised instead, once set."""

    def __init__(self) -> None:
        self.fails: ReadError | None = None

    def draw(self, fd: int, *, name: str, kind: str, page: int, edge: int, form: str) -> Picture:
        if self.fails is not None:
            raise self.fails
        assert (page, edge, form) == (1, ScriptedEncoder.edge, "rgb")
        return drawn(name.split("-")[0])


class Bench:
    """A catalogue with pictures on a disk, and the flow over it."""

    def __init__(self, folder: Path, lane: Lane) -> None:
        self.clock = SystemClock()
        self.folder, self.lane, self.drawer = folder, lane, NamedDrawer()
        self.work, self.hub = Work(self.clock), Hub(self.clock)
        self.models = Models(
            lane,
            self.hub,
            self.make_index("index"),
            self.work,
            self.clock,
            name="hashing",
            open_embedder=lambda _name, _told: HashingEmbedder(),
            counter=lambda text: len(text.split()),
        )
        self.sight = self.make_sight()
        (folder / "disk").mkdir()

    def make_index(self, name: str) -> IndexCache:
        return IndexCache(
            self.lane,
            self.hub,
            self.folder / name,
            load=FaissIndex.load,
            empty=FaissIndex.empty,
            rows=pictures,
        )

    def make_sight(self) -> Sight:
        return Sight(self.lane, self.make_index("pictures"), self.clock)

    def flow(self, find: Find | None) -> Pictures:
        return Pictures(
            self.lane,
            self.hub,
            self.models,
            self.drawer,
            self.sight,
            self.work,
            self.clock,
            inside=Inside(self.lane, NoTaker(), self.folder / "members"),
            root_of=lambda number: str(self.folder / "disk"),
            find_engine=find,
        )

    async def add(self, *names: str) -> dict[str, int]:
        """The contents of pictures that were read."""
        volume = await add_volume(self.lane)
        found: dict[str, int] = {}
        for name in names:
            (self.folder / "disk" / name).write_bytes(name.encode())
            stat = observe(str(self.folder / "disk"), name.encode())
            assert stat is not None
            seen = Seen(stat=stat, kind="image", media_type="image/png")
            await self.lane.write(
                changes.apply_changes,
                volume.id,
                new=[seen],
                changed=(),
                gone=(),
                priority=queue.FRESH,
                now=self.clock.now(),
            )
            (job,) = await self.lane.write(queue.claim, JobKind.READ, 1, self.clock.now())
            file = await self.lane.read(files.file_by_id, job.subject_id)
            metadata = {"format": "png", "width": "64", "height": "48"}
            outcome = await self.lane.write(
                reads.commit_read,
                job_id=job.id,
                file=file,
                read=stat,
                kind="image",
                media_type="image/png",
                digest=name,
                reader="image/2",
                new=NewContent(title=None, name=name, chars=0, notes=(), metadata=metadata, passages=()),
                fingerprint=None,
                priority=queue.BACKLOG,
                now=self.clock.now(),
            )
            assert outcome.pictured and outcome.content_id is not None
            found[name] = outcome.content_id
        return found

    async def content(self, number: int) -> Content:
        found = await self.lane.read(contents.content_by_id, number)
        assert found is not None
        return found

    async def job(self, number: int) -> Job | None:
        return await self.lane.read(queue.job_about, JobKind.PICTURE, number)

    async def find(self, query: str, allowed: list[int] | None = None) -> dict[int, float]:
        vector = await self.sight.embed(query)
        assert vector is not None
        return await self.sight.find(
            vector, 10, None if allowed is None else np.array(sorted(allowed), np.int64)
        )


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    upgrade(folder, NOW)
    lane = Lane(database_path(folder))
    try:
        yield Bench(folder, lane)
    finally:
        await lane.close()


async def run_until(flow: Pictures, holds: Callable[[], Awaitable[object]]) -> None:
    running = asyncio.create_task(flow.run())
    try:
        async with asyncio.timeout(60):
            while not await holds():
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def all_seen(it: Bench, flow: Pictures) -> None:
    async def done() -> bool:
        return flow.state == "ready" and await flow.waiting() == 0

    await run_until(flow, done)


async def test_pictures_are_found_by_what_they_show(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        known = await it.add("red-1", "red-2", "green-1", "blue-1")
        flow = it.flow(ScriptedEncoder)
        await all_seen(it, flow)
        red = await it.find("something red")
        assert set(red) == {known["red-1"], known["red-2"]}
        assert max(red.values()) == MOST
        assert min(red.values()) < MOST, "the second tells less than the first"
        assert set(await it.find("a green field")) == {known["green-1"]}
        assert await it.find("the rent of the flat") == {}
        assert set(await it.find("red", [known["red-2"], known["blue-1"]])) == {known["red-2"]}
        assert (await it.content(known["red-1"])).metadata[PICTURE_MODEL] == "scripted 1"
        out = await flow.out()
        assert (out.state, out.engine, out.pictures, out.waiting) == ("ready", "scripted 1", 4, 0)
        assert flow.describe()[0].dimension == ScriptedEncoder.dimension


async def test_after_a_restart_nothing_is_looked_at_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        known = await it.add("red-1", "blue-1")
        await all_seen(it, it.flow(ScriptedEncoder))
        await it.sight.close()
        again = ScriptedEncoder()
        it.sight = it.make_sight()
        await all_seen(it, it.flow(lambda: again))
        assert again.seen == []
        assert set(await it.find("blue")) == {known["blue-1"]}


async def test_without_a_model_it_says_what_would_bring_one(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        known = await it.add("red-1")
        flow = it.flow(lambda: None)

        async def missing() -> bool:
            return flow.state == "missing"

        await run_until(flow, missing)
        out = await flow.out()
        assert (out.detail, out.waiting) == (NO_MODEL, 1)
        assert flow.describe() == []
        content = await it.content(known["red-1"])
        assert flow.why(content, await it.job(content.id)) == NO_MODEL
        assert await it.sight.embed("red") is None
        off = it.flow(None)
        assert (await off.out()).state == "off"
        assert "read.pictures is off" in (off.why(content, None) or "")


@pytest.mark.parametrize("answers", [True, False])
async def test_a_model_that_cannot_be_used_is_told_of(tmp_path: Path, answers: bool) -> None:
    async with bench(tmp_path) as it:
        await it.add("red-1")

        def find() -> PictureEncoder:
            if answers:
                raise ModelError("It is damaged.")
            engine = ScriptedEncoder()
            engine.fails = ReadError("It is damaged.", reason="crashed")
            return engine

        flow = it.flow(find)

        async def told() -> bool:
            return flow.state == "missing"

        await run_until(flow, told)
        assert "It is damaged." in ((await flow.out()).detail or "")
        (listed,) = flow.describe()
        assert (listed.state, listed.active) == ("failed", False)
        assert await it.sight.embed("red") is None


async def test_a_picture_that_cannot_be_drawn_says_so_and_a_busy_one_is_tried_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        known = await it.add("red-1", "blue-1")
        flow = it.flow(ScriptedEncoder)
        it.drawer.fails = ReadError("It is damaged.", reason="malformed")
        await all_seen(it, flow)
        content = await it.content(known["red-1"])
        assert content.notes == ("It is not found by what it shows: It is damaged.",)
        assert await it.sight.embed("red") is None, "there is nothing to be found"


async def test_what_fails_for_the_moment_is_tried_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        known = await it.add("red-1")
        flow = it.flow(ScriptedEncoder)
        it.drawer.fails = ReadError("Its child was ended.", reason="crashed", temporary=True)

        async def postponed() -> bool:
            job = await it.job(known["red-1"])
            return job is not None and job.error is not None

        await run_until(flow, postponed)
        content = await it.content(known["red-1"])
        assert PICTURE_MODEL not in content.metadata
        job = await it.job(content.id)
        assert "after: Its child was ended." in (flow.why(content, job) or "")


async def test_a_model_that_fails_at_a_query_costs_the_pictures_only(tmp_path: Path) -> None:
    async with bench(tmp_path) as it:
        await it.add("red-1")
        engine = ScriptedEncoder()
        await all_seen(it, it.flow(lambda: engine))
        engine.fails = ReadError("It ended.", reason="crashed")
        assert await it.sight.embed("red") is None
        engine.fails = None
        assert await it.sight.embed("  ") is None
        assert await it.sight.embed("red") is not None
