"""Retrieval quality on the test collections, each indexed alone and all in one index, through a real daemon.

    python -m tests.bench.bench_retrieval [collection ...] [--together] [--keep FOLDER] [--write]

nDCG@10 and recall@10 over files (each once, by its best passage) for each mode, and over pages where the
answers name pages. Nothing is embedded twice: the daemon that has the next collection finds in its catalogue
what was read before; its indexes are made anew. With --keep that is so the next time as well: FOLDER keeps
the state. With `--write` it becomes `tests/results/retrieval.json` and `retrieval.md`. `bm25` is the
better of the baselines that the collections publish, for whole files and for passages.

The weight of meaning (`nasd.flows.search.MEANING_WEIGHT`) was chosen on clapnq, covidqa and xquad; cranfield,
multihop and sec10q were held out. Words alone have one weight (a document's beside its passage's), 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from nasd import wire
from nasd.client import Client
from nasd.domain.metrics import ndcg_at, recall_at
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import PreparedModel, prepare
from tests.bench.collections import COLLECTIONS
from tests.conftest import CORPORA
from tests.wired.process import DaemonProcess, settled

RESULTS = Path(__file__).parents[1] / "results"
MODES = ("hybrid", "semantic", "lexical")
HELD_OUT = ("cranfield", "multihop", "sec10q")
CONCURRENT = 4
DEPTH = 100
"""Passages asked for, so that ten files come out of them."""

Figures = dict[str, dict[str, float]]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Retrieval quality on the test collections.")
    parser.add_argument("collections", nargs="*", default=COLLECTIONS)
    parser.add_argument("--together", action="store_true", help="only all in one index, not each alone")
    parser.add_argument("--keep", type=Path, help="keep the state here, and use it if it is there")
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}/retrieval.json and .md")
    given = parser.parse_args(arguments)
    result: dict[str, dict[str, Figures]] = {"alone": {}, "together": {}}
    with tempfile.TemporaryDirectory(prefix="nasd-retrieval-") as folder:
        kept = given.keep or Path(folder)
        model = prepare(kept / "models", DEFAULT_MODEL)
        if not given.together:
            for name in given.collections:
                result["alone"] |= asyncio.run(measure(kept / "state", [name], model))
                print(_line(name, result["alone"][name]), flush=True)
        result["together"] = asyncio.run(measure(kept / "state", given.collections, model))
        for name, figures in result["together"].items():
            print(_line(f"{name}*", figures), flush=True)
    page = rendered(result)
    print(page)
    if given.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "retrieval.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        (RESULTS / "retrieval.md").write_text(page, "utf-8")
    return 0


async def measure(folder: Path, collections: Sequence[str], model: PreparedModel) -> dict[str, Figures]:
    """Has one daemon index these collections, a volume each, and asks all their questions. It leaves without
    volumes, and what the indexes of words know of documents that are gone is left behind with them."""
    for cache in ("words", "index"):
        shutil.rmtree(folder / cache, ignore_errors=True)
    daemon = DaemonProcess(folder, model, config='[load]\nwhen_busy = "run"\n')
    daemon.start()
    try:
        await daemon.ready()
        for name in (volume["name"] for volume in daemon.cli_json("volume", "list")["items"]):
            daemon.cli("volume", "remove", name)
        for name in collections:
            daemon.cli("volume", "add", str(CORPORA / "retrieval" / name / "docs"), "--name", name)
        async with daemon.client() as client:
            await settled(client, timeout_s=36_000)
            return {name: await _judged(client, name) for name in collections}
    finally:
        daemon.end()


async def _judged(client: Client, collection: str) -> Figures:
    lines = (CORPORA / "retrieval" / collection / "queries.jsonl").read_text("utf-8").splitlines()
    questions = [entry for entry in map(json.loads, lines) if entry["relevant"]]
    turn = asyncio.Semaphore(CONCURRENT)

    async def ask(question: Mapping[str, Any], mode: Any) -> list[tuple[str, int | None]]:
        async with turn:
            reply = await client.search(wire.SearchIn(query=question["query"], k=DEPTH, mode=mode))
        return [(f"{hit.file.volume}/docs/{hit.file.path}", hit.passage.place.page) for hit in reply.hits]

    figures: Figures = {}
    for mode in MODES:
        found = await asyncio.gather(*(ask(question, mode) for question in questions))
        figures[mode] = _measures(collection, list(zip(questions, found, strict=True)))
    return figures


def _measures(
    collection: str, asked: Iterable[tuple[Mapping[str, Any], list[tuple[str, int | None]]]]
) -> dict[str, float]:
    ndcg, recall, page_ndcg, page_recall = [], [], [], []
    for question, found in asked:
        ignored = {_file(path) for path in question.get("ignore") or ()}
        grades = {_file(path): gain for path, gain in (question.get("grades") or {}).items()}
        relevant = {_file(path) for path in question["relevant"]}
        gains = {path: float(grades.get(path, 1)) for path in relevant}
        prefix = f"{collection}/"
        files = [path.removeprefix(prefix) if path.startswith(prefix) else path for path, _ in found]
        files = [path for path in dict.fromkeys(files) if path not in ignored]
        ndcg.append(ndcg_at(10, files, gains))
        recall.append(len(relevant & set(files[:10])) / min(10, len(relevant)))
        evidence = {
            f"{_file(one['path'])}#{one['page']}" for one in question.get("evidence") or () if one.get("page")
        }
        evidence |= {path.replace("page=", "") for path in question["relevant"] if "#page=" in path}
        if evidence:
            pages = list(dict.fromkeys(f"{path.removeprefix(prefix)}#{page}" for path, page in found))
            page_ndcg.append(ndcg_at(10, pages, dict.fromkeys(evidence, 1.0)))
            page_recall.append(recall_at(10, pages, evidence))
    figures = {"ndcg@10": fmean(ndcg), "recall@10": fmean(recall)}
    if page_ndcg:
        figures |= {"page_ndcg@10": fmean(page_ndcg), "page_recall@10": fmean(page_recall)}
    return {name: round(value, 4) for name, value in figures.items()}


def _file(path: str) -> str:
    return path.partition("#")[0]


def _line(name: str, figures: Figures) -> str:
    return f"{name:10} " + "  ".join(
        f"{mode} {figures[mode]['ndcg@10']:.4f}/{figures[mode]['recall@10']:.4f}" for mode in MODES
    )


def baseline(collection: str) -> float:
    """The better of BM25's published nDCG@10 for files and for passages (the mean over the languages where
    the questions have several); 0 when there is none."""
    published = json.loads((CORPORA / "retrieval" / "baselines.json").read_text("utf-8")).get(collection, {})
    units = published.get("all") or published.get("mean", {})
    return max((units[unit]["ndcg@10"] for unit in ("file", "chunk") if unit in units), default=0.0)


def _told(figure: float) -> str:
    return f"{figure:.3f}" if figure else "-"


def rendered(result: Mapping[str, Mapping[str, Figures]]) -> str:
    lines = [
        "# Retrieval quality",
        "",
        "nDCG@10 / recall@10 over files. Made by `python -m tests.bench.bench_retrieval --write`.",
        f"Held out when the one weight was chosen: {', '.join(HELD_OUT)}.",
    ]
    for label, title in (("alone", "Each collection alone"), ("together", "All in one index")):
        some = result.get(label) or {}
        if not some:
            continue
        lines += ["", f"## {title}", "", "| collection | hybrid | by meaning | by words | BM25 |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        for name, figures in some.items():
            cells = [f"{figures[m]['ndcg@10']:.3f} / {figures[m]['recall@10']:.3f}" for m in MODES]
            lines.append(f"| {name} | {' | '.join(cells)} | {_told(baseline(name))} |")
        compared = [name for name in some if baseline(name)]
        if compared:
            means = [fmean(some[name][mode]["ndcg@10"] for name in compared) for mode in MODES]
            means.append(fmean(baseline(name) for name in compared))
            lines.append(f"| mean where there is BM25 | {' | '.join(f'{mean:.3f}' for mean in means)} |")
        for name, figures in some.items():
            if "page_ndcg@10" in figures["hybrid"]:
                told = ", ".join(
                    f"{mode} {figures[mode]['page_ndcg@10']:.3f} / {figures[mode]['page_recall@10']:.3f}"
                    for mode in MODES
                )
                lines += ["", f"{name} by page: {told}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
