"""The words lane on tantivy: BM25 with block-max WAND, so that common words cost little.

Measured beside SQLite's FTS5 at a million passages by `tests/bench/bench_words.py`.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import tantivy
from tantivy import Occur, Query

from nasd.words.base import Entry, Ids, Scores, Unit, Wanted, WordsDamaged
from nasd.words.terms import RULES, forget
from nasd.words.vocabulary import Vocabulary

HEAP = 15_000_000
"""Bytes for new entries before they are written out: the least that tantivy takes for a thread."""

FEW = 500
"""Permitted groups that a search is told at once. Of more it is tried first whether enough of the best are
permitted, as they are with a filter for a volume or a kind: 1.5 ms where telling it 7,500 groups takes 5."""
LISTED = 20_000
"""Permitted groups up to which a search is told them; of more, more and more results are looked through."""

_MANIFEST = "words.json"
_SEGMENTS = "segments"
_FORMAT = 1
_SPACES = "spaces"
_OTHER_SPELLING = 3.0
"""The score of a word that is spelt otherwise than asked, or that holds what was asked: about half of what a
rare word has by BM25."""
_MOST_CONTINUATIONS = 64
_LEAST_MISSPELT = 4  # characters: of shorter words most others are a letter away


class TantivyWords:
    """Implements `WordIndex`."""

    def __init__(self, directory: Path, *, positions: bool) -> None:
        """Opens or makes. `positions`: where words stand is kept too, as runs of them need."""
        self._schema = _schema(positions)
        self._segments = directory / _SEGMENTS
        self._index = self._open()
        self._writer: tantivy.IndexWriter | None = None
        self._writing = threading.Lock()
        self._vocabulary = Vocabulary(self._terms)

    def _open(self) -> tantivy.Index:
        index = tantivy.Index(self._schema, path=str(self._segments))
        index.register_tokenizer(_SPACES, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        index.config_reader("manual")
        index.reload()
        return index

    @classmethod
    def load(cls, directory: Path, *, positions: bool = True) -> Self:
        """Raises WordsDamaged: missing, damaged, or made by other rules."""
        try:
            manifest = json.loads((directory / _MANIFEST).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise WordsDamaged("it is missing or unreadable") from error
        if manifest != _manifest(positions):
            raise WordsDamaged("it was made by other rules")
        try:
            return cls(directory, positions=positions)
        except (ValueError, OSError) as error:
            raise WordsDamaged(f"it cannot be opened: {error}") from error

    @classmethod
    def empty(cls, directory: Path, *, positions: bool = True) -> Self:
        """A new index in place of whatever is there. Raises OSError."""
        shutil.rmtree(directory, ignore_errors=True)
        (directory / _SEGMENTS).mkdir(parents=True)
        try:
            made = cls(directory, positions=positions)
        except ValueError as error:
            raise OSError(f"the index of words: {error}") from error
        made.commit()
        made.release()
        (directory / _MANIFEST).write_text(json.dumps(_manifest(positions)), "utf-8")
        return made

    def __len__(self) -> int:
        return int(self._index.searcher().num_docs)

    def replace(self, groups: Sequence[int], keys: Sequence[int], entries: Iterable[Entry]) -> None:
        with self._writing, self._or_nothing() as writer:
            for field, values in (("group", groups), ("key", keys)):
                if values:
                    writer.delete_documents_by_query(Query.term_set_query(self._schema, field, list(values)))
            for entry in entries:
                document = tantivy.Document()
                document.add_unsigned("key", entry.key)
                document.add_unsigned("group", entry.group)
                document.add_text("words", " ".join(entry.terms))
                writer.add_document(document)
                self._vocabulary.add(entry.terms)

    def commit(self) -> None:
        with self._writing, self._or_nothing() as writer:
            writer.commit()
            self._index.reload()
            self._vocabulary.committed()

    def release(self) -> None:
        with self._writing:
            if self._writer is not None:
                writer, self._writer = self._writer, None
                with suppress(ValueError):  # what was committed is there, merged or not
                    writer.wait_merging_threads()
                self._index.reload()
        forget()

    def ease(self) -> None:
        with self._writing:
            if self._writer is None:
                # What was read stays mapped, and counts as this process's, for as long as the index is open.
                with suppress(ValueError):
                    self._index = self._open()
                self._vocabulary = Vocabulary(self._terms)
        forget()

    def close(self) -> None:
        self.release()

    def search(self, wanted: Wanted, k: int, allowed: Ids | None = None) -> tuple[Ids, Ids, Scores]:
        searcher = self._index.searcher()
        query = self._query(searcher, wanted)
        if query is None or k <= 0 or not searcher.num_docs or (allowed is not None and not len(allowed)):
            return _nothing()
        if allowed is not None and len(allowed) <= FEW:
            return self._listed(searcher, query, k, allowed)
        depth = k if allowed is None else 4 * k
        while True:
            keys, groups, scores = self._found(searcher, query, depth)
            kept = np.arange(len(keys)) if allowed is None else np.flatnonzero(_within(groups, allowed))
            if len(kept) >= k or len(keys) < depth:
                break
            if allowed is not None and len(allowed) <= LISTED:
                return self._listed(searcher, query, k, allowed)
            depth *= 8
        return _best(keys[kept], groups[kept], scores[kept], k)

    def _listed(
        self, searcher: tantivy.Searcher, query: Query, k: int, allowed: Ids
    ) -> tuple[Ids, Ids, Scores]:
        """Among groups that the search is told."""
        listed = Query.const_score_query(Query.term_set_query(self._schema, "group", allowed.tolist()), 0.0)
        both = Query.boolean_query([(Occur.Must, query), (Occur.Must, listed)])
        return _best(*self._found(searcher, both, k), k)

    def _found(self, searcher: tantivy.Searcher, query: Query, depth: int) -> tuple[Ids, Ids, Scores]:
        found = searcher.search(query, limit=depth, count=False).hits
        addresses = [address for _, address in found]
        return (
            np.array(searcher.fast_field_values("key", addresses), np.int64),
            np.array(searcher.fast_field_values("group", addresses), np.int64),
            np.array([score for score, _ in found], np.float32),
        )

    def score(self, wanted: Wanted, keys: Ids) -> dict[int, float]:
        searcher = self._index.searcher()
        query = self._query(searcher, wanted)
        if query is None or not len(keys):
            return {}
        listed = Query.const_score_query(self._among(keys), 0.0)
        both = Query.boolean_query([(Occur.Must, query), (Occur.Must, listed)])
        found = searcher.search(both, limit=len(keys), count=False).hits
        there = searcher.fast_field_values("key", [address for _, address in found])
        return {
            int(key): float(score) for key, (score, _) in zip(there, found, strict=True) if key is not None
        }

    def meant(self, wanted: Wanted) -> Wanted:
        if not wanted.tolerant:
            return wanted
        searcher = self._index.searcher()
        some = tuple(
            replace(unit, within=self._vocabulary.holding(min(missing, key=len)))
            if not unit.prefix and not self._known(searcher, unit) and (missing := _missing(unit))
            else unit
            for unit in wanted.some
        )
        return replace(wanted, some=some)

    def obeying(self, wanted: Wanted, keys: Ids) -> tuple[set[int], set[int]]:
        if not len(keys):
            return set(), set()
        searcher = self._index.searcher()
        listed = (Occur.Must, self._among(keys))
        demands = [(Occur.Must, self._unit(searcher, unit, False)) for unit in wanted.all_of]
        demands += [(Occur.MustNot, self._unit(searcher, unit, False)) for unit in wanted.none_of]
        there, obeying = (
            searcher.search(Query.boolean_query(clauses), limit=len(keys), count=False).hits
            for clauses in ([listed], [listed, *demands])
        )
        return self._keys(searcher, there), self._keys(searcher, obeying)

    def frequency(self, term: str) -> int:
        """How many entries hold a term."""
        return int(self._index.searcher().doc_freq("words", term))

    def _terms(self) -> list[str]:
        return [term for term, _ in self._index.searcher().terms_with_prefix("words", "")]

    @contextmanager
    def _or_nothing(self) -> Iterator[tantivy.IndexWriter]:
        """The writer; what fails takes with it all that was not committed. A writer whose thread has ended on
        a full disk would go on to commit without what it was given."""
        try:
            if self._writer is None:
                self._writer = self._index.writer(heap_size=HEAP, num_threads=1)
            yield self._writer
        except ValueError as error:
            self._writer = None
            raise OSError(f"the index of words: {error}") from error
        except BaseException:
            self._writer = None
            raise

    def _query(self, searcher: tantivy.Searcher, wanted: Wanted) -> Query | None:
        if wanted.empty:
            return None
        clauses = [(Occur.Must, self._unit(searcher, unit, False)) for unit in wanted.all_of]
        some = [
            (Occur.Should, self._unit(searcher, unit, wanted.tolerant, optional=True)) for unit in wanted.some
        ]
        if some and clauses:
            clauses.append((Occur.Should, Query.boolean_query(some)))
        clauses += some if not clauses else []
        clauses += [(Occur.MustNot, self._unit(searcher, unit, False)) for unit in wanted.none_of]
        return Query.boolean_query(clauses)

    def _unit(
        self, searcher: tantivy.Searcher, unit: Unit, tolerant: bool, *, optional: bool = False
    ) -> Query:
        runs: list[Query] = []
        known = self._known(searcher, unit)
        if unit.prefix:
            found = [
                term
                for run in unit.alternatives
                for term, _ in searcher.terms_with_prefix("words", run[-1], limit=_MOST_CONTINUATIONS)
            ]
            runs = [self._run((term,)) for term in found]
        elif known:
            runs = [self._run(run) for run in known]
        elif tolerant:
            runs = self._otherwise(unit)
        if not runs and optional:  # of a name that is nowhere whole, its parts may be somewhere
            parts = {term for run in unit.alternatives if len(run) > 1 for term in run}
            if any(len(run) == 1 for run in unit.alternatives):
                runs = [self._run((term,)) for term in sorted(parts) if searcher.doc_freq("words", term)]
        if not runs:
            return Query.empty_query()
        return runs[0] if len(runs) == 1 else Query.disjunction_max_query(runs)

    def _known(self, searcher: tantivy.Searcher, unit: Unit) -> list[tuple[str, ...]]:
        return [run for run in unit.alternatives if all(searcher.doc_freq("words", term) for term in run)]

    def _otherwise(self, unit: Unit) -> list[Query]:
        """For a word that no text holds: words a letter or two away, and words that it is a part of."""
        if not (missing := _missing(unit)):
            return []
        distance = 1 if len(missing[0]) < 2 * _LEAST_MISSPELT else 2
        queries = [Query.fuzzy_term_query(self._schema, "words", missing[0], distance=distance)]
        within = self._vocabulary.holding(min(missing, key=len)) if unit.within is None else unit.within
        if within:
            queries.append(Query.term_set_query(self._schema, "words", list(within)))
        return [Query.boost_query(query, _OTHER_SPELLING) for query in queries]

    def _among(self, keys: Ids) -> Query:
        """One by one: hundreds are found in a sixth of the time that a query for a set of terms takes."""
        return Query.boolean_query(
            [(Occur.Should, Query.term_query(self._schema, "key", key)) for key in keys.tolist()]
        )

    def _keys(self, searcher: tantivy.Searcher, hits: Sequence[tuple[float, Any]]) -> set[int]:
        there = searcher.fast_field_values("key", [address for _, address in hits])
        return {int(key) for key in there if key is not None}

    def _run(self, run: Sequence[str]) -> Query:
        if len(run) == 1:
            return Query.term_query(self._schema, "words", run[0])
        return Query.phrase_query(self._schema, "words", list(run))


def _missing(unit: Unit) -> list[str]:
    """The spellings of a word that may be misspelt or a part of another."""
    single = [run[0] for run in unit.alternatives if len(run) == 1]
    return [term for term in single if len(term) >= _LEAST_MISSPELT and not any(map(str.isdigit, term))]


def _schema(positions: bool) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", indexed=True, fast=True)
    builder.add_unsigned_field("group", indexed=True, fast=True)
    builder.add_text_field("words", tokenizer_name=_SPACES, index_option="position" if positions else "freq")
    return builder.build()


def _manifest(positions: bool) -> dict[str, object]:
    return {"format": _FORMAT, "rules": RULES, "library": version("tantivy"), "positions": positions}


def _best(keys: Ids, groups: Ids, scores: Scores, k: int) -> tuple[Ids, Ids, Scores]:
    order = np.lexsort((keys, -scores))[:k]
    return keys[order], groups[order], scores[order]


def _within(groups: Ids, allowed: Ids) -> npt.NDArray[np.bool_]:
    at = np.searchsorted(allowed, groups)
    at[at == len(allowed)] = 0
    return np.asarray(allowed[at] == groups)


def _nothing() -> tuple[Ids, Ids, Scores]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
