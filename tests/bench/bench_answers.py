"""Extractive answers of a real daemon over all collections indexed together: what is quoted, what is cited,
what is refused, and the risk-coverage curve.

    python -m tests.bench.bench_answers [--sample N] [--state FOLDER] [--write]

The daemon is asked through `/api/v1/ask`; FOLDER keeps its index for the next time. Foreign questions are
those of a collection asked with its own volume filtered out, as if its documents were not there. In shares of
questions, each refused one counting as neither quoted nor cited:

    found      the quotes hold an accepted answer (long answers: half of their words; else its evidence)
    cited      a citation names a relevant file;    first: the first one does
    refused    answerable questions that are refused
    near miss  questions without an answer, for which a file looks right, that are refused
    foreign    questions about documents that are not there that are refused

Half of the questions of clapnq, multihop and covidqa (those whose id hashes to an even number) were used to
fit the confidence, and half of cranfield's as foreign ones; the sentences' weights were fitted on clapnq and
covidqa. Only the other halves, and xquad and sec10q as they are, stand in the table and the curve.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from nasd import wire
from nasd.answer.confidence import SURE_ENOUGH
from nasd.client import Client
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import PreparedModel, prepare
from tests.bench.bench_extractive import says
from tests.bench.collections import COLLECTIONS, Question, read_questions
from tests.conftest import CORPORA
from tests.wired.process import DaemonProcess, settled

RESULTS = Path(__file__).parents[1] / "results"
FITTED = frozenset({"clapnq", "multihop", "covidqa", "cranfield"})
TARGETED = ("clapnq", "multihop", "xquad")
CONCURRENT = 3
CONFIG = '[load]\nwhen_busy = "run"\n[answer]\nleast_confidence = 0.0\n'
"""Nothing is refused, so that what would have been quoted is known; the confidence tells what is refused at
each setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    collection: str
    kind: str  # "answerable", "near miss" or "foreign"
    confidence: float
    found: bool = False
    cited: bool = False
    first: bool = False

    @property
    def abstained(self) -> bool:
        """At the setting that comes with nasd."""
        return self.confidence < SURE_ENOUGH


def held_out(collection: str, question: Question) -> bool:
    """Whether nothing was fitted on this question."""
    digest = hashlib.sha1(question.id.encode(), usedforsecurity=False).hexdigest()
    return collection not in FITTED or int(digest, 16) % 2 == 1


async def ask(client: Client, collection: str, kind: str, question: Question) -> Asked:
    others = [name for name in COLLECTIONS if name != collection]
    filters = wire.FiltersIn(volumes=others) if kind == "foreign" else wire.FiltersIn()
    reply = await client.ask(wire.AskIn(question=question.text, answerer="extractive", filters=filters))
    files = [
        f"docs/{citation.file.path}" if citation.file.volume == collection else ""
        for citation in reply.citations
    ]
    return Asked(
        collection=collection,
        kind=kind,
        confidence=reply.confidence or 0.0,
        found=says(question, "\n".join(citation.quote for citation in reply.citations)),
        cited=not question.relevant.isdisjoint(files),
        first=bool(files) and files[0] in question.relevant,
    )


async def ask_all(client: Client, sample: int) -> list[Asked]:
    rng = random.Random(7)
    wanted: list[tuple[str, str, Question]] = []
    for name in COLLECTIONS:
        questions = [one for one in read_questions(CORPORA, name) if one.lang == "en" and held_out(name, one)]
        answerable = [one for one in questions if one.relevant]
        near = [one for one in questions if one.unanswerable]
        if name != "cranfield":
            wanted += [
                (name, "answerable", one) for one in rng.sample(answerable, min(sample, len(answerable)))
            ]
        wanted += [(name, "near miss", one) for one in rng.sample(near, min(sample, len(near)))]
        wanted += [(name, "foreign", one) for one in rng.sample(answerable, min(sample, len(answerable)))]
    turn = asyncio.Semaphore(CONCURRENT)
    done = 0

    async def one(name: str, kind: str, question: Question) -> Asked:
        nonlocal done
        async with turn:
            answer = await ask(client, name, kind, question)
        done += 1
        if done % 100 == 0:
            print(f"{done} of {len(wanted)} asked", file=sys.stderr, flush=True)
        return answer

    return list(await asyncio.gather(*(one(*each) for each in wanted)))


async def measure(folder: Path, model: PreparedModel, sample: int) -> list[Asked]:
    daemon = DaemonProcess(folder, model, config=CONFIG)
    daemon.start()
    try:
        await daemon.ready()
        async with daemon.client() as client:
            known = {volume.name for volume in await client.volumes()}
            for name in COLLECTIONS:
                if name not in known:
                    daemon.cli("volume", "add", str(CORPORA / "retrieval" / name / "docs"), "--name", name)
            await settled(client, timeout_s=3600)
            return await ask_all(client, sample)
    finally:
        daemon.end()


def rendered(asked: Sequence[Asked]) -> str:
    lines = [
        "# Extractive answers, all collections in one index",
        "",
        "Made by `python -m tests.bench.bench_answers --write`. Nothing was fitted on these questions; xquad",
        "and sec10q are whole, of the others it is the half that was held out.",
        "",
        "| collection | questions | found | cited | first | found of answered | cited of answered | refused "
        "| near miss | foreign |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in COLLECTIONS:
        some = [one for one in asked if one.collection == name]
        answerable = [one for one in some if one.kind == "answerable"]
        given = [one for one in answerable if not one.abstained]
        cells = [
            *(
                _share([getattr(one, part) and not one.abstained for one in answerable])
                for part in ("found", "cited", "first")
            ),
            *(_share([getattr(one, part) for one in given]) for part in ("found", "cited")),
            _share([one.abstained for one in answerable]),
            *(
                _share([one.abstained for one in some if one.kind == kind])
                for kind in ("near miss", "foreign")
            ),
        ]
        lines.append(f"| {name} | {len(answerable)} | {' | '.join(cells)} |")
    lines += [
        "",
        "## Risk and coverage",
        "",
        "At each setting, by the confidence below which is refused: wrongly refused (the mean of clapnq,",
        "multihop and xquad), refused near misses of clapnq and multihop, refused foreign questions of all;",
        "and the risk: answers to the three, near misses included, that do not hold an accepted answer.",
        "",
        "| confidence | wrongly refused | near miss clapnq | near miss multihop | foreign | answered "
        "| risk |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for percent in range(0, 95, 5):
        lines.append(_point(asked, percent / 100))
    return "\n".join(lines) + "\n"


def _point(asked: Sequence[Asked], least: float) -> str:
    def refused(kind: str, name: str | None = None) -> list[bool]:
        return [
            one.confidence < least
            for one in asked
            if one.kind == kind and (name is None or one.collection == name)
        ]

    wrong = fmean(fmean(part) for name in TARGETED if (part := refused("answerable", name)))
    meant = [one for one in asked if one.collection in TARGETED and one.kind != "foreign"]
    given = [one for one in meant if one.confidence >= least]
    risk = _share([one.kind == "near miss" or not one.found for one in given])
    cells = [
        f"{least:.2f}",
        f"{wrong:.2f}",
        *(_share(refused("near miss", name)) for name in ("clapnq", "multihop")),
        _share(refused("foreign")),
        f"{len(given) / max(1, len(meant)):.2f}",
        risk,
    ]
    return f"| {' | '.join(cells)} |"


def _share(values: Sequence[bool]) -> str:
    return f"{fmean(values):.2f}" if values else ""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, default=100, help="questions of each kind of a collection")
    parser.add_argument("--state", type=Path, help="keeps the index here")
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}/answers.json and .md")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nasd-answers-") as scratch:
        folder = given.state or Path(scratch) / "state"
        model = prepare(folder.parent / "models", DEFAULT_MODEL)
        asked = asyncio.run(measure(folder, model, given.sample))
    page = rendered(asked)
    print(page)
    if given.write:
        RESULTS.mkdir(exist_ok=True)
        rows = [{part: getattr(one, part) for part in one.__slots__} for one in asked]
        (RESULTS / "answers.json").write_text(json.dumps(rows) + "\n", "utf-8")
        (RESULTS / "answers.md").write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
