from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, text

from nasd.errors import NotFound, StateError
from nasd.store import facts
from nasd.store.lane import Lane, _Line
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW


async def test_a_failing_transaction_leaves_nothing(lane: Lane) -> None:
    def half(connection: Connection) -> None:
        facts.set_fact(connection, "colour", "green")
        raise NotFound("no")

    with pytest.raises(NotFound):
        await lane.write(half)
    assert await lane.read(facts.fact, "colour") is None


async def test_cancellation_never_leaves_a_transaction_half_done(lane: Lane) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        facts.set_fact(connection, "first", "1")
        begun.set()
        go_on.wait(10)
        facts.set_fact(connection, "second", "2")

    task = asyncio.create_task(lane.write(slow))
    release = threading.Timer(0.2, go_on.set)  # the loop stands still while `slow` runs in it
    release.start()
    while not begun.is_set():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await lane.read(facts.fact, "first") == "1"
    assert await lane.read(facts.fact, "second") == "2"
    await lane.write(facts.set_fact, "third", "3")


async def test_readers_cannot_write(lane: Lane) -> None:
    with pytest.raises(StateError):
        await lane.read(facts.set_fact, "colour", "green")


async def test_writers_take_turns_and_lose_no_update(lane: Lane) -> None:
    await lane.write(facts.set_fact, "count", "0")

    def increase(connection: Connection) -> None:
        now = int(facts.fact(connection, "count") or 0)
        facts.set_fact(connection, "count", str(now + 1))

    await asyncio.gather(*(lane.write(increase) for _ in range(50)))
    assert await lane.read(facts.fact, "count") == "50"


async def test_readers_see_the_state_before_an_open_transaction(lane: Lane) -> None:
    await lane.write(facts.set_fact, "colour", "green")
    seen: list[str | None] = []
    other = Lane(lane._database)

    def change(connection: Connection) -> None:
        facts.set_fact(connection, "colour", "red")

    await lane.write(change)
    seen.append(await other.read(facts.fact, "colour"))
    await other.close()
    assert seen == ["red"]


async def test_a_damaged_database_is_told_as_such(tmp_path: Path) -> None:
    upgrade(tmp_path, NOW)
    database = database_path(tmp_path)
    data = bytearray(database.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    database.write_bytes(data)
    lane = Lane(database)
    with pytest.raises(StateError, match="damaged") as caught:
        await lane.read(lambda connection: connection.execute(text("SELECT * FROM jobs")).all())
    assert "backups" in str(caught.value)
    await lane.close()


def test_a_loop_may_end_at_once_after_a_lane_that_could_not_open(tmp_path: Path) -> None:
    """The connection's thread has said its last by then: what it says to a closed loop is an error of the
    thread, which fails a test."""
    answered: list[str] = []

    class Late(_Line):
        def stop(self) -> asyncio.Future[Any] | None:
            self._tx.put_nowait((None, lambda: time.sleep(0.01)))  # the thread has something else to do first
            return super().stop()

    async def attempt() -> None:
        with pytest.raises(StateError):
            await Lane(tmp_path / "nowhere" / "catalogue.db").read(facts.fact, "colour")
        answered.append("told")

    with patch("nasd.store.lane._Line", Late):
        for _ in range(20):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(attempt())
            loop.close()
    assert len(answered) == 20


async def test_any_number_may_wait_for_a_transaction_and_none_is_missed(lane: Lane) -> None:
    seen = lane.writes
    waiting = [asyncio.create_task(lane.written(seen)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    await lane.write(facts.set_fact, "colour", "green")
    async with asyncio.timeout(30):
        await asyncio.gather(*waiting)
        await lane.written(seen)  # who comes late
    late = asyncio.create_task(lane.written(lane.writes))
    await asyncio.sleep(0)
    assert not late.done()
    with pytest.raises(NotFound):
        await lane.write(_refuses)
    async with asyncio.timeout(30):
        await late


def _refuses(connection: Connection) -> None:
    raise NotFound("no")
