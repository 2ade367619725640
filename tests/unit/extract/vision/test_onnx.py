"""Graphs and tokenizers as exports of picture models differ in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from nasd.errors import ModelError, ReadError
from nasd.extract.vision.clip import MOST_DIMENSIONS, parse_vector
from nasd.extract.vision.onnx import load_pictures, load_texts
from tests.fakes.vision import drawn, make_picture_model


def change_output(path: Path, name: str) -> None:
    model = onnx.load(str(path))
    model.graph.node[-1].output[0] = name
    model.graph.output[0].name = name
    onnx.save(model, str(path))


def fix_tokens(path: Path, count: int) -> None:
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = count
    onnx.save(model, str(path))


def test_an_export_may_call_its_vectors_pooled(tmp_path: Path) -> None:
    folder = make_picture_model(tmp_path / "m")
    for name in ("vision_model.onnx", "text_model.onnx"):
        change_output(folder / name, "pooler_output")
    near = load_pictures(folder, threads=1)(drawn("red")) @ load_texts(folder, threads=1)("a red roof")
    assert near > 0.9


def test_a_graph_without_a_vector_is_refused(tmp_path: Path) -> None:
    folder = make_picture_model(tmp_path / "m")
    change_output(folder / "vision_model.onnx", "last_hidden_state")
    with pytest.raises(ModelError, match=r"vision_model\.onnx gives none of"):
        load_pictures(folder, threads=1)


@pytest.mark.parametrize("text", ["red", "red " * 50, "", "Red\nroofs \N{GRINNING FACE}"])
def test_a_graph_of_fixed_length_gets_full_rows(tmp_path: Path, text: str) -> None:
    free = load_texts(make_picture_model(tmp_path / "free"), threads=1)
    folder = make_picture_model(tmp_path / "fixed")
    fix_tokens(folder / "text_model.onnx", 16)
    assert np.allclose(load_texts(folder, threads=1)(text), free(text), atol=1e-6)


def test_case_is_left_where_the_tokenizer_wants_it(tmp_path: Path) -> None:
    folder = make_picture_model(tmp_path / "m")
    lower = load_texts(folder, threads=1)("RED")
    (folder / "tokenizer_config.json").unlink()
    assert not np.allclose(load_texts(folder, threads=1)("RED"), lower)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "text_model.onnx"])
def test_what_is_damaged_is_refused(tmp_path: Path, name: str) -> None:
    folder = make_picture_model(tmp_path / "m")
    (folder / name).write_bytes(b"\x00{")
    with pytest.raises(ModelError):
        load_texts(folder, threads=1)


def test_a_child_s_answer_is_checked() -> None:
    assert parse_vector(np.array([0.6, 0.8], "<f4").tobytes()).tolist() == pytest.approx([0.6, 0.8])
    for wrong in (
        b"",
        b"abc",
        np.array([3.0, 4.0], "<f4").tobytes(),
        np.array([np.nan, 1.0], "<f4").tobytes(),
        (np.ones(MOST_DIMENSIONS + 1, "<f4") / np.sqrt(MOST_DIMENSIONS + 1)).tobytes(),
    ):
        with pytest.raises(ReadError):
            parse_vector(wrong)


def test_the_configuration_of_a_tokenizer_may_be_of_any_shape(tmp_path: Path) -> None:
    folder = make_picture_model(tmp_path / "m")
    tellings: tuple[object, ...] = ([], {"model_max_length": 1e30, "pad_token": {"content": "<|endoftext|>"}})
    for told in tellings:
        (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
        assert load_texts(folder, threads=1)("red").shape == (16,)
