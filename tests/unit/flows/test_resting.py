"""When the model's memory is given back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from nasd.embed.base import Embedder
from nasd.errors import ModelError
from nasd.flows.models import Models
from nasd.flows.resting import EASE_AFTER_S, REST_AFTER_S, Resting, resting_note
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.embedder import HashingEmbedder


class Sleepy(HashingEmbedder):
    """Was asked for the last time `idle` seconds ago."""

    def __init__(self, idle: float = 0.0) -> None:
        super().__init__()
        self.idle = idle
        self.eased = 0
        self.resting = False
        self.broken = False

    def ease(self, after_s: float) -> bool:
        if self.broken:
            raise ModelError("The embedding model failed.")
        if self.idle < after_s:
            return False
        self.eased += 1
        return True

    def rest(self, after_s: float) -> bool:
        if self.resting or self.idle < after_s:
            return False
        self.resting = True
        return True


class FakeModels:
    def __init__(self, embedder: Embedder | None) -> None:
        self.embedder = embedder


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


def resting(lane: Lane, embedder: Embedder, *, there: bool = False) -> tuple[Resting, list[str]]:
    given: list[str] = []

    async def eased() -> None:
        given.append("words")

    forgets = iter([there])
    flow = Resting(
        cast(Models, FakeModels(embedder)),
        lane,
        forget=lambda: next(forgets, False),
        give_back=lambda: given.append("given"),
        ease_words=eased,
    )
    return flow, given


@pytest.mark.parametrize(
    ("idle", "eased", "rests"), [(0.0, 0, False), (EASE_AFTER_S, 1, False), (REST_AFTER_S, 0, True)]
)
async def test_an_idle_model_lets_go(lane: Lane, idle: float, eased: int, rests: bool) -> None:
    embedder = Sleepy(idle)
    flow, given = resting(lane, embedder)
    await flow.look()
    assert (embedder.eased, embedder.resting) == (eased, rests)
    assert bool(given) == bool(eased or rests)
    assert await lane.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar()) == 1


async def test_what_stood_in_for_the_model_is_forgotten(lane: Lane) -> None:
    flow, given = resting(lane, HashingEmbedder(), there=True)
    await flow.look()
    await flow.look()
    assert given == ["given"]


async def test_a_model_that_fails_does_not_end_the_service(
    lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    embedder = Sleepy(EASE_AFTER_S)
    embedder.broken = True
    flow, given = resting(lane, embedder)
    await flow.look()
    assert "The embedding model failed." in caplog.text
    assert given == []


def test_a_resting_model_says_so() -> None:
    embedder: Any = Sleepy()
    assert resting_note(None) is resting_note(HashingEmbedder()) is resting_note(embedder) is None
    embedder.resting = True
    assert "the next query loads it" in (resting_note(embedder) or "")
