"""Does a served model agree with its reference? Texts to embed with both, and the comparison."""

from __future__ import annotations

import numpy as np

from nasd.embed.base import Vectors
from nasd.embed.manifest import Agreement

_SHORT = (
    "Invoice",
    "hello world",
    "How do I reset the router?",
    "Where is the rental contract?",
    "The cat sleeps on the sofa.",
    "A kitten is resting on the couch.",
    "Rent is due on the first of every month.",
    "The tenant pays the landlord at the start of each month.",
    "To restart the modem, hold its button for ten seconds.",
    "Preheat the oven to 220 degrees and bake the loaf for forty minutes.",
    "Knead the dough, let it rise, and shape it before it goes into the oven.",
    "The committee approved the budget for the next fiscal year.",
    "Net revenue rose by four percent in the second quarter.",
    "Quarterly sales were slightly higher than a year before.",
    "Photosynthesis turns light, water and carbon dioxide into sugar.",
    "Plants make their food from sunlight.",
    "def add(a, b):\n    return a + b",
    "function sum(x, y) { return x + y; }",
    "SELECT name FROM customers WHERE city = 'Lisbon' ORDER BY name;",
    "name,amount,date\nrent,950.00,2024-01-01\npower,61.20,2024-01-03",
    "Der Mietvertrag läuft am 3. Mai 2024 aus.",
    "Wie setze ich den Router zurück?",
    "Le rendez-vous chez le médecin est fixé au 12 juin.",
    "La recette demande des tomates, un oignon et de l'ail.",
    "La receta lleva tomates, cebolla y ajo.",
    "Il treno per Torino parte alle otto e mezza.",
    "Погода завтра будет солнечной.",
    "契約は来年の三月に終了します。",
    "明天下午三点开会。",
    "اجتماع الفريق غدا في الصباح",
    "sha256 53aa51172d142c89d9012cce15ae4d6cc0ca6895",
    "3.1 Scope and definitions",
)

_MIDDLE = (
    "The lease begins on 1 April 2021 and runs for three years. Either party may end it with three months' "
    "written notice. The tenant keeps the rooms in good order and reports damage without delay; the "
    "landlord repairs the roof, the walls and the heating.",
    "To join the network, open the settings, choose the wireless network by its name and type the password "
    "printed under the device. If the light stays red, unplug the power for ten seconds and try again. The "
    "administration page is reached from a browser once the light is green.",
    "Revenue for the three months ended June 30 was 4.1 billion, up from 3.9 billion a year earlier, mainly "
    "because of higher prices. Operating expenses rose more slowly than revenue, and the company bought "
    "back shares. Management expects the second half to be similar to the first.",
    "Bring a large pot of salted water to the boil. Cook the pasta until it is just firm, keep a cup of the "
    "water, and drain the rest. Warm the oil with sliced garlic, add the pasta, the water and plenty of "
    "parsley, and toss until the sauce clings.",
)

TEXTS = (*_SHORT, *_MIDDLE, " ".join(_MIDDLE), " ".join(reversed(_MIDDLE)), " ".join(_MIDDLE * 3))
"""Of a word up to several hundred tokens, so that truncation is compared too."""

PASSAGES = tuple(" ".join((*_MIDDLE[at % 4 :], *_MIDDLE[: at % 4])) for at in range(16))
"""As long as passages are, some 230 tokens: to measure speed with."""

QUERIES = (*(text for text in _SHORT if text.endswith("?")), "router password", "monthly rent", "pasta")

NEIGHBOURS = 5

COSINE_MIN = 0.97
COSINE_MEAN = 0.985
NEIGHBOURS_MIN = 0.85
"""all-MiniLM-L6-v2 in int8 reaches 0.982, 0.991 and 0.94 here. Pooling the first token instead of the mean
gives 0.32, 0.48 and 0.53; a prompt too many 0.66, 0.92 and 0.76; leaving one token out of the mean 0.958 in
the first."""


def compare(reference: Vectors, served: Vectors) -> Agreement:
    """Both float32 (n, dimension) of unit rows, in the same order, n greater than `NEIGHBOURS`."""
    cosines = np.einsum("ij,ij->i", reference, served)
    wanted = _nearest(reference)
    found = _nearest(served)
    shared = [len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(wanted.tolist(), found.tolist(), strict=True)]
    return Agreement(
        cosine_min=round(float(cosines.min()), 5),
        cosine_mean=round(float(cosines.mean()), 5),
        neighbours=round(float(np.mean(shared)), 4),
        first=round(float((wanted[:, 0] == found[:, 0]).mean()), 4),
    )


def agrees(agreement: Agreement) -> bool:
    return (
        agreement.cosine_min >= COSINE_MIN
        and agreement.cosine_mean >= COSINE_MEAN
        and agreement.neighbours >= NEIGHBOURS_MIN
    )


def _nearest(vectors: Vectors) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, :NEIGHBOURS]
