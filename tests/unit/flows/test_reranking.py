"""A cross-encoder orders what fusion found; without one, or when it fails, the order of fusion stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from nasd.domain.search import Filters, Lane, Mode
from nasd.errors import ModelError
from nasd.flows.choosing import Choice, Found
from nasd.flows.reranking import RERANKED, Reranking
from nasd.index.fuse import Fused
from nasd.store.lane import Lane as Catalogue
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW
from tests.fakes.flows import file_record, passage
from tests.fakes.library import Library, sentence


class Longest:
    """The longer text answers better. Reads at most `most` texts; `fails` from then on."""

    name = "longest"

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.asked: list[tuple[str, int]] = []
        self.fails = self.resting = self.closed = False

    def score(self, query: str, texts: Sequence[str], seconds: float) -> list[float]:
        if self.fails:
            raise ModelError("It is broken.")
        self.asked.append((query, len(texts)))
        return [float(len(text)) for text in texts[: self.most]]

    def rest(self, after_s: float) -> bool:
        self.resting, was = True, self.resting
        return not was

    def close(self) -> None:
        self.closed = True


def found(number: int, *, picture: bool = False) -> Found:
    text = f"{sentence(number)} {'longer ' * number}"
    ranks = {Lane.PICTURE if picture else Lane.LEXICAL: number}
    files = [file_record(number, f"{number}.txt".encode())]
    return Found(
        fused=Fused(id=number, score=-number, ranks=ranks), passage=passage(number, text), files=files
    )


def shown(choice: Choice) -> list[int]:
    return [group.shown.passage.id for group in choice.shown]


async def ready(model: Longest) -> Reranking:
    reranking = Reranking(lambda: model, seconds=1.0)
    await reranking.look()
    return reranking


async def test_the_first_hits_come_in_the_order_of_the_model() -> None:
    model = Longest()
    reranking = await ready(model)
    choice = Choice([found(number) for number in range(1, 31)], 25, cap=None)
    await reranking.reorder("what", choice)
    assert shown(choice) == [*range(RERANKED, 0, -1), *range(RERANKED + 1, 26)]
    assert model.asked == [("what", RERANKED)]


async def test_those_that_no_time_is_left_for_stay_behind() -> None:
    reranking = await ready(Longest(most=3))
    choice = Choice([found(number) for number in range(1, 8)], 7, cap=None)
    await reranking.reorder("what", choice)
    assert shown(choice) == [3, 2, 1, 4, 5, 6, 7]


async def test_pictures_keep_their_place() -> None:
    reranking = await ready(Longest())
    choice = Choice([found(number, picture=number in (2, 4)) for number in range(1, 6)], 5, cap=None)
    await reranking.reorder("what", choice)
    assert shown(choice) == [5, 2, 3, 4, 1]


async def test_a_model_that_fails_is_given_up_and_found_again() -> None:
    model = Longest()
    reranking = await ready(model)
    model.fails = True
    choice = Choice([found(1), found(2)], 2, cap=None)
    await reranking.reorder("what", choice)
    assert shown(choice) == [1, 2]
    assert model.closed
    (told,) = reranking.describe()
    assert (told.state, told.detail, told.active) == ("failed", "It is broken.", False)
    model.fails = False
    await reranking.look()
    assert reranking.describe()[0].state == "ready"


async def test_what_there_is_is_told() -> None:
    assert Reranking(None, seconds=1).describe() == []
    nothing = Reranking(lambda: None, seconds=1)
    await nothing.look()
    (told,) = nothing.describe()
    assert (told.purpose, told.state) == ("reranking", "missing")
    assert told.detail is not None and "nasd model import FOLDER --kind rerank" in told.detail
    reranking = await ready(Longest())
    (told,) = reranking.describe()
    assert (told.name, told.state, told.active) == ("longest", "ready", True)


async def test_its_memory_is_given_back() -> None:
    given: list[bool] = []
    model = Longest()
    reranking = Reranking(lambda: model, seconds=1, give_back=lambda: given.append(True))
    for _ in range(4):
        await reranking.look()
    assert model.resting and given == [True]


@pytest_asyncio.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    upgrade(tmp_path, NOW)
    lane = Catalogue(database_path(tmp_path))
    library = Library(tmp_path, lane)
    library.reranking = await ready(Longest())
    library.search = library.search_over(library.models, library.index)
    await library.open()
    yield library
    await library.close()
    await lane.close()


@pytest.mark.parametrize(
    ("mode", "query", "newest", "first"),
    [
        (Mode.HYBRID, "rent", False, b"long.txt"),
        (Mode.LEXICAL, "rent", False, b"short.txt"),
        (Mode.HYBRID, "INV-2023-0042", False, b"short.txt"),
        (Mode.HYBRID, "rent", True, b"short.txt"),
    ],
)
async def test_it_is_for_hybrid_searches_that_are_not_for_an_identifier(
    library: Library, mode: Mode, query: str, newest: bool, first: bytes
) -> None:
    await library.keep("short.txt", "The rent, INV-2023-0042.", mtime_ns=20)
    await library.keep("long.txt", f"Rent and {sentence(1)} {sentence(2)} INV-2023-0042", mtime_ns=10)
    result = await library.search.search(query, k=10, mode=mode, filters=Filters(), newest=newest)
    assert result.hits[0].file.path == first
    assert len(result.hits) == 2
