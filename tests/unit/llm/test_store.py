"""The folder of language models, and the models that are suggested."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nasd.errors import Conflict, InvalidRequest, ModelError
from nasd.llm import store
from nasd.llm.base import Speed
from nasd.llm.memory import footprint
from nasd.llm.suggested import OPEN_LICENCES, SUGGESTED, model_name, source_of

SHA = "a" * 64


def test_a_file_becomes_a_model(tiny_gguf: Path, tmp_path: Path) -> None:
    made = store.bring(tmp_path, tiny_gguf)
    assert made.name == "tiny-f32"
    assert made.licence == "apache-2.0"
    assert made.file.read_bytes() == tiny_gguf.read_bytes()
    assert store.stored(tmp_path) == (made,)
    assert store.find(tmp_path, "tiny-f32") == made
    assert footprint(made.header, 4096).total > made.header.bytes
    store.verify(made)
    other = store.bring(tmp_path, tiny_gguf, name="mine", licence="house")
    assert [one.name for one in store.stored(tmp_path)] == ["mine", "tiny-f32"]
    assert other.licence == "house"


def test_what_cannot_be_brought(tiny_gguf: Path, tmp_path: Path) -> None:
    store.bring(tmp_path, tiny_gguf)
    with pytest.raises(Conflict, match="already"):
        store.bring(tmp_path, tiny_gguf)
    with pytest.raises(InvalidRequest, match="no file"):
        store.bring(tmp_path, tmp_path / "none.gguf")
    with pytest.raises(InvalidRequest, match="no name"):
        store.bring(tmp_path, tiny_gguf, name="../../elsewhere")
    text = tmp_path / "text.gguf"
    text.write_text("no model")
    with pytest.raises(ModelError, match="GGUF"):
        store.bring(tmp_path, text)
    assert [path.name for path in store.home(tmp_path).iterdir()] == ["tiny-f32"]


def test_damage_is_found(tiny_gguf: Path, tmp_path: Path) -> None:
    made = store.bring(tmp_path, tiny_gguf)
    data = bytearray(made.file.read_bytes())
    data[-1] ^= 1
    made.file.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        store.verify(made)
    made.file.write_bytes(data[:-1])
    assert store.find(tmp_path, "tiny-f32") is None
    made.file.unlink()
    with pytest.raises(ModelError, match="missing"):
        store.verify(made)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 99}', '{"format": 1, "name": "other"}', '{"format": 1, "name": "tiny-f32"}'],
)
def test_a_folder_with_another_manifest_is_passed_over(tiny_gguf: Path, tmp_path: Path, text: str) -> None:
    made = store.bring(tmp_path, tiny_gguf)
    (made.folder / store.MANIFEST).write_text(text)
    assert store.stored(tmp_path) == ()
    assert store.find(tmp_path, "tiny-f32") is None
    assert store.find(tmp_path, "../tiny-f32") is None


def test_what_was_measured_is_remembered(tiny_gguf: Path, tmp_path: Path) -> None:
    made = store.bring(tmp_path, tiny_gguf)
    assert made.speed is None
    store.remember_speed(made, Speed(prompt=120.5, generate=11.0))
    found = store.find(tmp_path, made.name)
    assert found is not None
    assert found.speed == Speed(prompt=120.5, generate=11.0)
    (made.folder / store.SPEED).write_text("{")
    assert store.stored(tmp_path)[0].speed is None


def test_no_vocabulary_stands_in_the_manifest(tiny_gguf: Path, tmp_path: Path) -> None:
    made = store.bring(tmp_path, tiny_gguf)
    told = json.loads((made.folder / store.MANIFEST).read_text())
    assert all(not key.startswith("tokenizer.") for key in told["keys"])
    assert told["lengths"]["tokenizer.ggml.tokens"] > 256


def test_suggestions_are_pinned_and_open() -> None:
    assert len({one.name for one in SUGGESTED}) == len(SUGGESTED) >= 5
    for one in SUGGESTED:
        assert re.fullmatch(r"[0-9a-f]{40}", one.revision)
        assert re.fullmatch(r"[0-9a-f]{64}", one.sha256)
        assert one.licence in OPEN_LICENCES
        assert one.bytes is not None
        assert one.bytes > 1 << 28
        assert one.name == model_name(one.file)
        assert source_of(one.name.upper()) is one


def test_the_settings_suggest_a_model_that_can_be_pulled() -> None:
    from nasd.config import LlmSettings

    assert LlmSettings().model in {one.name for one in SUGGESTED}


def test_a_file_at_a_revision_needs_its_digest() -> None:
    wanted = f"maker/Some-GGUF/sub/Some_Model Q4.gguf@{'b' * 40}".replace(" ", "-")
    found = source_of(wanted, SHA.upper())
    assert (found.repository, found.file) == ("maker/Some-GGUF", "sub/Some_Model-Q4.gguf")
    assert (found.name, found.sha256, found.revision) == ("some_model-q4", SHA, "b" * 40)
    assert found.origin == wanted
    for digest in (None, "", "abc", "g" * 64):
        with pytest.raises(InvalidRequest, match="SHA-256"):
            source_of(wanted, digest)


@pytest.mark.parametrize(
    "wanted",
    [
        "qwen",
        "",
        "a/b/c.gguf@main",
        "a/b/c.gguf",
        "a/b/../../c.gguf@" + "b" * 40,
        "http://x/y/z.gguf@" + "b" * 40,
    ],
)
def test_what_names_no_file_is_refused(wanted: str) -> None:
    with pytest.raises(InvalidRequest, match="suggested"):
        source_of(wanted, SHA)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Qwen3.5-2B-Q4_K_M.gguf", "qwen3.5-2b-q4_k_m"),
        ("x/ä b.gguf", "b"),
        (".gguf", "model"),
        ("A" * 99, "a" * 63),
    ],
)
def test_names(file: str, name: str) -> None:
    assert model_name(file) == name
