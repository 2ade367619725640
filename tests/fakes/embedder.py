"""A deterministic embedder without a model: words hashed into a few dimensions."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from nasd.embed.base import ModelInfo, Vectors

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Bag of words, each word a fixed direction, summed and normalised: texts that share words are near.

    A "token" is a word, so `count_tokens` is the number of words; a text is cut after `max_tokens` of them.
    A text without words gets the first unit vector. `embedded` counts the documents embedded so far.
    """

    def __init__(self, dimension: int = 64, *, max_tokens: int = 256, name: str = "hashing") -> None:
        self._info = ModelInfo(
            name=name,
            fingerprint=f"{name}-{dimension}-{max_tokens}",
            dimension=dimension,
            max_tokens=max_tokens,
            serving="hashing",
        )
        self.embedded = 0

    @property
    def info(self) -> ModelInfo:
        return self._info

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        vectors = np.zeros((len(texts), self._info.dimension), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = self._embed(text)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        return self._embed(text)

    def count_tokens(self, text: str) -> int:
        return sum(1 for _ in _WORD.finditer(text))

    def close(self) -> None:
        return None

    def _embed(self, text: str) -> Vectors:
        words = _WORD.findall(text.casefold())[: self._info.max_tokens]
        vector = np.zeros(self._info.dimension, np.float32)
        for word, count in Counter(words).items():
            vector += np.float32(1 + np.log(count)) * _direction(word, self._info.dimension)
        length = float(np.linalg.norm(vector))
        if length == 0:
            vector[0] = length = 1
        return np.asarray(vector / length, np.float32)


@lru_cache(maxsize=1 << 14)
def _direction(word: str, dimension: int) -> Vectors:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
    direction = np.random.default_rng(seed).standard_normal(dimension, np.float32)
    return np.asarray(direction / np.linalg.norm(direction), np.float32)
