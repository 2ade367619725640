"""What time alone makes the watch over a volume do: nothing, until a scan is due."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from nasd.flows.standing import FROZEN_LOOK_S, LONGEST_FROZEN_LOOK_S
from nasd.watch.guard import observe_volume
from nasd.watch.mounts import Mount, mount_of, read_mounts
from nasd.watch.scan import scan
from tests.fakes.watched import Watched, empty_catalogue

HOUR_S = 3600


class Touches:
    """How often anything was asked of the disk, by the only two ways that a watch has."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        patch.setattr("nasd.flows.standing.observe_volume", self._counting(observe_volume))
        patch.setattr("nasd.flows.looking.scan", self._counting(scan))

    def _counting(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            return inner(*arguments, **named)

        return counted

    def taken(self) -> int:
        """Since this was last asked."""
        count, self.count = self.count, 0
        return count


@pytest.fixture
def touches(monkeypatch: pytest.MonkeyPatch) -> Touches:
    return Touches(monkeypatch)


@pytest_asyncio.fixture
async def world(tmp_path: Path, touches: Touches) -> AsyncIterator[Watched]:
    world = Watched(tmp_path / "ground", catalogue=empty_catalogue(tmp_path / "template"))
    (world.root / "a.txt").write_text("The heron stood on the pier.\n", "utf-8")
    await world.open()
    await world.settle()
    assert touches.taken()
    yield world
    await world.drop()


def state_of(world: Watched) -> str:
    return world.watch.volume.state.value


async def pass_time(world: Watched, hours: float, *, step_s: float = 60.0) -> None:
    for _ in range(int(hours * HOUR_S / step_s)):
        world.clock.ahead_s += step_s
        await world.watch.step()


async def test_an_idle_volume_is_left_alone_until_its_scan_is_due(world: Watched, touches: Touches) -> None:
    woken = world.watch.wake
    await pass_time(world, 23)
    assert touches.taken() == 0
    assert world.watch.wake == woken
    await pass_time(world, 1.5)
    assert touches.taken() > 0
    assert world.watch.wake is not None and world.watch.wake.cause == "scan"


async def test_only_a_mount_at_the_volume_wakes_it(world: Watched, touches: Touches) -> None:
    mounts = read_mounts()
    on = mount_of(os.fsencode(world.root), mounts)
    assert on is not None

    def one(point: bytes) -> Mount:
        return Mount(point=point, root=b"/", fstype="ext4", source="/dev/sdz1", device="8:240")

    world.watch.mounts_changed([*mounts, one(b"/nowhere near")])
    await pass_time(world, 1)
    assert touches.taken() == 0
    world.watch.mounts_changed([*mounts, one(os.fsencode(world.root / "inner"))])
    await world.watch.step()
    assert touches.taken() > 0
    await pass_time(world, 1)
    assert touches.taken() == 0


async def test_a_frozen_volume_is_looked_at_ever_less_often(world: Watched, touches: Touches) -> None:
    world.root.rename(world.root.with_name("away"))
    world.watch.scan_soon()
    await world.watch.step()
    assert state_of(world) == "frozen"
    touches.taken()
    await pass_time(world, 1 / 60, step_s=1.0)
    at_first = touches.taken()
    assert 60 / FROZEN_LOOK_S / 2 <= at_first <= 60 / FROZEN_LOOK_S
    await pass_time(world, 2, step_s=5.0)
    touches.taken()
    await pass_time(world, 1, step_s=5.0)
    assert touches.taken() <= HOUR_S / LONGEST_FROZEN_LOOK_S
    world.root.with_name("away").rename(world.root)
    await world.settle()
    assert state_of(world) == "active"
