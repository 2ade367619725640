"""What nasd is compared with, in a process of its own: a plain loop, or txtai.

    python contestants.py (loop | txtai | txtai-hybrid | vectors) INPUT.json

Runs in an environment of its own, so it needs nothing of nasd.

INPUT holds `model` (a folder of a sentence-transformers model), `texts` (or `vectors`, a file of float16
rows), `queries`, `warm_up` (other queries), and the depths `k` and `deep`. A line of JSON is printed when it
can begin, when everything is indexed, with the milliseconds of each query (for `k` texts), and with the
numbers of the texts found for each (`deep` of them; 0: not asked).
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

BATCH = 32  # the default of sentence-transformers


class Loop:
    """`SentenceTransformer.encode` and an exact FAISS index, as their introductions show it."""

    def __init__(self, given: dict[str, Any]) -> None:
        import faiss
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(given["model"], device="cpu")
        self._index = faiss.IndexFlatIP(self._model.encode("one").shape[0])

    def index(self, given: dict[str, Any]) -> None:
        self._index.add(self._model.encode(given["texts"], normalize_embeddings=True))

    def search(self, query: str, k: int) -> list[int]:
        _, ids = self._index.search(self._model.encode([query], normalize_embeddings=True), k)
        return [int(one) for one in ids[0] if one >= 0]


class Vectors(Loop):
    """The loop over vectors that are there already, for sizes at which embedding takes hours."""

    def index(self, given: dict[str, Any]) -> None:
        import numpy as np

        rows = np.load(given["vectors"], mmap_mode="r")
        for at in range(0, len(rows), 4096):
            self._index.add(rows[at : at + 4096].astype(np.float32))


class Txtai:
    """`Embeddings` as its introduction shows it; `hybrid` adds its BM25."""

    def __init__(self, given: dict[str, Any], *, hybrid: bool) -> None:
        txtai = importlib.import_module("txtai")  # of an environment that type checking does not see
        self._embeddings = txtai.Embeddings({"path": given["model"], "hybrid": hybrid, "gpu": False})

    def index(self, given: dict[str, Any]) -> None:
        self._embeddings.index([(number, text, None) for number, text in enumerate(given["texts"])])

    def search(self, query: str, k: int) -> list[int]:
        return [int(one) for one, _ in self._embeddings.search(query, k)]


def main() -> None:
    name, given = sys.argv[1], json.loads(Path(sys.argv[2]).read_text("utf-8"))
    began = time.monotonic()
    contestant: Loop | Txtai
    if name.startswith("txtai"):
        contestant = Txtai(given, hybrid=name == "txtai-hybrid")
    else:
        contestant = Loop(given) if name == "loop" else Vectors(given)
    say(ready_s=time.monotonic() - began)
    began = time.monotonic()
    contestant.index(given)
    say(index_s=time.monotonic() - began)
    took = []
    for query in given["warm_up"]:
        contestant.search(query, given["k"])
    for query in given["queries"]:
        at = time.perf_counter()
        contestant.search(query, given["k"])
        took.append((time.perf_counter() - at) * 1000)
    say(ms=took)
    deep = given["deep"]
    say(found=[contestant.search(query, deep) for query in given["queries"]] if deep else [])


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
