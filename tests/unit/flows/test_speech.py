"""The transcribing worker, with a recording and a model that are told what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nasd.clock import SystemClock
from nasd.domain.jobs import Job, JobKind, JobState
from nasd.domain.speech import UNHEARD_FROM
from nasd.errors import ModelError, ReadError
from nasd.extract.base import Piece
from nasd.extract.speech.base import Heard, Said, Transcriber
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.inside import Inside
from nasd.flows.models import Models
from nasd.flows.speech import NO_MODEL, Speech
from nasd.flows.work import Work
from nasd.index.faiss_index import FaissIndex
from nasd.store import changes, contents, files, queue, reads
from nasd.store.changes import Seen
from nasd.store.contents import Content, NewContent
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from nasd.watch.open import observe
from tests.fakes.catalogue import NOW, add_volume
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.speech import ScriptedListener, ScriptedTranscriber


def said(*texts: str, upto_s: float = 30.0) -> Heard:
    return Heard(
        said=tuple(Said(start_s=5.0 * at, end_s=5.0 * at + 4, text=text) for at, text in enumerate(texts)),
        upto_s=upto_s,
        language="en",
    )


class NoTaker:
    def take(self, fd: int, *, name: str, kind: str, paths: Collection[str]) -> Generator[Piece, None, None]:
        raise AssertionError("no member is asked for here")


class Bench:
    """A catalogue with one recording on a disk, and the flow over it."""

    def __init__(self, folder: Path, lane: Lane, listener: ScriptedListener) -> None:
        self.clock = SystemClock()
        self.folder, self.lane, self.listener, self.away = folder, lane, listener, False
        self.work, self.hub = Work(self.clock), Hub(self.clock)
        index = IndexCache(lane, self.hub, folder / "index", load=FaissIndex.load, empty=FaissIndex.empty)
        self.models = Models(
            lane,
            self.hub,
            index,
            self.work,
            self.clock,
            name="hashing",
            open_embedder=lambda _name, _told: HashingEmbedder(),
            counter=lambda text: len(text.split()),
        )
        self.others: tuple[JobKind, ...] = ()

    def flow(self, find: Callable[[], Transcriber | None] | None) -> Speech:
        return Speech(
            self.lane,
            self.hub,
            self.models,
            self.listener,
            self.work,
            self.clock,
            inside=Inside(self.lane, NoTaker(), self.folder / "members"),
            root_of=lambda number: None if self.away else str(self.folder / "disk"),
            find_engine=find,
            comes_first=lambda: self.others,
        )

    async def add(self) -> int:
        """The content of a recording that was read."""
        disk = self.folder / "disk"
        disk.mkdir()
        (disk / "memo.wav").write_bytes(b"sound")
        stat = observe(str(disk), b"memo.wav")
        assert stat is not None
        volume = await add_volume(self.lane)
        seen = Seen(stat=stat, kind="audio", media_type="audio/wav")
        now = self.clock.now()
        await self.lane.write(
            changes.apply_changes, volume.id, new=[seen], changed=(), gone=(), priority=queue.FRESH, now=now
        )
        (job,) = await self.lane.write(queue.claim, JobKind.READ, 1, self.clock.now())
        file = await self.lane.read(files.file_by_id, job.subject_id)
        metadata = {"media": "audio", UNHEARD_FROM: "0.0"}
        outcome = await self.lane.write(
            reads.commit_read,
            job_id=job.id,
            file=file,
            read=stat,
            kind="audio",
            media_type="audio/wav",
            digest="d" * 64,
            reader="media/2",
            new=NewContent(title=None, name="memo", chars=0, notes=(), metadata=metadata, passages=()),
            fingerprint=None,
            priority=queue.FRESH,
            now=self.clock.now(),
        )
        assert outcome.sounding and outcome.content_id is not None
        return outcome.content_id

    async def content(self, number: int) -> Content:
        found = await self.lane.read(contents.content_by_id, number)
        assert found is not None
        return found

    async def job(self, number: int) -> Job | None:
        return await self.lane.read(queue.job_about, JobKind.SPEECH, number)


@asynccontextmanager
async def bench(folder: Path, seconds: float) -> AsyncIterator[Bench]:
    upgrade(folder, NOW)
    lane = Lane(database_path(folder))
    try:
        yield Bench(folder, lane, ScriptedListener(seconds))
    finally:
        await lane.close()


async def run_until(flow: Speech, holds: Callable[[], object]) -> None:
    running = asyncio.create_task(flow.run())
    try:
        async with asyncio.timeout(60):
            while not await holds():  # type: ignore[misc]
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_the_next_window_begins_where_the_last_sentence_ended(tmp_path: Path) -> None:
    async with bench(tmp_path, 70.0) as it:
        number = await it.add()
        engine = ScriptedTranscriber(
            said("one", "two", upto_s=22.0), said("three", upto_s=30.0), said("four", upto_s=18.0)
        )
        flow = it.flow(lambda: engine)

        async def over() -> bool:
            return await it.job(number) is None

        await run_until(flow, over)
        assert it.listener.asked == [0.0, 22.0, 52.0]
        done = await it.content(number)
        assert done.passages == 3
        assert UNHEARD_FROM not in done.metadata
        assert await it.lane.read(contents.text_of, number) == "one two\n\nthree\n\nfour\n\n"
        assert flow.state == "ready"
        assert (await flow.out()).waiting == 0
        assert [model.active for model in flow.describe()] == [True]


async def test_an_engine_that_stands_still_is_pushed_on(tmp_path: Path) -> None:
    async with bench(tmp_path, 40.0) as it:
        number = await it.add()
        flow = it.flow(lambda: ScriptedTranscriber(said("one", upto_s=0.02), said("two", upto_s=10.0)))

        async def over() -> bool:
            return await it.job(number) is None

        await run_until(flow, over)
        assert it.listener.asked == [0.0, 30.0]


async def test_a_window_that_fails_is_noted_and_the_next_one_is_heard(tmp_path: Path) -> None:
    async with bench(tmp_path, 50.0) as it:
        number = await it.add()
        slow = ReadError("it takes too long.", reason="time")
        flow = it.flow(lambda: ScriptedTranscriber(slow, said("two", upto_s=20.0)))

        async def over() -> bool:
            return await it.job(number) is None

        await run_until(flow, over)
        done = await it.content(number)
        assert any("from second 0 on was not transcribed: it takes too long." in note for note in done.notes)
        assert await it.lane.read(contents.text_of, number) == "two\n\n"


async def test_damaged_sound_ends_the_matter_with_a_note(tmp_path: Path) -> None:
    async with bench(tmp_path, 50.0) as it:
        number = await it.add()
        it.listener.fails = ReadError("Its sound is damaged.", reason="malformed")

        async def over() -> bool:
            return await it.job(number) is None

        await run_until(it.flow(ScriptedTranscriber), over)
        assert "Its sound is damaged." in (await it.content(number)).notes[0]


async def test_sound_that_nothing_decodes_waits_and_says_why(tmp_path: Path) -> None:
    async with bench(tmp_path, 50.0) as it:
        number = await it.add()
        it.listener.fails = ReadError("Install ffmpeg.", reason="unsupported")
        flow = it.flow(ScriptedTranscriber)

        async def put_off() -> bool:
            job = await it.job(number)
            return job is not None and job.error is not None

        await run_until(flow, put_off)
        job = await it.job(number)
        assert job is not None and job.state is JobState.WAITING and job.not_before > it.clock.now()
        assert "after: Install ffmpeg." in flow.why_unheard(0.0, job)


async def test_without_a_model_it_says_so_and_nothing_is_taken(tmp_path: Path) -> None:
    async with bench(tmp_path, 50.0) as it:
        number = await it.add()
        flow = it.flow(lambda: None)

        async def missing() -> bool:
            return flow.state == "missing"

        await run_until(flow, missing)
        job = await it.job(number)
        assert job is not None and (job.state, job.attempts) == (JobState.WAITING, 0)
        out = await flow.out()
        assert (out.state, out.detail, out.waiting) == ("missing", NO_MODEL, 1)
        assert NO_MODEL in flow.why_unheard(0.0, job)
        assert flow.describe() == []


async def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path, 50.0) as it:
        await it.add()

        def find() -> Transcriber | None:
            raise ModelError("The file decoder_model.onnx is damaged.")

        flow = it.flow(find)

        async def missing() -> bool:
            return flow.state == "missing"

        await run_until(flow, missing)
        assert "decoder_model.onnx is damaged" in ((await flow.out()).detail or "")
        assert [model.state for model in flow.describe()] == ["failed"]


async def test_a_volume_that_is_away_is_no_failure(tmp_path: Path) -> None:
    async with bench(tmp_path, 50.0) as it:
        number = await it.add()
        it.away = True

        async def put_off() -> bool:
            job = await it.job(number)
            return job is not None and job.not_before > it.clock.now()

        await run_until(it.flow(ScriptedTranscriber), put_off)
        job = await it.job(number)
        assert job is not None and (job.attempts, job.error) == (0, None)


async def test_other_work_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasd.flows.gradual.HELD_BACK_S", 0.01)
    async with bench(tmp_path, 20.0) as it:
        number = await it.add()
        await it.lane.write(queue.enqueue, JobKind.OCR, [1], priority=50, amount=1, now=it.clock.now())
        it.others = (JobKind.OCR,)
        engine = ScriptedTranscriber(said("one", upto_s=20.0))
        flow = it.flow(lambda: engine)

        async def over() -> bool:
            if flow.state == "ready" and not engine.seen and it.others:
                (page,) = await it.lane.write(queue.claim, JobKind.OCR, 1, it.clock.now())
                assert not engine.seen
                await it.lane.write(queue.finish, page.id)
                it.others = ()
            return await it.job(number) is None

        await run_until(flow, over)
        assert len(engine.seen) == 1


async def test_switched_off(tmp_path: Path) -> None:
    async with bench(tmp_path, 20.0) as it:
        await it.add()
        flow = it.flow(None)
        assert (await flow.out()).state == "off"
        assert "read.speech is off" in flow.why_unheard(0.0, None)
