"""When the numbers that every search shows are counted again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from nasd.flows import coverage as flow
from nasd.flows.coverage import FRESH_S, CoverageCounter
from nasd.flows.models import Models
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen
from tests.fakes.clock import ManualClock


class Serving:
    fingerprint: str | None = None


@pytest_asyncio.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


def counting(lane: Lane) -> tuple[CoverageCounter, Serving, ManualClock, list[str | None]]:
    """And for which models was counted."""
    serving, clock, counted = Serving(), ManualClock(), []
    counter = CoverageCounter(lane, cast(Models, serving), clock)
    whole = counter._count

    async def count() -> flow._Counted:
        found = await whole()
        counted.append(serving.fingerprint)
        return found

    counter._count = count  # type: ignore[method-assign]
    return counter, serving, clock, counted


async def test_what_nobody_changed_is_counted_once(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    counter, serving, clock, counted = counting(lane)
    assert (await counter.total()).pending == 1
    clock.move(3600)
    assert (await counter.total()).pending == 1
    await counter.by_volume(fresh=True)
    assert counted == [None]
    serving.fingerprint = "f"
    await counter.total()
    assert counted == [None, "f"]


async def test_a_change_is_told_at_once_to_whoever_needs_it_and_soon_to_searches(lane: Lane) -> None:
    volume = await add_volume(lane)
    counter, _, clock, counted = counting(lane)
    assert (await counter.total()).files == 0
    await see(lane, volume, seen("a.txt"))
    await read_next(lane, new_content("heron"), digest="d")
    clock.move(FRESH_S)
    assert (await counter.total()).files == 0, "no search waits for a count that is as fresh"
    assert (await counter.by_volume(fresh=True))[volume.id].coverage.searchable == 1
    await see(lane, volume, seen("b.txt", inode=2))
    clock.move(2 * FRESH_S + 0.1)
    assert (await counter.total()).files == 2
    assert len(counted) == 3


async def test_while_somebody_searches_the_counts_are_kept_fresh(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "FRESH_S", 0.001)
    volume = await add_volume(lane)
    counter, _, clock, _ = counting(lane)
    running = asyncio.create_task(counter.run())
    await counter.total()
    await see(lane, volume, seen("a.txt"))
    clock.move(0.001)
    async with asyncio.timeout(30):
        while (await counter.total()).files != 1:  # none of these counts itself: they are as fresh as that
            await asyncio.sleep(0.001)
        clock.move(flow.ASKED_S + 1)
        while counter._asked.is_set():
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait([running])
