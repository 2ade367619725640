"""What every transcriber promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nasd.errors import ReadError
from nasd.extract.speech.base import WINDOW_S, Heard, Said, Transcriber
from nasd.extract.speech.whisper import Whisper
from tests.fakes.speech import ScriptedTranscriber, make_speech_model, samples

HARBOUR = Heard(said=(Said(start_s=0.0, end_s=2.0, text="old harbour"),), upto_s=WINDOW_S, language="en")


@pytest.fixture(scope="module", params=["scripted", "whisper"])
def transcriber(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Transcriber]:
    if request.param == "scripted":
        yield ScriptedTranscriber(HARBOUR, HARBOUR, Heard(said=(), upto_s=WINDOW_S))
        return
    folder: Path = tmp_path_factory.mktemp("model")
    found = Whisper("tones 1", make_speech_model(folder / "tones", remembers=True))
    yield found
    found.close()


def test_it_says_who_it_is(transcriber: Transcriber) -> None:
    assert transcriber.name


@pytest.mark.parametrize("seconds", [WINDOW_S, 3.0])
def test_words_with_their_times(transcriber: Transcriber, seconds: float) -> None:
    heard = transcriber.transcribe(samples((3600, seconds)))
    assert [one.text for one in heard.said] == ["old harbour"]
    assert all(0 <= one.start_s < one.end_s <= WINDOW_S for one in heard.said)
    assert 0 < heard.upto_s <= WINDOW_S
    assert heard.language == "en"


def test_silence_has_no_words_and_is_passed_over(transcriber: Transcriber) -> None:
    heard = transcriber.transcribe(samples((0, WINDOW_S)))
    assert (heard.said, heard.upto_s) == ((), WINDOW_S)


def test_after_its_end_it_fails_as_temporary(tmp_path: Path) -> None:
    engine = Whisper("tones 1", make_speech_model(tmp_path / "tones"))
    engine.close()
    with pytest.raises(ReadError) as caught:
        engine.transcribe(samples((3600, 1.0)))
    assert caught.value.temporary
