"""The watcher's promise and the values of watching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nasd.domain.files import FileStat


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Something may have changed at `path` (relative to the volume, bytes; b"" is its root). `tree` says
    that everything below it may have, too. `closed` says that its writer has let go of it, so that it need
    not stay quiet for long; `gone` that it was deleted or moved away. A hint is never truth: the disk is
    looked at."""

    path: bytes
    tree: bool = False
    closed: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A regular file that is not read, and the rule that says so."""

    stat: FileStat
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanProblem:
    """Nothing is known of `path` and of what lies below it: it could not be looked at, or a scan was stopped
    on its way. Whatever was known there stays known."""

    path: bytes
    detail: str  # a sentence for a person


class Watcher(Protocol):
    """Delivers hints for one folder from a thread of its own. `start` raises OSError when events cannot be
    had; `on_hint` must be quick and thread-safe. `stop` returns when no further hint can come. Once `trouble`
    says something, watching has broken down and the folder has to be polled. `unwatched` are folders that
    there are no watches left for: they and what lies below them have to be polled, the rest is watched by its
    `watches`; `widen` tries again to watch them."""

    trouble: str | None

    @property
    def watches(self) -> int: ...

    @property
    def unwatched(self) -> tuple[bytes, ...]: ...

    def widen(self) -> None: ...

    def start(self, root: str, on_hint: Callable[[Hint], None]) -> None: ...

    def stop(self) -> None: ...
