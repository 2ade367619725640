"""How fast a model reads and writes, learned from its replies."""

from __future__ import annotations

from nasd.llm.base import Speed, Usage

ENOUGH_READ = 64
ENOUGH_WRITTEN = 8
"""Tokens: over fewer, a fixed cost for each reply is measured rather than a speed."""

WEIGHT = 0.3
"""Of the latest reply. The machine is busier at one time than at another."""


class Learned:
    def __init__(self, known: Speed | None = None) -> None:
        self._prompt = None if known is None else known.prompt
        self._generate = None if known is None else known.generate

    @property
    def speed(self) -> Speed | None:
        """None until both have been seen."""
        if self._prompt is None or self._generate is None:
            return None
        return Speed(prompt=round(self._prompt, 1), generate=round(self._generate, 1))

    def learn(self, usage: Usage) -> None:
        read = usage.prompt_tokens - (usage.reused_tokens or 0)
        if usage.prompt_s and read >= ENOUGH_READ:
            now = read / usage.prompt_s
            if usage.reused_tokens is None and self._prompt is not None:
                now = min(now, self._prompt)  # some of it may have been reused, which looks like speed
            self._prompt = _towards(self._prompt, now)
        if usage.generate_s and usage.completion_tokens >= ENOUGH_WRITTEN:
            self._generate = _towards(self._generate, usage.completion_tokens / usage.generate_s)


def _towards(before: float | None, now: float) -> float:
    return now if before is None else before + WEIGHT * (now - before)
