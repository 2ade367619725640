"""What happens to a volume while a longer look at it is under way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest_asyncio

from nasd.flows import looking
from nasd.store import changes
from nasd.store.upgrade import database_path
from tests.fakes.watched import Watched, empty_catalogue, patched_observation, while_scanning

FOLDERS = 6


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[Watched]:
    """A volume of some folders with a file in each, all of it known."""
    made = Watched(tmp_path, catalogue=empty_catalogue(tmp_path / "template"))
    for number in range(FOLDERS):
        path = made.root / f"folder {number}" / "note.txt"
        path.parent.mkdir()
        path.write_text(f"note {number}")
    with contextmanager(patched_observation)(lambda: made):
        await made.open()
        await made.settle()
        yield made
        await made.drop()


def known(world: Watched) -> set[bytes]:
    """Asked from another thread than the world's."""
    connection = sqlite3.connect(database_path(world.state_dir))
    try:
        return {path for (path,) in connection.execute("SELECT path FROM files")}
    finally:
        connection.close()


async def test_what_is_saved_during_a_scan_does_not_wait_for_its_end(world: Watched) -> None:
    before_the_end: list[set[bytes]] = []

    def save() -> None:
        (world.root / "folder 0" / "letter.txt").write_text("just saved")
        world.told()
        world.clock.ahead_s += 5.0

    walk = vars(looking)["scan"]

    def until_the_end(*arguments: Any, **named: Any) -> Iterator[Any]:
        yield from walk(*arguments, **named)
        before_the_end.append(known(world))

    with patch("nasd.flows.looking.scan", until_the_end), while_scanning(2, save):
        await world.settle(scan=True)
    # The walk to the letter ends first, then the scan's: by then it is known.
    assert b"folder 0/letter.txt" in before_the_end[1]
    assert await world.catalogue() == world.on_disk()


async def test_what_was_seen_new_and_went_before_it_was_committed_is_not_kept(world: Watched) -> None:
    passing = world.root / "folder 1" / "passing.txt"
    world.passing = "lost"
    passing.write_text("here for a moment")
    world.told()
    world.passing = "as they come"

    def remove() -> None:
        passing.unlink()
        world.told()
        world.clock.ahead_s += 5.0

    with while_scanning(FOLDERS - 1, remove):
        await world.settle(scan=True)
    assert await world.catalogue() == world.on_disk()


async def test_the_number_of_known_files_is_kept_without_counting(world: Watched) -> None:
    (world.root / "folder 0" / "new.txt").write_text("new")
    (world.root / "folder 1" / "note.txt").unlink()
    (world.root / "folder 2" / "note.txt").rename(world.root / "folder 2" / "note.tmp")
    (world.root / "folder 3").rename(world.root / "moved")
    (world.root / "folder 4" / ".nasdignore").write_text("note.txt\n")
    world.told()
    await asyncio.sleep(0)
    await world.settle()
    counted = await world.lane.read(changes.count_known, world.watch.volume.id)
    assert world.watch.standing.known_files == counted
    assert await world.catalogue() == world.on_disk()
    (world.root / "folder 4" / ".nasdignore").unlink()
    world.told()
    await world.settle()
    counted = await world.lane.read(changes.count_known, world.watch.volume.id)
    assert world.watch.standing.known_files == counted
