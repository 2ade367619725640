"""How well FTS5 alone ranks files, by way of asking and by column weights.

    python -m tests.bench.bench_words [collection ...]

nDCG@10 over files: each file once, at its best passage.
"""

from __future__ import annotations

import math
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from nasd.domain.queries import Query, fts5, parse, spaced
from tests.bench.collections import COLLECTIONS, Collection, Question, load
from tests.conftest import CORPORA

WEIGHTS = [(0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0),
           (0.0, 2.0, 1.0, 1.0), (0.0, 0.5, 0.5, 1.0), (1.0, 2.0, 1.0, 1.0), (2.0, 2.0, 2.0, 1.0),
           (4.0, 4.0, 2.0, 1.0)]  # fmt: skip
"""(name, title, heading, text) for bm25()."""


def build(collection: Collection) -> sqlite3.Connection:
    """The word index of a collection, in memory."""
    db = sqlite3.connect(":memory:")
    db.execute(
        "CREATE VIRTUAL TABLE words USING fts5"
        "(name, title, heading, text, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    rows = (
        (chunk.passage.id, Path(chunk.path).stem, chunk.file.title, chunk.passage.passage.place.heading or "",
         spaced(chunk.passage.passage.text))
        for chunk in collection.chunks
    )  # fmt: skip
    db.executemany("INSERT INTO words(rowid, name, title, heading, text) VALUES (?, ?, ?, ?, ?)", rows)
    return db


def ranked(
    db: sqlite3.Connection, expression: str | None, weights: Sequence[float], limit: int = 100
) -> list[int]:
    """Passage ids, best first."""
    if expression is None:
        return []
    sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, ?, ?, ?, ?) LIMIT ?"
    return [row[0] for row in db.execute(sql, (expression, *weights, limit))]


def ndcg(paths: Sequence[str], question: Question, k: int = 10) -> float:
    """nDCG@k with the collection's grades, or 1 for each relevant file."""
    gains = {path: float(2 ** question.grades.get(path, 1) - 1) for path in question.relevant}
    order = [path for path in dict.fromkeys(paths) if path not in question.ignore][:k]
    got = sum(gains.get(path, 0.0) / math.log2(at + 2) for at, path in enumerate(order))
    best = sum(g / math.log2(at + 2) for at, g in enumerate(sorted(gains.values(), reverse=True)[:k]))
    return got / best if best else 0.0


def score(
    collection: Collection, db: sqlite3.Connection, ask: Callable[[str], str | None], weights: Sequence[float]
) -> float:
    """Mean nDCG@10 over the answerable questions."""
    paths = {chunk.passage.id: chunk.path for chunk in collection.chunks}
    questions = [question for question in collection.questions if question.relevant]
    return sum(
        ndcg([paths[i] for i in ranked(db, ask(question.text), weights)], question) for question in questions
    ) / len(questions)


def everything(text: str) -> Query:
    """The query with its function words kept."""
    query = parse(text)
    words = tuple(dict.fromkeys(word.strip(".,;:!?()'\"") for word in text.split()))
    return Query(text=text, terms=tuple(w for w in words if w), unspaced=query.unspaced)


WAYS: dict[str, Callable[[str], str | None]] = {
    "or": lambda text: fts5(parse(text)),
    "or, quotes may": lambda text: fts5(parse(text), quoted="may"),
    "or, all words": lambda text: fts5(everything(text)),
    "and": lambda text: fts5(parse(text), match="all"),
}


def main(names: Sequence[str]) -> None:
    for name in names:
        collection = load(CORPORA, name)
        db = build(collection)
        print(f"{name}: {len(collection.chunks)} passages, {len(collection.questions)} questions")
        for label, ask in WAYS.items():
            print(f"  {label:16} {score(collection, db, ask, (0, 1, 1, 1)):.3f}", flush=True)
        for weights in WEIGHTS:
            print(
                f"  {weights!s:22} {score(collection, db, WAYS['or, quotes may'], weights):.3f}", flush=True
            )


if __name__ == "__main__":
    main(sys.argv[1:] or COLLECTIONS)
