"""The words lane: SQLite's FTS5 beside tantivy, on the same passages in one run.

    python -m tests.bench.bench_words [--passages 1000000] [--queries 300] [--json FILE]

Prints how well each ranks the test collections (nDCG@10 over files, each at its best passage), then for a
million made passages how long building takes, the bytes on disk, and latency by kind of query. Both are asked
for a hundred passages of the same words, joined by OR and ranked by BM25.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from nasd.domain.queries import Query, parse
from nasd.words.base import Entry
from nasd.words.query import wanted
from nasd.words.tantivy_words import TantivyWords
from nasd.words.terms import terms
from tests.bench import million
from tests.bench.collections import COLLECTIONS, Question, load
from tests.conftest import CORPORA

LIMIT = 100
BATCH = 2_000
GROUPS = 100
"""Passages are spread over as many documents; a filter lets one in ten of them through."""

Find = Callable[[str, frozenset[int] | None], list[int]]


def fts5(folder: Path, texts: Iterable[str]) -> tuple[Find, sqlite3.Connection]:
    db = sqlite3.connect(folder / "words.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE held (id INTEGER PRIMARY KEY, content INTEGER)")
    db.execute(
        "CREATE VIRTUAL TABLE words USING "
        "fts5(text, content='', tokenize='porter unicode61 remove_diacritics 2')"
    )
    for rows in _batches(enumerate(texts, 1)):
        db.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", rows)
        db.executemany("INSERT INTO held VALUES (?, ?)", [(n, n % GROUPS) for n, _ in rows])
        db.commit()

    def find(query: str, allowed: frozenset[int] | None) -> list[int]:
        some = f" AND held.content IN ({','.join(map(str, sorted(allowed)))})" if allowed is not None else ""
        sql = (
            "SELECT words.rowid FROM words JOIN held ON held.id = words.rowid "
            f"WHERE words MATCH ?{some} ORDER BY rank LIMIT ?"
        )
        return [row[0] for row in db.execute(sql, (_expression(parse(query)), LIMIT))]

    return find, db


def tantivy(folder: Path, texts: Iterable[str]) -> tuple[Find, TantivyWords]:
    index = TantivyWords.empty(folder / "tantivy")
    for rows in _batches(enumerate(texts, 1)):
        index.replace((), (), [Entry(key=n, group=n % GROUPS, terms=terms(text)) for n, text in rows])
        index.commit()
    index.release()

    def find(query: str, allowed: frozenset[int] | None) -> list[int]:
        groups = None if allowed is None else np.array(sorted(allowed), np.int64)
        return [int(key) for key in index.search(wanted(parse(query)), LIMIT, groups)[0]]

    return find, index


def _expression(query: Query) -> str:
    quoted = [f'"{phrase}"' for phrase in query.phrases]
    words = [f'"{word}"' for word in (*query.terms, *query.unspaced)]
    return " AND ".join(quoted) if quoted else " OR ".join(words) or '""'


def _batches(rows: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        yield batch


def ndcg(paths: Sequence[str], question: Question, k: int = 10) -> float:
    """nDCG@k with the collection's grades, or 1 for each relevant file."""
    gains = {path: float(2 ** question.grades.get(path, 1) - 1) for path in question.relevant}
    order = [path for path in dict.fromkeys(paths) if path not in question.ignore][:k]
    got = sum(gains.get(path, 0.0) / math.log2(at + 2) for at, path in enumerate(order))
    best = sum(g / math.log2(at + 2) for at, g in enumerate(sorted(gains.values(), reverse=True)[:k]))
    return got / best if best else 0.0


def quality(name: str) -> dict[str, float]:
    """Mean nDCG@10 of each on one collection; title, heading and text as one."""
    collection = load(CORPORA, name)
    texts = [
        f"{one.file.title}\n{one.passage.passage.place.heading or ''}\n{one.passage.passage.text}"
        for one in collection.chunks
    ]
    questions = [question for question in collection.questions if question.relevant]
    found = {}
    for label, build in (("fts5", fts5), ("tantivy", tantivy)):
        with tempfile.TemporaryDirectory() as folder:
            find, opened = build(Path(folder), texts)
            found[label] = statistics.fmean(
                ndcg(
                    [collection.chunks[n - 1].path for n in find(question.text.replace('"', " "), None)],
                    question,
                )
                for question in questions
            )
            opened.close()
    return found


def asked(pool: list[str], count: int, passages: int) -> dict[str, list[tuple[str, frozenset[int] | None]]]:
    """Queries by kind, each with the documents that a filter permits."""
    chance = random.Random(2)
    questions = [
        question.text.replace('"', " ")
        for name in COLLECTIONS
        for question in load(CORPORA, name).questions
        if question.lang == "en"
    ]
    chance.shuffle(questions)
    tenth = frozenset(range(0, GROUPS, 10))
    phrases = [" ".join(chance.choice(pool).split()[1:3]) for _ in range(count)]
    return {
        "questions": [(one, None) for one in questions[:count]],
        "common words": [(one, None) for one in ("company years", "first used time", "also people states")],
        "phrases": [(f'"{one}"', None) for one in phrases if all(word.isalpha() for word in one.split())],
        "identifiers": [
            (million.identifier(chance.randrange(passages) // 10 * 10), None) for _ in range(count)
        ],
        "filtered": [(one, tenth) for one in questions[:count]],
    }


def latency(find: Find, queries: Sequence[tuple[str, frozenset[int] | None]]) -> dict[str, float]:
    """Milliseconds."""
    took = []
    for query, allowed in queries:
        began = time.perf_counter()
        find(query, allowed)
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {
        "p50": round(took[len(took) // 2], 2),
        "p99": round(took[min(len(took) - 1, int(len(took) * 0.99))], 2),
        "most": round(took[-1], 2),
    }


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--passages", type=int, default=1_000_000)
    options.add_argument("--queries", type=int, default=300)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    report: dict[str, object] = {"quality": {}}
    print(f"{'nDCG@10':14} {'fts5':>8} {'tantivy':>8}")
    for name in COLLECTIONS:
        found = quality(name)
        report["quality"][name] = found  # type: ignore[index]  # a dictionary, as made above
        print(f"{name:14} {found['fts5']:8.4f} {found['tantivy']:8.4f}", flush=True)
    pool = million.sentences(CORPORA)
    queries = asked(pool, given.queries, given.passages)
    for label, build in (("fts5", fts5), ("tantivy", tantivy)):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            find, opened = build(Path(folder), million.passages(pool, given.passages))
            built = time.perf_counter() - began
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            print(f"{label}: {given.passages} passages in {built:.1f} s, {size / 2**20:.0f} MiB on disk")
            figures = {kind: latency(find, some) for kind, some in queries.items()}
            for kind, some in figures.items():
                columns = "  ".join(f"{name} {took:8.2f}" for name, took in some.items())
                print(f"  {kind:14} {columns} ms", flush=True)
            report[label] = {"built_s": built, "bytes": size, "latency_ms": figures}
            opened.close()
    if given.json:
        given.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
