"""A model folder, loaded and served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasd.errors import ModelError, ReadError
from nasd.extract.speech.onnx import WhisperModel
from nasd.extract.speech.whisper import Whisper, parse_heard
from tests.fakes.speech import TONES, make_speech_model, samples


@pytest.mark.parametrize("remembers", [False, True])
def test_what_is_heard(tmp_path: Path, remembers: bool) -> None:
    model = WhisperModel.load(make_speech_model(tmp_path / "tones", remembers=remembers), threads=1)
    for hertz, words in TONES.items():
        heard = model.transcribe(samples((hertz, 4.0)))
        (said,) = heard.said
        assert (said.text, said.start_s, said.end_s) == (" ".join(words), 0.0, 2.0)
        assert (heard.upto_s, heard.language) == (4.0, "en")
    assert model.transcribe(samples((0, 3.0))).said == ()
    assert model.transcribe(b"").said == ()


@pytest.mark.parametrize("name", ["encoder_model.onnx", "tokenizer.json", "generation_config.json"])
def test_a_folder_that_is_no_model(tmp_path: Path, name: str) -> None:
    folder = make_speech_model(tmp_path / "tones")
    (folder / name).write_bytes(b"{")
    with pytest.raises(ModelError, match="cannot be loaded"):
        WhisperModel.load(folder, threads=1)


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    folder = make_speech_model(tmp_path / "tones")
    told = (folder / "tokenizer.json").read_text("utf-8").replace("<|startoftranscript|>", "<|other|>")
    (folder / "tokenizer.json").write_text(told, "utf-8")
    with pytest.raises(ModelError, match="not one of Whisper's"):
        WhisperModel.load(folder, threads=1)


def test_a_model_that_does_not_load_is_no_fault_of_the_sound(tmp_path: Path) -> None:
    folder = make_speech_model(tmp_path / "tones")
    (folder / "decoder_model.onnx").unlink()
    engine = Whisper("broken", folder)
    with pytest.raises(ReadError) as caught:
        engine.transcribe(samples((400, 1.0)))
    engine.close()
    assert (caught.value.reason, caught.value.temporary) == ("crashed", True)


@pytest.mark.parametrize(
    "sent",
    [
        [],
        {"said": [], "upto_s": 99.0, "language": None},
        {"said": [[0.0, 1.0]], "upto_s": 1.0, "language": None},
        {"said": [[0.0, 1.0, 7]], "upto_s": 1.0, "language": None},
        {"said": [["0", 1.0, "a"]], "upto_s": 1.0, "language": None},
        {"said": [], "upto_s": 1.0},
    ],
)
def test_what_the_child_sends_is_checked(sent: object) -> None:
    with pytest.raises(ReadError, match="sent no words"):
        parse_heard(json.dumps(sent).encode())
