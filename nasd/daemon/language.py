"""Language models: which are here, opening the one that the settings want, bringing and measuring others."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from nasd import wire
from nasd.config import LlmEndpoint, Settings, read_credential
from nasd.errors import ModelError, NasdError
from nasd.flows.events import Hub
from nasd.flows.language import Language, OpenModel
from nasd.llm import pull, store, suggested
from nasd.llm.base import LanguageModel, Message, ModelAbsent, Piece, Prompt, Speed
from nasd.llm.fitting import check_machine
from nasd.llm.local import LlamaModel, Weights
from nasd.llm.memory import PROCESS, footprint
from nasd.llm.ollama import OllamaModel, speaks_ollama
from nasd.llm.remote import OpenAiModel
from nasd.load.sense import Sensors, whole_cores
from nasd.store.lane import Lane

CONTEXT = 8192
"""Tokens, unless the settings say otherwise: twenty passages, their question and a reply."""

BENCH_S = 60.0
ROUNDS = 5
BENCH_WORDS, BENCH_TOKENS = 300, 48

Available = Callable[[], int | None]
"""Bytes of memory that can be had now without swapping."""


class StoredModels:
    """Implements `flows.language.Shelf`."""

    def __init__(self, settings: Settings, models: Path, available: Available) -> None:
        self._settings = settings
        self._models = models
        self._available = available

    def names(self) -> Sequence[str]:
        found = sorted(store.stored(self._models), key=lambda one: one.folder.stat().st_mtime, reverse=True)
        return [one.name for one in found]

    def describe(self) -> Sequence[wire.ModelOut]:
        free = self._free()
        here = store.stored(self._models)
        names = {one.name for one in here}
        found = [self._here(one, free) for one in here]
        for one in suggested.SUGGESTED:
            if one.name not in names:
                # Before its file is here, what stands in its head is not known.
                needed = (one.bytes or 0) * 9 // 8 + PROCESS
                found.append(
                    wire.ModelOut(
                        name=one.name,
                        purpose="language",
                        state="missing",
                        detail=f"`nasd model pull {one.name}` fetches it",
                        licence=one.licence,
                        bytes=one.bytes,
                        memory_bytes=needed,
                        fits=None if free is None else needed <= free,
                    )
                )
        return found

    def remember(self, name: str, speed: Speed) -> None:
        if (found := store.find(self._models, name)) is not None:
            store.remember_speed(found, speed)

    def here(self, name: str) -> wire.ModelOut:
        """One that is here."""
        return next(one for one in self.describe() if one.name == name and one.state != "missing")

    def _here(self, model: store.Stored, free: int | None) -> wire.ModelOut:
        context = context_of(self._settings, model)
        needed = footprint(model.header, context).total
        trouble = _trouble()
        return wire.ModelOut(
            name=model.name,
            purpose="language",
            state="ready" if trouble is None else "failed",
            detail=trouble,
            max_tokens=context,
            serving="llama",
            fingerprint=model.sha256[:32],
            licence=model.licence,
            bytes=model.header.bytes,
            memory_bytes=needed,
            fits=None if free is None else needed <= free,
            prompt_tokens_s=None if model.speed is None else model.speed.prompt,
            generate_tokens_s=None if model.speed is None else model.speed.generate,
        )

    def _free(self) -> int | None:
        allowed = self._settings.llm.memory
        free = self._available()
        if isinstance(allowed, int):
            return allowed if free is None else min(allowed, free)
        return free


def _trouble() -> str | None:
    """Why no model can be served here, whichever it is."""
    try:
        check_machine()
    except ModelAbsent as error:
        return str(error)
    return None


def context_of(settings: Settings, model: store.Stored) -> int:
    """Tokens to serve a model with: what the settings say, and no more than it was made for."""
    wanted = CONTEXT if settings.llm.context == "auto" else settings.llm.context
    trained = model.header.of("context_length")
    return wanted if trained is None else min(wanted, trained)


def open_stored(
    settings: Settings, models: Path, name: str, available: Available, cores: int, *, known: bool = True
) -> LlamaModel:
    """`known`: goes by the speed measured before. Raises ModelAbsent when it is not here, or this machine
    cannot run any."""
    check_machine()
    found = store.find(models, name)
    if found is None:
        raise ModelAbsent(
            f"The language model {name} is not here.",
            cure="`nasd model list` names those that are and some to pull; `nasd model use` chooses.",
        )
    context = context_of(settings, found)
    wanted = settings.llm
    return LlamaModel(
        Weights(
            name=found.name,
            file=found.file,
            fingerprint=found.sha256[:32],
            context=context,
            footprint=footprint(found.header, context),
        ),
        threads=cores if wanted.threads == "auto" else wanted.threads,
        available=available,
        allowed=None if wanted.memory == "auto" else wanted.memory,
        known=found.speed if known else None,
    )


def make_language(settings: Settings, lane: Lane, hub: Hub, models: Path, sensors: Sensors) -> Language:
    """The language model of a daemon, with these settings; nothing is opened yet."""
    here = not isinstance(settings.llm.serve, LlmEndpoint)
    available = sensors.available_memory
    return Language(
        lane,
        hub,
        name=settings.llm.model,
        fixed="model" in settings.llm.model_fields_set or not here,
        shelf=StoredModels(settings, models, available) if here else None,
        open_model=model_opener(settings, models, available, whole_cores(sensors.cores())),
        rest_after_s=settings.llm.idle_minutes * 60,
    )


def model_opener(settings: Settings, models: Path, available: Available, cores: int) -> OpenModel:
    """Opens a model by its name, as `llm` in the settings has it."""
    serve = settings.llm.serve

    async def open_here(name: str) -> LanguageModel:
        return open_stored(settings, models, name, available, cores)

    async def open_there(name: str) -> LanguageModel:
        assert isinstance(serve, LlmEndpoint)
        return await _open_remote(settings, serve, name)

    return open_there if isinstance(serve, LlmEndpoint) else open_here


async def _open_remote(settings: Settings, serve: LlmEndpoint, name: str) -> LanguageModel:
    key = None
    if serve.credentials is not None:
        key = read_credential(serve.credentials, config_file=settings.paths.config_file, environ=os.environ)
    context = None if settings.llm.context == "auto" else settings.llm.context
    ollama = serve.api == "ollama" or (serve.api == "auto" and await speaks_ollama(serve.url, api_key=key))
    model = (OllamaModel if ollama else OpenAiModel)(serve.url, name, api_key=key, context=context)
    try:
        await model.info()  # whether it is there, and where its prompts go
    except NasdError:
        await model.close()
        raise
    return model


def is_stored(settings: Settings, name: str) -> bool:
    return store.find(_models(settings), name) is not None


def import_file(settings: Settings, file: Path, *, name: str | None, licence: str | None) -> wire.ModelOut:
    """Copies a GGUF file into the state, and looks whether it can be served from it; works beside a daemon,
    which takes it up by itself. Raises `NasdError`."""
    made = store.bring(_models(settings), file, name=name, licence=licence)
    return _shelf(settings).here(made.name)


def pull_model(
    settings: Settings,
    wanted: str,
    *,
    sha256: str | None,
    name: str | None,
    on_progress: pull.OnProgress,
) -> wire.ModelOut:
    """Fetches a suggested model, or a file at a revision, from the hub of the settings; works beside a
    daemon, which takes it up by itself. Blocks. Raises `NasdError`."""
    source = suggested.source_of(wanted, sha256)
    made = pull.pull(_models(settings), source, settings.llm.hub, name=name, on_progress=on_progress)
    return _shelf(settings).here(made.name)


def bench_stored(settings: Settings, name: str, narrate: Callable[[str], None]) -> wire.ModelOut:
    """Measures how fast a model reads and writes here, for a minute at most, and keeps that with the model.
    Loads it beside a daemon's own. Raises `NasdError`."""
    asyncio.run(_bench(settings, name, narrate))
    return _shelf(settings).here(name)


async def _bench(settings: Settings, name: str, narrate: Callable[[str], None]) -> None:
    sensors = Sensors()
    model = open_stored(
        settings, _models(settings), name, sensors.available_memory, whole_cores(sensors.cores()), known=False
    )
    began = time.monotonic()
    try:
        for number in range(1, ROUNDS + 1):
            narrate(f"[{number}/{ROUNDS}] reads a page and writes {BENCH_TOKENS} tokens")
            # The number comes first: nothing that was read before can be used again.
            page = " ".join(f"{number * word % 997} passages of text" for word in range(BENCH_WORDS // 4))
            text = f"{number}. {page}. What is this about?"
            await _spend(
                model.stream(Prompt(messages=[Message(role="user", text=text)], max_tokens=BENCH_TOKENS))
            )
            if time.monotonic() - began > BENCH_S:
                break
    finally:
        await model.close()
    if model.speed is None:
        raise ModelError(f"The language model {name} says too little to be measured.")
    found = store.find(_models(settings), name)
    if found is not None:
        store.remember_speed(found, model.speed)


async def _spend(reply: AsyncGenerator[Piece, None]) -> None:
    async with aclosing(reply):
        async for _ in reply:
            pass


def _models(settings: Settings) -> Path:
    return settings.paths.state_dir / "models"


def _shelf(settings: Settings) -> StoredModels:
    return StoredModels(settings, _models(settings), Sensors().available_memory)
