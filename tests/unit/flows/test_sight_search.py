"""Pictures among passages: where they come in, and where they stay out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from nasd.domain.jobs import JobKind
from nasd.domain.search import Filters, Lane, Mode, SearchResult
from nasd.render import hit_out
from nasd.store import pictures, queue, volumes
from nasd.store.contents import NewContent
from nasd.store.lane import Lane as Catalogue
from nasd.store.upgrade import database_path, upgrade
from tests.fakes.catalogue import NOW, new_content, read_next, see, seen
from tests.fakes.library import Library
from tests.fakes.vision import ScriptedEncoder, drawn

PASSAGES = 30
RED = "the red wall behind the house"


@pytest_asyncio.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    upgrade(tmp_path, NOW)
    lane = Catalogue(database_path(tmp_path))
    library = Library(tmp_path, lane)
    await library.open()
    running = library.models
    await running._start()
    await library.add(PASSAGES)
    await add_text(library, "wall.txt", RED)
    await library.sight.begin(ScriptedEncoder())
    yield library
    await library.close()
    await lane.close()


async def add(library: Library, path: str, new: NewContent) -> int:
    volume = await library.lane.read(volumes.volume_named, "home")
    await see(library.lane, volume, seen(path, inode=hash(path) % 10**6))
    _, outcome = await read_next(library.lane, new, digest=path)
    await library.words.take_over()
    await library.embed_all()
    assert outcome.content_id is not None
    return outcome.content_id


async def add_text(library: Library, path: str, text: str) -> int:
    return await add(library, path, new_content(text))


async def add_picture(library: Library, path: str, colour: str, *texts: str) -> None:
    metadata = {"format": "png", "width": "640", "height": "480"}
    new = replace(new_content(*texts), name=path, metadata=metadata)
    number = await add(library, path, new)
    vector = ScriptedEncoder().embed_picture(drawn(colour))
    (job,) = await library.lane.write(queue.claim, JobKind.PICTURE, 1, NOW)
    assert library.sight.model is not None
    await library.sight.add(number, vector)
    await library.lane.write(
        pictures.commit_picture,
        job_id=job.id,
        content_id=number,
        model=library.sight.model,
        vector=vector,
        problem=None,
        engine="scripted 1",
    )


def paths(result: SearchResult) -> list[str]:
    return [hit.file.path.decode() for hit in result.hits]


def shown(result: SearchResult) -> set[str]:
    return {hit.file.path.decode() for hit in result.hits if Lane.PICTURE in hit.lanes}


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.SEMANTIC])
async def test_pictures_come_in_and_the_passages_keep_their_order(library: Library, mode: Mode) -> None:
    before = paths(await library.find(RED, mode))
    await add_picture(library, "one.png", "red")
    await add_picture(library, "two.png", "green")
    result = await library.find(RED, mode)
    assert shown(result) == {"one.png"}
    rest = [path for path in paths(result) if path != "one.png"]
    assert rest == before[: len(rest)]
    if mode is Mode.HYBRID:
        assert rest[0] == paths(result)[0] == "wall.txt", "words and meaning agree on it"
    hit = next(hit for hit in result.hits if hit.file.path == b"one.png")
    told = hit_out(hit)
    assert told.passage.text == "Picture of 640 × 480 pixels: one.png"
    assert told.passage.id.startswith("i_")
    assert told.lanes == {"picture": 1}


async def test_what_no_picture_shows_ranks_as_without_any(library: Library) -> None:
    query = "how long the guarantee of the house lasts"
    before = [(hit.file.path, hit.score) for hit in (await library.find(query)).hits]
    for number in range(3):
        await add_picture(library, f"{number}.png", "red")
    after = [(hit.file.path, hit.score) for hit in (await library.find(query)).hits]
    assert after == before


async def test_pictures_that_say_the_same_need_not_show_the_same(library: Library) -> None:
    for name in ("a.png", "b.png", "c.png"):
        await add_picture(library, name, "blue", "Photo taken on Friday, 14 June 2019 in Lisbon.")
    assert shown(await library.find("something blue")) == {"a.png", "b.png", "c.png"}


async def test_what_is_written_of_a_picture_adds_to_what_it_shows(library: Library) -> None:
    await add_picture(library, "a.png", "red")
    await add_picture(library, "b.png", "red", "The red wall, newly painted.")
    found = paths(await library.find("red wall"))
    assert found.index("b.png") < found.index("a.png")


async def test_filters_hold_before_ranking(library: Library) -> None:
    await add_picture(library, "a.png", "red")
    await add_picture(library, "b.png", "red")
    result = await library.search.search("red", k=10, mode=Mode.HYBRID, filters=Filters(path="b.*"))
    assert paths(result) == ["b.png"]


async def test_questions_operators_and_words_alone_are_not_for_pictures(library: Library) -> None:
    await add_picture(library, "a.png", "red")
    assert shown(await library.find("red")) == {"a.png"}
    for query, mode in (
        ('"red"', Mode.HYBRID),
        ("red -wall", Mode.HYBRID),
        ("red", Mode.LEXICAL),
        ("", Mode.HYBRID),
    ):
        assert shown(await library.find(query, mode)) == set()
    asked = await library.search.search("red", k=10, mode=Mode.HYBRID, filters=Filters(), prose=True)
    assert shown(asked) == set()


async def test_what_holds_no_text_is_found_by_its_name(library: Library) -> None:
    await add_picture(library, "Holiday/lighthouse_01.png", "green")
    await add_picture(library, "Party/lighthouse_01.png", "green")
    for mode in (Mode.LEXICAL, Mode.HYBRID):
        result = await library.find("lighthouse", mode)
        assert sorted(paths(result)[:2]) == ["Holiday/lighthouse_01.png", "Party/lighthouse_01.png"]
    (only,) = (await library.find("holiday lighthouse", Mode.LEXICAL)).hits
    assert only.passage.passage.text.endswith("Holiday/lighthouse_01.png")
    assert only.passage.id < 0
    asked = await library.search.search(
        "Where is the lighthouse?", k=10, mode=Mode.LEXICAL, filters=Filters(), prose=True
    )
    assert asked.hits == (), "a name answers no question"
