"""How many sentences that people wrote from a passage the verification lets pass, and how many about others.

    python -m tests.bench.bench_verify [--model FOLDER] [--sample N]

The reference answers of clapnq (set on) and covidqa (proven on) are cut into sentences. Each is checked
against the passages of the document it was written from that share most words with it (true), against those
of another document (wrong passage), and, with one number, one name or its negation changed, against its own
(false). FOLDER is a prepared model; without one, meaning is not compared.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from pathlib import Path

from nasd.answer.claims import Claim
from nasd.answer.sentences import split
from nasd.answer.verify import Alike, Evidence, Verdict, verify
from nasd.answer.words import stems
from tests.bench.bench_extractive import open_model
from tests.bench.collections import Collection, load
from tests.conftest import CORPORA

PASSAGES = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--sample", type=int, default=150)
    given = parser.parse_args()
    alike: Alike | None = None
    if given.model:
        embed = open_model(given.model)

        def alike(one: str, other: str) -> float:
            first, second = embed([one, other])
            return float(first @ second)

    for name in ("clapnq", "covidqa"):
        print(name, measure(load(CORPORA, name), alike, given.sample), flush=True)


def measure(collection: Collection, alike: Alike | None, sample: int) -> dict[str, str]:
    rng = random.Random(3)
    chunks: dict[str, list[str]] = {}
    for chunk in collection.chunks:
        chunks.setdefault(chunk.path, []).append(chunk.passage.passage.text)
    titles = {chunk.path: chunk.file.title or "" for chunk in collection.chunks}
    words = {path: frozenset(stems(" ".join(texts))) for path, texts in chunks.items()}

    def evidence(path: str, own: frozenset[str]) -> dict[int, Evidence]:
        best = sorted(chunks[path], key=lambda text: -len(own & frozenset(stems(text))))[:PASSAGES]
        return {
            number: Evidence(text, [(span.start, span.end) for span in split(text)], titles[path])
            for number, text in enumerate(best, 1)
        }

    passed: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    doubts: Counter[str] = Counter()
    questions = [one for one in collection.questions if one.relevant and one.answers]
    for question in rng.sample(questions, min(sample, len(questions))):
        path = min(question.relevant)
        for span in split(question.answers[0]):
            text = question.answers[0][span.start : span.end]
            own = frozenset(stems(text))
            if len(own) < 6:
                continue
            other = max(
                (one for one in words if one not in question.relevant), key=lambda one: len(words[one] & own)
            )
            for kind, said, where in (
                ("true", text, path),
                ("wrong passage", text, other),
                *_falsified(text, path),
            ):
                verdict: Verdict = verify(
                    Claim(said, tuple(passages := evidence(where, own))), passages, alike=alike
                )
                asked[kind] += 1
                passed[kind] += verdict.supported
                if kind == "true" and verdict.doubt:
                    doubts[verdict.doubt.name] += 1
    figures = {kind: f"{passed[kind] / asked[kind]:.2f} of {asked[kind]}" for kind in asked}
    return figures | {"doubts": ", ".join(f"{name} {count}" for name, count in doubts.most_common())}


def _falsified(text: str, path: str) -> list[tuple[str, str, str]]:
    changed = []
    if number := re.search(r"\d+", text):
        changed.append(
            ("other number", f"{text[: number.start()]}{int(number[0]) + 7}{text[number.end() :]}", path)
        )
    if name := re.search(r"(?<=[a-z,] )[A-Z][a-z]{3,}", text):
        changed.append(("other name", f"{text[: name.start()]}Zebulon{text[name.end() :]}", path))
    if verb := re.search(r"\b(?:is|are|was|were|has|can|will)\b", text):
        changed.append(("negated", f"{text[: verb.end()]} not{text[verb.end() :]}", path))
    return changed


if __name__ == "__main__":
    main()
