"""A model of pictures and texts served by ONNX Runtime, from a folder as the usual exports of CLIP, SigLIP
and their like lay it out: one graph for each side, or one for both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nasd.errors import ModelError
from nasd.extract.base import Picture
from nasd.extract.vision.base import Vector
from nasd.extract.vision.preprocessing import read_preprocessing

PICTURES, TEXTS, BOTH = "vision_model.onnx", "text_model.onnx", "model.onnx"
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"

_TOKENS = 77  # that CLIP reads, where the export does not say how many
_MOST_TOKENS = 4096
_ENDS_CLIP = "<|endoftext|>"
_PADS = ("<pad>", "[PAD]")
_PICTURE_VECTORS = ("image_embeds", "pooler_output")
_TEXT_VECTORS = ("text_embeds", "pooler_output")

Feed = dict[str, npt.NDArray[Any]]
EmbedPicture = Callable[[Picture], Vector]
EmbedText = Callable[[str], Vector]


def load_pictures(folder: Path, *, threads: int) -> EmbedPicture:
    """The side of pictures. Raises `ModelError` when a file is missing or is no such model."""
    seen = read_preprocessing(folder)
    graph = _Graph(folder, PICTURES, threads, _PICTURE_VECTORS)
    beside = _tokens(folder, graph)("picture") if graph.takes("input_ids") else {}

    def embed(picture: Picture) -> Vector:
        from PIL import Image

        image = Image.frombytes("RGB", (picture.width, picture.height), picture.data)
        return graph.run({"pixel_values": seen.pixels(image), **beside})

    return embed


def load_texts(folder: Path, *, threads: int) -> EmbedText:
    """The side of texts; raises as `load_pictures` does."""
    graph = _Graph(folder, TEXTS, threads, _TEXT_VECTORS)
    tokens = _tokens(folder, graph)
    beside: Feed = {}
    if graph.takes("pixel_values"):
        seen = read_preprocessing(folder)
        beside = {"pixel_values": np.zeros((1, 3, seen.height, seen.width), np.float32)}
    return lambda text: graph.run({**tokens(text), **beside})


class _Graph:
    """One session and the output that is the vector."""

    def __init__(self, folder: Path, name: str, threads: int, outputs: tuple[str, ...]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        path = folder / name if (folder / name).exists() else folder / BOTH
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library raises what it likes
            raise ModelError(f"The picture model cannot be loaded: {str(error)[:300]}") from error
        self._inputs = {one.name: one.shape for one in self._session.get_inputs()}
        there = {one.name for one in self._session.get_outputs()}
        found = next((one for one in outputs if one in there), None)
        if found is None:
            raise ModelError(
                f"{path.name} gives none of {', '.join(outputs)}: it is no graph of a picture model."
            )
        self._output = found

    def takes(self, name: str) -> bool:
        return name in self._inputs

    @property
    def tokens(self) -> int | None:
        """How many it takes, if always the same."""
        shape = self._inputs.get("input_ids", ())
        return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None

    def run(self, feed: Feed) -> Vector:
        """The vector, brought to unit length. Raises `ModelError` when it is none."""
        (found,) = self._session.run([self._output], {name: feed[name] for name in self._inputs})
        vector = np.asarray(found, np.float32).reshape(-1)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0:
            raise ModelError("The picture model gave numbers that are no vector.")
        return vector / np.float32(length)


def _tokens(folder: Path, graph: _Graph) -> Callable[[str], Feed]:
    """Makes of a text what the graph takes."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # as above
        raise ModelError(f"The picture model's tokenizer cannot be loaded: {str(error)[:300]}") from error
    told = _tokenizer_config(folder)
    most = graph.tokens or _most_tokens(told)
    tokenizer.enable_truncation(most)
    tokenizer.no_padding()
    # CLIP looks at the last token alone, and none sees those behind it; others were trained with full rows.
    if graph.tokens is not None or tokenizer.token_to_id(_ENDS_CLIP) is None:
        tokenizer.enable_padding(length=most, pad_id=_pad_id(tokenizer, told))
    lower = bool(told.get("do_lower_case"))

    def tokenize(text: str) -> Feed:
        encoding = tokenizer.encode(text.lower() if lower else text)
        return {
            "input_ids": np.array([encoding.ids], np.int64),
            "attention_mask": np.array([encoding.attention_mask], np.int64),
        }

    return tokenize


def _tokenizer_config(folder: Path) -> Mapping[str, Any]:
    try:
        told = json.loads((folder / TOKENIZER_CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{TOKENIZER_CONFIG} of the picture model cannot be read: {error}") from error
    return told if isinstance(told, dict) else {}


def _most_tokens(told: Mapping[str, Any]) -> int:
    most = told.get("model_max_length")
    return int(most) if isinstance(most, int) and 1 < most <= _MOST_TOKENS else _TOKENS


def _pad_id(tokenizer: Any, told: Mapping[str, Any]) -> int:
    named = told.get("pad_token")
    if isinstance(named, dict):
        named = named.get("content")
    for token in (named, *_PADS, _ENDS_CLIP):
        found = tokenizer.token_to_id(token) if isinstance(token, str) else None
        if found is not None:
            return int(found)
    return 0
