"""`nasd model import`: what can be used becomes a model of the state, and what cannot leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.config import Settings, load
from nasd.daemon.bring import FILES, ONE_GRAPH, import_model, picture_finder, speech_finder
from nasd.errors import Conflict, ModelError
from nasd.extract.speech.base import Transcriber
from tests.fakes.speech import make_speech_model, samples
from tests.fakes.vision import drawn, make_picture_model


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


@pytest.mark.parametrize(("both", "within"), [(False, "onnx"), (True, "")])
def test_a_picture_model_is_taken_as_its_exports_lay_it_out(tmp_path: Path, both: bool, within: str) -> None:
    settings = _settings(tmp_path / "state")
    find = picture_finder(settings, settings.paths.state_dir / "models")
    assert find is not None and find() is None
    source = make_picture_model(tmp_path / "colours", both=both, licence="mit")
    if within:
        (source / within).mkdir()
        for graph in source.glob("*.onnx"):
            graph.rename(source / within / graph.name)
    made = import_model(settings, source, "picture", name=None, licence=None)
    assert (made.name, made.purpose, made.detail) == ("colours", "picture", "licence: mit")
    kept = {path.name for path in (tmp_path / "state" / "models" / "picture" / "colours").glob("*.onnx")}
    assert kept == ({"model.onnx"} if both else {"vision_model.onnx", "text_model.onnx"})
    found = find()
    assert found is not None and found.fingerprint == made.fingerprint
    try:
        assert found.embed_text("red") @ found.embed_picture(drawn("red")) > 0.9
    finally:
        found.close()


def test_of_an_export_with_all_graphs_the_pair_is_taken(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    source = make_picture_model(tmp_path / "colours")
    (source / "model.onnx").write_bytes((source / "text_model.onnx").read_bytes())
    import_model(settings, source, "picture", name=None, licence=None)
    assert not (tmp_path / "state" / "models" / "picture" / "colours" / "model.onnx").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("preprocessor_config.json", "lacks preprocessor_config.json"),
        ("tokenizer.json", "lacks tokenizer.json"),
        ("text_model.onnx", "lacks text_model.onnx"),
        ("vision_model.onnx", "lacks vision_model.onnx"),
    ],
)
def test_a_picture_model_that_lacks_a_file_leaves_nothing(tmp_path: Path, name: str, says: str) -> None:
    settings = _settings(tmp_path / "state")
    source = make_picture_model(tmp_path / "colours")
    (source / name).unlink()
    with pytest.raises(ModelError, match=says):
        import_model(settings, source, "picture", name=None, licence=None)


def test_a_picture_model_that_does_not_work_leaves_nothing(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "state")
    source = make_picture_model(tmp_path / "colours")
    (source / "vision_model.onnx").write_bytes((source / "text_model.onnx").read_bytes())
    with pytest.raises(ModelError, match="cannot be used"):
        import_model(settings, source, "picture", name=None, licence=None)
    assert list((tmp_path / "state" / "models" / "picture").iterdir()) == []
    off = load(None, tmp_path / "state", {}, overrides={"read": {"pictures": "off"}})
    assert picture_finder(off, tmp_path / "state" / "models") is None


def test_every_file_has_one_name() -> None:
    for files in (*FILES.values(), ONE_GRAPH):
        names = [wanted.name for wanted in files]
        assert len(names) == len(set(names))
