"""A language model that says what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from nasd.llm.base import (
    Finish,
    LanguageModelInfo,
    Message,
    Piece,
    Prompt,
    PromptTooLong,
    Speed,
    State,
    Usage,
)


@dataclass
class ScriptedModel:
    """`reply` makes the reply of a prompt. A token is a word. `fails` is raised after the first word."""

    reply: Callable[[Prompt], str]
    name: str = "scripted"
    elsewhere: bool = False
    speed: Speed | None = None
    context: int = 4096
    fails: Exception | None = None
    prompts: list[Prompt] = field(default_factory=list)
    closed: int = 0  # replies that were broken off or ended

    @property
    def state(self) -> State:
        return State(phase="ready")

    async def info(self) -> LanguageModelInfo:
        return LanguageModelInfo(name=self.name, serving="scripted", context=self.context, exact=True)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.text.split()) for message in messages)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        tokens = await self.count_tokens(prompt.messages)
        if tokens + prompt.max_tokens > self.context:
            raise PromptTooLong(tokens=tokens, max_tokens=prompt.max_tokens, context=self.context)
        self.prompts.append(prompt)
        try:
            words = self.reply(prompt).split(" ")
            for position, word in enumerate(words):
                yield word if position == 0 else f" {word}"
                if self.fails is not None:
                    raise self.fails
                await asyncio.sleep(0)
            yield Finish(reason="stop", usage=Usage(prompt_tokens=tokens, completion_tokens=len(words)))
        finally:
            self.closed += 1

    async def close(self) -> None:
        pass


@dataclass
class Holding:
    """Where a model is found."""

    model: ScriptedModel | None = None
    detail: str | None = "none was fetched"
