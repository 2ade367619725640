"""The embedder's promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from nasd.errors import ModelError

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """`fingerprint` changes whenever the vectors would: weights, pooling, prompts, quantisation."""

    name: str
    fingerprint: str
    dimension: int
    max_tokens: int  # what the model reads of one text, special tokens included
    serving: str  # such as "onnx-int8"


class Embedder(Protocol):
    """Turns text into unit-length float32 vectors. Synchronous; safe to call from several threads.

    Query and document embeddings are kept distinct because some models want different prompts for them.
    A text longer than `info.max_tokens` is cut by the model; callers size texts with `count_tokens`.
    Raises `ModelError` when the model cannot serve.
    """

    @property
    def info(self) -> ModelInfo: ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dimension), rows of unit length, in the order given."""

    def embed_query(self, text: str) -> Vectors:
        """float32 of shape (dimension,), unit length."""

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` without special tokens."""

    def close(self) -> None: ...


@runtime_checkable
class Rests(Protocol):
    """An embedder that can let go of its memory and take it up again by itself."""

    @property
    def resting(self) -> bool: ...

    def ease(self, after_s: float) -> bool:
        """Lets go of what a single query does not need when nothing was asked for `after_s` seconds; whether
        it did so now."""

    def rest(self, after_s: float) -> bool:
        """Lets go of everything when nothing was asked for `after_s` seconds; whether it did so now."""


class NotExportable(ModelError):
    """The model itself is sound, but no exported form of it can be served; sentence-transformers can."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, cure='Set embedding.serve to "sentence-transformers".')
