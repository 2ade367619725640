from __future__ import annotations

from datetime import timedelta

from nasd.domain.known import KnownItem
from nasd.store import changes, known
from nasd.store.lane import Lane
from tests.fakes.catalogue import NOW, add_volume, new_content, read_next, see, seen


def item(digest: str) -> KnownItem:
    return KnownItem(digest=digest, query=f"about {digest}", sentence=f"a sentence about {digest}")


async def fill(lane: Lane, count: int) -> list[int]:
    """Files with one content each; the files' ids."""
    volume = await add_volume(lane)
    await see(lane, volume, *(seen(f"{number}.txt", inode=number + 1) for number in range(count)))
    found = []
    for number in range(count):
        file, _ = await read_next(lane, new_content(f"text {number}", "more"), digest=f"d{number}")
        found.append(file.id)
    return found


async def test_drawing_walks_all_documents_once_without_those_that_have_an_item(lane: Lane) -> None:
    await fill(lane, 7)
    await lane.write(known.add_items, [item("d3")])
    drawn = []
    for start in (0, 4, 8):
        drawn += await lane.read(known.draw, 1, 4, start)
    assert sorted(digest for digest, _ in drawn) == ["d0", "d1", "d2", "d4", "d5", "d6"]
    assert {frozenset(texts) for _, texts in drawn} == {
        frozenset({f"text {number}", "more"}) for number in (0, 1, 2, 4, 5, 6)
    }
    assert [one for one, _ in drawn] != sorted(one for one, _ in drawn)


async def test_an_item_whose_file_is_gone_is_dropped(lane: Lane) -> None:
    ids = await fill(lane, 3)
    await lane.write(known.add_items, [item("d0"), item("d2"), item("d2")])
    assert await lane.read(known.contents_with, ["d0", "d2"])
    await lane.write(changes.apply_changes, 1, new=(), changed=(), gone=(ids[0],), priority=0, now=NOW)
    assert await lane.write(known.drop_stale) == 1
    assert [one.digest for one in await lane.read(known.known)] == ["d2"]
    assert list(await lane.read(known.contents_with, ["d0", "d2"])) == ["d2"]


async def test_items_that_the_catalogue_has_outgrown_make_room(lane: Lane) -> None:
    volume = await add_volume(lane)
    for number in range(9):
        await see(lane, volume, seen(f"{number}.txt", inode=number + 1))
        await read_next(lane, new_content(f"text {number}"), digest=f"d{number}")
        if number < 3:
            await lane.write(known.add_items, [item(f"d{number}")])
    assert await lane.write(known.drop_stale) == 2  # drawn from 1 and 2 documents, of 9 now
    assert [one.digest for one in await lane.read(known.known)] == ["d2"]


async def test_measurements_are_kept_in_order_and_the_oldest_go(lane: Lane) -> None:
    assert await lane.read(known.latest) is None
    figures = {"hybrid": {"recall_at_10": 0.9, "mrr_at_10": 0.8, "p50_ms": 1.0, "p95_ms": 2.0}}
    for day in range(known.KEPT_EVALUATIONS + 2):
        saved = await lane.write(
            known.save_evaluation,
            at=NOW + timedelta(days=day),
            model="m",
            fingerprint="f",
            queries=150,
            took_s=1.5,
            modes=figures,
        )
    assert await lane.read(known.latest) == saved
    kept = await lane.read(known.page, 0, 1000)
    assert len(kept) == known.KEPT_EVALUATIONS and kept[0].id == 3
    assert [one.id for one in await lane.read(known.page, 5, 2)] == [6, 7]
