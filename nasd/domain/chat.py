"""A chat as clients of the OpenAI protocol hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nasd.domain.search import Answer

FILES_MODEL = "nasd"
"""The name under which the owner's files answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatWish:
    """What is to be continued, and how. The sampling concerns a bare language model alone."""

    model: str
    messages: Sequence[Said]
    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: Sequence[str] = ()
    asker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEnd:
    """The last of a reply: why it ended, what it cost in tokens where that is known, and what the files
    answered where they did."""

    reason: Literal["stop", "length"]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatModel:
    id: str
    owner: str
    purpose: Literal["chat", "embedding"]


ChatPiece = str | ChatEnd
"""Text bit by bit, and last of all one end."""
