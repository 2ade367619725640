"""Work in the background is held back by its turn; what was asked for is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from nasd.clock import SystemClock
from nasd.domain.jobs import JobKind
from nasd.flows.events import Hub
from nasd.flows.scans import Scans
from nasd.flows.work import Work
from nasd.load.base import Pace, Share, Verdict
from nasd.store import queue
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.scans import ScriptedRecognizer

WAITING = Verdict(readers=1, paces=dict.fromkeys(Share, Pace.PAUSED))


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


async def test_recognition_waits_and_goes_on_and_what_is_asked_for_goes_first(lane: Lane) -> None:
    """Of contents that are gone, so that a job that is taken is done at once."""
    clock = SystemClock()
    work = Work(clock)
    work.turns.change(WAITING)
    nobody: Any = None
    scans = Scans(
        *(lane, Hub(clock), nobody, nobody, work, clock),
        root_of=lambda _: None,
        inside=nobody,
        find_engine=ScriptedRecognizer,
    )
    await lane.write(queue.enqueue, JobKind.OCR, [7, 8, 9], priority=50, now=NOW)

    async def left(*expected: int) -> None:
        async with asyncio.timeout(30):
            while [job.subject_id for job in await lane.read(queue.page_jobs, 0, 9)] != [*expected]:
                await asyncio.sleep(0.01)

    running = asyncio.create_task(scans.run())
    try:
        await lane.write(queue.hasten, JobKind.OCR, 8)
        work.to_recognise.set()
        await left(7, 9)
        assert not running.done()
        work.turns.change(Verdict(readers=1))
        work.to_recognise.set()
        await left()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
