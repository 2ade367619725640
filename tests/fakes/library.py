"""A catalogue of sentences with everything that search needs over it, and models that only hash words."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from nasd.clock import SystemClock
from nasd.domain.jobs import JobKind
from nasd.domain.search import Filters, Mode, SearchResult
from nasd.embed.base import Embedder
from nasd.errors import ModelError
from nasd.flows.coverage import CoverageCounter
from nasd.flows.embedding import Embedding
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache, Rows
from nasd.flows.models import Models
from nasd.flows.reranking import Reranking
from nasd.flows.search import Search
from nasd.flows.sight import Sight
from nasd.flows.words import WordCache
from nasd.flows.work import Work
from nasd.index.faiss_index import FaissIndex
from nasd.store import pictures, queue, vectors, volumes
from nasd.store.lane import Lane
from nasd.words.tantivy_words import TantivyWords
from tests.fakes.catalogue import add_volume, new_content, read_next, see, seen
from tests.fakes.embedder import HashingEmbedder

SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve")


def sentence(number: int) -> str:
    """Twelve words that hardly any other number's sentence has."""
    drawn = random.Random(number)
    words = ["".join(drawn.choices(SYLLABLES, k=3)) for _ in range(12)]
    return " ".join(words).capitalize() + "."


class Library:
    """`models_by_name`: what can be opened; the first serves unless told otherwise. Call `open` first."""

    def __init__(
        self, folder: Path, lane: Lane, embedders: Mapping[str, HashingEmbedder] | None = None
    ) -> None:
        self.clock = SystemClock()
        self.lane, self.folder = lane, folder
        self.embedders = dict(embedders or {"hashing": HashingEmbedder()})
        self.work, self.hub = Work(self.clock), Hub(self.clock)
        self.index = self.make_index()
        self.models = Models(
            lane,
            self.hub,
            self.index,
            self.work,
            self.clock,
            name=next(iter(self.embedders)),
            open_embedder=lambda name, _told: self.open_embedder(name),
            counter=lambda text: len(text.split()),
        )
        self.words = WordCache(
            lane,
            folder / "words",
            load=lambda folder, positions: TantivyWords.load(folder, positions=positions),
            empty=lambda folder, positions: TantivyWords.empty(folder, positions=positions),
            give_back=lambda: None,
        )
        self.sight = Sight(lane, self.make_index("pictures", rows=pictures), self.clock)
        self.coverage = CoverageCounter(lane, self.models, self.clock)
        self.reranking = Reranking(None, seconds=1.0)
        self.search = self.search_over(self.models, self.index)
        self.embedding = Embedding(lane, self.hub, self.models, self.index, self.work, self.clock)
        self.files = 0

    def make_index(self, name: str = "index", *, rows: Rows = vectors) -> IndexCache:
        return IndexCache(
            self.lane,
            self.hub,
            self.folder / name,
            load=FaissIndex.load,
            empty=FaissIndex.empty,
            rows=rows,
        )

    def check(self, name: str) -> None:
        if name not in self.embedders:
            raise ModelError(f"There is no embedding model {name!r}.")

    def open_embedder(self, name: str) -> Embedder:
        self.check(name)
        return self.embedders[name]

    def search_over(self, models: Models, index: IndexCache) -> Search:
        return Search(
            self.lane, models, self.words, index, self.coverage, self.clock, self.sight, self.reranking
        )

    async def open(self) -> None:
        await add_volume(self.lane)
        await self.words.open()

    async def close(self) -> None:
        await self.words.close()

    async def add(self, count: int) -> None:
        """So many more files of one passage each, read and found by words."""
        volume = await self.lane.read(volumes.volume_named, "home")
        numbers = range(self.files, self.files + count)
        await see(self.lane, volume, *(seen(f"{number}.txt", inode=number + 1) for number in numbers))
        for number in numbers:
            await read_next(self.lane, new_content(sentence(number)), digest=f"d{number}")
        self.files += count
        await self.words.take_over()

    async def keep(
        self,
        path: str,
        *texts: str,
        volume: str = "home",
        title: str | None = None,
        kind: str = "text",
        mtime_ns: int = 5,
        digest: str | None = None,
        take_over: bool = True,
    ) -> None:
        """One more file of these passages, read and, once taken over, found by words. Files of one `digest`
        share a content."""
        self.files += 1
        found = seen(path, inode=self.files, mtime_ns=mtime_ns, kind=kind)
        await see(self.lane, await self.lane.read(volumes.volume_named, volume), found)
        new = new_content(*texts, title=title)
        await read_next(self.lane, new, digest=digest or f"of file {self.files}")
        if take_over:
            await self.words.take_over()

    async def embed_all(self) -> None:
        """What the serving model still has to embed."""
        while jobs := await self.lane.write(queue.claim, JobKind.EMBED, 16, self.clock.now()):
            await self.embedding._do(jobs)

    async def find(self, query: str, mode: Mode = Mode.HYBRID) -> SearchResult:
        return await self.search.search(query, k=10, mode=mode, filters=Filters())
