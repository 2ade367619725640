"""The transcriber's promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

WINDOW_S = 30.0
"""What a transcriber hears at once: the length that Whisper was trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence or so; seconds count from the beginning of what was heard."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is said in a window, in order. `upto_s`: how much of the window that covers; the next one should
    begin there, so that no sentence is cut. 0 < `upto_s` <= `WINDOW_S`. `language`: as the model calls it."""

    said: tuple[Said, ...]
    upto_s: float
    language: str | None = None


class Transcriber(Protocol):
    """Transcribes one window at a time, in a process of its own that runs at low priority. Thread-safe;
    blocks.

    `name` says which model and which edition of it. `samples`: as in `nasd.extract.base.Sound`, at most
    `WINDOW_S`. Raises `ReadError`: "time", "crashed"; the next window can be tried after each of them.
    """

    name: str

    def transcribe(self, samples: bytes) -> Heard: ...

    def close(self) -> None: ...
