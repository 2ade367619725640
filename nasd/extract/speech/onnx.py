"""A Whisper model served by ONNX Runtime, from a folder as its usual exports lay it out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasd.errors import ModelError
from nasd.extract.speech.base import WINDOW_S, Heard, Said
from nasd.extract.speech.decoding import Scores, Vocabulary, decode, loops, pieces
from nasd.extract.speech.mel import log_mel

ENCODER, DECODER, GOING_ON = "encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"
GRAPHS = (ENCODER, DECODER, GOING_ON)
TOKENIZER, GENERATION = "tokenizer.json", "generation_config.json"
_NO_SPEECH = ("<|nospeech|>", "<|nocaptions|>")  # newer and older models


class WhisperModel:
    """The two graphs, the tokenizer and the vocabulary. Not thread-safe."""

    def __init__(self, encoder: Any, decoder: Any, going_on: Any, tokenizer: Any, words: Vocabulary) -> None:
        """`going_on` is the decoder that remembers what it has computed of earlier tokens, or None."""
        self._encoder = encoder
        self._decoder = decoder
        self._going_on = going_on
        self._tokenizer = tokenizer
        self._words = words
        (features,) = encoder.get_inputs()
        self._input = features.name
        self._bands = int(features.shape[1]) if isinstance(features.shape[1], int) else 80

    @classmethod
    def load(cls, folder: Path, *, threads: int) -> WhisperModel:
        """Raises `ModelError` when a file is missing or is no such model."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4

        def session(name: str) -> Any:
            return onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )

        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            generation = json.loads((folder / GENERATION).read_text("utf-8"))
            words = vocabulary(tokenizer, generation)
            encoder, decoder = session(ENCODER), session(DECODER)
            going_on = session(GOING_ON) if (folder / GOING_ON).exists() else None
            return cls(encoder, decoder, going_on, tokenizer, words)
        except ModelError:
            raise
        except Exception as error:  # the libraries raise what they like
            raise ModelError(f"The speech model cannot be loaded: {str(error)[:300]}") from error

    def transcribe(self, samples: bytes) -> Heard:
        """What is said in at most half a minute (see `Sound`)."""
        sound = np.frombuffer(samples, "<i2").astype(np.float32) / 32768.0
        window_s = min(len(sound) / 16_000, WINDOW_S)
        features = log_mel(sound, self._bands)[None]
        (hidden,) = self._encoder.run(None, {self._input: features})[:1]
        window = decode(_Decoder(self._decoder, self._going_on, hidden), self._words)
        if window.silent or not len(sound):
            return Heard(said=(), upto_s=WINDOW_S)
        found, upto_s = pieces(window.tokens, self._words.first_timestamp, window_s)
        texts = self._tokenizer.decode_batch([list(piece.tokens) for piece in found])
        if loops(" ".join(texts)):
            return Heard(said=(), upto_s=WINDOW_S)
        said = [
            Said(start_s=piece.start_s, end_s=piece.end_s, text=text.strip())
            for piece, text in zip(found, texts, strict=True)
            if text.strip()
        ]
        return Heard(said=tuple(said), upto_s=upto_s, language=window.language)


class _Decoder:
    """The scores of the next token, over what the encoder made of one window."""

    def __init__(self, decoder: Any, going_on: Any, hidden: Any) -> None:
        self._decoder = decoder
        self._going_on = going_on
        self._hidden = hidden
        self._tokens: list[int] = []  # all that came
        self._past: dict[str, Any] = {}

    def __call__(self, tokens: Sequence[int]) -> Scores:
        if self._going_on is None or not self._past:
            self._tokens += tokens
            return self._run(self._decoder, self._tokens)
        scores = None
        for token in tokens:  # such a decoder takes one at a time
            self._tokens.append(token)
            scores = self._run(self._going_on, [token])
        assert scores is not None
        return scores

    def _run(self, session: Any, tokens: Sequence[int]) -> Scores:
        known = {
            "input_ids": np.array([tokens], np.int64),
            "encoder_hidden_states": self._hidden,
            "cache_position": np.arange(len(self._tokens) - len(tokens), len(self._tokens), dtype=np.int64),
            **self._past,
        }
        wanted = {one.name: known[one.name] for one in session.get_inputs()}
        names = [one.name for one in session.get_outputs()]
        found = dict(zip(names, session.run(None, wanted), strict=True))
        for name, value in found.items():
            if name.startswith("present."):
                self._past["past_key_values." + name.removeprefix("present.")] = value
        return np.asarray(found["logits"][0, -1], np.float32)


def vocabulary(tokenizer: Any, generation: dict[str, Any]) -> Vocabulary:
    """From the tokenizer and `generation_config.json`. Raises `ModelError` when they are not Whisper's."""
    first = tokenizer.token_to_id("<|0.00|>")
    start = tokenizer.token_to_id("<|startoftranscript|>")
    end = tokenizer.token_to_id("<|endoftext|>")
    none = tokenizer.token_to_id("<|notimestamps|>")
    if None in (start, end, none):
        raise ModelError("The speech model's tokenizer is not one of Whisper's.")
    languages = {int(number): str(name) for name, number in (generation.get("lang_to_id") or {}).items()}
    silent = [found for name in _NO_SPEECH if (found := tokenizer.token_to_id(name)) is not None]
    most = int(generation.get("max_length") or 448) // 2
    return Vocabulary(
        start=start,
        end=end,
        transcribe=(generation.get("task_to_id") or {}).get("transcribe"),
        no_speech=silent[0] if silent else None,
        first_timestamp=first if first is not None else none + 1,
        languages=languages,
        never=tuple(generation.get("suppress_tokens") or ()),
        never_first=tuple(generation.get("begin_suppress_tokens") or ()),
        most_tokens=most,
    )
