"""Counting tokens before a model is prepared: by the tokenizer that the model brings with it."""

from __future__ import annotations

import threading

from nasd.embed.counting import TokenCounter
from nasd.embed.source import locate


class SourceTokens:
    """Counts tokens, without special ones, as the prepared model will. Loads at the first call.

    Thread-safe. Raises `ModelError` when there is no such model."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._counter: TokenCounter | None = None
        self._loading = threading.Lock()

    def count(self, text: str) -> int:
        with self._loading:
            counter = self._counter
            if counter is None:
                from tokenizers import Tokenizer

                tokenizer = Tokenizer.from_file(str(locate(self._model) / "tokenizer.json"))
                tokenizer.no_truncation()
                tokenizer.no_padding()
                self._counter = counter = TokenCounter(tokenizer)
        return counter.count(text)

    def forget(self) -> bool:
        """Lets go of the tokenizer, which the next call loads again; whether there was one."""
        with self._loading:
            there, self._counter = self._counter is not None, None
        return there
