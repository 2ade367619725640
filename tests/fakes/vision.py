"""A picture model in CLIP's form that knows a few colours, made by hand in milliseconds; pictures to show it;
and an encoder that is told what it sees."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nasd.errors import ReadError
from nasd.extract.base import Picture
from nasd.extract.vision.base import Vector

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
"""The words that it knows, and what they look like. Any other word says nothing of a colour."""

DIMENSION = 16
EDGE = 8
_GRAY = len(COLOURS)  # the dimension of what shows no colour, and tells of none
_SPECIAL = ("<|startoftext|>", "<|endoftext|>")


def make_picture_model(folder: Path, *, both: bool = False, licence: str | None = None) -> Path:
    """Files as exports of CLIP have them; `both`: in one graph."""
    import onnx

    folder.mkdir(parents=True)
    vocabulary = {token: number for number, token in enumerate([*COLOURS, *_SPECIAL])}
    if both:
        onnx.save(_both(), str(folder / "model.onnx"))
    else:
        onnx.save(_model(*_pictures()), str(folder / "vision_model.onnx"))
        onnx.save(_model(*_texts()), str(folder / "text_model.onnx"))
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"model_max_length": 16, "pad_token": "<|endoftext|>", "do_lower_case": True}), "utf-8"
    )
    preprocessor = {
        "size": {"shortest_edge": EDGE},
        "crop_size": {"height": EDGE, "width": EDGE},
        "do_center_crop": True,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), "utf-8")
    if licence is not None:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# Colours\n", "utf-8")
    return folder


def picture(
    colour: str | tuple[int, int, int], size: tuple[int, int] = (64, 48), form: str = "PNG", **options: Any
) -> bytes:
    """A file that shows one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour] if isinstance(colour, str) else colour).save(out, form, **options)
    return out.getvalue()


def drawn(colour: str, width: int = 12, height: int = 8) -> Picture:
    """As an encoder takes it."""
    return Picture(width=width, height=height, form="rgb", data=bytes(COLOURS[colour]) * (width * height))


def _weights() -> dict[str, Any]:
    seen = np.zeros((3, DIMENSION), np.float32)
    for number in range(3):
        seen[number, number] = 1.0
    gray = np.zeros(DIMENSION, np.float32)
    gray[_GRAY] = 0.1
    words = np.zeros((len(COLOURS) + len(_SPECIAL), DIMENSION), np.float32)
    for number in range(len(COLOURS)):
        words[number, number] = 1.0
    return {
        "seen": seen,
        "gray": gray,
        "words": words,
        "half": np.array(0.5, np.float32),
        "axis": np.array([1], np.int64),
    }


Part = tuple[Sequence[Any], Sequence[Any], Sequence[Any]]


def _pictures() -> Part:
    """The mean colour, and a little of what all pictures have in common."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "half"], ["halved"]),
        helper.make_node("Add", ["halved", "half"], ["colour"]),  # from -1..1 to 0..1
        helper.make_node("MatMul", ["colour", "seen"], ["coloured"]),
        helper.make_node("Add", ["coloured", "gray"], ["image_embeds"]),
    ]
    taken = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, "height", "width"])
    given = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", DIMENSION])
    return nodes, [taken], [given]


def _texts() -> Part:
    """The sum of the words that it knows."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["by_word"]),
        helper.make_node("ReduceSum", ["by_word", "axis"], ["said"], keepdims=0),
        helper.make_node("Add", ["said", "gray"], ["text_embeds"]),
    ]
    taken = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    given = helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["batch", DIMENSION])
    return nodes, [taken], [given]


def _model(nodes: Sequence[Any], taken: Sequence[Any], given: Sequence[Any]) -> Any:
    from onnx import checker, helper, numpy_helper

    used = {name for node in nodes for name in node.input}
    weights = [numpy_helper.from_array(value, name) for name, value in _weights().items() if name in used]
    graph = helper.make_graph(list(nodes), "colours", list(taken), list(given), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


def _both() -> Any:
    pictures, texts = _pictures(), _texts()
    return _model(*([*one, *other] for one, other in zip(pictures, texts, strict=True)))


def _tokenizer(vocabulary: dict[str, int]) -> Any:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

    start, end = _SPECIAL
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=end))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(token, vocabulary[token]) for token in _SPECIAL]
    )
    return tokenizer


class ScriptedEncoder:
    """Sees in a picture the colour of its first pixel, and in a text the colours that it names; `fails` is
    raised instead, once set."""

    name = "scripted 1"
    fingerprint = "5" * 32
    dimension = DIMENSION
    edge = 2 * EDGE

    def __init__(self) -> None:
        self.seen: list[Picture] = []
        self.read: list[str] = []
        self.fails: ReadError | None = None
        self.closed = False

    def embed_picture(self, picture: Picture) -> Vector:
        self.seen.append(picture)
        return self._vector(np.array([*picture.data[:3]], np.float32) / np.float32(255))

    def embed_text(self, text: str) -> Vector:
        self.read.append(text)
        words = text.lower().split()
        return self._vector(np.array([float(words.count(name)) for name in COLOURS], np.float32))

    def close(self) -> None:
        self.closed = True

    def _vector(self, colour: Vector) -> Vector:
        if self.fails is not None:
            raise self.fails
        vector = np.zeros(DIMENSION, np.float32)
        vector[: len(COLOURS)] = colour
        vector[_GRAY] = 0.1
        return vector / np.float32(np.linalg.norm(vector))
