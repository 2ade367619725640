"""How often the extractive answerer cites a right file, quotes the answer, and refuses.

    python -m tests.bench.bench_extractive [--model FOLDER] [--sample N] [collection ...]

FOLDER is a prepared model (`nasd model prepare`); without one, words alone. Hits are found in process: by
words as the daemon finds them and, with a model, by vectors, fused by their scores. Per collection, in shares
of questions:

    cited      answered, and the first citation names a relevant file
    any        … any citation does
    first      answered, and the first quote holds the answer
    found      … the quotes together do (long answers: half of their words; figures: one of them)
    refused    answerable questions that are refused
    near miss  questions without an answer, for which a file looks right, that are refused
    foreign    questions of the other collections that are refused
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import tempfile
import unicodedata
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasd.answer.extractive import ExtractiveAnswerer
from nasd.answer.words import stems
from nasd.domain.passages import embedded_text
from nasd.domain.queries import parse
from nasd.domain.search import Answer, Hit, Lane
from nasd.domain.stopwords import STOP_WORDS
from nasd.flows.search import DEPTH, MEANING_WEIGHT
from nasd.flows.word_search import DOCUMENT_WEIGHT
from nasd.index.fuse import Ranked, fuse
from nasd.words.base import Entry, Wanted
from nasd.words.query import wanted
from nasd.words.tantivy_words import TantivyWords
from nasd.words.terms import language_of, terms
from tests.bench.collections import Collection, Question, load
from tests.conftest import CORPORA

COLLECTIONS = ("clapnq", "xquad", "multihop", "covidqa", "sec10q")
Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
_PLAIN = {
    0x2018: "'",
    0x2019: "'",
    0x201C: '"',
    0x201D: '"',
    0x2013: "-",
    0x2014: "-",
    0x2011: "-",
    0xA0: " ",
}
_IDLE = {stem for word in STOP_WORDS["en"] for stem in stems(word)}


class Library:
    """A collection that can be searched."""

    def __init__(self, collection: Collection, embed: Embed | None) -> None:
        self.collection = collection
        folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._passages, self._documents = TantivyWords.empty(folder / "p"), TantivyWords.empty(folder / "d")
        self._fill()
        self._vectors = None
        self._embed = embed
        if embed is not None:
            self._vectors = embed(
                [
                    embedded_text(
                        chunk.file.title, chunk.passage.passage.place.heading, chunk.passage.passage.text
                    )
                    for chunk in collection.chunks
                ]
            )

    def _fill(self) -> None:
        """A file is a group, and all its passages are a document, as in `nasd.flows.word_search`."""
        whole: dict[int, list[str]] = {}
        passages = []
        for number, chunk in enumerate(self.collection.chunks):
            text, heading = chunk.passage.passage.text, chunk.passage.passage.place.heading or ""
            language = language_of(text)
            own = [*terms(heading, language), *terms(text, language)]
            title = terms(chunk.file.title or "", language)
            passages.append(Entry(key=number, group=chunk.file.id, terms=[*title, *own]))
            whole.setdefault(chunk.file.id, list(title)).extend(own)
        self._passages.replace((), (), passages)
        self._documents.replace(
            (), (), [Entry(key=one, group=one, terms=all_) for one, all_ in whole.items()]
        )
        for index in (self._passages, self._documents):
            index.commit()
            index.release()

    def _scores(self, asked: Wanted, numbers: Sequence[int]) -> dict[int, float]:
        files = [self.collection.chunks[number].file.id for number in numbers]
        by_file = self._documents.score(asked, np.unique(np.array(files, np.int64)))
        own = self._passages.score(asked, np.array(sorted(numbers), np.int64))
        return {
            number: own.get(number, 0.0) + DOCUMENT_WEIGHT * by_file.get(file, 0.0)
            for number, file in zip(numbers, files, strict=True)
        }

    def hits(self, text: str, k: int = 20) -> list[Hit]:
        """The best passages, at most three of one file among the first ten."""
        asked = wanted(parse(text), quoted="may")
        words = self._scores(asked, self._passages.search(asked, DEPTH)[0].tolist())
        lanes = {Lane.LEXICAL: Ranked(found=words, others={}, weight=1.0)}
        if self._vectors is not None and self._embed is not None:
            near = self._vectors @ self._embed([text])[0]
            meaning = {int(number): float(near[number]) for number in np.argsort(-near)[:DEPTH]}
            lanes = {
                Lane.LEXICAL: Ranked(
                    found=words,
                    others=self._scores(asked, [number for number in meaning if number not in words]),
                    weight=1.0 - MEANING_WEIGHT,
                    absent=0.0,
                ),
                Lane.SEMANTIC: Ranked(
                    found=meaning, others={n: float(near[n]) for n in words}, weight=MEANING_WEIGHT
                ),
            }
        kept: list[Hit] = []
        for one in fuse(lanes):
            chunk = self.collection.chunks[one.id]
            if len(kept) < 10 and sum(hit.file.path == chunk.file.path for hit in kept) >= 3:
                continue
            kept.append(Hit(rank=len(kept) + 1, score=one.score, file=chunk.file, passage=chunk.passage))
            if len(kept) == k:
                break
        return kept


def plain(text: str) -> str:
    """Text for comparison: compatibility forms, lower case, no spaces, hyphens or marks."""
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN).lower()
    return re.sub(r"[\s\-*_#`\\|>]+", "", text)


def says(question: Question, quoted: str) -> bool:
    """Whether quoted text holds the answer."""
    if any(len(plain(quote)) > 3 and plain(quote) in plain(quoted) for quote in question.evidence):
        return True
    for answer in question.answers:
        figures = set(re.findall(r"\d[\d,.]{3,}\d", answer)) - {"2021", "2022", "2023"}
        if len(answer.split()) <= 8:
            if plain(answer) in plain(quoted):
                return True
        elif figures and question.relevant and next(iter(question.relevant)).endswith(".pdf"):
            if any(figure in quoted for figure in figures):
                return True
        else:
            words = set(stems(answer)) - _IDLE
            if words and len(words & set(stems(quoted))) >= 0.5 * len(words):
                return True
    return False


def shares(
    library: Library, foreign: Sequence[Question], embed: Embed | None, sample: int, seed: int = 11
) -> dict[str, float]:
    """The shares described above; a part without questions is left out."""
    answerer = ExtractiveAnswerer()
    rng = random.Random(seed)

    def some(questions: Sequence[Question]) -> list[Question]:
        return rng.sample(list(questions), min(sample, len(questions)))

    def ask(question: Question) -> Answer:
        return answerer.answer(question.text, library.hits(question.text), embed)

    def share(values: Sequence[bool]) -> float:
        return sum(values) / len(values)

    answerable = some([question for question in library.collection.questions if question.relevant])
    pairs = [(question, ask(question)) for question in answerable]
    files = [[citation.file.path.decode() for citation in answer.citations] for _, answer in pairs]
    quotes = [[citation.quote for citation in answer.citations] for _, answer in pairs]
    result = {
        "cited": share([bool(f) and f[0] in q.relevant for (q, _), f in zip(pairs, files, strict=True)]),
        "any": share([not q.relevant.isdisjoint(f) for (q, _), f in zip(pairs, files, strict=True)]),
        "first": share([bool(t) and says(q, t[0]) for (q, _), t in zip(pairs, quotes, strict=True)]),
        "found": share([says(q, "\n".join(t)) for (q, _), t in zip(pairs, quotes, strict=True)]),
        "refused": share([answer.abstained for _, answer in pairs]),
    }
    near = some([question for question in library.collection.questions if question.unanswerable])
    if near:
        result["near miss"] = share([ask(question).abstained for question in near])
    if foreign:
        result["foreign"] = share([ask(question).abstained for question in some(foreign)])
    result["sentences"] = share_of_sentences([answer for _, answer in pairs])
    return result


def share_of_sentences(answers: Sequence[Answer]) -> float:
    """Sentences in an answer that is none of the refused, on average."""
    given = [len(answer.sentences) for answer in answers if not answer.abstained]
    return sum(given) / max(1, len(given))


def open_model(folder: Path) -> Embed:
    """A prepared model that remembers what it embedded."""
    from nasd.embed.onnx import OnnxEmbedder

    embedder = OnnxEmbedder(folder)
    known: dict[str, npt.NDArray[np.float32]] = {}

    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        new = sorted({text for text in texts if text not in known}, key=len)
        known.update(zip(new, embedder.embed_documents(new), strict=True))
        return np.stack([known[text] for text in texts])

    return embed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("collections", nargs="*", default=COLLECTIONS)
    options = parser.parse_args()
    run(options.collections, open_model(options.model) if options.model else None, options.sample)


def run(names: Sequence[str], embed: Embed | None, sample: int) -> None:
    """Print the shares of each collection, against the English questions of all others."""
    loaded = {name: load(CORPORA, name) for name in COLLECTIONS}
    for name in names:
        foreign = [
            question
            for other, collection in loaded.items()
            for question in collection.questions
            if other != name and question.relevant and question.lang == "en"
        ]
        result = shares(Library(loaded[name], embed), foreign, embed, sample)
        print(f"{name:9}", "  ".join(f"{label} {value:.2f}" for label, value in result.items()), flush=True)


if __name__ == "__main__":
    main()
