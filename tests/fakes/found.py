"""What the words of a catalogue find: the daemon's own indexes beside it, made to follow before each look.

Every look opens what the former one left, so what is found came through triggers, batches and the disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nasd.domain.files import FileRecord
from nasd.domain.queries import parse
from nasd.domain.search import Filters
from nasd.flows.word_search import WordSearch
from nasd.flows.words import WordCache
from nasd.store import contents, permitted
from nasd.store.files import EVERYTHING
from nasd.store.lane import Lane
from nasd.words.base import WordIndex
from nasd.words.tantivy_words import TantivyWords


def load(folder: Path, positions: bool) -> WordIndex:
    return TantivyWords.load(folder, positions=positions)


def empty(folder: Path, positions: bool) -> WordIndex:
    return TantivyWords.empty(folder, positions=positions)


def words_beside(lane: Lane) -> WordCache:
    """Not open yet."""
    return WordCache(lane, lane._database.parent / "words", load=load, empty=empty)


@asynccontextmanager
async def following(lane: Lane) -> AsyncIterator[WordCache]:
    """Open, and as the catalogue is now."""
    words = words_beside(lane)
    await words.open()
    while await words.take_over():
        pass
    assert await words.waiting() == 0
    try:
        yield words
    finally:
        await words.close()


async def find(lane: Lane, query: str, filters: Filters = EVERYTHING) -> list[int]:
    """Passages, best first."""
    async with following(lane) as words:
        allowed = None if filters.empty else (await lane.read(permitted.held, filters))
        scores = (await WordSearch(lane, words).search(parse(query), 10, allowed=allowed, prose=True)).scores
    return sorted(scores, key=lambda one: (-scores[one], one))


async def find_files(lane: Lane, query: str, filters: Filters = EVERYTHING) -> list[FileRecord]:
    """All that hold a passage which is found, in the order of their paths."""
    passages = await lane.read(contents.passages_by_id, await find(lane, query, filters))
    held = await lane.read(permitted.holders, [one.content_id for one in passages.values()], filters)
    return sorted((file for files in held.values() for file in files), key=lambda file: file.path)
