"""The recogniser's promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nasd.extract.base import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One recognised word, or one line for engines that know no words. Pixels, y downwards; `paragraph` and
    `line` are equal for what belongs together, in reading order; `confidence` is 0 to 100."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    paragraph: tuple[int, ...]
    line: tuple[int, ...]
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognized:
    """The words of a page in reading order. `rotation`: degrees clockwise by which it had to be turned."""

    words: tuple[Word, ...]
    rotation: int = 0


class Recognizer(Protocol):
    """Recognises one page at a time, in a process of its own that runs at low priority. Thread-safe; blocks.

    `name` says engine, version and languages. `any_rotation`: the page may lie on its side or upside down;
    else it is taken to be upright, which is quicker. Raises `ReadError`: "time", "memory", "crashed";
    the next page can be tried after each of them.
    """

    name: str

    def recognize(self, picture: Picture, *, any_rotation: bool) -> Recognized: ...

    def close(self) -> None: ...
