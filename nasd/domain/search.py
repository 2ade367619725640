"""Questions to the index and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nasd.domain.files import FileRecord
from nasd.domain.passages import StoredPassage


class Mode(StrEnum):
    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    LEXICAL = "lexical"


class Lane(StrEnum):
    SEMANTIC = "semantic"
    LEXICAL = "lexical"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """All that are given must hold. `path` is a glob over the path within the volume: `*` stays within a
    folder, `**` crosses folders."""

    volumes: tuple[str, ...] = ()
    path: str | None = None
    kinds: tuple[str, ...] = ()
    modified_after: datetime | None = None
    modified_before: datetime | None = None

    @property
    def empty(self) -> bool:
        return self == Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Another place of the text that a hit shows."""

    file: FileRecord
    passage: StoredPassage


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    rank: int  # from 1
    score: float
    file: FileRecord
    passage: StoredPassage
    highlights: tuple[tuple[int, int], ...] = ()  # code point ranges within the passage's text
    lanes: Mapping[Lane, int] = field(default_factory=dict)  # its rank in each lane that found it
    similarity: float | None = None  # cosine of its vector with the query's, where both are there
    copies: int = 0  # how many other places hold the same text, among what was looked at
    also: tuple[Elsewhere, ...] = ()  # the first of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of what is on the volumes the index can answer from. Counts of files.

    `files` are those meant to be found: `searchable` of them by words, `semantic` also by meaning, `pending`
    not yet both in their present version. `failed` and `skipped` ones come on top.
    """

    files: int = 0
    searchable: int = 0
    semantic: int = 0
    pending: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    hits: tuple[Hit, ...]
    coverage: Coverage
    took_ms: float
    notes: tuple[str, ...] = ()  # "vectors are not ready: found by words alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """`passage.text[quote_start:quote_end] == quote`, always."""

    n: int  # from 1
    file: FileRecord
    passage: StoredPassage
    quote: str
    quote_start: int
    quote_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    text: str
    citations: tuple[int, ...]
    supported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    text: str
    abstained: bool
    answerer: str
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[Hit, ...] = ()
    coverage: Coverage = Coverage()
    took_ms: float = 0.0
    confidence: float | None = None  # 0 to 1: how likely the files answer the question, refused or not
    notes: tuple[str, ...] = ()  # said beside the answer: "the language model is not ready"
