"""Search is measured on what the owner has, and the set is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from nasd.config.quantities import Window
from nasd.domain.known import KnownItem
from nasd.domain.search import Mode
from nasd.errors import Conflict, Unavailable
from nasd.flows import evaluation
from nasd.flows.evaluation import Evaluations, due, rank_of, summarise
from nasd.store import known
from nasd.store.lane import Lane
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.hits import hit
from tests.fakes.library import Library


@pytest_asyncio.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    upgrade(tmp_path, NOW)
    lane = Lane(database_path(tmp_path))
    made = Library(tmp_path, lane)
    await made.open()
    yield made
    await made.close()
    await lane.close()


def measuring(library: Library) -> Evaluations:
    return Evaluations(library.lane, library.hub, library.models, library.search, library.clock, window=None)


async def test_search_is_measured_on_a_set_that_stays(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "ITEMS", 12)
    await library.models._start()
    await library.add(20)
    await library.embed_all()
    evaluations = measuring(library)
    assert await evaluations.latest() is None
    measured = await evaluations.measure()
    assert (measured.queries, measured.model) == (12, "hashing")
    for mode in Mode:
        assert measured.modes[mode]["recall_at_10"] > 0.9
        assert measured.modes[mode]["mrr_at_10"] > 0.8
        assert measured.modes[mode]["p50_ms"] > 0
    items = await evaluations.items()
    await library.add(10)
    assert await evaluations.items() == items
    again = await evaluations.measure()
    assert await evaluations.page(after_id=0, limit=10) == (measured, again)
    assert await evaluations.latest() == again


async def test_a_lane_that_lacks_its_vectors_shows_in_the_figures(library: Library) -> None:
    await library.models._start()
    await library.add(20)
    measured = await measuring(library).measure()
    assert measured.modes["semantic"]["recall_at_10"] == 0
    assert measured.modes["lexical"]["recall_at_10"] > 0.9


async def test_what_cannot_be_measured_says_why(library: Library) -> None:
    with pytest.raises(Unavailable, match="not ready"):
        await measuring(library).measure()
    await library.models._start()
    with pytest.raises(Conflict, match="No document"):
        await measuring(library).measure()
    assert await library.lane.read(known.latest) is None


def test_whatever_holds_the_sentence_counts_as_found() -> None:
    item = KnownItem(digest="d", query="q", sentence="The deposit is\nreturned.")
    hits = [hit("nothing", rank=1), hit("so: the deposit  is returned. Then", rank=2)]
    assert rank_of(item, hits, frozenset()) == 2
    assert rank_of(item, hits, frozenset({1})) == 1
    assert rank_of(item, hits[:1], frozenset({9})) is None


def test_figures() -> None:
    figures = summarise([1, 2, None, 4], [30.0, 10.0, 20.0])
    assert figures == {"recall_at_10": 0.75, "mrr_at_10": 0.4375, "p50_ms": 20.0, "p95_ms": 30.0}


@pytest.mark.parametrize(
    ("at", "measured_h_ago", "up_h", "expected"),
    [
        (time(3), None, 1, True),  # in the window for the first time
        (time(3), None, 0.4, False),  # much is still to be read
        (time(12), None, 30, False),  # out of it
        (time(12), None, 36, True),  # and has waited for long
        (time(3), 24, 1000, True),
        (time(3), 1, 1000, False),  # this night already
        (time(12), 40, 2, False),  # just started: the coming night may do
        (time(12), 40, 40, True),
    ],
)
def test_when_it_is_measured(at: time, measured_h_ago: float | None, up_h: float, expected: bool) -> None:
    now = datetime.combine(date(2026, 3, 4), at).astimezone()
    measured = None if measured_h_ago is None else now - timedelta(hours=measured_h_ago)
    window = Window(start=time(2), end=time(5))
    started = now - timedelta(hours=up_h)
    assert due(now, measured=measured, started=started, window=window) is expected
