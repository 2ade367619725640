from __future__ import annotations

from collections.abc import Sequence

import pytest

from nasd.domain.files import FileRecord, FileState
from nasd.domain.jobs import Job, JobKind
from nasd.store import contents, files, lots, queue
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.lots import TextRead, Wanted
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen
from tests.fakes.found import find

WANTED = Wanted(kinds={"text", "markdown"}, most_files=3, most_bytes=100, file_bytes=50)


async def claim(lane: Lane, priority: int = queue.LAST) -> list[tuple[Job, FileRecord]]:
    return list(await lane.write(lots.claim_lot, WANTED, NOW, priority=priority))


def names(lot: Sequence[tuple[Job, FileRecord]]) -> list[str]:
    return [file.path.decode() for _, file in lot]


def read(job: Job, file: FileRecord, digest: str, new: NewContent | None) -> TextRead:
    return TextRead(
        job=job,
        file=file,
        stat=file.stat,
        kind=file.kind,
        media_type=file.media_type,
        digest=digest,
        reader="text/1",
        new=new,
    )


async def commit(lane: Lane, *texts: TextRead, fingerprint: str | None = None) -> lots.LotOutcome:
    return await lane.write(lots.commit_lot, texts, fingerprint=fingerprint, priority=queue.BACKLOG, now=NOW)


async def test_a_lot_is_what_comes_next_of_small_texts(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(
        lane,
        volume,
        seen("a.txt", inode=1),
        seen("big.txt", inode=2, size=51),
        seen("b.md", inode=3, kind="markdown"),
        seen("c.txt", inode=4),
        seen("d.txt", inode=5),
    )
    assert names(await claim(lane)) == ["a.txt", "b.md", "c.txt"]
    assert names(await claim(lane)) == [], "what comes next is to be read alone"
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    assert (await lane.read(files.file_by_id, job.subject_id)).path == b"big.txt"
    assert names(await claim(lane)) == ["d.txt"]
    assert names(await claim(lane)) == []


async def test_a_lot_has_a_size(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, *(seen(f"{n}.txt", inode=n, size=40) for n in range(3)))
    assert names(await claim(lane)) == ["0.txt", "1.txt"]


async def test_what_was_tried_before_is_read_alone(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1), seen("b.txt", inode=2))
    assert len(await claim(lane)) == 2
    assert await lane.write(queue.recover, NOW) == 2
    assert await claim(lane) == []
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    assert job.attempts == 2


async def test_all_are_searchable_at_once_and_copies_share_a_content(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, *(seen(name, inode=n) for n, name in enumerate(("a.txt", "b.txt", "c.txt"), 1)))
    (job_a, a), (job_b, b), (job_c, c) = await claim(lane)
    outcome = await commit(
        lane,
        read(job_a, a, "aa", new_content("the heron waits")),
        read(job_b, b, "aa", None),
        read(job_c, c, "cc", new_content()),
    )
    assert [text.file.id for text in outcome.done] == [a.id, b.id, c.id]
    assert outcome.to_embed
    assert not (outcome.alone or outcome.orphaned or outcome.revived)
    assert len(await find(lane, "heron")) == 1
    held = [(await lane.read(files.file_by_id, one.id)) for one in (a, b, c)]
    assert [one.state for one in held] == [FileState.INDEXED] * 3
    assert held[0].content_id == held[1].content_id != held[2].content_id
    counts = await lane.read(queue.count_jobs, NOW)
    assert (counts.read, counts.embed) == (0, 2)


@pytest.mark.parametrize("change", ["touched", "left out", "swept"])
async def test_what_is_not_that_simple_is_left(lane: Lane, change: str) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1), seen("b.txt", inode=2))
    (job_a, a), (job_b, b) = await claim(lane)
    new: NewContent | None = new_content("the heron waits")
    if change == "touched":
        await see(lane, volume, seen("a.txt", inode=1, mtime_ns=6))
    elif change == "left out":
        await lane.write(queue.finish, job_a.id)
    else:
        new = None
    outcome = await commit(lane, read(job_a, a, "aa", new), read(job_b, b, "bb", new_content("a stork")))
    assert [text.file.id for text in outcome.alone] == [a.id]
    assert [text.file.id for text in outcome.done] == [b.id]
    assert len(await find(lane, "heron")) == 0
    assert len(await find(lane, "stork")) == 1
    assert await lane.read(contents.find_content, "aa", "text/1") is None


async def test_former_contents_are_left_and_known_ones_come_back(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1))
    file, former = await read_next(lane, new_content("the heron waits"), digest="aa", fingerprint="m")
    await see(lane, volume, seen("a.txt", inode=1, mtime_ns=6))
    ((job, file),) = await claim(lane)
    outcome = await commit(lane, read(job, file, "bb", new_content("a stork")), fingerprint="m")
    assert outcome.orphaned == (former.content_id,)
    assert len(await find(lane, "heron")) == 0
    await see(lane, volume, seen("a.txt", inode=1, mtime_ns=7))
    ((job, file),) = await claim(lane)
    outcome = await commit(lane, read(job, file, "aa", None), fingerprint="m")
    assert outcome.revived == (former.content_id,)
    assert len(await find(lane, "heron")) == 1
