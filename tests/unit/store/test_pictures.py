"""Pictures in the catalogue: one vector each, and what stands for one that holds no text."""

from __future__ import annotations

import numpy as np

from nasd.domain.jobs import Job, JobKind
from nasd.domain.passages import Passage, Place
from nasd.domain.pictures import PICTURE_MODEL
from nasd.store import contents, faces, generations, pictures, queue, vectors
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from tests.fakes.catalogue import NOW

METADATA = {"format": "png", "width": "640", "height": "480"}
DIMENSION = 8


def passage(ordinal: int, text: str, *, hidden: bool = False) -> Passage:
    return Passage(
        ordinal=ordinal,
        text=text,
        gap="",
        char_start=0,
        char_end=len(text),
        place=Place(),
        tokens=1,
        hidden=hidden,
    )


async def add(
    lane: Lane, digest: str, *passages: Passage, metadata: dict[str, str] | None = None, saved: bool = False
) -> int:
    told = METADATA if metadata is None else metadata
    new = NewContent(title=None, name=digest, chars=0, notes=(), metadata=told, passages=passages)
    number = await lane.write(contents.insert_content, digest, "image/2", new, NOW)
    await lane.write(pictures.enqueue, number, told, NOW, saved=saved)
    return number


async def jobs(lane: Lane) -> list[Job]:
    return list(await lane.write(queue.claim, JobKind.PICTURE, 10, NOW))


async def model(lane: Lane, fingerprint: str = "f") -> int:
    return await lane.write(
        vectors.model_id,
        name="colours",
        fingerprint=fingerprint,
        dimension=DIMENSION,
        of=vectors.PICTURES,
        now=NOW,
    )


async def look(
    lane: Lane, job: Job, model: int, at: int | None, *, engine: str = "colours 1", problem: str | None = None
) -> bool:
    vector = None if at is None else np.eye(DIMENSION, dtype=np.float32)[at]
    return await lane.write(
        pictures.commit_picture,
        job_id=job.id,
        content_id=job.subject_id,
        model=model,
        vector=vector,
        problem=problem,
        engine=engine,
    )


async def test_pictures_alone_get_a_job_and_a_saved_one_is_first(lane: Lane) -> None:
    first = await add(lane, "a")
    await add(lane, "b", metadata={"duration_s": "3"})
    await add(lane, "c", metadata={**METADATA, "width": "3"})
    await add(lane, "d", metadata={**METADATA, PICTURE_MODEL: "colours 1"})
    saved = await add(lane, "e", saved=True)
    assert [job.subject_id for job in await jobs(lane)] == [saved, first]


async def test_one_vector_a_picture_kept_for_its_index(lane: Lane) -> None:
    first, second = await add(lane, "a"), await add(lane, "b")
    number = await model(lane)
    one, other = await jobs(lane)
    assert await look(lane, one, number, 2)
    assert await look(lane, other, number, 5)
    assert (await lane.read(pictures.live_ids, number)).tolist() == [first, second]
    ids, data = await lane.read(pictures.kept, number, DIMENSION, np.array([second, 999]))
    assert ids.tolist() == [second]
    assert data.argmax(axis=1).tolist() == [5]
    content = await lane.read(contents.content_by_id, first)
    assert content is not None and content.metadata[PICTURE_MODEL] == "colours 1"
    assert await lane.read(queue.job_about, JobKind.PICTURE, first) is None


async def test_another_model_looks_at_all_of_them_and_takes_their_places(lane: Lane) -> None:
    first, second = await add(lane, "a"), await add(lane, "b")
    former, later = await model(lane), await model(lane, "g")
    for job in await jobs(lane):
        await look(lane, job, former, 1)
    await lane.write(pictures.enqueue_missing, "colours 1", NOW)
    assert await jobs(lane) == [], "that model has seen all"
    await lane.write(pictures.enqueue_missing, "colours 2", NOW)
    again = await jobs(lane)
    assert [job.subject_id for job in again] == [first, second]
    await look(lane, again[0], later, 3, engine="colours 2")
    assert (await lane.read(pictures.live_ids, former)).tolist() == [second]
    assert (await lane.read(pictures.live_ids, later)).tolist() == [first]


async def test_one_that_cannot_be_looked_at_says_so_and_is_let_be(lane: Lane) -> None:
    number = await add(lane, "a")
    (job,) = await jobs(lane)
    assert not await look(lane, job, await model(lane), None, problem="It is damaged.")
    content = await lane.read(contents.content_by_id, number)
    assert content is not None and content.notes == ("It is damaged.",)
    await lane.write(pictures.enqueue_missing, "colours 1", NOW)
    assert await jobs(lane) == []


async def test_a_picture_that_is_forgotten_takes_its_vector_along(lane: Lane) -> None:
    number = await add(lane, "a")
    (job,) = await jobs(lane)
    chosen = await model(lane)
    await look(lane, job, chosen, 1)
    assert await lane.write(contents.orphan_unheld, [number], NOW) == (number,)
    assert (await lane.read(pictures.live_ids, chosen)).tolist() == [number], "it may come back"
    await lane.write(contents.sweep_orphans, NOW.replace(year=2030), 10)
    assert (await lane.read(pictures.live_ids, chosen)).tolist() == []
    assert not await look(lane, job, chosen, 1), "nor is it looked at any more"


async def test_models_of_passages_are_forgotten_without_them(lane: Lane) -> None:
    await model(lane)
    gone, _ = await lane.write(generations.forget_others, "none")
    assert gone == 0
    await lane.write(vectors.model_id, name="m", fingerprint="x", dimension=4, now=NOW)
    gone, _ = await lane.write(generations.forget_others, "none")
    assert gone == 1


async def test_what_a_picture_is_shown_as(lane: Lane) -> None:
    told = await add(lane, "a", passage(0, "unseen", hidden=True), passage(1, "Lisbon"), passage(2, "sea"))
    silent = await add(lane, "b")
    unseen = await add(lane, "c", passage(0, "unseen", hidden=True), metadata={})
    first = await lane.read(faces.first_passages, [told, silent, unseen])
    assert sorted(first.values()) == [told, silent, unseen]
    (number,) = (one for one, content in first.items() if content == told)
    assert (await lane.read(contents.passages_by_id, [number]))[number].passage.text == "Lisbon"
    found = await lane.read(faces.faces, [silent, unseen, 999])
    assert {number: face.passage.text for number, face in found.items()} == {
        -silent: "Picture of 640 × 480 pixels: b",
        -unseen: "c",
    }
    assert found[-silent].id == -silent
    assert found[-silent].content_id == silent
