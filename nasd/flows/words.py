"""The indexes of words as the daemon keeps them: three that follow the catalogue.

The catalogue is the truth: what changes there is written down by triggers in the same transaction, taken over
here in batches, and forgotten only after it is durable in the index. So a crash at any point costs at most
doing it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from nasd.errors import NasdError
from nasd.store import word_changes
from nasd.store.lane import Lane
from nasd.store.word_changes import PassageText
from nasd.words.base import Entry, WordIndex, WordsDamaged
from nasd.words.terms import language_of, terms, terms_and_language

log = logging.getLogger(__name__)

State = Literal["loading", "rebuilding", "ready", "failed"]

SLICE = 200
"""Changes looked up at once."""

BATCH_S = 0.4
"""Of taking changes over before they are made durable: what is saved meanwhile waits for that, and what it is
made durable as is a segment to be merged later."""

PACE_S = 0.1
"""Between two batches while changes keep coming."""

IDLE_S = 30.0
"""Without a change, until memory for writing is given back."""

RETRY_S = 60.0
"""After a write that failed, as on a full disk."""

SAMPLE = 200
"""Passages that tell at the start which languages there are."""

MOST_LANGUAGES = 3
"""By whose stems a query is tried, beside its own and English."""

Open = Callable[[Path, bool], WordIndex]

_FOLLOWS = "follows"
"""The file beside the indexes that says which catalogue they follow, and up to which of its changes."""

_PARTS = (("passages", True), ("contents", False), ("paths", True))
"""The indexes, and whether positions are kept."""


class Words(NamedTuple):
    """`passages` holds every passage, `contents` each document as one, `paths` the names of files."""

    passages: WordIndex
    contents: WordIndex
    paths: WordIndex


class WordCache:
    def __init__(
        self,
        lane: Lane,
        folder: Path,
        *,
        load: Open,
        empty: Open,
        give_back: Callable[[], None] = lambda: None,
    ) -> None:
        """`load` and `empty` take a folder and whether positions are kept. `give_back` hands freed memory to
        the system once there is nothing more to write."""
        self._lane = lane
        self._folder = folder
        self._load = load
        self._empty = empty
        self._give_back = give_back
        self.opened: Words | None = None
        self._languages: Counter[str] = Counter()
        self._mark = ""
        self.state: State = "loading"

    def __len__(self) -> int:
        return 0 if self.opened is None else len(self.opened.passages)

    async def open(self) -> None:
        """What cannot be used is made again, behind searches by meaning alone: also an index that followed
        another catalogue, as after a backup was put back."""
        try:
            self._mark, upto = (self._folder / _FOLLOWS).read_text("utf-8").split()
            if not await self._lane.read(word_changes.is_followed, self._mark, int(upto)):
                raise WordsDamaged("it followed another catalogue, or this one at another time")
            opened = await self._each(self._load)
        except (WordsDamaged, OSError, ValueError) as error:
            log.info("the index of words is built from the catalogue: %s", error)
            try:
                self._mark = secrets.token_hex(16)
                # First: whatever happens next, all is taken over again.
                await self._lane.write(word_changes.change_all, self._mark)
                opened = await self._each(self._empty)
                await asyncio.to_thread(_tell, self._folder, self._mark, 0)
            except (OSError, NasdError) as failure:
                log.warning("the index of words cannot be made (%s); it is tried again", failure)
                self.state = "failed"
                return
            self.state = "rebuilding"
        self.opened = opened
        for text in await self._lane.read(word_changes.sample, SAMPLE):
            self._languages.update(filter(None, [language_of(text)]))

    async def _each(self, make: Open) -> Words:
        return Words(
            *[await asyncio.to_thread(make, self._folder / name, positions) for name, positions in _PARTS]
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that most texts are in: a query's words are tried by their stems, too."""
        return tuple(language for language, _ in self._languages.most_common(MOST_LANGUAGES))

    async def run(self) -> None:
        while True:
            seen = self._lane.writes
            try:
                if self.opened is None:
                    await self.open()
                if self.opened is None:
                    await asyncio.sleep(RETRY_S)
                elif not await self.take_over():
                    self.state = "ready"
                    await self._rest(seen)
                else:
                    await asyncio.sleep(PACE_S)
            except (OSError, ValueError, NasdError) as error:
                log.warning("the index of words cannot be written (%s); it is tried again", error)
                await asyncio.sleep(RETRY_S)

    async def _rest(self, seen: int) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self._lane.written(seen)
        except TimeoutError:
            for index in self.opened or ():
                await asyncio.to_thread(index.release)
            await asyncio.to_thread(self._give_back)
            await self._lane.written(seen)

    async def take_over(self) -> bool:
        """A batch of changes; False when there is none."""
        if self.opened is None:
            return False
        words, upto = self.opened, 0
        clock = asyncio.get_running_loop().time
        began = clock()
        while changed := await self._lane.read(word_changes.changed, SLICE, upto):
            for ids in word_changes.slices(changed.contents, 64):
                texts = await self._lane.read(word_changes.texts_of, ids)
                self._languages += await asyncio.to_thread(_replace_contents, words, ids, texts)
            for ids in word_changes.slices(changed.files):
                paths = await self._lane.read(word_changes.paths_of, ids)
                await asyncio.to_thread(_replace_paths, words, ids, paths)
            upto = changed.upto
            if clock() - began >= BATCH_S:
                break
        if not upto:
            return False
        # What an index holds must not be newer than what a power cut leaves of the catalogue.
        await self._lane.checkpoint()
        await asyncio.to_thread(_commit, words)
        await asyncio.to_thread(_tell, self._folder, self._mark, upto)
        await self._lane.write(word_changes.forget_changed, upto, self._mark)
        return True

    async def waiting(self) -> int:
        """Contents and files whose words are not yet found, or still found."""
        return await self._lane.read(word_changes.count_changed)

    async def ease(self) -> None:
        """Nothing is asked for a while."""
        for index in self.opened or ():
            await asyncio.to_thread(index.ease)

    async def close(self) -> None:
        for index in self.opened or ():
            await asyncio.to_thread(index.close)


def _replace_contents(words: Words, ids: Sequence[int], texts: Sequence[PassageText]) -> Counter[str]:
    """A document's terms are those of all its passages. Gives the languages of the documents."""
    language: dict[int, str | None] = {}
    whole: dict[int, list[str]] = {}
    entries = []
    title: list[str] = []
    heading: tuple[str, list[str]] = ("", [])
    for one in texts:  # those of one content follow each other
        known = language.get(one.content_id)
        if one.content_id in language:
            own = terms(one.text, known)
        else:
            own, known = terms_and_language(one.text)
            language[one.content_id] = known
            title, heading = terms(one.title, known), ("", [])
            whole[one.content_id] = list(title)
        if heading[0] != one.heading:
            heading = one.heading, terms(one.heading, known)
        entries.append(Entry(key=one.id, group=one.content_id, terms=[*title, *heading[1], *own]))
        whole[one.content_id] += [*heading[1], *own]
    words.passages.replace(ids, [entry.key for entry in entries], entries)
    documents = [Entry(key=one, group=one, terms=found) for one, found in whole.items()]
    words.contents.replace(ids, (), documents)
    return Counter(one for one in language.values() if one is not None)


def _replace_paths(words: Words, ids: Sequence[int], paths: Iterable[tuple[int, int, str]]) -> None:
    entries = [Entry(key=one, group=content, terms=terms(path)) for one, content, path in paths]
    words.paths.replace((), ids, entries)


def _commit(indexes: Iterable[WordIndex]) -> None:
    for index in indexes:
        index.commit()


def _tell(folder: Path, mark: str, upto: int) -> None:
    with (folder / f"{_FOLLOWS}.new").open("w", encoding="utf-8") as file:
        file.write(f"{mark} {upto}")
        file.flush()
        os.fsync(file.fileno())
    (folder / f"{_FOLLOWS}.new").replace(folder / _FOLLOWS)
