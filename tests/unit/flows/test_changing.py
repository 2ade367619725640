"""Another model takes over only when its vectors are all there and it finds about as much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from nasd.domain.generations import Generation, Generations, Wanted
from nasd.domain.search import Mode
from nasd.embed.base import Vectors
from nasd.errors import Conflict, NotFound
from nasd.flows import changing
from nasd.flows.changing import ModelChange
from nasd.flows.evaluation import Evaluations
from nasd.store import generations
from nasd.store.lane import CommitPoint, Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.library import Library, sentence

OLD, GOOD = "old", "good"


class Blind(HashingEmbedder):
    """Everything is near everything."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        vectors = np.random.default_rng(len(texts)).standard_normal((len(texts), self.info.dimension))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class Slow(HashingEmbedder):
    """Waits after so many documents until it is told to go on."""

    def __init__(self, name: str, *, after: int) -> None:
        super().__init__(96, name=name)
        self.after = after

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if self.embedded >= self.after:
            raise Interrupted
        return super().embed_documents(texts)


class Interrupted(BaseException):
    """The daemon ends."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changing, "BATCH", 8)
    monkeypatch.setattr(changing, "GIVE_WAY_S", 0.01)
    monkeypatch.setattr(changing, "GRACE_S", 0.0)


def embedders() -> dict[str, HashingEmbedder]:
    return {
        OLD: HashingEmbedder(64, name=OLD),
        GOOD: HashingEmbedder(96, name=GOOD),
        "blind": Blind(32, name="blind"),
    }


@asynccontextmanager
async def opened(
    folder: Path, made: dict[str, HashingEmbedder], commit_point: CommitPoint | None = None
) -> AsyncIterator[Library]:
    """As after a start of the daemon, with an empty volume at the first one."""
    begun = database_path(folder).exists()
    if not begun:
        upgrade(folder, NOW)
    lane = Lane(database_path(folder), commit_point=commit_point)
    library = Library(folder, lane, made)
    await (library.words.open() if begun else library.open())
    try:
        yield library
    finally:
        await library.close()
        await lane.close()


@pytest_asyncio.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """Sixty files, found with the old model."""
    async with opened(tmp_path, embedders()) as made:
        await made.models._start()
        await made.add(60)
        await made.embed_all()
        assert all([await finds(made, number) for number in range(60)])
        yield made


def change_of(library: Library) -> ModelChange:
    measured = Evaluations(
        library.lane, library.hub, library.models, library.search, library.clock, window=None
    )
    return ModelChange(
        library.lane,
        library.hub,
        library.models,
        library.index,
        measured,
        library.work,
        library.clock,
        make_index=library.make_index,
        search_over=library.search_over,
        check=library.check,
    )


async def known(library: Library) -> Generations:
    return await library.lane.read(generations.generations)


async def step(library: Library, change: ModelChange) -> None:
    """What the service does with what is wanted now."""
    now = await known(library)
    assert now.wanted is not None
    await change._change(now, now.wanted)


async def finds(library: Library, number: int) -> bool:
    found = await library.find(sentence(number), Mode.SEMANTIC)
    return bool(found.hits) and found.hits[0].passage.passage.text == sentence(number)


async def test_a_good_model_takes_over_and_the_former_one_comes_back_at_once(library: Library) -> None:
    change = change_of(library)
    asked = await change.use(GOOD, force=False)
    assert (asked.role, asked.state) == ("next", "preparing")
    assert library.models.name == OLD
    await step(library, change)
    assert library.models.name == GOOD and library.index.fingerprint == library.models.fingerprint
    assert all([await finds(library, number) for number in range(60)])
    assert (await library.coverage.by_volume(fresh=True)) and (await library.coverage.total()).semantic == 60
    assert [(one.name, one.role) for one in await change.describe()] == [
        (GOOD, "serving"),
        (OLD, "previous"),
    ]
    # Upkeep keeps what may be swapped back to, and nothing is embedded for that but what is new.
    await library.index.save()
    before = library.embedders[OLD].embedded
    await library.add(1)
    await library.embed_all()
    await change.use(OLD, force=False)
    await step(library, change)
    assert library.models.name == OLD
    assert library.embedders[OLD].embedded == before
    assert await finds(library, 7) and not await finds(library, 60)
    await library.embed_all()
    assert library.embedders[OLD].embedded == before + 1
    assert await finds(library, 60)
    await change.close()


async def test_a_model_that_finds_less_is_refused_until_it_is_forced(library: Library) -> None:
    change = change_of(library)
    await change.use("blind", force=False)
    await step(library, change)
    assert library.models.name == OLD and await finds(library, 3)
    (_, coming) = await change.describe()
    assert coming.state == "failed" and coming.detail is not None
    assert "semantic recall@10 0." in coming.detail and "--force" in coming.detail
    embedded = library.embedders["blind"].embedded
    await change.use("blind", force=True)
    await step(library, change)
    assert library.models.name == "blind"
    assert library.embedders["blind"].embedded == embedded
    await change.close()


async def test_an_interrupted_change_goes_on_where_it_was(tmp_path: Path) -> None:
    slow = Slow(GOOD, after=24)
    made = {OLD: HashingEmbedder(64, name=OLD), GOOD: slow}
    async with opened(tmp_path, dict(made)) as library:
        await library.models._start()
        await library.add(60)
        await library.embed_all()
        change = change_of(library)
        await change.use(GOOD, force=False)
        with pytest.raises(Interrupted):
            await step(library, change)
        assert await finds(library, 5)
        (_, coming) = await change.describe()
        assert (coming.embedded, coming.passages) == (24, 60)
    slow.after = 1 << 30
    async with opened(tmp_path, dict(made)) as library:
        await library.models._start()
        assert library.models.name == OLD
        change = change_of(library)
        await step(library, change)
        assert library.models.name == GOOD and made[GOOD].embedded == 60
        assert all([await finds(library, number) for number in range(60)])
        await change.close()
    async with opened(tmp_path, dict(made)) as library:
        await library.models._start()
        assert library.models.name == GOOD and await finds(library, 5)


@pytest.mark.parametrize("name", ["want", "model_id", "note", "commit_vectors", "swap"])
@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
async def test_a_daemon_that_ends_at_any_commit_goes_on_with_one_whole_model(
    tmp_path: Path, name: str, committed: bool
) -> None:
    made = embedders()
    async with opened(tmp_path, made) as library:
        await library.models._start()
        await library.add(20)
        await library.embed_all()

    armed = False

    def end_there(reached: str, done: bool) -> None:
        if armed and (reached, done) == (name, committed):
            raise Interrupted

    with pytest.raises(Interrupted):
        async with opened(tmp_path, made, end_there) as library:
            await library.models._start()
            change = change_of(library)
            armed = True
            await change.use(GOOD, force=False)
            await step(library, change)
    armed = False
    async with opened(tmp_path, made) as library:
        await library.models._start()
        assert library.models.name == (GOOD if (name, committed) == ("swap", True) else OLD)
        assert all([await finds(library, number) for number in range(20)])
        change = change_of(library)
        if library.models.name == OLD:
            await change.use(GOOD, force=False)
            await step(library, change)
        assert library.models.name == GOOD
        assert all([await finds(library, number) for number in range(20)])
        assert (await library.coverage.by_volume(fresh=True)) and (
            await library.coverage.total()
        ).semantic == 20
        await change.close()


async def test_what_comes_and_goes_meanwhile_is_found_as_it_is(library: Library) -> None:
    change = change_of(library)
    await change.use(GOOD, force=False)
    embedded = change._embed
    asyncs = iter([True])

    async def embed_and_add(*arguments: object) -> None:
        await embedded(*arguments)  # type: ignore[arg-type]
        if next(asyncs, False):
            await library.add(5)
            await library.embed_all()

    change._embed = embed_and_add  # type: ignore[assignment]
    await step(library, change)
    assert library.models.name == GOOD
    assert all([await finds(library, number) for number in range(65)])
    await change.close()


async def test_searches_go_on_while_the_model_changes(library: Library) -> None:
    change = change_of(library)
    await change.use(GOOD, force=False)
    done = asyncio.create_task(step(library, change))
    number = 0
    while not done.done():
        assert await finds(library, number % 60), f"{number} was not found with {library.models.name}"
        number += 1
    await done
    assert library.models.name == GOOD and number > 3
    await change.close()


async def test_a_batch_under_way_at_the_swap_is_not_taken_for_the_new_models(library: Library) -> None:
    await library.add(1)
    old = library.models.embedder
    assert old is not None
    change = change_of(library)
    await change.use(GOOD, force=True)
    embedding = library.embedding._embed

    async def swap_first(*arguments: object) -> None:
        await embedding(*arguments)  # type: ignore[arg-type]
        fresh = HashingEmbedder(96, name=GOOD)
        from nasd.store import vectors

        model = await library.lane.write(
            vectors.model_id, name=GOOD, fingerprint=fresh.info.fingerprint, dimension=96, now=NOW
        )
        index = library.make_index()
        await index.open(fresh.info, model)
        candidate = library.models.beside(GOOD, fresh, model, index)
        wanted = Wanted(name=GOOD, forced=True)
        assert await change._swap(candidate, index, wanted, back=True)

    library.embedding._embed = swap_first  # type: ignore[assignment]
    from nasd.domain.jobs import JobKind
    from nasd.store import queue

    jobs = await library.lane.write(queue.claim, JobKind.EMBED, 16, library.clock.now())
    assert jobs
    await library.embedding._do(jobs)
    library.embedding._embed = embedding  # type: ignore[method-assign]
    assert (await library.coverage.by_volume(fresh=True)) and (await library.coverage.total()).semantic == 0
    await library.embed_all()
    assert (await library.coverage.by_volume(fresh=True)) and (await library.coverage.total()).semantic == 61
    assert all([await finds(library, number) for number in range(61)])
    await change.close()


async def test_the_settings_win(tmp_path: Path) -> None:
    made = embedders()
    async with opened(tmp_path, dict(made)) as library:
        await library.models._start()
        await library.add(20)
        await library.embed_all()
    async with opened(tmp_path, dict(made)) as library:
        library.models.given, library.models.fixed = GOOD, True
        await library.models._start()
        assert library.models.name == OLD and await finds(library, 1)  # it answers until the other one can
        change = change_of(library)
        with pytest.raises(Conflict, match="settings name the model good"):
            await change.use("blind", force=False)
        assert (await known(library)).wanted == Wanted(name=GOOD, forced=True, by_file=True)
        await step(library, change)
        assert library.models.name == GOOD and await finds(library, 1)
        await change.close()
    async with opened(tmp_path, dict(made)) as library:  # the line was taken out again
        await library.models._start()
        assert library.models.name == GOOD


async def test_a_name_that_is_no_model_and_one_that_answers_already(library: Library) -> None:
    change = change_of(library)
    with pytest.raises(NotFound):
        await change.use("nonsense", force=False)
    await change.use(GOOD, force=False)
    assert (await known(library)).wanted is not None
    stayed = await change.use(OLD, force=False)
    assert stayed.role == "serving" and (await known(library)).wanted is None


async def test_upkeep_keeps_three_generations_and_no_more(library: Library) -> None:
    change = change_of(library)
    await change.use(GOOD, force=False)
    await step(library, change)
    await change.use("blind", force=False)
    await step(library, change)
    kept = await known(library)
    assert kept.previous == Generation(name=OLD, fingerprint=library.embedders[OLD].info.fingerprint)
    assert len(kept.fingerprints) == 3
    gone, fingerprints = await library.lane.write(generations.forget_others, "none")
    assert gone == 0 and fingerprints == kept.fingerprints | {"none"}
    await library.lane.write(generations.want, None)
    gone, fingerprints = await library.lane.write(generations.forget_others, "none")
    assert gone == 1
    (library.folder / "index" / "0123456789abcdef").mkdir(parents=True)
    library.index.forget_others(fingerprints)
    left = {folder.name for folder in (library.folder / "index").iterdir()}
    assert left <= {one[:16] for one in fingerprints} and left
    await change.close()
