"""A speech model in Whisper's form that knows four tones, made by hand in milliseconds; tones to say to it;
and a transcriber that is told what it hears."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from nasd.errors import ReadError
from nasd.extract.base import Sound
from nasd.extract.speech.base import Heard
from nasd.extract.speech.mel import filters

TONES = {
    400: ("tomato", "harvest"),
    900: ("budget", "meeting"),
    1800: ("birthday", "party"),
    3600: ("old", "harbour"),
}
"""Hertz to the words that are heard in it."""

_WORDS = [word for pair in TONES.values() for word in pair]
_SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|transcribe|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
_TIMES = 1501
_SPAN_S = 2.0  # that each pair of words is said to take


def make_speech_model(folder: Path, *, remembers: bool = False, licence: str | None = None) -> Path:
    """Files as exports of Whisper have them; `remembers`: with the decoder that goes on from its past."""
    import onnx

    folder.mkdir(parents=True)
    vocabulary = _vocabulary()
    onnx.save(_encoder(), str(folder / "encoder_model.onnx"))
    onnx.save(_decoder(vocabulary, remembers=remembers, goes_on=False), str(folder / "decoder_model.onnx"))
    if remembers:
        graph = _decoder(vocabulary, remembers=True, goes_on=True)
        onnx.save(graph, str(folder / "decoder_with_past_model.onnx"))
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    generation = {
        "lang_to_id": {"<|en|>": vocabulary["<|en|>"]},
        "task_to_id": {"transcribe": vocabulary["<|transcribe|>"]},
        "max_length": 448,
        "suppress_tokens": [],
        "begin_suppress_tokens": [],
    }
    (folder / "generation_config.json").write_text(json.dumps(generation), "utf-8")
    if licence is not None:
        (folder / "README.md").write_text(f"---\nlanguage: en\nlicense: {licence}\n---\n# Tones\n", "utf-8")
    return folder


def tones(*spans: tuple[int, float], rate: int = 16_000) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """One after another: hertz (0: silence) and seconds."""
    parts = [
        0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate) for hertz, seconds in spans
    ]
    return np.concatenate(parts).astype(np.float32)


def samples(*spans: tuple[int, float]) -> bytes:
    """As a transcriber takes them."""
    return np.rint(tones(*spans) * 32767).astype("<i2").tobytes()


def recorded(*spans: tuple[int, float], form: str = "WAV", rate: int = 16_000) -> bytes:
    """A file with these tones on two channels."""
    subtype = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "OPUS", "MP3": "MPEG_LAYER_III", "AIFF": "PCM_24"}
    mono = tones(*spans, rate=rate)
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate, 2, subtype[form], format=form) as file:
        for start in range(0, len(mono), 4096):  # its encoders cannot take much at once
            file.write(np.repeat(mono[start : start + 4096, None], 2, axis=1))
    return out.getvalue()


def _vocabulary() -> dict[str, int]:
    times = [f"<|{tick * 0.02:.2f}|>" for tick in range(_TIMES)]
    return {token: number for number, token in enumerate([*_WORDS, *_SPECIAL, *times])}


def _tokenizer(vocabulary: dict[str, int]) -> Any:
    from tokenizers import AddedToken, Tokenizer, models

    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=_SPECIAL[0]))
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token in vocabulary if token.startswith("<|")]
    )
    return tokenizer


def _bands() -> list[int]:
    hertz_per_line = 16_000 / 400
    return [int(filters(80)[:, round(hertz / hertz_per_line)].argmax()) for hertz in TONES]


def _model(nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], **constants: Any) -> Any:
    from onnx import checker, helper, numpy_helper

    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "tones", list(inputs), list(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return model


def _encoder() -> Any:
    """The loudness of each tone, every 20 ms."""
    from onnx import TensorProto, helper

    chosen = np.zeros((80, len(TONES)), np.float32)
    for number, band in enumerate(_bands()):
        chosen[band, number] = 1.0
    return _model(
        [
            helper.make_node("Transpose", ["input_features"], ["frames"], perm=[0, 2, 1]),
            helper.make_node("MatMul", ["frames", "chosen"], ["loudness"]),
            helper.make_node("Slice", ["loudness", "start", "end", "axis", "stride"], ["last_hidden_state"]),
        ],
        [helper.make_tensor_value_info("input_features", TensorProto.FLOAT, ["batch", 80, 3000])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", 1500, len(TONES)])],
        chosen=chosen,
        start=np.array([0]),
        end=np.array([3000]),
        axis=np.array([1]),
        stride=np.array([2]),
    )


def _decoder(vocabulary: dict[str, int], *, remembers: bool, goes_on: bool) -> Any:
    """Scores by the last token, and for the first word by the loudest tone."""
    from onnx import TensorProto, helper

    size = len(vocabulary)
    first_time = vocabulary["<|0.00|>"]
    after = np.zeros((size, size), np.float32)
    after[:, first_time:] = -20.0
    after[vocabulary["<|startoftranscript|>"], vocabulary["<|en|>"]] = 30.0
    after[vocabulary["<|en|>"], vocabulary["<|transcribe|>"]] = 30.0
    after[vocabulary["<|transcribe|>"], first_time] = 30.0
    after[first_time:, vocabulary["<|endoftext|>"]] = 5.0
    heard = np.zeros((len(TONES), size), np.float32)
    for number, (first, second) in enumerate(TONES.values()):
        heard[number, vocabulary[first]] = 10.0
        after[vocabulary[first], vocabulary[second]] = 60.0
        after[vocabulary[second], vocabulary[f"<|{_SPAN_S:.2f}|>"]] = 60.0
    # The table as a product of two narrow ones would be smaller; this one has few rows that differ.
    rows, kinds = np.unique(after, axis=0, return_inverse=True)
    nodes = [
        helper.make_node("Gather", ["kinds", "input_ids"], ["kind"]),
        helper.make_node("Gather", ["rows", "kind"], ["by_token"]),
        helper.make_node("ReduceMax", ["encoder_hidden_states"], ["loudest"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["loudest", "heard"], ["by_sound"]),
        helper.make_node("Add", ["by_token", "by_sound"], ["logits"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"]),
        helper.make_tensor_value_info(
            "encoder_hidden_states", TensorProto.FLOAT, ["batch", 1500, len(TONES)]
        ),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "tokens", size])]
    if remembers:
        made = helper.make_tensor_value_info("present.0.decoder.key", TensorProto.INT64, ["batch", "all"])
        outputs.append(made)
        if goes_on:
            past = "past_key_values.0.decoder.key"
            inputs.append(helper.make_tensor_value_info(past, TensorProto.INT64, ["batch", "past"]))
            inputs.append(helper.make_tensor_value_info("cache_position", TensorProto.INT64, ["tokens"]))
            nodes.append(helper.make_node("Concat", [past, "input_ids"], ["present.0.decoder.key"], axis=1))
        else:
            nodes.append(helper.make_node("Identity", ["input_ids"], ["present.0.decoder.key"]))
    return _model(nodes, inputs, outputs, rows=rows, kinds=kinds.reshape(-1).astype(np.int64), heard=heard)


class ScriptedTranscriber:
    """Hears what it is told, window by window; a `ReadError` in its place is raised."""

    name = "scripted 1"

    def __init__(self, *script: Heard | ReadError) -> None:
        self.script = list(script)
        self.seen: list[bytes] = []
        self.closed = False

    def transcribe(self, samples: bytes) -> Heard:
        self.seen.append(samples)
        told = self.script.pop(0)
        if isinstance(told, ReadError):
            raise told
        return told

    def close(self) -> None:
        self.closed = True


class ScriptedListener:
    """A recording of so many seconds of silence; `fails` is raised instead, once set."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[float] = []
        self.fails: ReadError | None = None
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def listen(self, fd: int, *, name: str, kind: str, start_s: float, span_s: float) -> Sound:
        self.asked.append(start_s)
        if self.fails is not None:
            raise self.fails
        left = max(0.0, min(span_s, self.seconds - start_s))
        return Sound(samples=bytes(2 * round(16_000 * left)), ended=start_s + span_s >= self.seconds)
