"""The watch over a volume dies and starts anew."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from nasd.domain.files import Volume
from nasd.flows.coverage import CoverageCounter
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.flows.volumes import LONGEST_PAUSE_S, Volumes
from nasd.flows.watching import VolumeWatch
from nasd.flows.work import Work
from nasd.index.faiss_index import FaissIndex
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, add_volume
from tests.fakes.clock import ManualClock


class DyingWatch:
    """A watch that fails as soon as it runs."""

    scanning = False
    unsettled = 0

    def __init__(self, volume: Volume) -> None:
        self.volume = volume

    async def run(self) -> None:
        raise OSError("the disk is odd")


async def test_a_watch_that_dies_again_and_again_starts_ever_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade(tmp_path, NOW)
    lane, clock = Lane(database_path(tmp_path)), ManualClock()
    await add_volume(lane)
    hub, work = Hub(clock), Work(clock)
    begun: list[float] = []

    def make_watch(volume: Volume) -> VolumeWatch:
        begun.append(clock.monotonic())
        return cast("VolumeWatch", DyingWatch(volume))

    volumes = Volumes(
        lane,
        hub,
        IndexCache(lane, hub, tmp_path, load=FaissIndex.load, empty=FaissIndex.empty),
        cast("CoverageCounter", None),
        work,
        clock,
        configured=(),
        state_dir=tmp_path,
        make_watch=make_watch,
    )
    enough = asyncio.Event()
    sleep = asyncio.sleep

    async def tick(seconds: float) -> Any:
        clock.move(seconds)
        if clock.monotonic() > begun[0] + 300:
            enough.set()
        await sleep(0)

    await volumes.prepare()
    begun.clear()
    monkeypatch.setattr("nasd.flows.volumes.asyncio.sleep", tick)
    running = asyncio.create_task(volumes.run())
    await enough.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await lane.close()
    pauses = [later - earlier for earlier, later in pairwise(begun)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 5
    assert pauses[-1] >= LONGEST_PAUSE_S
    assert "the watch of volume home failed" in caplog.text
