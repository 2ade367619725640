"""Songs and films by their tags."""

from __future__ import annotations

import io
import wave

import pytest

from nasd.errors import ReadError
from nasd.extract.kinds import sniff
from nasd.extract.readers.media import spoken
from nasd.extract.samples_media import film, song
from tests.unit.extract.reading import read, whole


def test_a_song_by_its_tags() -> None:
    blocks, notes = read("audio", song(), name="a.mp3")
    assert whole(blocks).strip() == "Audio: Title by Artist."
    assert notes.title == "Artist: Title"
    assert (notes.metadata["artist"], notes.metadata["title"]) == ("Artist", "Title")


def test_a_film_by_its_tags_and_duration() -> None:
    blocks, notes = read("video", film(), name="a.mp4")
    assert whole(blocks).strip() == "Video: Title, 0:01 long."
    assert notes.metadata["duration_s"] == "1.0"


def test_a_recording_without_tags_has_a_duration_and_no_text() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(2 * 8000 * 3))
    blocks, notes = read("audio", out.getvalue(), name="memo.wav")
    assert blocks == []
    assert notes.metadata["duration_s"] == "3.0"


def test_a_container_whose_tags_are_not_read_is_named() -> None:
    with pytest.raises(ReadError) as caught:
        read("video", b"\x1aE\xdf\xa3" + bytes(100), name="holiday.mkv")
    assert caught.value.reason == "unsupported"
    assert "mkv" in caught.value.detail


def test_the_same_container_holds_songs_and_films() -> None:
    assert sniff(film(), "audio") == "audio"
    assert sniff(film(), "video") == "video"
    assert sniff(film(), "unknown") == "video"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0:00"), (65.2, "1:05"), (3599.6, "1:00:00"), (7322.0, "2:02:02")]
)
def test_durations(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
