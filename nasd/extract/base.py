"""The reader's promise, its limits, and the extractor's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from nasd.domain.passages import Block, Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading one file may cost."""

    memory_bytes: int = 1 << 30  # address space on top of what the idle child has
    cpu_s: int = 120
    wall_s: float = 240.0
    input_bytes: int = 512 << 20
    output_chars: int = 50_000_000
    open_files: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file's bytes, opened for reading by the parent; a reader gets nothing else.

    `name` is only a hint (its suffix tells code from prose). `stream` can seek.
    """

    name: str
    size: int
    kind: str
    stream: BinaryIO


@dataclass(slots=True)
class Notes:
    """Where a reader leaves what is not text: a title, warnings for a person, metadata."""

    title: str | None = None
    warnings: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


class Reader(Protocol):
    """Yields a file's blocks in reading order, page by page, never holding the whole document if the
    format allows it. Plain and synchronous; runs only inside the confined child. Raises `ReadError` with a
    reason, or lets any exception out, which becomes `malformed`.
    """

    name: str
    version: int

    def read(self, source: Source, notes: Notes) -> Iterator[Block]: ...


class Extractor(Protocol):
    """Reads one file in a confined child process. Thread-safe; blocks the calling thread.

    `fd` is open for reading; the caller keeps and closes it. Raises `ReadError`.
    """

    def extract(self, fd: int, *, name: str, kind: str) -> Document: ...

    def close(self) -> None: ...
