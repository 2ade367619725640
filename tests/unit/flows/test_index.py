"""The index follows the catalogue, whatever is left of its files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from nasd.clock import SystemClock
from nasd.embed.base import ModelInfo
from nasd.flows import index as flow
from nasd.flows.events import Hub
from nasd.flows.index import IndexCache
from nasd.index.base import Ids, VectorIndex
from nasd.index.faiss_index import FaissIndex
from nasd.store import changes, files, vectors
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen

DIMENSION = 32
INFO = ModelInfo(name="m", fingerprint="f" * 32, dimension=DIMENSION, max_tokens=256, serving="none")
_DRAWN = np.random.default_rng(0).standard_normal((60, DIMENSION))
VECTORS = (_DRAWN / np.linalg.norm(_DRAWN, axis=1, keepdims=True)).astype(np.float32)


@pytest_asyncio.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


@pytest.fixture(params=[0, 1000], ids=["codes", "vectors"])
def opening(request: pytest.FixtureRequest, lane: Lane, tmp_path: Path) -> Callable[[], IndexCache]:
    """With its vectors in memory and without, as after a restart."""
    rows: int = request.param

    def load(folder: Path, fingerprint: str, dimension: int) -> VectorIndex:
        index = FaissIndex.load(folder, fingerprint, dimension)
        index._exact_rows = rows
        return index

    empty = partial(FaissIndex, exact_rows=rows)
    return lambda: IndexCache(lane, Hub(SystemClock()), tmp_path / "index", load=load, empty=empty)


async def fill(lane: Lane) -> tuple[int, Ids]:
    """Two files of 30 passages each, with vectors: the model, and the passages' ids."""
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1), seen("b.txt", inode=2))
    found = []
    for digest in ("d1", "d2"):
        new = new_content(*(f"{digest} {number}" for number in range(30)))
        _, outcome = await read_next(lane, new, digest=digest)
        assert outcome.content_id is not None
        found.append(outcome.content_id)
    model = await lane.write(
        vectors.model_id, name="m", fingerprint=INFO.fingerprint, dimension=DIMENSION, now=NOW
    )
    ids = await lane.read(vectors.ids_of, found)
    await lane.write(vectors.commit_vectors, model=model, ids=ids.tolist(), data=VECTORS)
    return model, ids


async def finds_all(cache: IndexCache, ids: Ids) -> None:
    for id_, vector in zip(ids.tolist(), VECTORS, strict=True):
        assert list(await cache.search(vector, 1, None)) == [id_]


async def test_it_is_built_saved_and_opened_again(
    lane: Lane, opening: Callable[[], IndexCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, ids = await fill(lane)
    monkeypatch.setattr(flow, "CHUNK", 7)
    first = opening()
    assert not await first.search(VECTORS[0], 5, None)
    await first.open(INFO, model)
    assert (first.state, len(first)) == ("ready", 60)
    await finds_all(first, ids)
    assert sorted(await first.search(VECTORS[0], 5, ids[50:52])) == ids[50:52].tolist()
    await first.save()
    again = opening()
    await again.open(INFO, model)
    await finds_all(again, ids)


async def test_a_damaged_file_is_put_aside_and_the_index_built_again(
    lane: Lane, opening: Callable[[], IndexCache], tmp_path: Path
) -> None:
    model, ids = await fill(lane)
    first = opening()
    await first.open(INFO, model)
    await first.save()
    folder = tmp_path / "index" / INFO.fingerprint[:16]
    (data,) = folder.glob("*.rows")
    whole = bytearray(data.read_bytes())
    whole[100] ^= 1
    data.write_bytes(whole)
    for _ in range(2):  # the one put aside by the first does not stand in the second's way
        again = opening()
        await again.open(INFO, model)
        await finds_all(again, ids)
        aside = folder.with_name(folder.name + flow.ASIDE)
        assert (aside / data.name).read_bytes() == whole
        assert not folder.exists()
        await again.save()
        assert (folder / data.name).exists()
        (folder / data.name).write_bytes(whole)


async def test_one_of_another_version_is_replaced_and_not_kept(
    lane: Lane, opening: Callable[[], IndexCache], tmp_path: Path
) -> None:
    model, ids = await fill(lane)
    folder = tmp_path / "index" / INFO.fingerprint[:16]
    FaissIndex.empty("another", DIMENSION).save(folder)
    cache = opening()
    await cache.open(INFO, model)
    await finds_all(cache, ids)
    assert not folder.with_name(folder.name + flow.ASIDE).exists()


async def test_what_no_file_holds_any_more_is_not_in_it(
    lane: Lane, opening: Callable[[], IndexCache]
) -> None:
    model, ids = await fill(lane)
    saved = opening()
    await saved.open(INFO, model)
    await saved.save()
    one = await lane.read(files.file_by_id, 1)
    gone = await lane.write(
        changes.apply_changes, one.volume_id, new=(), changed=(), gone=(one.id,), priority=1, now=NOW
    )
    assert len(gone.orphaned) == 1
    for cache in (saved, opening()):
        if cache is saved:
            async with cache.changing:
                await cache.drop_contents(gone.orphaned)
        else:
            await cache.open(INFO, model)
        assert len(cache) == 30
        found = await cache.search(VECTORS[0], 100, None)
        assert sorted(found) == ids[30:].tolist()
