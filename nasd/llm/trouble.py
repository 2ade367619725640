"""What went wrong last, for a while: then it is worth trying again."""

from __future__ import annotations

import time
from collections.abc import Callable

LASTS_S = 60.0


class Trouble:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now`: monotonic seconds."""
        self._now = now
        self._detail: str | None = None
        self._until = 0.0

    @property
    def detail(self) -> str | None:
        """None: nothing, or it was so long ago that nobody can tell."""
        return self._detail if self._now() < self._until else None

    def note(self, detail: str) -> None:
        self._detail = detail
        self._until = self._now() + LASTS_S

    def end(self) -> None:
        self._detail = None
