"""How far a picture's nearness to a query stands above what any text has to it, and any query to pictures.

A picture and a text are never near as two texts are, and how near is usual depends on both: some pictures are
near to all texts, some texts (a bare "photo") to all pictures. So nearness alone tells nothing. Each picture
is compared with how near texts are that have nothing to do with it (Bogolin et al., "Cross Modal Retrieval
with Querybank Normalisation", CVPR 2022), and the query with how near it is to the pictures that it fits
least. Standing against texts, a single picture can be judged, and a collection of nothing but beaches.
"""

from __future__ import annotations

import math

import numpy as np

from nasd.index.base import Scores, Vectors

TEXTS = (
    "dog", "chair", "bridge", "apple", "football", "mountain", "piano", "train", "church", "flower",
    "a person at a desk", "children playing", "a street at night", "a plate of food", "a boat on the sea",
    "a map of a country", "a handwritten letter", "people at a party", "a horse in a field", "snow on a roof",
    "the price of electricity", "how a contract is ended", "the rules of a club", "minutes of a meeting",
    "what was decided and why", "the year before last", "an agreement between two companies",
    "who is responsible for it", "the result of an examination", "interest on a loan",
    "how long the guarantee lasts", "a list of requirements",
)  # fmt: skip
"""Things, scenes and matters that no picture shows, so that a picture fits few of them: the median is what a
text has to it that is not about it."""

DEVIATIONS = 3.0
"""Above its background by less, a picture is taken to be near by chance, as 1 in 700 unrelated ones is."""

LEAST_DEVIATION = 0.01
"""Of cosines: a model that tells no text from another has no deviation to divide by."""

ENOUGH_PICTURES = 20
_NORMAL = 1.4826  # deviation of a normal distribution from its median absolute deviation
_QUARTILE = -0.6745  # of a normal distribution, in deviations


class Background:
    """`texts`: the vectors of `TEXTS`, float32 (t, dimension); `pictures`: of a sample of the collection,
    (p, dimension), p >= 1."""

    def __init__(self, texts: Vectors, pictures: Vectors) -> None:
        self._texts = texts
        self._pictures = pictures
        near = _near(pictures, texts)
        self._usual = np.median(near, axis=1)
        spread = _NORMAL * float(np.median(np.abs(near - self._usual[:, None])))
        self._deviation = max(spread, LEAST_DEVIATION)

    def deviations(self, query: Vectors, found: Vectors) -> Scores:
        """Of the pictures `found`, (n, dimension), by how many deviations each is nearer to the query,
        (dimension,), than other texts are to it: float32 (n,)."""
        usual = np.median(_near(found, self._texts), axis=1)
        above = (_near(found, query[None])[:, 0] - usual) / self._deviation
        return np.asarray(above - self._lift(query), np.float32)

    def _lift(self, query: Vectors) -> float:
        """By how much the query is nearer to any picture than texts are. By the quarter that it fits least:
        up to three in four pictures may be what it asks for."""
        if len(self._pictures) < ENOUGH_PICTURES:
            return 0.0
        above = (_near(self._pictures, query[None])[:, 0] - self._usual) / self._deviation
        return max(0.0, float(np.quantile(above, 0.25)) - _QUARTILE)


def _near(pictures: Vectors, texts: Vectors) -> Scores:
    """Inner products, (p, t), on this thread: as small a product gains nothing from others."""
    return np.asarray(np.einsum("ij,kj->ik", pictures, texts), np.float32)


def threshold(count: int) -> float:
    """Deviations from which on a picture is no chance find among `count`: what the nearest of so many that
    have nothing to do with a query is expected to reach, and `DEVIATIONS` at least."""
    return max(DEVIATIONS, math.sqrt(2 * math.log(max(count, 1))))
