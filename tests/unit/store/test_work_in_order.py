"""The order of work, and how much of it there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select

from nasd.domain.files import FileStat
from nasd.domain.jobs import HEAVY_BYTES, LIGHT_BYTES, TEXTUAL, JobKind, Weight, weigh
from nasd.store import changes, queue, scans
from nasd.store.changes import Seen
from nasd.store.lane import Lane
from nasd.store.queue import _WEIGHT
from nasd.store.tables import files
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, add_volume


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


def seen(number: int, kind: str, size: int) -> Seen:
    stat = FileStat(path=b"%d" % number, size=size, mtime_ns=1, inode=number)
    return Seen(stat=stat, kind=kind, media_type="x/y")


async def save(lane: Lane, volume: int, *found: Seen, priority: int) -> None:
    await lane.write(
        changes.apply_changes, volume, new=found, changed=(), gone=(), priority=priority, now=NOW
    )


async def test_what_was_saved_comes_first_then_small_texts_then_the_rest(lane: Lane) -> None:
    volume = await add_volume(lane)
    await save(
        lane, volume.id, seen(1, "archive", HEAVY_BYTES + 1), seen(2, "pdf", 5000), seen(3, "markdown", 5000),
        seen(4, "text", LIGHT_BYTES + 1), priority=queue.BACKLOG,
    )  # fmt: skip
    await save(lane, volume.id, seen(5, "pdf", 10), seen(6, "text", 10), priority=queue.FRESH)
    jobs = await lane.write(queue.claim, JobKind.READ, 10, NOW)
    assert [job.subject_id for job in jobs] == [6, 5, 3, 2, 4, 1]
    await lane.write(queue.put_back, [job.id for job in jobs], NOW)
    fresh = await lane.write(queue.claim, JobKind.READ, 10, NOW, priority=queue.FRESH_LAST)
    assert [job.subject_id for job in fresh] == [6, 5], "all that is fresh, and only that"
    light = await lane.write(queue.claim, JobKind.READ, 10, NOW, priority=queue.BACKLOG)
    assert [job.subject_id for job in light] == [3]


async def test_the_amount_of_work_is_known_by_kind(lane: Lane) -> None:
    volume = await add_volume(lane)
    await save(
        lane,
        volume.id,
        seen(1, "pdf", 5000),
        seen(2, "text", 10),
        seen(3, "text", 20),
        priority=queue.BACKLOG,
    )
    await lane.write(scans.enqueue, 1, {"unread_pages": "1-7,9"}, NOW)
    await lane.write(queue.enqueue, JobKind.SPEECH, [4], priority=80, amount=90, now=NOW)
    counts = await lane.read(queue.count_jobs, NOW)
    assert (counts.read, counts.read_light, counts.read_bytes) == (3, 2, 5000)
    assert (counts.ocr, counts.ocr_pages, counts.speech, counts.speech_s) == (1, 8, 1, 90)


async def test_what_is_asked_for_comes_before_all_that_nobody_asked_for(lane: Lane) -> None:
    volume = await add_volume(lane)
    await save(
        lane, volume.id, seen(1, "text", 5), seen(2, "pdf", 5), seen(3, "text", 5), priority=queue.BACKLOG
    )
    assert await lane.write(queue.hasten, JobKind.READ, 2)
    assert not await lane.write(queue.hasten, JobKind.READ, 2), "once is enough"
    assert not await lane.write(queue.hasten, JobKind.READ, 77)
    (first,) = await lane.write(queue.claim, JobKind.READ, 1, NOW, priority=queue.FRESH_LAST)
    assert first.subject_id == 2


async def test_just_saved_scans_come_before_older_ones(lane: Lane) -> None:
    await lane.write(scans.enqueue, 1, {"unread_pages": "1"}, NOW)
    await lane.write(
        scans.enqueue, 2, {"unread_pages": "1", "format": "jpeg", "camera": "X"}, NOW, saved=True
    )
    jobs = await lane.write(queue.claim, JobKind.OCR, 5, NOW)
    assert [job.subject_id for job in jobs] == [2, 1]
    assert all(job.priority > queue.FRESH_LAST for job in jobs), "neither is what a paused worker may take"


SIZES = st.sampled_from([0, 1, LIGHT_BYTES, LIGHT_BYTES + 1, HEAVY_BYTES, HEAVY_BYTES + 1]) | st.integers(0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(sorted(TEXTUAL | {"pdf", "zip"})), SIZES), min_size=1, max_size=20))
def test_the_catalogue_weighs_as_the_domain_does(found: list[tuple[str, int]]) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE files (id INTEGER PRIMARY KEY, kind TEXT, size INTEGER)")
        bounded = [(kind, min(size, (1 << 63) - 1)) for kind, size in found]
        for kind, size in bounded:
            connection.execute(insert(files).values(kind=kind, size=size).inline())
        weights = list(connection.execute(select(_WEIGHT).order_by(files.c.id)).scalars())
    engine.dispose()
    assert [Weight(weight) for weight in weights] == [weigh(kind, size) for kind, size in bounded]
