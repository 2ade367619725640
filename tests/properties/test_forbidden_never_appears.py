"""What a filter leaves out and what was deleted never appears in a search: not as a hit, and not as the place
of a copy, whatever the filter, the mode and the order that is asked for, and whatever folding and re-ranking
make of the hits. And what may appear does: k hits, where there are k distinct ones."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasd.domain.search import Elsewhere, Filters, Hit, Mode
from nasd.flows import search as searching
from nasd.store import changes, files, volumes
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, add_volume
from tests.fakes.library import Library, sentence

START = datetime(2021, 1, 1, tzinfo=UTC)
WORDS = ("rent", "router", "bread", "garden")
VOLUMES = ("home", "attic")
FOLDERS = ("a", "b", "c/d")
KINDS = ("text", "pdf", "markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    volume: str
    path: str
    kind: str
    modified: datetime
    words: frozenset[str]
    says: int  # the number of its text, whatever form that has


class Arbitrary:
    """A cross-encoder that orders by nothing sensible."""

    name = "arbitrary"

    def score(self, query: str, texts: Sequence[str], seconds: float) -> list[float]:
        return [hashlib.sha256((query + text).encode()).digest()[0] for text in texts]

    def rest(self, after_s: float) -> bool:
        return False

    def close(self) -> None:
        return None


class World:
    """A library of ninety files in which texts come again, and what may be found of it."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.kept: dict[tuple[str, str], Kept] = {}
        self.runner.run(self._open(folder))

    async def _open(self, folder: Path) -> None:
        upgrade(folder, NOW)
        self.lane = Lane(database_path(folder))
        self.library = Library(folder, self.lane)
        self.library.reranking._find = Arbitrary
        await self.library.reranking.look()
        await self.library.open()
        await add_volume(self.lane, "attic")
        await self.library.models._start()
        drawn = random.Random(5)
        for number in range(90):
            says = drawn.randrange(40)
            words = random.Random(says).sample(WORDS, 2)
            text = f"{sentence(says)} {' '.join(words)} {sentence(says + 1000)}"
            form = drawn.choice((str, str.upper, lambda text: text.replace(" ", "\n")))
            one = Kept(
                volume=drawn.choice(VOLUMES),
                path=f"{drawn.choice(FOLDERS)}/{number}.txt",
                kind=drawn.choice(KINDS),
                modified=START + timedelta(days=drawn.randrange(40)),
                words=frozenset(words),
                says=says,
            )
            made = form(text)
            await self.library.keep(
                one.path,
                made,
                volume=one.volume,
                kind=one.kind,
                mtime_ns=int(one.modified.timestamp()) * 10**9,
                digest=hashlib.sha256(made.encode()).hexdigest(),
                take_over=False,
            )
            if number % 9:
                self.kept[one.volume, one.path] = one
        await self.library.words.take_over()
        await self.library.embed_all()
        await self._delete_the_rest()
        await self.library.words.take_over()

    async def _delete_the_rest(self) -> None:
        for name in VOLUMES:
            volume = await self.lane.read(volumes.volume_named, name)
            known = await self.lane.read(files.page_files, filters=Filters(volumes=(name,)), limit=1000)
            gone = [file.id for file in known if (name, file.path.decode()) not in self.kept]
            assert gone
            await self.lane.write(
                changes.apply_changes, volume.id, new=(), changed=(), gone=gone, priority=0, now=NOW
            )

    def search(self, query: str, **asked: object) -> tuple[Hit, ...]:
        found = self.runner.run(self.library.search.search(query, **asked))  # type: ignore[arg-type]
        return found.hits

    def close(self) -> None:
        async def end() -> None:
            await self.library.close()
            await self.lane.close()

        self.runner.run(end())
        self.runner.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.close()


GLOBS = {"a/**": ("a/",), "b/*": ("b/",), "c/**": ("c/",), "c/*": (), "**": FOLDERS, "a/1*": ("a/1",)}
"""Globs, and how the paths begin that they let through."""

MOMENTS = st.none() | st.integers(-1, 41).map(lambda day: START + timedelta(days=day))
FILTERS = st.builds(
    Filters,
    volumes=st.lists(st.sampled_from(VOLUMES), unique=True).map(tuple),
    path=st.none() | st.sampled_from(sorted(GLOBS)),
    kinds=st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
    modified_after=MOMENTS,
    modified_before=MOMENTS,
)


def permits(filters: Filters, one: Kept) -> bool:
    return (
        (not filters.volumes or one.volume in filters.volumes)
        and (not filters.kinds or one.kind in filters.kinds)
        and (filters.path is None or one.path.startswith(GLOBS[filters.path]))
        and (filters.modified_after is None or one.modified >= filters.modified_after)
        and (filters.modified_before is None or one.modified < filters.modified_before)
    )


def places(hit: Hit) -> list[tuple[str, str]]:
    shown = Elsewhere(file=hit.file, passage=hit.passage)
    return [(one.file.volume, one.file.path.decode()) for one in (shown, *hit.also)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(
    filters=FILTERS,
    mode=st.sampled_from(Mode),
    word=st.sampled_from(WORDS),
    k=st.integers(1, 60),
    newest=st.booleans(),
    prose=st.booleans(),
    depth=st.sampled_from((3, 100)),
)
def test_all_that_is_shown_is_permitted_and_enough_is_shown(
    world: World, filters: Filters, mode: Mode, word: str, k: int, newest: bool, prose: bool, depth: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "DEPTH", depth)
        patch.setattr(searching, "NEWEST_DEPTH", depth)
        hits = world.search(word, k=k, mode=mode, filters=filters, newest=newest, prose=prose)
    permitted = {key: one for key, one in world.kept.items() if permits(filters, one)}
    shown = [places(hit) for hit in hits]
    assert set().union(*shown) <= set(permitted)
    assert sum(map(len, shown)) == len(set().union(*shown)), "each file is in one place"
    assert [len(one) - 1 for one in shown] == [min(hit.copies, 20) for hit in hits]
    said = [{permitted[key].says for key in one} for one in shown]
    assert all(len(one) == 1 for one in said), "only copies are folded"
    assert len(set().union(*said)) == len(said), "and all of them"
    distinct = {one.says for one in permitted.values() if mode is not Mode.LEXICAL or word in one.words}
    assert len(hits) == min(k, len(distinct))
    if mode is Mode.LEXICAL:
        assert set().union(*said) <= distinct


def test_the_world_has_what_is_tested(world: World) -> None:
    assert len({one.says for one in world.kept.values()}) < len(world.kept) < 90
    assert {one.volume for one in world.kept.values()} == set(VOLUMES)
    told = world.search("rent", k=60, mode=Mode.HYBRID, filters=Filters())
    assert any(hit.copies for hit in told)
    again = world.search("rent", k=60, mode=Mode.SEMANTIC, filters=Filters())
    assert [hit.passage.id for hit in told] != [hit.passage.id for hit in again], "it is re-ranked"
