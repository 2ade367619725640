"""What each transaction makes true, over a real catalogue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, event

from nasd.domain.files import FileState
from nasd.domain.identity import Scope
from nasd.domain.jobs import LEASE, JobKind, JobState
from nasd.domain.queries import parse
from nasd.domain.search import Filters
from nasd.errors import Conflict, NotFound
from nasd.flows.word_search import WordSearch
from nasd.store import changes, contents, devices, files, permitted, queue, reads, vectors, volumes
from nasd.store.lane import Lane
from nasd.store.passage_runs import PassageRuns
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen
from tests.fakes.found import find, following


async def test_a_file_is_searchable_by_words_in_one_transaction(lane: Lane) -> None:
    volume = await add_volume(lane)
    applied = await see(lane, volume, seen("a.txt"))
    assert applied.to_read == 1
    assert (await lane.read(queue.count_jobs, NOW)).read == 1
    file, outcome = await read_next(lane, new_content("The café opens", "at noon"), digest="d1")
    assert file.state is FileState.INDEXED
    assert not file.semantic
    assert len(await find(lane, "cafe")) == 1
    counts = await lane.read(queue.count_jobs, NOW)
    assert (counts.read, counts.embed, counts.embed_passages) == (0, 1, 2)
    assert outcome.content_id is not None
    assert await lane.read(contents.text_of, outcome.content_id) == "The café opens\n\nat noon\n\n"


async def test_the_same_bytes_are_one_content_and_outlive_their_first_file(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1), seen("b.txt", inode=2))
    first, _ = await read_next(lane, new_content("heron"), digest="same")
    second, outcome = await read_next(lane, None, digest="same")
    assert outcome.content_id == first.content_id == second.content_id
    assert len(await find(lane, "heron")) == 1

    async def forget(file_id: int) -> changes.Applied:
        return await lane.write(
            changes.apply_changes, volume.id, new=(), changed=(), gone=[file_id], priority=0, now=NOW
        )

    assert (await forget(first.id)).orphaned == ()
    assert len(await find(lane, "heron")) == 1
    assert (await forget(second.id)).orphaned == (first.content_id,)
    assert await find(lane, "heron") == []

    # It comes back: nothing is read or embedded again.
    await see(lane, volume, seen("c.txt", inode=3))
    _, outcome = await read_next(lane, None, digest="same")
    assert outcome.revived
    assert len(await find(lane, "heron")) == 1


async def test_orphans_are_swept_when_their_time_is_over(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    file, _ = await read_next(lane, new_content("heron", title="Birds"), digest="d")
    await lane.write(
        changes.apply_changes, volume.id, new=(), changed=(), gone=[file.id], priority=0, now=NOW
    )
    assert await lane.write(contents.sweep_orphans, NOW, 10) == 0
    assert await lane.write(contents.sweep_orphans, NOW + timedelta(days=1), 10) == 1
    assert file.content_id is not None
    assert await lane.read(contents.content_by_id, file.content_id) is None


async def test_a_change_during_reading_is_read_again(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", size=10))
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    file = await lane.read(files.file_by_id, job.subject_id)
    newer = seen("a.txt", size=11)
    await lane.write(
        changes.apply_changes, volume.id, new=(), changed=[(file.id, newer)], gone=(), priority=0, now=NOW
    )
    outcome = await lane.write(
        reads.commit_read,
        job_id=job.id,
        file=file,
        read=seen("a.txt", size=10).stat,
        kind="text",
        media_type="text/plain",
        digest="old",
        reader="text/1",
        new=new_content("old bytes"),
        fingerprint=None,
        priority=0,
        now=NOW,
    )
    assert outcome.stale
    assert await find(lane, "old") == []
    assert [again.subject_id for again in await lane.write(queue.claim, JobKind.READ, 5, NOW)] == [file.id]


async def test_the_former_text_stays_until_the_new_is_read_or_reading_fails(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", size=1))
    file, _ = await read_next(lane, new_content("heron"), digest="d1")
    changed = [(file.id, seen("a.txt", size=2))]
    await lane.write(changes.apply_changes, volume.id, new=(), changed=changed, gone=(), priority=0, now=NOW)
    assert len(await find(lane, "heron")) == 1
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    now_there = await lane.read(files.file_by_id, file.id)
    await lane.write(
        reads.commit_failure,
        job_id=job.id,
        file=now_there,
        reason="malformed",
        detail="It is broken.",
        skipped=False,
        retry_at=None,
        now=NOW,
    )
    assert await find(lane, "heron") == []
    failed = await lane.read(files.file_by_id, file.id)
    assert (failed.state, failed.reason, failed.content_id) == (FileState.FAILED, "malformed", None)
    counts = await lane.read(queue.count_jobs, NOW)
    assert (counts.read, counts.parked) == (0, 1)


async def test_a_moved_file_keeps_its_id_its_content_and_its_searchable_name(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("old/heron.txt"), seen("new/in_the_way.txt", inode=9))
    file, _ = await read_next(lane, new_content("grey bird"), digest="d1")
    applied = await lane.write(
        changes.apply_changes,
        volume.id,
        new=(),
        changed=(),
        gone=(),
        moved=[(file.id, b"new/in_the_way.txt")],
        priority=0,
        now=NOW,
    )
    assert applied == changes.Applied()
    moved = await lane.read(files.file_by_id, file.id)
    assert (moved.path, moved.content_id, moved.state) == (b"new/in_the_way.txt", file.content_id, file.state)
    assert len(await find(lane, "way")) == 1
    assert await find(lane, "heron") == []


async def test_ten_saves_make_one_waiting_job(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    (known,) = await lane.read(changes.known_below, volume.id, b"")
    for size in range(20, 30):
        saved = [(known.id, seen("a.txt", size=size))]
        await lane.write(
            changes.apply_changes, volume.id, new=(), changed=saved, gone=(), priority=0, now=NOW
        )
    assert len(await lane.write(queue.claim, JobKind.READ, 50, NOW)) == 1


async def test_a_job_whose_worker_died_is_taken_again_and_parked_after_too_many_ends(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    for attempt in range(1, queue.MOST_ATTEMPTS_AT_START + 1):
        (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
        assert job.attempts == attempt
        assert await lane.write(queue.claim, JobKind.READ, 1, NOW) == (), "a leased job is not taken twice"
        assert await lane.write(queue.recover, NOW) == 1
    (job,) = await lane.read(queue.page_jobs, 0, 10)
    assert job.state is JobState.PARKED
    await lane.write(queue.wake_parked, JobKind.READ, [job.subject_id], NOW)
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    later = NOW + LEASE + timedelta(seconds=1)
    assert [again.id for again in await lane.write(queue.claim, JobKind.READ, 1, later)] == [job.id]


async def test_fresh_work_comes_before_the_backlog(lane: Lane) -> None:
    await lane.write(queue.enqueue, JobKind.READ, [1, 2], priority=queue.BACKLOG, now=NOW)
    await lane.write(queue.enqueue, JobKind.READ, [3], priority=queue.FRESH, now=NOW)
    taken = await lane.write(queue.claim, JobKind.READ, 3, NOW)
    assert [job.subject_id for job in taken] == [3, 1, 2]


async def test_vectors_make_a_content_semantic_only_when_all_are_there(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    _, outcome = await read_next(lane, new_content("one", "two", "three"), digest="d")
    content = outcome.content_id
    assert content is not None
    model = await lane.write(vectors.model_id, name="m", fingerprint="f", dimension=4, now=NOW)
    todo = await lane.read(vectors.passages_to_embed, content, model, 10)
    assert [one.passage.text for one in todo] == ["one", "two", "three"]
    (job,) = await lane.write(queue.claim, JobKind.EMBED, 1, NOW)
    data = np.eye(4, dtype=np.float32)[:2]
    kept = await lane.write(vectors.commit_vectors, model=model, ids=[todo[0].id, todo[1].id], data=data)
    assert kept == (True, True)

    async def complete() -> bool:
        return await lane.write(
            vectors.commit_embedded, job_id=job.id, content_id=content, model=model, fingerprint="f", now=NOW
        )

    assert not await complete()
    (job,) = await lane.write(queue.claim, JobKind.EMBED, 1, NOW)
    await lane.write(vectors.commit_vectors, model=model, ids=[todo[2].id], data=data[:1])
    assert await complete()
    assert (await lane.read(volumes.count_files, "f"))[volume.id].coverage.semantic == 1
    assert (await lane.read(volumes.count_files, "g"))[volume.id].coverage.semantic == 0
    ids, stored = await lane.read(vectors.kept, model, 4, np.array([todo[0].id, todo[1].id]))
    assert ids.tolist() == [todo[0].id, todo[1].id]
    np.testing.assert_array_equal(stored, data)
    # The next model begins from nothing, beside the former.
    await lane.write(vectors.enqueue_missing, "g", NOW)
    assert (await lane.read(queue.count_jobs, NOW)).embed == 1


async def test_filters_hold_before_ranking(lane: Lane) -> None:
    home, work = await add_volume(lane, "home"), await add_volume(lane, "work")
    await see(lane, home, seen("letters/a.md", kind="markdown", mtime_ns=10**18))
    await read_next(lane, new_content("heron"), digest="d1")
    await see(lane, work, seen("b.txt", mtime_ns=2 * 10**18))
    await read_next(lane, new_content("heron"), digest="d2")
    assert len(await find(lane, "heron")) == 2
    cases = {
        1: [
            Filters(volumes=("home",)),
            Filters(kinds=("markdown",)),
            Filters(path="letters/**"),
            Filters(modified_after=NOW.replace(year=2020)),
            Filters(modified_before=NOW.replace(year=2020)),
        ],
        0: [Filters(volumes=("nowhere",)), Filters(path="*.md"), Filters(volumes=("home",), kinds=("text",))],
    }
    for count, filters in ((count, one) for count, all_ in cases.items() for one in all_):
        assert len(await find(lane, "heron", filters)) == count, filters
        assert len((await lane.read(permitted.permitted, filters, PassageRuns())).passages) == count, filters


async def test_highlights_count_code_points_also_between_unspaced_characters(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    text = "🐦 Café 你好世界 café."
    await read_next(lane, new_content(text), digest="d")
    for query, marked in (("café", ["Café", "café"]), ("世界", ["世界"])):
        found = await lane.read(contents.passages_by_id, await find(lane, query))
        async with following(lane) as words:
            (ranges,) = WordSearch(lane, words).highlights(parse(query), list(found.values())).values()
        assert [text[start:end] for start, end in ranges] == marked


async def test_paths_that_are_not_utf8_are_kept_as_they_are(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen(b"gr\xfcn/\xff.txt"))
    file, _ = await read_next(lane, new_content("x"), digest="d")
    assert file.path == b"gr\xfcn/\xff.txt"
    assert await lane.read(files.file_at, volume.id, b"gr\xfcn/\xff.txt") is not None


async def test_below_a_folder_is_not_beside_it(lane: Lane) -> None:
    volume = await add_volume(lane)
    paths = ["a", "a-b/x", "a/x", "a/x/y", "a0", "ab"]
    await see(lane, volume, *(seen(path, inode=n) for n, path in enumerate(paths)))
    below = await lane.read(changes.known_below, volume.id, b"a")
    assert [known.path for known in below] == [b"a", b"a/x", b"a/x/y"]
    everything = await lane.read(changes.known_below, volume.id, b"")
    assert [known.path for known in everything] == sorted(path.encode() for path in paths)


async def test_removing_a_volume_forgets_its_files_and_their_work(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1), seen("b.txt", inode=2))
    file, _ = await read_next(lane, new_content("heron"), digest="d")
    removed = await lane.write(volumes.remove_volume, volume.id, NOW)
    assert removed.orphaned == (file.content_id,)
    assert await find(lane, "heron") == []
    assert await lane.read(queue.page_jobs, 0, 10) == ()
    with pytest.raises(NotFound):
        await lane.read(volumes.volume_named, "home")


async def test_devices_by_name_and_token(lane: Lane) -> None:
    added = await lane.write(
        devices.add_device, name="phone", token_sha256="aa", scopes=frozenset({Scope.SEARCH}), now=NOW
    )
    with pytest.raises(Conflict):
        await lane.write(devices.add_device, name="phone", token_sha256="bb", scopes=frozenset(), now=NOW)
    await lane.write(devices.revoke_device, "phone", NOW)
    revoked = await lane.read(devices.device_by_token, "aa")
    assert revoked is not None
    assert revoked.revoked == NOW
    again = await lane.write(
        devices.add_device, name="phone", token_sha256="bb", scopes=frozenset({Scope.ASK}), now=NOW
    )
    assert again.id == added.id
    assert again.revoked is None
    assert await lane.read(devices.device_by_token, "aa") is None


async def test_what_was_left_out_while_it_was_read_does_not_come_back(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("diary.txt"))
    (job,) = await lane.write(queue.claim, JobKind.READ, 1, NOW)
    file = await lane.read(files.file_by_id, job.subject_id)
    left_out = replace(seen("diary.txt"), skip_reason="rule", skip_detail="left out by a rule")
    await lane.write(
        changes.apply_changes, volume.id, new=(), changed=[(file.id, left_out)], gone=(), priority=0, now=NOW
    )
    outcome = await lane.write(
        reads.commit_read,
        job_id=job.id,
        file=file,
        read=left_out.stat,
        kind="text",
        media_type="text/plain",
        digest="d",
        reader="text/1",
        new=new_content("dear diary"),
        fingerprint=None,
        priority=0,
        now=NOW,
    )
    assert outcome == reads.ReadOutcome()
    await lane.write(
        reads.commit_failure,
        job_id=job.id,
        file=file,
        reason="malformed",
        detail="It is broken.",
        skipped=False,
        retry_at=None,
        now=NOW,
    )
    kept = await lane.read(files.file_by_id, file.id)
    assert (kept.state, kept.reason, kept.content_id) == (FileState.SKIPPED, "rule", None)
    assert await find(lane, "diary") == []


async def test_what_is_fresh_can_be_asked_for_alone_and_an_ended_lease_counts_as_due(lane: Lane) -> None:
    await lane.write(queue.enqueue, JobKind.READ, [1, 2], priority=queue.BACKLOG, now=NOW)
    assert await lane.write(queue.claim, JobKind.READ, 5, NOW, priority=queue.FRESH) == ()
    await lane.write(queue.enqueue, JobKind.READ, [3], priority=queue.FRESH, now=NOW)
    (fresh,) = await lane.write(queue.claim, JobKind.READ, 5, NOW, priority=queue.FRESH)
    assert fresh.subject_id == 3
    later = NOW + LEASE + timedelta(seconds=1)
    taken = await lane.write(queue.claim, JobKind.READ, 2, later)
    assert [job.subject_id for job in taken] == [3, 1]


async def test_all_of_a_volume_that_is_away_waits_together_and_is_taken_up_together(lane: Lane) -> None:
    home, work = await add_volume(lane, "home"), await add_volume(lane, "work")
    await see(lane, home, *(seen(f"{n}.txt", inode=n) for n in range(5)))
    await see(lane, work, seen("w.txt", inode=9))
    first, second = await lane.write(queue.claim, JobKind.READ, 2, NOW)
    at = NOW + timedelta(hours=2)
    await lane.write(queue.retry, second.id, "The disk gave an error.", at)
    await lane.write(queue.postpone, home.id, first.id, NOW + timedelta(seconds=30))
    counts = await lane.read(queue.count_jobs, NOW)
    assert (counts.read, counts.retry) == (1, 5)
    (other,) = await lane.write(queue.claim, JobKind.READ, 9, NOW)
    await lane.write(queue.finish, other.id)

    await lane.write(queue.take_up, home.id, NOW)
    taken = await lane.write(queue.claim, JobKind.READ, 9, NOW)
    assert len(taken) == 4
    assert taken[0].attempts == 1, "to be returned untried is no attempt"
    waiting = await lane.read(queue.job_about, JobKind.READ, second.subject_id)
    assert waiting is not None
    assert waiting.not_before == at, "what failed keeps its own time"


async def test_times_that_the_catalogue_cannot_hold_still_filter(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt"))
    await read_next(lane, new_content("heron"), digest="d")
    far, long_ago = NOW.replace(year=9999), NOW.replace(year=1)
    assert len(await find(lane, "heron", Filters(modified_after=long_ago, modified_before=far))) == 1
    assert await find(lane, "heron", Filters(modified_after=far)) == []


async def test_vectors_of_a_content_are_found_without_looking_at_all_others(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, seen("a.txt", inode=1), seen("b.txt", inode=2))
    _, one = await read_next(lane, new_content("one", "two"), digest="d1")
    _, other = await read_next(lane, new_content("three"), digest="d2")
    assert one.content_id is not None
    model = await lane.write(vectors.model_id, name="m", fingerprint="f", dimension=4, now=NOW)
    ids = await lane.read(vectors.ids_of, [one.content_id, other.content_id or 0])
    data = np.eye(4, dtype=np.float32)[: len(ids)]
    await lane.write(vectors.commit_vectors, model=model, ids=ids.tolist(), data=data)
    found, stored = await lane.read(vectors.vectors_of_contents, model, [one.content_id], 4)
    assert found.tolist() == ids.tolist()[:2]
    np.testing.assert_array_equal(stored, data[:2])

    def steps(connection: Connection) -> list[str]:
        asked: list[tuple[str, Any]] = []

        def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            asked.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        vectors.vectors_of_contents(connection, model, [one.content_id or 0], 4)
        event.remove(connection, "before_cursor_execute", note)
        statement, parameters = asked[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in plan]

    assert any("(passage_id=? AND model_id=?)" in step for step in await lane.read(steps))
