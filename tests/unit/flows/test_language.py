"""Choosing, changing and resting the language model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nasd import wire
from nasd.clock import SystemClock
from nasd.errors import Conflict, NotFound
from nasd.flows.events import Hub
from nasd.flows.language import Language, ModelChoice
from nasd.llm.base import (
    LanguageModel,
    LanguageModelInfo,
    Message,
    ModelAbsent,
    Piece,
    Prompt,
    Speed,
    State,
)
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW


class FakeModel:
    elsewhere = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State(phase="resting")
        self.speed: Speed | None = None
        self.closed = False
        self.rested: list[float] = []

    async def info(self) -> LanguageModelInfo:
        return LanguageModelInfo(name=self.name, serving="fake", context=1000, exact=True)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(messages)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        yield ""

    async def close(self) -> None:
        self.closed = True

    async def rest(self, after_s: float) -> bool:
        self.rested.append(after_s)
        return True


class FakeShelf:
    def __init__(self, *names: str) -> None:
        self.here = list(names)
        self.speeds: list[tuple[str, Speed]] = []

    def names(self) -> Sequence[str]:
        return self.here

    def remember(self, name: str, speed: Speed) -> None:
        self.speeds.append((name, speed))

    def describe(self) -> Sequence[wire.ModelOut]:
        return [
            *(wire.ModelOut(name=name, purpose="language", state="ready", fits=False) for name in self.here),
            wire.ModelOut(name="suggested", purpose="language", state="missing"),
        ]


class Rig:
    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.hub = Hub(SystemClock())
        self.opened: dict[str, FakeModel] = {}
        self.absent: str | None = None

    async def open(self, name: str) -> LanguageModel:
        if self.absent is not None:
            raise ModelAbsent(self.absent)
        self.opened[name] = FakeModel(name)
        return self.opened[name]

    def language(self, shelf: FakeShelf | None, *, name: str = "preferred", fixed: bool = False) -> Language:
        return Language(
            self.lane,
            self.hub,
            name=name,
            fixed=fixed,
            shelf=shelf,
            open_model=self.open,
            rest_after_s=600.0,
        )


@asynccontextmanager
async def closing(language: Language) -> AsyncIterator[Language]:
    try:
        yield language
    finally:
        await language.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield Rig(lane)
    await lane.close()


async def test_without_any_model_there_is_a_hint_and_one_that_comes_is_taken_up(rig: Rig) -> None:
    shelf = FakeShelf()
    async with closing(rig.language(shelf)) as language:
        await language.look()
        before, hint = language.model, language.detail
        assert "nasd model pull" in (hint or "")
        shelf.here.append("other")
        await language.look()
        assert before is None
        assert language.model is rig.opened["other"]
        assert language.detail is None


async def test_the_preferred_one_is_taken_before_the_latest(rig: Rig) -> None:
    async with closing(rig.language(FakeShelf("latest", "preferred"))) as language:
        await language.look()
        assert language.model is not None
        assert language.model.name == "preferred"


async def test_it_rests_when_nobody_asks(rig: Rig) -> None:
    async with closing(rig.language(FakeShelf("preferred"))) as language:
        await language.look()
        assert rig.opened["preferred"].rested == [600.0]


async def test_its_speed_is_remembered_when_it_changes(rig: Rig) -> None:
    shelf = FakeShelf("preferred")
    async with closing(rig.language(shelf)) as language:
        await language.look()
        await language.look()
        first, second = Speed(prompt=10.0, generate=1.0), Speed(prompt=11.0, generate=1.0)
        rig.opened["preferred"].speed = first
        await language.look()
        await language.look()
        rig.opened["preferred"].speed = second
    assert shelf.speeds == [("preferred", first), ("preferred", second)]


async def test_a_change_lets_replies_end_and_is_remembered(rig: Rig) -> None:
    shelf = FakeShelf("preferred", "other")
    async with closing(rig.language(shelf)) as language:
        await language.look()
        former = rig.opened["preferred"]
        former.state = State(phase="ready", answering=1)
        out = await language.use("other")
        assert (out.name, out.active) == ("other", True)
        assert language.model is rig.opened["other"]
        await asyncio.sleep(0)
        too_early = former.closed
        former.state = State(phase="ready")
        async with asyncio.timeout(20):
            while not former.closed:
                await asyncio.sleep(0.01)
        assert not too_early
    async with closing(rig.language(shelf)) as again:
        await again.look()
        assert again.model is not None
        assert again.model.name == "other"


async def test_what_the_settings_name_wins(rig: Rig) -> None:
    shelf = FakeShelf("preferred", "other")
    async with closing(rig.language(shelf, fixed=True)) as language:
        await language.look()
        with pytest.raises(Conflict, match="settings") as caught:
            await language.use("other")
        assert "NASD_LLM__MODEL" in (caught.value.cure or "")
        assert (await language.use("preferred")).active


async def test_a_model_that_is_not_here_is_not_used(rig: Rig) -> None:
    async with closing(rig.language(FakeShelf("preferred"))) as language:
        with pytest.raises(NotFound, match="suggested") as caught:
            await language.use("suggested")
        assert "nasd model pull suggested" in (caught.value.cure or "")


async def test_why_there_is_none_is_told_once(rig: Rig) -> None:
    rig.absent = "This machine's processor lacks AVX2."
    async with closing(rig.language(FakeShelf("preferred"))) as language:
        events = rig.hub.subscribe(0)
        await language.look()
        await language.look()
        details = [language.detail]
        rig.absent = None
        await language.look()
        details.append(language.detail)
        assert details == ["This machine's processor lacks AVX2.", None]
        assert [(await anext(events)).type for _ in range(2)] == ["model.failed", "model.ready"]


async def test_what_is_shown_of_it(rig: Rig) -> None:
    async with closing(rig.language(FakeShelf("aaa", "preferred"))) as language:
        rig.absent = "no"
        assert [one.active for one in await language.describe()] == [False, False, False]
        rig.absent = None
        assert [one.active for one in await language.describe()] == [True, False, False]
        mine = rig.opened["preferred"]
        first, *others = await language.describe()
        assert (first.name, first.active, first.state, first.fits) == ("preferred", True, "ready", False)
        assert "not in memory" in (first.detail or "")
        assert [one.name for one in others] == ["aaa", "suggested"]
        mine.state = State(phase="ready", answering=1, waiting=3)
        mine.speed = Speed(prompt=99.0, generate=9.0)
        first = (await language.describe())[0]
        assert (first.waiting, first.fits, first.prompt_tokens_s) == (3, True, 99.0)
        assert first.detail == "1 being answered, 3 waiting"
        mine.state = State(phase="failed", detail="no memory")
        first = (await language.describe())[0]
        assert (first.state, first.detail) == ("failed", "no memory")


async def test_a_server_has_its_own_models(rig: Rig) -> None:
    async with closing(rig.language(None, fixed=True)) as language:
        assert await language.describe() == []
        await language.look()
        (only,) = await language.describe()
        assert (only.name, only.serving, only.max_tokens) == ("preferred", "fake", 1000)
        assert not await language.knows("preferred")


async def test_a_name_decides_what_is_changed(rig: Rig) -> None:
    class Embedding:
        async def use(self, name: str, *, force: bool) -> wire.ModelOut:
            return wire.ModelOut(name=name, purpose="embedding", state="ready", active=force)

    async with closing(rig.language(FakeShelf("preferred"))) as language:
        choice = ModelChoice(language, Embedding())
        assert (await choice.use("preferred", force=False)).purpose == "language"
        with pytest.raises(NotFound, match="language model"):
            await choice.use("suggested", force=False)
        assert (await choice.use("minilm", force=True)).purpose == "embedding"
