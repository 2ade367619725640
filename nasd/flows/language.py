"""The language model of this daemon: found, chosen, changed while running, put to rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Literal, Protocol, runtime_checkable

from nasd import wire
from nasd.errors import Conflict, NasdError, NotFound
from nasd.flows.events import Hub
from nasd.llm.base import LanguageModel, Phase, Speed
from nasd.store import facts
from nasd.store.lane import Lane

log = logging.getLogger(__name__)

FACT = "language model"
LOOK_S = 15.0
GRACE_S = 120.0
"""How long replies of the former model may still take after a change."""

OpenModel = Callable[[str], Awaitable[LanguageModel]]
"""The model of this name. Loads nothing yet. Raises ModelAbsent, other `NasdError`."""


class Shelf(Protocol):
    """The models that are here, and those that could be. Plain and synchronous; reads the disk."""

    def names(self) -> Sequence[str]:
        """Those that can be opened, the latest first."""

    def describe(self) -> Sequence[wire.ModelOut]: ...

    def remember(self, name: str, speed: Speed) -> None:
        """How fast a model turned out to be here, for later starts."""


@runtime_checkable
class Rests(Protocol):
    """A model that can let go of its memory and take it up again by itself."""

    async def rest(self, after_s: float) -> bool: ...


class Language:
    """`model` is there as soon as one is found; it may still have to be loaded. While there is none,
    `detail` says why."""

    def __init__(
        self,
        lane: Lane,
        hub: Hub,
        *,
        name: str,
        fixed: bool,
        shelf: Shelf | None,
        open_model: OpenModel,
        rest_after_s: float,
    ) -> None:
        """`name`: the model that the settings name (`fixed`), or else the one to look for first. `shelf`:
        None where a server has the models."""
        self._lane = lane
        self._hub = hub
        self._given = name
        self._fixed = fixed
        self._shelf = shelf
        self._open_model = open_model
        self._rest_after_s = rest_after_s
        self._changing = asyncio.Lock()
        self._finding = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._remembered: Speed | None = None
        self.model: LanguageModel | None = None
        self.detail: str | None = None

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Takes up a model that has come; puts to rest one that nobody asks."""
        if self.model is None:
            await self._find()
        await self._remember()
        model: object = self.model
        if isinstance(model, Rests) and await model.rest(self._rest_after_s):
            log.info("the language model rests")

    async def knows(self, name: str) -> bool:
        """Whether `name` is a language model that is here, or could be."""
        if self._shelf is None:
            return False
        return any(one.name == name for one in await asyncio.to_thread(self._shelf.describe))

    async def use(self, name: str) -> wire.ModelOut:
        """Answers with another model from the next question on. `Conflict` when the settings name another
        one, `NotFound` when it is not here."""
        if self._fixed and name != self._given:
            raise Conflict(
                f"The settings name the language model {self._given}, and they win.",
                cure="Change llm.model in the configuration file (or NASD_LLM__MODEL), or take it out there "
                "and use this command again.",
            )
        if self._shelf is None or name not in await asyncio.to_thread(self._shelf.names):
            raise NotFound(f"There is no language model {name} here.", cure=f"`nasd model pull {name}`")
        if self.model is None or self.model.name != name:
            await self._take(name)
        await self._lane.write(facts.set_fact, FACT, name)
        return next(one for one in await self.describe() if one.name == name)

    async def describe(self) -> Sequence[wire.ModelOut]:
        """The model that answers, first; then what else is here or could be. One that has just come is taken
        up at once."""
        if self.model is None and self._shelf is not None:
            await self._find()
        found = [] if self._shelf is None else list(await asyncio.to_thread(self._shelf.describe))
        if self.model is None:
            return found
        mine = next((one for one in found if one.name == self.model.name), None)
        others = [one for one in found if one is not mine]
        return [await self._as_it_stands(self.model, mine), *others]

    async def close(self) -> None:
        await self._remember()
        async with self._changing:
            model, self.model = self.model, None
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if model is not None:
            await model.close()

    async def _find(self) -> None:
        async with self._finding:
            if self.model is None:
                await self._find_once()

    async def _find_once(self) -> None:
        chosen = None if self._fixed else await self._lane.read(facts.fact, FACT)
        name = chosen or self._given
        if self._shelf is not None:
            names = await asyncio.to_thread(self._shelf.names)
            if not names:
                self.detail = (
                    "There is none yet: `nasd model list` names some that fit, `nasd model pull` fetches."
                )
                return
            if name not in names and not self._fixed:
                name = names[0]
        try:
            await self._take(name)
        except NasdError as error:
            if str(error) != self.detail:
                log.warning("the language model %s cannot serve: %s", name, error)
                self._hub.publish("model.failed", name=name, detail=str(error))
            self.detail = str(error)

    async def _remember(self) -> None:
        model, shelf = self.model, self._shelf
        if model is not None and shelf is not None and model.speed not in (None, self._remembered):
            self._remembered = model.speed
            assert self._remembered is not None
            await asyncio.to_thread(shelf.remember, model.name, self._remembered)

    async def _take(self, name: str) -> None:
        async with self._changing:
            opened = await self._open_model(name)
            former, self.model, self.detail = self.model, opened, None
            self._remembered = opened.speed
        self._hub.publish("model.ready", name=name, serving="language")
        if former is not None:
            task = asyncio.create_task(_leave(former))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _as_it_stands(self, model: LanguageModel, stored: wire.ModelOut | None) -> wire.ModelOut:
        state, speed = model.state, model.speed
        told: dict[str, object] = {"active": True, "waiting": state.waiting, "detail": _detail(model)}
        if speed is not None:
            told |= {"prompt_tokens_s": speed.prompt, "generate_tokens_s": speed.generate}
        if state.phase in ("ready", "loading"):
            told["fits"] = True  # what it takes is not free any more
        if stored is not None:
            return stored.model_copy(update=told | {"state": _WIRE_STATES[state.phase]})
        out = wire.ModelOut(name=model.name, purpose="language", state=_WIRE_STATES[state.phase])
        with suppress(NasdError):
            info = await model.info()
            told |= {"max_tokens": info.context, "serving": info.serving}
        return out.model_copy(update=told)


_WIRE_STATES: dict[Phase, Literal["missing", "preparing", "ready", "failed"]] = {
    "missing": "missing",
    "resting": "ready",
    "loading": "preparing",
    "ready": "ready",
    "failed": "failed",
}


def _detail(model: LanguageModel) -> str | None:
    state = model.state
    if state.phase == "resting":
        return "not in memory; the next question loads it"
    if state.detail is not None:
        return state.detail
    if state.answering or state.waiting:
        return f"{state.answering} being answered, {state.waiting} waiting"
    return None


async def _leave(former: LanguageModel) -> None:
    """Lets replies under way come to their end."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while former.state.answering or former.state.waiting:  # noqa: ASYNC110 - no event tells it
                    await asyncio.sleep(0.1)
    finally:
        await former.close()


class ModelChoice:
    """Which model to use, by its name: a language model that is here, or else one for embedding."""

    def __init__(self, language: Language, embedding: UseEmbedding) -> None:
        self._language = language
        self._embedding = embedding

    async def use(self, name: str, *, force: bool) -> wire.ModelOut:
        if await self._language.knows(name):
            return await self._language.use(name)
        return await self._embedding.use(name, force=force)


class UseEmbedding(Protocol):
    async def use(self, name: str, *, force: bool) -> wire.ModelOut: ...
