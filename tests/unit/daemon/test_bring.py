"""`nasd model import`: what can be used becomes a model of the state, and what cannot leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.config import Settings, load
from nasd.daemon.bring import FILES, import_model, speech_finder
from nasd.errors import Conflict, ModelError
from nasd.extract.speech.base import Transcriber
from tests.fakes.speech import make_speech_model, samples


def _settings(state: Path, speech: str = "auto") -> Settings:
    return load(None, state, {}, overrides={"read": {"speech": speech}})


def _find(settings: Settings) -> Transcriber | None:
    find = speech_finder(settings, settings.paths.state_dir / "models")
    assert find is not None
    return find()


def test_a_model_that_works_is_taken_and_found(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    assert _find(settings) is None
    source = make_speech_model(tmp_path / "tones", remembers=True, licence="mit")
    made = import_model(settings, source, "speech", name=None, licence=None)
    assert (made.name, made.purpose, made.state, made.detail) == ("tones", "speech", "ready", "licence: mit")
    found = _find(settings)
    assert found is not None
    assert made.fingerprint is not None and found.name == f"tones ({made.fingerprint[:8]})"
    try:
        assert found.transcribe(samples((900, 2.0))).said[0].text == "budget meeting"
    finally:
        found.close()
    with pytest.raises(Conflict):
        import_model(settings, source, "speech", name=None, licence=None)


def test_a_model_that_does_not_work_leaves_nothing(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    source = make_speech_model(tmp_path / "tones")
    (source / "decoder_model.onnx").write_bytes((source / "encoder_model.onnx").read_bytes())
    with pytest.raises(ModelError, match="cannot be used"):
        import_model(settings, source, "speech", name=None, licence=None)
    assert list((tmp_path / "state" / "models" / "speech").iterdir()) == []
    assert _find(settings) is None


def test_the_settings_choose_among_several(tmp_path: Path) -> None:
    state = tmp_path / "state"
    source = make_speech_model(tmp_path / "tones")
    for name in ("first", "second"):
        import_model(_settings(state), source, "speech", name=name, licence=None)

    def chosen(wanted: str) -> str | None:
        found = _find(_settings(state, wanted))
        return None if found is None else found.name.partition(" ")[0]

    assert [chosen(name) for name in ("auto", "first", "other")] == ["second", "first", None]
    assert speech_finder(_settings(state, "off"), state / "models") is None


def test_a_model_that_was_changed_is_not_used(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    import_model(settings, make_speech_model(tmp_path / "tones"), "speech", name=None, licence=None)
    (tmp_path / "state" / "models" / "speech" / "tones" / "encoder_model.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="missing or damaged"):
        _find(settings)


def test_every_file_has_one_name() -> None:
    names = [wanted.name for wanted in FILES["speech"]]
    assert len(names) == len(set(names))
