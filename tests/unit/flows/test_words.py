"""The words follow the catalogue, whatever happens between it and their indexes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from nasd.domain.files import FileRecord, Volume
from nasd.domain.jobs import JobKind
from nasd.domain.queries import parse
from nasd.domain.search import Filters
from nasd.errors import StateError
from nasd.flows import words as flow
from nasd.flows.word_search import WordSearch
from nasd.flows.words import WordCache
from nasd.store import changes, contents, queue, volumes, word_changes
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from nasd.words.base import WordIndex
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen
from tests.fakes.found import empty, find, find_files, following, load, words_beside


@pytest_asyncio.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Lane]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    yield lane
    await lane.close()


async def keep(lane: Lane, volume: Volume, path: str, *texts: str, title: str | None = None) -> FileRecord:
    """A file with these passages."""
    await see(lane, volume, seen(path, inode=abs(hash(path)) % 10_000))
    file, _ = await read_next(lane, new_content(*texts, title=title), digest=f"of {texts}")
    return file


async def gone(lane: Lane, file: FileRecord) -> None:
    await lane.write(
        changes.apply_changes, file.volume_id, new=(), changed=(), gone=[file.id], priority=0, now=NOW
    )


async def moved(lane: Lane, file: FileRecord, path: bytes) -> None:
    await lane.write(
        changes.apply_changes,
        file.volume_id,
        new=(),
        changed=(),
        gone=(),
        moved=[(file.id, path)],
        priority=0,
        now=NOW,
    )


def beside(words: WordCache) -> WordSearch:
    return WordSearch(words._lane, words)


async def scores(words: WordCache, query: str, *, prose: bool = True) -> dict[int, float]:
    return dict((await beside(words).search(parse(query), 100, allowed=None, prose=prose)).scores)


async def test_what_waits_is_counted_until_it_is_found(lane: Lane) -> None:
    words = words_beside(lane)
    await words.open()
    assert await words.waiting() == 0
    await keep(lane, await add_volume(lane), "a.txt", "a heron", "a stork")
    assert await words.waiting() == 2, "a content, and a file's name"
    assert await scores(words, "heron") == {}
    assert await words.take_over()
    assert await words.waiting() == 0
    assert len(await scores(words, "heron")) == 1
    assert not await words.take_over()
    await words.close()


async def test_a_batch_that_was_taken_over_but_not_forgotten_is_taken_over_once_more(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = await add_volume(lane)
    await keep(lane, volume, "a.txt", "a heron", "a stork", title="Birds")

    def fails(connection: Connection, upto: int, mark: str) -> None:
        raise StateError("The power is gone.")

    words = words_beside(lane)
    await words.open()
    with monkeypatch.context() as patch:
        patch.setattr(word_changes, "forget_changed", fails)
        with pytest.raises(StateError):
            await words.take_over()
    once = await scores(words, "heron birds")
    assert len(once) == 2
    await words.close()
    async with following(lane) as again:
        assert await scores(again, "heron birds") == once
        assert len(again) == 2


async def test_a_batch_that_did_not_become_durable_is_not_forgotten(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(lane, await add_volume(lane), "a.txt", "a heron")

    def fails(indexes: object) -> None:
        raise OSError("no room")

    words = words_beside(lane)
    await words.open()
    with monkeypatch.context() as patch:
        patch.setattr(flow, "_commit", fails)
        with pytest.raises(OSError, match="no room"):
            await words.take_over()
    assert await words.waiting() == 2
    assert await words.take_over(), "by the same process, to the same writers"
    assert len(words) == len(await scores(words, "heron")) == 1
    await words.close()


async def test_indexes_of_which_one_is_ahead_become_one_again(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = await add_volume(lane)
    former = await keep(lane, volume, "heron.txt", "a grey bird", title="Birds")
    assert len(await find(lane, "heron")) == 1
    await moved(lane, former, b"osprey.txt")
    await keep(lane, volume, "b.txt", "a stork", title="Birds")

    def dies(indexes: Sequence[WordIndex]) -> None:
        indexes[0].commit()
        raise StateError("The power is gone.")

    words = words_beside(lane)
    await words.open()
    with monkeypatch.context() as patch:
        patch.setattr(flow, "_commit", dies)
        with pytest.raises(StateError):
            await words.take_over()
    await words.close()
    assert await find(lane, "heron") == []
    assert len(await find(lane, "osprey")) == 1
    assert len(await find(lane, "birds")) == 2


async def test_what_changes_while_it_is_taken_over_is_taken_over_again(lane: Lane) -> None:
    file = await keep(lane, await add_volume(lane), "a.txt", "a heron")
    changed = await lane.read(word_changes.changed, 10)
    assert changed is not None
    await gone(lane, file)
    await lane.write(word_changes.forget_changed, changed.upto, "mark")
    left = await lane.read(word_changes.changed, 10)
    assert left is not None
    assert (left.contents, left.files) == ((file.content_id,), (file.id,))


async def test_many_changes_are_taken_over_in_batches(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "SLICE", 3)
    monkeypatch.setattr(flow, "BATCH_S", 0.0)
    volume = await add_volume(lane)
    for number in range(5):
        await keep(lane, volume, f"{number}.txt", f"heron {number}")
    words = words_beside(lane)
    await words.open()
    batches = 0
    while await words.take_over():
        batches += 1
    assert batches == 4
    assert len(await scores(words, "heron")) == 5
    await words.close()


@pytest.mark.parametrize(
    "damage", ["all gone", "a note", "a manifest", "a part gone", "segments", "cut short"]
)
async def test_a_damaged_index_is_made_again(lane: Lane, tmp_path: Path, damage: str) -> None:
    volume = await add_volume(lane)
    file = await keep(lane, volume, "heron.txt", "a grey bird")
    other = await keep(lane, volume, "b.txt", "a stork")
    assert len(await find(lane, "stork")) == 1
    folder = tmp_path / "words"
    if damage == "all gone":
        shutil.rmtree(folder)
    elif damage == "a note":
        (folder / "follows").write_text("\0" * 30)
    elif damage == "a manifest":
        (folder / "contents" / "words.json").write_text("{}")
    elif damage == "a part gone":
        shutil.rmtree(folder / "paths")
    elif damage == "segments":
        (folder / "passages" / "segments" / "meta.json").write_bytes(b"\0" * 100)
    else:
        (largest,) = sorted((folder / "passages" / "segments").glob("*.store"))[:1]
        largest.write_bytes(largest.read_bytes()[:10])
    await gone(lane, other)
    words = words_beside(lane)
    await words.open()
    assert words.state == "rebuilding"
    assert await scores(words, "bird") == {}
    await words.close()
    assert [one.id for one in await find_files(lane, "bird")] == [file.id]
    assert [one.id for one in await find_files(lane, "heron")] == [file.id]
    async with following(lane) as again:
        assert await scores(again, "stork") == {}
        assert len(again) == 1


@pytest.mark.parametrize("which", ["catalogue", "index", "neither"])
async def test_a_backup_that_was_put_back_is_noticed(tmp_path: Path, which: str) -> None:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    volume = await add_volume(lane)
    file = await keep(lane, volume, "a.txt", "a heron")
    assert len(await find(lane, "heron")) == 1
    await lane.checkpoint()
    await lane.close()
    kept = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name} kept")

    lane = Lane(database_path(tmp_path))
    await gone(lane, file)
    await keep(lane, volume, "b.txt", "a stork")
    assert await find(lane, "heron") == []
    await lane.checkpoint()
    await lane.close()
    if which == "catalogue":
        for left in tmp_path.glob("catalogue.db*"):
            left.unlink()
        shutil.copy(database_path(kept), tmp_path)
    elif which == "index":
        shutil.rmtree(tmp_path / "words")
        shutil.copytree(kept / "words", tmp_path / "words")

    lane = Lane(database_path(tmp_path))
    words = words_beside(lane)
    await words.open()
    assert words.state == ("loading" if which == "neither" else "rebuilding")
    await words.close()
    assert len(await find(lane, "heron")) == int(which == "catalogue")
    assert len(await find(lane, "stork")) == int(which != "catalogue")
    await lane.close()


async def test_a_crash_between_emptying_and_noting_loses_nothing(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(lane, await add_volume(lane), "a.txt", "a heron")
    assert len(await find(lane, "heron")) == 1
    shutil.rmtree(tmp_path / "words")
    made = 0

    def dies(folder: Path, positions: bool) -> WordIndex:
        nonlocal made
        made += 1
        if made > at:
            raise KeyboardInterrupt
        return empty(folder, positions)

    for most in range(4):
        at, made = most, 0
        with suppress(KeyboardInterrupt):
            await WordCache(lane, tmp_path / "words", load=load, empty=dies).open()
        assert (await lane.read(word_changes.count_changed)) == 2
    assert len(await find(lane, "heron")) == 1


async def test_an_index_that_cannot_be_made_is_tried_again(
    lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(lane, await add_volume(lane), "a.txt", "a heron")
    full = True

    def perhaps(folder: Path, positions: bool) -> WordIndex:
        if full:
            raise OSError("no room")
        return empty(folder, positions)

    words = WordCache(lane, tmp_path / "words", load=load, empty=perhaps)
    await words.open()
    assert words.state == "failed"
    assert await scores(words, "heron") == {}
    assert await words.waiting() == 2
    monkeypatch.setattr(flow, "RETRY_S", 0.0)
    running = asyncio.create_task(words.run())
    await asyncio.sleep(0)
    full = False
    async with asyncio.timeout(30):
        while await words.waiting():
            await asyncio.sleep(0.01)
    assert len(await scores(words, "heron")) == 1
    running.cancel()
    await asyncio.wait([running])
    await words.close()


async def test_what_is_written_is_found_while_it_runs(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "IDLE_S", 0.0)
    words = words_beside(lane)
    await words.open()
    running = asyncio.create_task(words.run())
    volume = await add_volume(lane)
    async with asyncio.timeout(30):
        for number in range(3):
            await keep(lane, volume, f"{number}.txt", f"heron {number}")
            while await words.waiting():
                await asyncio.sleep(0.01)
            assert len(await scores(words, "heron")) == number + 1
    running.cancel()
    await asyncio.wait([running])
    await words.close()


async def test_words_go_with_their_file_and_come_back_with_it(lane: Lane) -> None:
    volume = await add_volume(lane)
    file = await keep(lane, volume, "heron.txt", "a grey bird")
    copy = await keep(lane, volume, "other.txt", "a stork")
    await gone(lane, file)
    async with following(lane) as words:
        assert len(words) == 1
        assert await scores(words, "bird") == {}
        assert await scores(words, "heron") == {}, "nor by its name"
    await see(lane, volume, seen("back.txt", inode=7))
    await read_next(lane, None, digest="of ('a grey bird',)")
    assert [one.path for one in await find_files(lane, "bird")] == [b"back.txt"]
    assert [one.id for one in await find_files(lane, "stork")] == [copy.id]


async def test_what_is_swept_or_goes_with_its_volume_is_not_found(lane: Lane) -> None:
    home, work = await add_volume(lane), await add_volume(lane, "work")
    swept = await keep(lane, home, "a.txt", "a heron")
    await keep(lane, work, "b.txt", "a stork")
    assert len(await find(lane, "heron stork")) == 2
    await gone(lane, swept)
    await lane.write(contents.sweep_orphans, NOW + timedelta(days=1), 10)
    await lane.write(contents.sweep_orphans, NOW + timedelta(days=3), 10)
    await lane.write(volumes.remove_volume, work.id, NOW)
    async with following(lane) as words:
        assert len(words) == 0
        assert await scores(words, "heron stork b txt") == {}


async def test_a_changed_text_replaces_the_former(lane: Lane) -> None:
    volume = await add_volume(lane)
    file = await keep(lane, volume, "a.txt", "a heron")
    assert len(await find(lane, "heron")) == 1
    saved = [(file.id, seen("a.txt", size=99))]
    await lane.write(changes.apply_changes, volume.id, new=(), changed=saved, gone=(), priority=0, now=NOW)
    await read_next(lane, new_content("a stork"), digest="other")
    assert await find(lane, "heron") == []
    assert len(await find(lane, "stork")) == 1


async def test_a_renamed_file_is_found_under_its_new_name_alone(lane: Lane) -> None:
    file = await keep(lane, await add_volume(lane), "old/heron.txt", "a grey bird")
    assert [one.id for one in await find_files(lane, "heron")] == [file.id]
    await moved(lane, file, b"new/osprey.txt")
    assert await find(lane, "heron") == []
    assert [one.path for one in await find_files(lane, "osprey")] == [b"new/osprey.txt"]
    assert await find(lane, "osprey stork") == [], "a name has to hold all the words"


async def test_a_name_adds_to_what_the_text_says(lane: Lane) -> None:
    volume = await add_volume(lane)
    named = await keep(lane, volume, "heron.txt", "the heron of the north and nothing else")
    await keep(lane, volume, "b.txt", "the heron of the south and nothing else")
    assert (await find_files(lane, "heron"))[1].id == named.id
    first, _ = await find(lane, "heron")
    held = await lane.read(contents.passages_by_id, [first])
    assert held[first].content_id == named.content_id


async def test_a_filter_holds_before_ranking(lane: Lane) -> None:
    volume, other = await add_volume(lane), await add_volume(lane, "other")
    for number in range(15):
        await keep(lane, volume, f"{number}.txt", f"heron heron heron {number}")
    wanted = await keep(lane, other, "w.txt", "a heron far down in the list of all the birds there are")
    assert len(await find(lane, "heron")) == 10
    found = await find_files(lane, "heron", Filters(volumes=("other",)))
    assert [one.id for one in found] == [wanted.id]


async def test_identifiers_that_some_text_holds_are_exact(lane: Lane) -> None:
    await keep(lane, await add_volume(lane), "a.txt", "Invoice INV-2023-0042 of today", "of 2023")
    async with following(lane) as words:
        assert beside(words).exact(parse("INV-2023-0042"))
        assert beside(words).exact(parse("inv_2023_0042"))
        assert not beside(words).exact(parse("INV-2023-0043"))
        assert not beside(words).exact(parse("invoice INV-2023-0042"))
        best = max((await scores(words, "INV20230042")).items(), key=lambda item: item[1])
        ranked = await scores(words, "INV-2023-0042")
        assert max(ranked, key=lambda one: ranked[one]) == best[0]


async def test_words_of_the_document_raise_its_passages(lane: Lane) -> None:
    volume = await add_volume(lane)
    whole = await keep(lane, volume, "a.txt", "the heron waits", "the marsh is wide", "the stork nests")
    await keep(lane, volume, "b.txt", "the heron waits", "the road is wide", "the bus leaves")
    async with following(lane) as words:
        ranked = await scores(words, "heron stork")
        best = max(ranked, key=lambda one: ranked[one])
    held = await lane.read(contents.passages_by_id, [best])
    assert held[best].content_id == whole.content_id


async def test_passages_found_otherwise_are_scored_as_the_search_does(lane: Lane) -> None:
    volume = await add_volume(lane)
    await keep(lane, volume, "a.txt", "the heron waits", "the stork nests")
    await keep(lane, volume, "b.txt", "the lynx sleeps")
    async with following(lane) as words:
        query = parse("heron stork")
        found = await beside(words).search(query, 10, allowed=None, prose=True)
        first = await beside(words).find(query, 1, allowed=None, prose=True)
        one = await beside(words).weigh(query, first, found.contents)
        assert {**one.scores, **one.others} == pytest.approx(found.scores)
        assert len(one.others) == 1
        other = await scores(words, "lynx")
        ids = await lane.read(contents.passages_by_id, list(other))
        unfound = {one: stored.content_id for one, stored in ids.items()}
        nothing = await beside(words).find(parse("-heron"), 1, allowed=None, prose=False)
        assert (await beside(words).weigh(query, nothing, unfound)).others == dict.fromkeys(other, 0.0)


async def test_marks_and_demands_of_the_query_are_seen_in_passages(lane: Lane) -> None:
    volume = await add_volume(lane)
    await keep(lane, volume, "a.txt", "five years of warranty", "five long years, a draft")
    async with following(lane) as words:
        found = await lane.read(contents.passages_by_id, list(await scores(words, "years")))
        first, second = sorted(found)
        assert await beside(words).obeying(parse('"five years" -draft'), found) == {first}
        ranges = beside(words).highlights(parse('"five years"'), list(found.values()))
        assert ranges[first] == ((0, 10),)
        assert ranges[second] == ()
        assert set(await scores(words, '"five years"', prose=False)) == {first}


async def test_a_misspelt_word_is_taken_as_it_was_meant_by_a_searcher(lane: Lane) -> None:
    await keep(lane, await add_volume(lane), "a.txt", "the warranty of the dishwasher")
    async with following(lane) as words:
        assert len(await scores(words, "waranty", prose=False)) == 1
        assert await scores(words, "waranty", prose=True) == {}


async def test_jobs_alone_leave_no_words_to_be_taken_over(lane: Lane) -> None:
    volume = await add_volume(lane)
    await see(lane, volume, replace(seen("a.txt"), media_type="text/markdown"))
    await lane.write(queue.claim, JobKind.READ, 1, NOW)
    assert await lane.read(word_changes.count_changed) == 0
