"""Counting tokens before a model is prepared: by the tokenizer that the model brings with it."""

from __future__ import annotations

import threading
from typing import Any

from nasd.embed.source import locate
from nasd.embed.text import encodable


class SourceTokens:
    """Counts tokens, without special ones, as the prepared model will. Loads at the first call.

    Thread-safe. Raises `ModelError` when there is no such model."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._tokenizer: Any = None
        self._loading = threading.Lock()

    def count(self, text: str) -> int:
        with self._loading:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                tokenizer = Tokenizer.from_file(str(locate(self._model) / "tokenizer.json"))
                tokenizer.no_truncation()
                tokenizer.no_padding()
                self._tokenizer = tokenizer
        return len(self._tokenizer.encode(encodable(text), add_special_tokens=False))
