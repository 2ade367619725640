"""Each text embedded once while it is remembered: forms, tables and what was made to flood an index repeat
themselves by the ten thousand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from nasd.embed.base import Embedder, Vectors

REMEMBERED = 2_048
"""Texts; with their vectors some megabytes."""


class Once:
    """Remembers the last texts and their vectors, of one embedder. Not thread-safe."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._most = remembered
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._by: Embedder | None = None

    def embed(self, embedder: Embedder, texts: Sequence[str]) -> Vectors:
        """As `Embedder.embed_documents`, shape and errors too."""
        if embedder is not self._by:
            self._known.clear()
            self._by = embedder
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = dict(zip(new, embedder.embed_documents(new), strict=True)) if new else {}
        for text in texts:
            if text in self._known:
                found[text] = self._known[text]
                self._known.move_to_end(text)
        # What is no vector is not remembered: alone, a text may get one.
        self._known.update((text, found[text]) for text in new if np.isfinite(found[text]).all())
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return np.stack([found[text] for text in texts]) if texts else embedder.embed_documents([])
