"""Sound of every format that libsndfile knows, as a speech model wants it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from nasd.errors import ReadError
from nasd.extract.base import SOUND_RATE, Sound, Source
from nasd.extract.readers.media import MediaReader
from nasd.extract.registry import READERS
from nasd.extract.samples_media import song
from nasd.extract.sandbox import Sandbox
from nasd.extract.sounds import listen
from tests.fakes.speech import recorded

FORMS = ("WAV", "FLAC", "OGG", "MP3", "AIFF")


def _heard(data: bytes, *, start_s: float = 0.0, span_s: float = 30.0) -> Sound:
    source = Source(name="a", size=len(data), kind="audio", stream=io.BytesIO(data))
    return listen(source, start_ms=round(1000 * start_s), span_ms=round(1000 * span_s))


def _loudest_hertz(sound: Sound) -> float:
    values = np.frombuffer(sound.samples, "<i2").astype(float)
    return float(np.abs(np.fft.rfft(values)).argmax() * SOUND_RATE / len(values))


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("form", FORMS)
def test_a_stretch_of_each_format_at_each_rate(form: str, rate: int) -> None:
    data = recorded((400, 4.0), (1800, 4.0), form=form, rate=rate)
    first = _heard(data, span_s=3.0)
    assert (len(first.samples) / 2 / SOUND_RATE, first.ended) == (3.0, False)
    assert _loudest_hertz(first) == pytest.approx(400, abs=2)
    last = _heard(data, start_s=5.0)
    assert last.ended
    assert len(last.samples) / 2 / SOUND_RATE == pytest.approx(3.0, abs=0.1)
    assert _loudest_hertz(last) == pytest.approx(1800, abs=2)
    assert _heard(data, start_s=60.0) == Sound(samples=b"", ended=True)


def test_an_exact_rate_has_no_seam() -> None:
    data = recorded((900, 2.0), rate=44_100)
    values = np.frombuffer(_heard(data).samples, "<i2") / 32767
    clean = 0.5 * np.sin(2 * np.pi * 900 * np.arange(len(values)) / SOUND_RATE)
    assert len(values) == 2 * SOUND_RATE
    assert np.abs(values - clean)[200:-200].max() < 0.01


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x00\x00\x18ftypM4A " + bytes(200), "unsupported"),
        (song(), "malformed"),
        (b"RIFF" + bytes(200), "malformed"),
        (b"", "unsupported"),
    ],
)
def test_what_is_not_decoded(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError) as caught:
        _heard(data)
    assert caught.value.reason == reason


def test_a_file_that_breaks_off_gives_what_is_there() -> None:
    data = recorded((400, 10.0))
    sound = _heard(data[: len(data) // 2])
    assert sound.ended
    assert 4.5 < len(sound.samples) / 2 / SOUND_RATE <= 5.0


def test_too_many_channels_are_not_taken_into_memory() -> None:
    head = bytearray(recorded((400, 0.1)))
    head[22:24] = (1024).to_bytes(2, "little")  # channels
    head[32:34] = (2048).to_bytes(2, "little")  # bytes of all of them
    with pytest.raises(ReadError) as caught:
        _heard(bytes(head))
    assert caught.value.reason in ("too_large", "malformed")


def test_it_is_decoded_in_the_confined_child(tmp_path: Path) -> None:
    path = tmp_path / "memo.ogg"
    path.write_bytes(recorded((900, 5.0), form="OGG"))
    sandbox = Sandbox()
    try:
        with path.open("rb") as file:
            sound = sandbox.listen(file.fileno(), name="memo.ogg", kind="audio", start_s=2.0, span_s=30.0)
            assert (
                sandbox.listen(file.fileno(), name="memo.ogg", kind="audio", start_s=99, span_s=30)
            ) == Sound(samples=b"", ended=True)
    finally:
        sandbox.close()
    assert sound.ended
    assert _loudest_hertz(sound) == pytest.approx(900, abs=2)


def test_the_registry_knows_the_version_of_the_reader() -> None:
    assert READERS["audio"].version == READERS["video"].version == MediaReader.version
