"""Recognised pages in the catalogue: appended, searchable at once, one transaction a page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nasd.domain.jobs import JobKind
from nasd.domain.passages import Passage, Place
from nasd.domain.scans import OCR_ENGINE, OCR_FROM, OCR_PAGES, UNREAD_PAGES
from nasd.store import contents, queue, scans
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.scans import PageText
from tests.fakes.catalogue import NOW


def _passage(text: str, *, ordinal: int = 0, start: int = 0, page: int | None = None) -> Passage:
    return Passage(
        ordinal=ordinal, text=text, gap="\n\n", char_start=start, char_end=start + len(text),
        place=Place(page=page), tokens=len(text.split()),
    )  # fmt: skip


def _page(text: str, page: int) -> PageText:
    return PageText(chars=len(text) + 2, passages=(_passage(text, page=page),))


async def _content(lane: Lane, unread: str) -> int:
    new = NewContent(
        title=None,
        name="scan",
        chars=10,
        notes=("a note",),
        metadata={"pages": "3", UNREAD_PAGES: unread},
        passages=(_passage("readable", page=1),),
    )
    number = await lane.write(contents.insert_content, "d" * 64, "pdf/2", new, NOW)
    await lane.write(scans.enqueue, number, new.metadata, NOW)
    return number


async def _commit(
    lane: Lane, content: int, page: int, text: PageText | None, problem: str | None = None
) -> int:
    (job,) = await lane.write(queue.claim, JobKind.OCR, 1, NOW)
    return await lane.write(
        scans.commit_page,
        job_id=job.id,
        content_id=content,
        page=page,
        text=text,
        problem=problem,
        engine="engine 1",
        now=NOW,
    )


async def test_pages_come_one_by_one_and_the_job_ends_with_the_last(lane: Lane) -> None:
    number = await _content(lane, "2-3")
    assert await _commit(lane, number, 2, _page("second page", 2)) == 1
    middle = await lane.read(contents.content_by_id, number)
    assert middle is not None
    assert middle.metadata[UNREAD_PAGES] == "3"
    assert middle.metadata[OCR_PAGES] == "2"
    assert middle.metadata[OCR_FROM] == "10"
    assert await lane.read(scans.count_waiting) == 1
    assert await _commit(lane, number, 3, _page("third page", 3)) == 0
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert UNREAD_PAGES not in done.metadata
    assert (done.metadata[OCR_ENGINE], done.metadata[OCR_PAGES]) == ("engine 1", "2-3")
    assert done.notes == ("a note", "2 pages were recognised by engine 1: the text may hold errors.")
    assert (done.id, done.passages) == (number, 3)
    text = await lane.read(contents.text_of, number)
    assert text == "readable\n\nsecond page\n\nthird page\n\n"
    assert done.chars == len(text)
    assert await lane.read(queue.job_about, JobKind.OCR, number) is None
    assert await lane.read(queue.job_about, JobKind.EMBED, number) is not None


async def test_a_page_that_fails_is_noted_and_the_others_go_on(lane: Lane) -> None:
    number = await _content(lane, "2-3")
    assert await _commit(lane, number, 2, None, "it was too much.") == 1
    assert await _commit(lane, number, 3, _page("third", 3)) == 0
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert "Page 2 was not recognised: it was too much." in done.notes
    assert done.metadata[OCR_PAGES] == "3"


async def test_an_empty_page_leaves_the_vectors_alone(lane: Lane) -> None:
    number = await _content(lane, "2")
    assert await _commit(lane, number, 2, PageText(chars=0, passages=())) == 0
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert (done.passages, done.notes) == (1, ("a note",))
    assert await lane.read(queue.job_about, JobKind.EMBED, number) is None


async def test_a_content_without_such_pages_has_no_job(lane: Lane) -> None:
    await lane.write(scans.enqueue, 1, {"pages": "3"}, NOW)
    assert await lane.read(scans.count_waiting) == 0


@pytest.mark.parametrize(
    ("metadata", "priority"),
    [({}, scans.PDF), ({"format": "png"}, scans.PICTURE), ({"format": "jpeg", "camera": "X"}, scans.PHOTO)],
)
async def test_documents_go_before_photos(lane: Lane, metadata: dict[str, str], priority: int) -> None:
    await lane.write(scans.enqueue, 7, {"format": "jpeg", "camera": "other", UNREAD_PAGES: "1"}, NOW)
    await lane.write(scans.enqueue, 8, {**metadata, UNREAD_PAGES: "1"}, NOW)
    (first,) = await lane.write(queue.claim, JobKind.OCR, 1, NOW)
    assert first.subject_id == (7 if priority == scans.PHOTO else 8)


async def test_a_long_document_lets_others_go_first_now_and_then(lane: Lane) -> None:
    number = await _content(lane, f"1-{scans.TURN + 1}")
    await lane.write(scans.enqueue, number + 1, {UNREAD_PAGES: "1"}, NOW)
    await _commit(lane, number, 1, PageText(chars=0, passages=()))
    (job,) = await lane.write(queue.claim, JobKind.OCR, 1, NOW)
    assert job.subject_id == number + 1


async def test_pages_that_can_never_be_recognised_are_given_up_with_a_note(lane: Lane) -> None:
    number = await _content(lane, "2-3")
    (job,) = await lane.write(queue.claim, JobKind.OCR, 1, NOW + timedelta(seconds=1))
    await lane.write(scans.abandon, job_id=job.id, content_id=number, note="why")
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert (done.notes, UNREAD_PAGES in done.metadata) == (("a note", "why"), False)
    assert await lane.read(scans.count_waiting) == 0
