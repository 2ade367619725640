"""Rows of members over a real catalogue: they appear at once, move, stay, and go with their container."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from nasd.domain.files import FileRecord, FileState, Volume
from nasd.domain.jobs import JobKind, JobState
from nasd.domain.scans import UNREAD_PAGES
from nasd.store import changes, contents, files, members, queue, reads, scans, volumes
from nasd.store.lane import Lane
from nasd.store.members import MemberRead
from nasd.store.reads import ReadOutcome
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen
from tests.fakes.found import find, find_files


def member(path: str, digest: str | None, *, reason: str | None = None) -> MemberRead:
    return MemberRead(
        path=path.encode(),
        size=5,
        mtime_ns=7,
        kind="text",
        media_type="text/plain",
        digest=digest,
        reader=None if digest is None else "text/1",
        reason=reason,
        detail=None if reason is None else "It is so.",
    )


async def keep(lane: Lane, digest: str, *texts: str) -> None:
    await lane.write(members.keep_content, digest, "text/1", new_content(*texts), NOW)


async def opened(
    lane: Lane, *found: MemberRead, digest: str = "zip", retry_at: datetime | None = None
) -> tuple[FileRecord, ReadOutcome]:
    """The next job is a container's, and is done with these members."""
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    file = await lane.read(files.file_by_id, job.subject_id)
    known = await lane.read(contents.find_content, digest, "archive/1")
    outcome = await lane.write(
        reads.commit_read,
        job_id=job.id,
        file=file,
        read=file.stat,
        kind="archive",
        media_type="application/zip",
        digest=digest,
        reader="archive/1",
        new=new_content() if known is None else None,
        holds=found,
        fingerprint=None,
        priority=queue.FRESH,
        retry_at=retry_at,
        now=NOW,
    )
    return await lane.read(files.file_by_id, file.id), outcome


async def match(lane: Lane, word: str) -> list[bytes]:
    """The paths of the files that hold a word."""
    return [file.path for file in await find_files(lane, word)]


async def a_zip(lane: Lane, name: str = "a.zip") -> tuple[Volume, FileRecord]:
    volume = await add_volume(lane)
    await see(lane, volume, seen(name, kind="archive"))
    await keep(lane, "d1", "heron")
    await keep(lane, "d2", "lynx")
    file, _ = await opened(lane, member(f"{name}!/b.txt", "d1"), member(f"{name}!/n/c.txt", "d2"))
    return volume, file


async def test_what_is_kept_ahead_is_seen_by_nobody_until_all_members_are(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.zip", kind="archive"))
    await keep(lane, "d1", "heron")
    assert await find(lane, "heron") == []
    assert (await lane.read(queue.count_jobs, NOW)).embed == 0
    _, outcome = await opened(
        lane, member("a.zip!/b.txt", "d1"), member("a.zip!/x.pdf", None, reason="malformed")
    )
    assert outcome.to_embed
    assert await match(lane, "heron") == [b"a.zip!/b.txt"]
    failed = await lane.read(files.file_at, volume.id, b"a.zip!/x.pdf")
    assert failed is not None
    assert (failed.state, failed.reason, failed.detail) == (FileState.FAILED, "malformed", "It is so.")
    counts = (await lane.read(volumes.count_files, None))[volume.id]
    assert (counts.coverage.files, counts.coverage.failed, counts.size) == (2, 1, 10)


async def test_a_container_whose_members_contents_are_gone_is_read_again(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.zip", kind="archive"))
    _, outcome = await opened(lane, member("a.zip!/b.txt", "swept"))
    assert outcome.stale
    assert await lane.read(files.file_at, volume.id, b"a.zip!/b.txt") is None
    assert len(await lane.write(queue.claim, JobKind.READ, 5, NOW)) == 1


async def test_a_container_is_opened_again_when_a_member_may_be_read_later(lane: Lane) -> None:
    later = NOW + timedelta(minutes=5)
    killed = replace(member("a.zip!/b.txt", None, reason="memory"), temporary=True)
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.zip", kind="archive"))
    file, _ = await opened(lane, killed, retry_at=later)
    assert file.state is FileState.INDEXED
    job = await lane.read(queue.job_about, JobKind.READ, file.id)
    assert job is not None
    assert (job.state, job.not_before, job.attempts) == (JobState.WAITING, later, 1)
    assert job.error == "a.zip!/b.txt: It is so."
    # The second time it is read, or its attempts are at their end: then nothing is left to do.
    (again,) = await lane.write(queue.claim, JobKind.READ, 1, later)
    assert again.attempts == 2
    await lane.write(queue.put_back, [again.id], NOW)
    await opened(lane, killed, retry_at=None)
    assert await lane.read(queue.job_about, JobKind.READ, file.id) is None


async def test_scans_do_not_see_members(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    assert [known.id for known in await lane.read(changes.known_below, volume.id, b"")] == [file.id]
    assert await lane.read(changes.count_known, volume.id) == 1
    assert await lane.read(members.count_members, file.id) == 2


async def test_members_go_along_when_their_container_moves(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    before = await lane.read(files.file_at, volume.id, b"a.zip!/b.txt")
    await lane.write(
        changes.apply_changes,
        volume.id,
        new=(),
        changed=(),
        gone=(),
        moved=[(file.id, b"Old/z.zip")],
        priority=0,
        now=NOW,
    )
    assert await match(lane, "heron") == [b"Old/z.zip!/b.txt"]
    assert await match(lane, "lynx") == [b"Old/z.zip!/n/c.txt"]
    after = await lane.read(files.file_at, volume.id, b"Old/z.zip!/b.txt")
    assert before is not None
    assert after == replace(before, path=b"Old/z.zip!/b.txt")
    assert await match(lane, "old") == [b"Old/z.zip!/b.txt", b"Old/z.zip!/n/c.txt"], "by their names"


async def test_members_go_with_their_container(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    applied = await lane.write(
        changes.apply_changes, volume.id, new=(), changed=(), gone=[file.id], priority=0, now=NOW
    )
    assert len(applied.orphaned) == 3
    assert await lane.read(files.page_files) == ()
    assert await match(lane, "heron") == []


async def test_members_go_when_their_container_is_left_out_or_cannot_be_read(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    denied = replace(seen("a.zip", kind="archive"), skip_reason="policy", skip_detail="left out")
    applied = await lane.write(
        changes.apply_changes, volume.id, new=(), changed=[(file.id, denied)], gone=(), priority=0, now=NOW
    )
    assert len(applied.orphaned) == 3
    assert await lane.read(members.count_members, file.id) == 0

    again = [(file.id, seen("a.zip", kind="archive"))]
    await lane.write(changes.apply_changes, volume.id, new=(), changed=again, gone=(), priority=0, now=NOW)
    await opened(lane, member("a.zip!/b.txt", "d1"))
    await lane.write(changes.apply_changes, volume.id, new=(), changed=again, gone=(), priority=0, now=NOW)
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    outcome = await lane.write(
        reads.commit_failure,
        job_id=job.id,
        file=await lane.read(files.file_by_id, file.id),
        reason="malformed",
        detail="It is broken.",
        skipped=False,
        retry_at=None,
        now=NOW,
    )
    assert len(outcome.orphaned) == 2
    assert await lane.read(members.count_members, file.id) == 0


async def test_a_reread_keeps_what_is_the_same_and_forgets_what_is_gone(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    kept = await lane.read(files.file_at, volume.id, b"a.zip!/b.txt")
    changed = [(file.id, seen("a.zip", size=11, kind="archive"))]
    await lane.write(changes.apply_changes, volume.id, new=(), changed=changed, gone=(), priority=0, now=NOW)
    assert await match(lane, "lynx") == [b"a.zip!/n/c.txt"], "the former members stay until the new are read"
    await keep(lane, "d3", "marmot")
    _, outcome = await opened(
        lane, member("a.zip!/b.txt", "d1"), member("a.zip!/d.txt", "d3"), digest="newer zip"
    )
    assert await lane.read(files.file_at, volume.id, b"a.zip!/b.txt") == kept
    assert await match(lane, "lynx") == []
    assert await match(lane, "marmot") == [b"a.zip!/d.txt"]
    assert len(outcome.orphaned) == 2  # the lynx, and the container's former content


async def test_a_content_is_shared_by_a_member_and_a_file(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    await see(lane, volume, seen("copy.txt", inode=2))
    await read_next(lane, None, digest="d1")
    assert await match(lane, "heron") == [b"a.zip!/b.txt", b"copy.txt"]
    applied = await lane.write(
        changes.apply_changes, volume.id, new=(), changed=(), gone=[file.id], priority=0, now=NOW
    )
    assert len(applied.orphaned) == 2
    assert await match(lane, "heron") == [b"copy.txt"]


async def test_a_folder_called_like_a_container_is_not_confused_with_it(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    await see(lane, volume, seen("a.zip!/b.txt", inode=5))
    on_disk = await lane.read(files.file_at, volume.id, b"a.zip!/b.txt")
    assert on_disk is not None
    assert on_disk.parent_id is None
    assert await lane.read(members.count_members, file.id) == 2


async def test_work_on_a_member_becomes_work_on_its_container(lane: Lane) -> None:
    volume, file = await a_zip(lane)
    inside = await lane.read(files.file_at, volume.id, b"a.zip!/b.txt")
    assert inside is not None
    assert inside.parent_id == file.id
    await lane.write(queue.enqueue, JobKind.READ, [inside.id], priority=0, now=NOW)
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    await lane.write(queue.hand_over, job.id, JobKind.READ, file.id, 0, NOW)
    assert [one.subject_id for one in await lane.write(queue.claim, JobKind.READ, 5, NOW)] == [file.id]


async def test_removing_a_volume_forgets_members_too(lane: Lane) -> None:
    volume, _ = await a_zip(lane)
    removed = await lane.write(volumes.remove_volume, volume.id, NOW)
    assert len(removed.orphaned) == 3
    assert await lane.read(files.page_files) == ()


async def test_pictures_of_text_in_a_container_wait_for_recognition(lane: Lane) -> None:
    await see(lane, await add_volume(lane), seen("a.zip", kind="archive"))
    for digest, pages in (("p", "1"), ("q", "1-3"), ("r", "")):
        new = replace(new_content(digest), metadata={UNREAD_PAGES: pages} if pages else {})
        await lane.write(members.keep_content, digest, "text/1", new, NOW)
    found = [member(f"a.zip!/{digest}.png", digest) for digest in "pqr"]
    file, outcome = await opened(lane, *found)
    assert outcome.scanned
    assert await lane.read(scans.count_waiting) == 2
    waiting = await lane.read(scans.waiting_within, file.id, JobKind.OCR, limit=10)
    assert [one.path for one in waiting] == [b"a.zip!/p.png", b"a.zip!/q.png"]
    assert len(await lane.read(scans.waiting_within, file.id, JobKind.OCR, limit=1)) == 1
    assert await lane.read(scans.waiting_within, file.id + 99, JobKind.OCR, limit=10) == []


async def test_what_is_taken_out_in_one_walk_is_bounded(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    await see(lane, await add_volume(lane), seen("a.zip", kind="archive"))
    for digest in "pq":
        new = replace(new_content(digest), metadata={UNREAD_PAGES: "1"})
        await lane.write(members.keep_content, digest, "text/1", new, NOW)
    file, _ = await opened(lane, member("a.zip!/p.png", "p"), member("a.zip!/q.png", "q"))
    monkeypatch.setattr(scans, "WITHIN_BYTES", 7)  # each has 5
    waiting = await lane.read(scans.waiting_within, file.id, JobKind.OCR, limit=10)
    assert [one.path for one in waiting] == [b"a.zip!/p.png"]
