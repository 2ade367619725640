"""Transcribed sound in the catalogue: appended, searchable at once, one transaction a stretch."""

from __future__ import annotations

import pytest

from nasd.domain.jobs import JobKind
from nasd.domain.passages import Passage, Place
from nasd.domain.speech import SPEECH_ENGINE, SPEECH_FROM, SPEECH_LANGUAGE, UNHEARD_FROM, parse_second
from nasd.store import contents, queue, scans, speech
from nasd.store.contents import NewContent
from nasd.store.lane import Lane
from nasd.store.speech import SpeechText
from tests.fakes.catalogue import NOW


def _said(text: str, time_s: float, language: str | None = "en") -> SpeechText:
    passage = Passage(
        ordinal=0,
        text=text,
        gap="\n\n",
        char_start=0,
        char_end=len(text),
        place=Place(time_s=time_s),
        tokens=len(text.split()),
    )
    return SpeechText(chars=len(text) + 2, passages=(passage,), language=language)


async def _content(lane: Lane, **metadata: str) -> int:
    told = {"duration_s": "95.0", "media": "audio", UNHEARD_FROM: "0.0"} | metadata
    new = NewContent(title=None, name="memo", chars=0, notes=("a note",), metadata=told, passages=())
    number = await lane.write(contents.insert_content, "d" * 64, "media/2", new, NOW)
    await lane.write(speech.enqueue, number, told, NOW)
    return number


async def _commit(
    lane: Lane, content: int, upto_s: float | None, text: SpeechText | None, problem: str | None = None
) -> bool:
    (job,) = await lane.write(queue.claim, JobKind.SPEECH, 1, NOW)
    return await lane.write(
        speech.commit_stretch,
        job_id=job.id,
        content_id=content,
        upto_s=upto_s,
        text=text,
        problem=problem,
        engine="tones 1",
        now=NOW,
    )


async def test_stretches_come_one_by_one_and_the_job_ends_with_the_last(lane: Lane) -> None:
    number = await _content(lane)
    assert await _commit(lane, number, 28.5, _said("first words", 3.0))
    middle = await lane.read(contents.content_by_id, number)
    assert middle is not None
    assert parse_second(middle.metadata[UNHEARD_FROM]) == 28.5
    assert (middle.metadata[SPEECH_FROM], middle.metadata[SPEECH_LANGUAGE]) == ("0", "en")
    assert await lane.read(scans.count_waiting, JobKind.SPEECH) == 1
    assert not await _commit(lane, number, None, _said("last words", 30.0, "de"))
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert UNHEARD_FROM not in done.metadata
    assert (done.metadata[SPEECH_ENGINE], done.metadata[SPEECH_LANGUAGE]) == ("tones 1", "en")
    assert done.notes == (
        "a note",
        "What is said in it was transcribed by tones 1: the text may hold errors.",
    )
    assert await lane.read(contents.text_of, number) == "first words\n\nlast words\n\n"
    assert (done.chars, done.passages) == (25, 2)
    assert await lane.read(queue.job_about, JobKind.SPEECH, number) is None
    assert await lane.read(queue.job_about, JobKind.EMBED, number) is not None


async def test_silence_leaves_everything_as_it_is(lane: Lane) -> None:
    number = await _content(lane)
    assert not await _commit(lane, number, None, SpeechText(chars=0, passages=(), language="en"))
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert (done.passages, done.notes, SPEECH_ENGINE in done.metadata) == (0, ("a note",), False)
    assert await lane.read(queue.job_about, JobKind.EMBED, number) is None


async def test_what_was_not_understood_is_noted_and_the_rest_goes_on(lane: Lane) -> None:
    number = await _content(lane)
    assert await _commit(lane, number, 30.0, None, "it took too long.")
    assert not await _commit(lane, number, None, _said("the end", 30.0))
    done = await lane.read(contents.content_by_id, number)
    assert done is not None
    assert "it took too long." in done.notes
    assert done.passages == 1


async def test_of_a_content_that_is_gone_nothing_is_left(lane: Lane) -> None:
    await lane.write(speech.enqueue, 99, {UNHEARD_FROM: "0.0"}, NOW)
    assert not await _commit(lane, 99, 30.0, _said("words", 0.0))
    assert await lane.read(queue.job_about, JobKind.SPEECH, 99) is None


@pytest.mark.parametrize(
    ("metadata", "priority"),
    [
        ({"media": "audio"}, speech.RECORDING),
        ({"media": "video"}, speech.FILM),
        ({"media": "audio", "artist": "somebody"}, speech.SONG),
        ({"media": "video", "album": "something"}, speech.SONG),
    ],
)
async def test_recordings_go_before_songs_and_all_after_scans(
    lane: Lane, metadata: dict[str, str], priority: int
) -> None:
    await lane.write(speech.enqueue, 1, {UNHEARD_FROM: "0.0", **metadata}, NOW)
    (job,) = await lane.write(queue.claim, JobKind.SPEECH, 1, NOW)
    assert job.priority == priority > scans.PHOTO


@pytest.mark.parametrize("told", [{}, {UNHEARD_FROM: "soon"}, {UNHEARD_FROM: "-1"}, {UNHEARD_FROM: "nan"}])
async def test_a_content_without_sound_has_no_job(lane: Lane, told: dict[str, str]) -> None:
    await lane.write(speech.enqueue, 1, told, NOW)
    assert await lane.read(scans.count_waiting, JobKind.SPEECH) == 0


async def test_a_long_recording_lets_others_go_first_now_and_then(lane: Lane) -> None:
    number = await _content(lane)
    await lane.write(speech.enqueue, number + 1, {UNHEARD_FROM: "0.0"}, NOW)
    assert await _commit(lane, number, 30.0, None)
    (again,) = await lane.write(queue.claim, JobKind.SPEECH, 1, NOW)
    assert again.subject_id == number, "not after every stretch"
    await lane.write(queue.put_back, [again.id], NOW)
    assert await _commit(lane, number, 30.0 * speech.TURN, None)
    (other,) = await lane.write(queue.claim, JobKind.SPEECH, 1, NOW)
    assert other.subject_id == number + 1


async def test_other_work_is_seen_while_it_is_due(lane: Lane) -> None:
    kinds = (JobKind.READ, JobKind.OCR)
    assert not await lane.read(queue.any_due, kinds, NOW)
    await _content(lane)
    assert not await lane.read(queue.any_due, kinds, NOW)
    await lane.write(queue.enqueue, JobKind.OCR, [1], priority=50, amount=1, now=NOW)
    assert await lane.read(queue.any_due, kinds, NOW)
    assert not await lane.read(queue.any_due, (JobKind.READ,), NOW)
