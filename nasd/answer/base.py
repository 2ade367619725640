"""The answerer's promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasd.domain.search import Answer, Hit

EmbedSentences = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Texts to float32 (n, dimension) unit vectors, the query first; or absent while there is no model."""


class Answerer(Protocol):
    """Makes a cited answer from hits, or abstains. Plain and synchronous.

    Every citation's quote is a verbatim span of its passage. With no evidence: `abstained`, no citations,
    the closest hits under `nearest`.
    """

    name: str

    def answer(self, question: str, hits: Sequence[Hit], embed: EmbedSentences | None) -> Answer: ...
