"""A process that dies between two steps on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


class Crash(BaseException):
    """Not an Exception, so that nothing tidies up as it could after a mere error."""


def crash_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[], int]:
    """The process "dies" at the n-th of: opening for writing, fsync, rename, removal. Returns the count."""
    count = 0

    def wrap(owner: object, name: str, counts: Callable[..., bool] = lambda *_: True) -> None:
        original = getattr(owner, name)

        def wrapped(*arguments: object, **options: object) -> object:
            nonlocal count
            if counts(*arguments):
                count += 1
                if count == step:
                    raise Crash
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, wrapped)

    wrap(Path, "open", lambda _path, mode="r", *_: "w" in mode)
    wrap(os, "fsync")
    wrap(Path, "replace")
    wrap(Path, "unlink")
    return lambda: count
