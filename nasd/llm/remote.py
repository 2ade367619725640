"""A server that speaks the OpenAI protocol: llama-server, vLLM, LM Studio and others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal

from nasd.errors import ModelError
from nasd.llm.base import (
    Finish,
    LanguageModelInfo,
    Message,
    ModelAbsent,
    Piece,
    Prompt,
    PromptTooLong,
    Speed,
    State,
)
from nasd.llm.estimate import estimate_tokens
from nasd.llm.replies import pieces, whole
from nasd.llm.server import SILENCE_S, Server, refusal, told_by
from nasd.llm.speed import Learned
from nasd.llm.turns import Turns

SLOTS = 4
LONGEST_QUEUE = 16

_CONTEXTS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""What servers call it in the list of their models."""

_TOO_LONG = re.compile(r"context[ _](length|size|window)|maximum context|too many tokens", re.IGNORECASE)

Counting = Literal["vllm", "llama", "none"]


class OpenAiModel:
    """Implements `LanguageModel`. For one event loop."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        context: int | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        """`url` such as "http://127.0.0.1:8080/v1". `context`: at most so many tokens, and what the model is
        taken to have where its server does not say it. Raises ConfigError for an unusable url."""
        base = url.rstrip("/")
        root = base.removesuffix("/v1")
        self._server = Server(root, api_key=api_key, silence_s=silence_s)
        self._api = base.removeprefix(root)
        self._model = model
        self._context = context
        self._info: LanguageModelInfo | None = None
        self._counting: Counting = "none"
        self._asking = asyncio.Lock()
        self._factor = 1.0
        self._learned = Learned()
        self._turns = Turns(SLOTS, LONGEST_QUEUE)

    @property
    def name(self) -> str:
        return self._model

    @property
    def elsewhere(self) -> bool:
        return self._server.elsewhere

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
        plain = _plain(messages)
        if self._counting == "vllm":
            status, told = await self._server.post("/tokenize", {"model": self._model, "messages": plain})
            if status == 200 and (count := whole(told.get("count"))) is not None:
                return count
        if self._counting == "llama":
            count = await self._count_by_template(plain)
            if count is not None:
                return count
        return int(estimate_tokens(messages) * self._factor) + 1

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        known = await self.info()
        tokens = await self.count_tokens(prompt.messages)
        if tokens + prompt.max_tokens > known.context:
            raise PromptTooLong(tokens=tokens, max_tokens=prompt.max_tokens, context=known.context)
        async with self._turns.turn(prompt.asker):
            with self._server.watched():
                asked = self._request(prompt)
                async with self._server.stream(f"{self._api}/chat/completions", asked) as response:
                    if response.status != 200:
                        told = await told_by(response)
                        if response.status == 400 and _TOO_LONG.search(str(told)):
                            raise PromptTooLong(
                                tokens=tokens, max_tokens=prompt.max_tokens, context=known.context
                            )
                        raise refusal(self._server, self._model, response.status, told)
                    async with aclosing(pieces(response)) as said:
                        async for piece in said:
                            if isinstance(piece, Finish):
                                self._learn(piece, tokens)
                            yield piece

    async def close(self) -> None:
        await self._server.close()

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": _plain(prompt.messages),
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "top_p": prompt.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._counting != "none":  # others may refuse what they do not know
            asked["chat_template_kwargs"] = {"enable_thinking": False}
        if prompt.seed is not None:
            asked["seed"] = prompt.seed
        if prompt.stop:
            asked["stop"] = list(prompt.stop)
        return asked

    def _learn(self, finish: Finish, counted: int) -> None:
        self._learned.learn(finish.usage)
        if self._counting == "none" and finish.usage.prompt_tokens > counted:
            self._factor *= finish.usage.prompt_tokens / counted

    async def _find_out(self) -> LanguageModelInfo:
        status, told = await self._server.get(f"{self._api}/models")
        if status != 200:
            raise refusal(self._server, self._model, status, told)
        found = [one for one in _items(told) if one.get("id") == self._model]
        if not found:
            names = ", ".join(sorted(str(one.get("id")) for one in _items(told))[:10]) or "none"
            raise ModelAbsent(
                f"{self._server.where} has no model {self._model}; it has {names}.",
                cure="Set llm.model to one of these.",
            )
        self._counting, context = await self._find_counting()
        context = context or _stated_context(found[0])
        if context is None and self._context is None:
            raise ModelError(
                f"{self._server.where} does not say how long its context is.",
                cure="Set llm.context to the tokens that the model was loaded with.",
            )
        return LanguageModelInfo(
            name=self._model,
            serving="openai",
            context=min(one for one in (context, self._context) if one is not None),
            exact=self._counting != "none",
        )

    async def _find_counting(self) -> tuple[Counting, int | None]:
        """Whether the server counts tokens beside the protocol, and the context it tells on that way."""
        hello = [{"role": "user", "content": "hello"}]
        status, told = await self._server.post("/tokenize", {"model": self._model, "messages": hello})
        if status == 200 and whole(told.get("count")) is not None:
            return "vllm", whole(told.get("max_model_len"))
        status, told = await self._server.get("/props")
        settings = told.get("default_generation_settings")
        context = whole(settings.get("n_ctx")) if isinstance(settings, dict) else None
        if status == 200 and await self._count_by_template(hello) is not None:
            return "llama", context
        return "none", context

    async def _count_by_template(self, plain: list[dict[str, str]]) -> int | None:
        asked = {"messages": plain, "chat_template_kwargs": {"enable_thinking": False}}
        status, told = await self._server.post("/apply-template", asked)
        made = told.get("prompt")
        if status != 200 or not isinstance(made, str):
            return None
        wanted = {"content": made, "add_special": True, "parse_special": True}
        status, told = await self._server.post("/tokenize", wanted)
        tokens = told.get("tokens")
        return len(tokens) if status == 200 and isinstance(tokens, list) else None


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in messages]


def _items(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = told.get("data")
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []


def _stated_context(item: Mapping[str, Any]) -> int | None:
    return next((found for key in _CONTEXTS if (found := whole(item.get(key)))), None)
