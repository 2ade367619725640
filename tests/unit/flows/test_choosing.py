"""Which candidates are shown: newer ones first among equals, near-duplicates as one with a count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from nasd.domain.passages import StoredPassage
from nasd.domain.search import Filters, Mode
from nasd.flows.choosing import ALSO_TOLD, Choice, Found, newer_first_among_equals, newest_first
from nasd.index.fuse import Fused
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.flows import file_record, passage
from tests.fakes.library import Library, sentence

DAY = 86_400 * 10**9


def found(number: int, score: float, *, text: str | None = None, mtime_ns: int = 0, file: int = 0) -> Found:
    stored: StoredPassage = passage(number, text or sentence(number))
    holder = replace(file_record(file or number, f"{number}.txt".encode()), mtime_ns=mtime_ns)
    return Found(fused=Fused(id=number, score=score, ranks={}), passage=stored, files=[holder])


def ids(found: Sequence[Found]) -> list[int]:
    return [one.passage.id for one in found]


def test_the_newer_comes_first_among_equals_only() -> None:
    given = [found(1, 2.0, mtime_ns=1), found(2, 1.0, mtime_ns=1), found(3, 1.0 - 1e-6, mtime_ns=9)]
    given += [found(4, 0.9, mtime_ns=99), found(5, 0.0, mtime_ns=999)]
    assert ids(newer_first_among_equals(given)) == [1, 3, 2, 4, 5]
    assert newer_first_among_equals([]) == []
    assert ids(newer_first_among_equals([found(1, 1.0), found(2, 1.0, mtime_ns=3)])) == [2, 1]


def test_equals_are_those_near_the_best_of_them() -> None:
    steps = [found(number, 1 - number * 4e-4, mtime_ns=number) for number in range(1, 6)]
    apart = [found(6, -1.0)]
    assert ids(newer_first_among_equals([*steps, *apart])) == [2, 1, 4, 3, 5, 6]


def test_newest_first_is_among_what_matches() -> None:
    given = [found(1, 3.0, mtime_ns=1), found(2, 2.0, mtime_ns=9), found(3, 1.0, mtime_ns=5)]
    assert ids(newest_first(given, {1, 3}, now_ns=10)) == [3, 1, 2]
    assert ids(newest_first(given, {1, 2, 3}, now_ns=7)) == [3, 1, 2], "a time to come tells nothing"
    assert ids(newest_first(given, set(), now_ns=10)) == [1, 2, 3]


def test_near_duplicates_are_one_with_all_their_places() -> None:
    text = sentence(7) + " " + sentence(8)
    copies = [found(number, 1.0, text=text.upper() if number % 2 else text) for number in range(1, 31)]
    others = [found(number, 0.5) for number in range(31, 60)]
    choice = Choice([*copies, *others], 10, cap=3)
    assert [group.shown.passage.id for group in choice.shown] == [1, *range(31, 40)]
    elsewhere = choice.shown[0].elsewhere()
    assert [(one.file.id, one.passage.id) for one in elsewhere] == [(n, n) for n in range(2, 31)]
    assert len(elsewhere) > ALSO_TOLD


def test_as_many_as_are_wanted_come_behind_any_number_of_copies() -> None:
    copies = [found(number, 1.0, text="the same words in all " * 9) for number in range(1, 500)]
    others = [found(number, 0.5) for number in range(500, 512)]
    assert len(Choice([*copies, *others], 10, cap=3).shown) == 10
    one_file = [found(number, 1.0, file=1) for number in range(1, 200)]
    choice = Choice([*one_file, *others], 10, cap=3)
    assert [group.shown.passage.id for group in choice.shown] == [1, 2, 3, *range(500, 507)]


def test_another_order_of_the_first_keeps_the_others_behind() -> None:
    choice = Choice([found(number, -number) for number in range(1, 9)], 4, cap=3)
    choice.reorder([choice.groups[2], choice.groups[0]])
    assert [group.shown.passage.id for group in choice.shown] == [3, 1, 2, 4]


@pytest_asyncio.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    library = Library(tmp_path, lane)
    await library.open()
    yield library
    await library.close()
    await lane.close()


LEASE = "The lease of the flat in Harbour Street 5 runs until 31 March 2025, at 950 euros a month."


async def test_copies_under_other_names_and_formats_are_one_hit(library: Library) -> None:
    await library.keep("lease.txt", LEASE, digest="same")
    await library.keep("backup/lease.txt", LEASE, digest="same")
    await library.keep("lease.md", LEASE.replace(" ", "\n"), title="lease")
    await library.keep("lease v2.txt", LEASE.replace("950", "980"))
    result = await library.find("lease flat", Mode.LEXICAL)
    shown = {hit.file.path: (hit.copies, {one.file.path for one in hit.also}) for hit in result.hits}
    assert len(shown) == 2
    assert shown[b"lease v2.txt"] == (0, set())
    ((path, (copies, also)),) = (item for item in shown.items() if item[0] != b"lease v2.txt")
    assert copies == 2 and {path} | also == {b"lease.txt", b"backup/lease.txt", b"lease.md"}


async def test_places_that_a_filter_leaves_out_are_not_told(library: Library) -> None:
    await library.keep("a/lease.txt", LEASE, digest="same")
    await library.keep("b/lease.txt", LEASE, digest="same")
    await library.keep("b/lease.md", LEASE.upper())
    found = await library.search.search("lease", k=10, mode=Mode.LEXICAL, filters=Filters(path="a/**"))
    (hit,) = found.hits
    assert (hit.file.path, hit.copies, hit.also) == (b"a/lease.txt", 0, ())


@pytest.mark.parametrize("query", ["latest invoice", "newest invoice", "neueste invoice"])
async def test_a_query_may_ask_for_the_newest(library: Library, query: str) -> None:
    await library.keep("one.txt", "Invoice for power, with invoice number, invoice date.", mtime_ns=3 * DAY)
    await library.keep("two.txt", "An invoice for water.", mtime_ns=9 * DAY)
    await library.keep("three.txt", "The invoice for gas.", mtime_ns=6 * DAY)
    await library.keep("note.txt", "The latest news of the neueste kind, newest of all.", mtime_ns=20 * DAY)
    found = await library.find(query, Mode.LEXICAL)
    assert [hit.file.path for hit in found.hits] == [b"two.txt", b"three.txt", b"one.txt"]
    assert any("newest first" in note for note in found.notes)
    by_relevance = await library.find("invoice", Mode.LEXICAL)
    assert by_relevance.hits[0].file.path == b"one.txt" and not by_relevance.notes
    asked = await library.search.search("invoice", k=10, mode=Mode.LEXICAL, filters=Filters(), newest=True)
    assert [hit.file.path for hit in asked.hits] == [b"two.txt", b"three.txt", b"one.txt"]


async def test_words_of_the_path_count_for_what_is_newest(library: Library) -> None:
    await library.keep("invoices/may.txt", "Power, 61.20", mtime_ns=3 * DAY)
    await library.keep("invoice.txt", "invoice", mtime_ns=1 * DAY)
    found = await library.find("latest invoices", Mode.LEXICAL)
    assert [hit.file.path for hit in found.hits] == [b"invoices/may.txt", b"invoice.txt"]
