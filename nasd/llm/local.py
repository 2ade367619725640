"""A GGUF model on this machine: llama.cpp by way of xllamacpp, in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from nasd.errors import ModelError, NasdError
from nasd.llm import process
from nasd.llm.base import (
    Finish,
    LanguageModelInfo,
    Message,
    ModelGone,
    Phase,
    Piece,
    Prompt,
    PromptTooLong,
    Speed,
    State,
)
from nasd.llm.fitting import batch_for, check_machine, check_memory
from nasd.llm.memory import Footprint
from nasd.llm.replies import body, complaint, parsed, pieces, whole
from nasd.llm.speed import Learned
from nasd.llm.trouble import Trouble
from nasd.llm.turns import Turns

log = logging.getLogger(__name__)

LONGEST_QUEUE = 16
HEADROOM = 256 << 20
"""Bytes beyond half as much again as was estimated, until the process is stopped from taking more."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
"""After a second death in a row, before the process is started again."""

_PAGE = os.sysconf("SC_PAGE_SIZE")

CLOSED = "The language model was closed."

TEMPLATE = {"enable_thinking": False}
"""A model that thinks aloud first would spend its reply on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model as it lies in the store."""

    name: str
    file: Path
    fingerprint: str
    context: int  # that it is served with
    footprint: Footprint  # with that context


class LlamaModel:
    """Implements `LanguageModel`. Loads with the first question, rests when told, starts again when its
    process died. For one event loop."""

    elsewhere = False

    def __init__(
        self,
        weights: Weights,
        *,
        threads: int,
        available: Callable[[], int | None],
        allowed: int | None = None,
        known: Speed | None = None,
        longest_queue: int = LONGEST_QUEUE,
    ) -> None:
        """`available`: bytes of memory that can be had now without swapping. `allowed`: bytes that the owner
        grants; None: what is available. `known`: its speed as measured before."""
        self._weights = weights
        self._threads = threads
        self._available = available
        self._allowed = allowed
        self._learned = Learned(known)
        self._turns = Turns(1, longest_queue)
        self._process: process.Process | None = None
        self._starting: asyncio.Task[process.Process] | None = None
        self._closed = False
        self._used = time.monotonic()
        self._deaths = 0
        self._not_before = 0.0
        self._trouble = Trouble()

    @property
    def name(self) -> str:
        return self._weights.name

    @property
    def speed(self) -> Speed | None:
        return self._learned.speed

    @property
    def pid(self) -> int | None:
        """Of the process that holds the model."""
        return None if self._process is None else self._process.pid

    @property
    def state(self) -> State:
        serving = self._process if self._process is not None and self._process.alive else None
        trouble = self._trouble.detail
        phase: Phase = "failed" if trouble is not None else "resting"
        if self._starting is not None:
            phase = "loading"
        elif serving is not None:
            phase = "ready"
        return State(
            phase=phase,
            detail=trouble if phase == "failed" else None,
            answering=self._turns.taken,
            waiting=self._turns.waiting,
            memory=None if serving is None else _resident(serving.pid),
        )

    async def info(self) -> LanguageModelInfo:
        return LanguageModelInfo(
            name=self.name,
            serving="llama",
            context=self._weights.context,
            exact=True,
            fingerprint=self._weights.fingerprint,
        )

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        serving = await self._awake()
        self._used = time.monotonic()
        async with self._speaking(serving):
            template = {"messages": _plain(messages), "chat_template_kwargs": TEMPLATE}
            made = (await self._ask(serving, "/apply-template", template))["prompt"]
            text = {"content": made, "add_special": True, "parse_special": True}
            return len((await self._ask(serving, "/tokenize", text))["tokens"])

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        tokens = await self.count_tokens(prompt.messages)
        if tokens + prompt.max_tokens > self._weights.context:
            raise PromptTooLong(tokens=tokens, max_tokens=prompt.max_tokens, context=self._weights.context)
        async with self._turns.turn(prompt.asker):
            serving = await self._awake()
            self._used = time.monotonic()
            try:
                async with self._speaking(serving), aclosing(self._reply(serving, prompt)) as reply:
                    async for piece in reply:
                        if isinstance(piece, Finish):
                            self._learned.learn(piece.usage)
                            self._deaths = 0
                        yield piece
            finally:
                self._used = time.monotonic()

    async def rest(self, after_s: float) -> bool:
        """Ends the process when nothing was asked for `after_s` seconds; whether it did so now."""
        if self._turns.taken or self._turns.waiting or self._starting is not None:
            return False
        serving = self._process
        if serving is None or time.monotonic() - self._used < after_s:
            return False
        self._process = None
        await serving.end()
        return True

    async def close(self) -> None:
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        serving, self._process = self._process, None
        if serving is not None:
            await serving.end()

    # --- the process ---

    async def _awake(self) -> process.Process:
        """Loading goes on when whoever asked for it goes away: the next one wants it, too."""
        if self._closed:
            raise ModelGone(CLOSED)
        if self._process is not None and self._process.alive:
            return self._process
        starting = self._begin()
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():  # by `close`, not because nobody waits any more
                raise ModelGone(CLOSED) from None
            raise

    def _begin(self) -> asyncio.Task[process.Process]:
        if self._starting is None:
            self._starting = asyncio.create_task(self._wake())
            self._starting.add_done_callback(self._begun)
        return self._starting

    def _begun(self, task: asyncio.Task[process.Process]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()  # seen, even when nobody waits for it any more

    async def _wake(self) -> process.Process:
        if self._process is not None:  # it died without anybody asking
            await self._bury(self._process)
        if (pause := self._not_before - time.monotonic()) > 0:
            raise ModelGone(
                f"The language model's process ended {self._deaths} times in a row; it is started again "
                f"in {pause:.0f} s.",
                cure="Free some memory, set llm.context lower, or choose a smaller model.",
            )
        try:
            self._process = await self._start()
        except NasdError as error:
            self._trouble.note(str(error))
            if isinstance(error, ModelGone):
                self._count_death()
            raise
        self._trouble.end()
        self._used = time.monotonic()
        return self._process

    async def _start(self) -> process.Process:
        check_machine()
        needed = self._weights.footprint
        check_memory(self.name, needed, available=self._available(), allowed=self._allowed)
        log.info("loading the language model %s", self.name)
        return await process.start(
            self._weights.file,
            context=self._weights.context,
            threads=self._threads,
            batch=batch_for(self._learned.speed),
            memory=needed.private * 3 // 2 + HEADROOM,
        )

    async def _bury(self, serving: process.Process) -> None:
        """Of a process that died by itself."""
        if self._process is serving:
            self._process = None
            self._count_death()
        await serving.end()

    def _count_death(self) -> None:
        self._deaths += 1
        if self._deaths > 1:
            pause = min(FIRST_PAUSE_S * 2 ** (self._deaths - 2), LONGEST_PAUSE_S)
            self._not_before = time.monotonic() + pause
        log.warning("the language model's process ended (%d in a row)", self._deaths)

    @asynccontextmanager
    async def _speaking(self, serving: process.Process) -> AsyncGenerator[None, None]:
        """What goes wrong on the way to the process, in our own words. One that died is started again at
        once, for the next question."""
        try:
            yield
        except (aiohttp.ClientError, OSError, ModelGone) as error:
            with suppress(TimeoutError):  # its end may be known a moment later than that of its connection
                await asyncio.wait_for(asyncio.shield(serving.ended), 1.0)
            if serving.alive:
                raise ModelGone("The language model's process broke off its reply.") from error
            if self._closed:
                raise ModelGone(CLOSED) from error
            self._begin()
            raise ModelGone(
                "The language model's process ended; it is started again.", cure="Ask again in a moment."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("The language model's process replies something unknown.") from error

    # --- what it is asked ---

    async def _ask(self, serving: process.Process, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        async with serving.session.post(process.BASE + path, json=asked) as response:
            told = parsed(await body(response, most=64 << 20))
            if response.status != 200:
                raise ModelError(f"The language model failed: {complaint(told)}.")
            return told

    async def _reply(self, serving: process.Process, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        asked: dict[str, Any] = {
            "messages": _plain(prompt.messages),
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "top_p": prompt.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": True,
            "chat_template_kwargs": TEMPLATE,
            # Something is sent after each step of reading, too: that is how it notices that nobody listens.
            "return_progress": True,
        }
        if prompt.seed is not None:
            asked["seed"] = prompt.seed
        if prompt.stop:
            asked["stop"] = list(prompt.stop)
        url = f"{process.BASE}/v1/chat/completions"
        async with serving.session.post(url, json=asked) as response:
            try:
                if response.status != 200:
                    raise _refusal(parsed(await body(response)), prompt, self._weights.context)
                async with aclosing(pieces(response)) as said:
                    async for piece in said:
                        yield piece
            finally:
                response.close()  # not given back: whoever breaks off stops the model by it


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in messages]


def _refusal(told: dict[str, Any], prompt: Prompt, context: int) -> NasdError:
    error = told.get("error")
    if isinstance(error, dict) and (tokens := whole(error.get("n_prompt_tokens"))) is not None:
        return PromptTooLong(tokens=tokens, max_tokens=prompt.max_tokens, context=context)
    return ModelError(f"The language model failed: {complaint(told)}.")


def _resident(pid: int) -> int | None:
    try:
        words = Path(f"/proc/{pid}/statm").read_text("ascii").split()
        return int(words[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None
