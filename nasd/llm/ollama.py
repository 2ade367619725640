"""An Ollama server by its own protocol: the OpenAI one that it speaks, too, takes no context size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import aiohttp

from nasd.errors import ModelError
from nasd.llm.base import (
    Finish,
    LanguageModelInfo,
    Message,
    ModelAbsent,
    ModelGone,
    Piece,
    Prompt,
    PromptTooLong,
    Speed,
    State,
    Usage,
)
from nasd.llm.estimate import estimate_tokens
from nasd.llm.replies import complaint, lines, parsed, whole
from nasd.llm.server import SILENCE_S, Server, refusal, told_by
from nasd.llm.speed import Learned
from nasd.llm.turns import Turns

CONTEXT = 8192
"""Tokens, unless the settings say otherwise. Left to itself the server takes as few as 2,048 or 4,096."""

SLOTS = 1
LONGEST_QUEUE = 16


async def speaks_ollama(url: str, *, api_key: str | None = None) -> bool:
    """Whether the server at `url`, with or without "/v1", is one. Raises ConfigError, ModelGone."""
    server = Server(_root(url), api_key=api_key, silence_s=10.0)
    try:
        status, told = await server.get("/api/version")
        return status == 200 and isinstance(told.get("version"), str)
    finally:
        await server.close()


class OllamaModel:
    """Implements `LanguageModel`. For one event loop.

    A server on this machine may hand a model's prompts on to another one (its cloud models): until `info` has
    asked, `elsewhere` holds.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        context: int | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        """`url` with or without "/v1". `context`: tokens to load the model with, at most what it has. Raises
        ConfigError for an unusable url."""
        self._server = Server(_root(url), api_key=api_key, silence_s=silence_s)
        self._model = model
        self._context = context or CONTEXT
        self._info: LanguageModelInfo | None = None
        self._handed_on = True
        self._asking = asyncio.Lock()
        self._factor = 1.0
        self._learned = Learned()
        self._turns = Turns(SLOTS, LONGEST_QUEUE)

    @property
    def name(self) -> str:
        return self._model

    @property
    def elsewhere(self) -> bool:
        return self._server.elsewhere or self._handed_on

    @property
    def speed(self) -> Speed | None:
        return self._learned.speed

    @property
    def state(self) -> State:
        return State(
            phase="failed" if self._server.trouble else "ready",
            detail=self._server.trouble,
            answering=self._turns.taken,
            waiting=self._turns.waiting,
        )

    async def info(self) -> LanguageModelInfo:
        async with self._asking:
            if self._info is None:
                with self._server.watched():
                    self._info = await self._find_out()
            return self._info

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        await self.info()
        return int(estimate_tokens(messages) * self._factor) + 1

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        known = await self.info()
        tokens = await self.count_tokens(prompt.messages)
        too_long = PromptTooLong(tokens=tokens, max_tokens=prompt.max_tokens, context=known.context)
        if tokens + prompt.max_tokens > known.context:
            raise too_long
        async with self._turns.turn(prompt.asker):
            with self._server.watched():
                async with self._server.stream("/api/chat", self._request(prompt, known)) as response:
                    if response.status != 200:
                        told = await told_by(response)
                        if response.status == 400 and "context" in complaint(told):
                            raise too_long
                        raise refusal(self._server, self._model, response.status, told)
                    async with aclosing(_pieces(response)) as said:
                        async for piece in said:
                            if isinstance(piece, Finish):
                                self._learn(piece, tokens)
                            yield piece

    async def close(self) -> None:
        await self._server.close()

    def _learn(self, finish: Finish, counted: int) -> None:
        self._learned.learn(finish.usage)
        if finish.usage.prompt_tokens > counted:
            self._factor *= finish.usage.prompt_tokens / counted

    def _request(self, prompt: Prompt, known: LanguageModelInfo) -> dict[str, Any]:
        options: dict[str, Any] = {
            "num_ctx": known.context,
            "num_predict": prompt.max_tokens,
            "temperature": prompt.temperature,
            "top_p": prompt.top_p,
        }
        if prompt.seed is not None:
            options["seed"] = prompt.seed
        if prompt.stop:
            options["stop"] = list(prompt.stop)
        return {
            "model": self._model,
            "messages": [{"role": one.role, "content": one.text} for one in prompt.messages],
            "stream": True,
            "think": False,
            # Both are on by default, and cut a prompt in silence.
            "truncate": False,
            "shift": False,
            "options": options,
        }

    async def _find_out(self) -> LanguageModelInfo:
        status, told = await self._server.post("/api/show", {"model": self._model})
        if status == 404:
            raise ModelAbsent(
                f"{self._server.where} has no model {self._model}.",
                cure=f"Run `ollama pull {self._model}` there, or set llm.model to one that it has.",
            )
        if status != 200:
            raise refusal(self._server, self._model, status, told)
        self._handed_on = bool(told.get("remote_host") or told.get("remote_model"))
        trained = _trained_context(told.get("model_info"))
        context = self._context if trained is None else min(self._context, trained)
        return LanguageModelInfo(name=self._model, serving="ollama", context=context, exact=False)


async def _pieces(response: aiohttp.ClientResponse) -> AsyncGenerator[Piece, None]:
    async for line in lines(response):
        if not line.strip():
            continue
        chunk = parsed(line)
        if "error" in chunk:
            raise ModelError(f"The language model failed: {complaint(chunk)}.")
        message = chunk.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        if text and isinstance(text, str):
            yield text
        if chunk.get("done"):
            reason = "length" if chunk.get("done_reason") == "length" else "stop"
            yield Finish(reason=reason, usage=_usage(chunk))  # type: ignore[arg-type]  # one of two words
            return
    raise ModelGone("The language model broke off in the middle of its reply.")


def _usage(chunk: Mapping[str, Any]) -> Usage:
    return Usage(
        prompt_tokens=whole(chunk.get("prompt_eval_count")) or 0,
        completion_tokens=whole(chunk.get("eval_count")) or 0,
        prompt_s=_seconds(chunk.get("prompt_eval_duration")),
        generate_s=_seconds(chunk.get("eval_duration")),
    )


def _seconds(nanoseconds: object) -> float | None:
    found = whole(nanoseconds)
    return None if found is None else found / 1e9


def _trained_context(model_info: object) -> int | None:
    if not isinstance(model_info, dict):
        return None
    found = [whole(value) for key, value in model_info.items() if str(key).endswith(".context_length")]
    return next((one for one in found if one), None)


def _root(url: str) -> str:
    return url.rstrip("/").removesuffix("/v1")
