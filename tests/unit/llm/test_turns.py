"""Askers take turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nasd.llm.base import ModelBusy
from nasd.llm.turns import Turns


class Line:
    """Tasks that each want a turn, and the order in which they got it."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[str] = []
        self.go = asyncio.Semaphore(0)
        self.tasks: list[asyncio.Task[None]] = []

    async def want(self, asker: str, label: str) -> asyncio.Task[None]:
        async def have() -> None:
            async with self.turns.turn(asker):
                self.order.append(label)
                await self.go.acquire()

        task = asyncio.create_task(have())
        self.tasks.append(task)
        await asyncio.sleep(0)
        return task

    async def finish(self) -> list[str]:
        for _ in self.tasks:
            self.go.release()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return self.order


@asynccontextmanager
async def line(slots: int = 1, longest: int = 10) -> AsyncIterator[Line]:
    made = Line(Turns(slots, longest))
    yield made
    await made.finish()
    assert (made.turns.taken, made.turns.waiting) == (0, 0)


async def test_one_who_asks_much_waits_for_those_who_ask_little() -> None:
    async with line() as one:
        for label in ("a1", "a2", "a3", "a4"):
            await one.want("a", label)
        await one.want("b", "b1")
        await one.want("c", "c1")
        assert (one.turns.taken, one.turns.waiting) == (1, 5)
        assert await one.finish() == ["a1", "a2", "b1", "c1", "a3", "a4"]


async def test_as_many_at_once_as_there_are_slots() -> None:
    async with line(slots=2) as one:
        for label in ("1", "2", "3"):
            await one.want(label, label)
        assert (one.order, one.turns.taken, one.turns.waiting) == (["1", "2"], 2, 1)


async def test_too_long_a_queue_refuses_at_once() -> None:
    async with line(longest=1) as one:
        await one.want("a", "1")
        await one.want("a", "2")
        with pytest.raises(ModelBusy) as caught:
            async with one.turns.turn("b"):
                raise AssertionError
        assert caught.value.retry_after_s > 0
        assert one.turns.waiting == 1


async def test_who_goes_away_leaves_the_queue() -> None:
    async with line() as one:
        await one.want("a", "1")
        gone = await one.want("b", "2")
        await one.want("c", "3")
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert one.turns.waiting == 1
        assert await one.finish() == ["1", "3"]


async def test_a_turn_that_comes_as_its_owner_goes_passes_on() -> None:
    async with line() as one:
        await one.want("a", "1")
        gone = await one.want("b", "2")
        await one.want("c", "3")
        one.go.release()  # the first one ends, the second one has the turn before it runs
        while one.turns.waiting == 2:
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert "3" in await one.finish()
