"""nasd beside a plain sentence-transformers and FAISS loop and txtai, in one run on one machine.

    python -m tests.bench.bench_compare [--collection NAME] [--txtai-venv FOLDER [--make]]
        [--sizes 1000,10000,...] [--no-plot] [--no-write]

First the contestants, one after another, each in a process of its own, on one collection: seconds until each
can begin, seconds to index, p50 and p99 of its questions one at a time (ten results), peak memory of all its
processes together (PSS: shared pages count once) while indexing and while answering, nDCG@10 over files. nasd
reads the files itself and answers through its socket; the others are given the texts, cut into passages, and
are called in process. All use all-MiniLM-L6-v2. nasd's model is prepared once before, which is told apart.

txtai has an environment of its own, in FOLDER; `--make` makes it (some GB). Without one the comparison says
that txtai is absent.

Then cost against size, for nasd (`tests.bench.bench_million`, which says how passages are made) and for the
loop over the same vectors: milliseconds and memory at each size. nasd also searches words there.

The figures become `tests/results/compare.json`, `compare.md` and `compare.svg`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from nasd import wire
from nasd.client import Client
from nasd.domain.metrics import ndcg_at, percentile
from nasd.embed.manifest import read_manifest
from nasd.embed.source import DEFAULT_MODEL, locate
from nasd.embed.store import PreparedModel, prepare
from tests.bench import bench_million, made_state
from tests.bench.collections import COLLECTIONS, Collection, Question, load
from tests.bench.lines import Panel, drawn
from tests.bench.million import sentences
from tests.bench.processes import Observed
from tests.conftest import CORPORA
from tests.wired.process import DaemonProcess, settled

RESULTS = Path(__file__).parents[1] / "results"
CONTESTANTS = Path(__file__).with_name("contestants.py")
TORCH = "torch==2.13.0"
TXTAI = "txtai"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
K, DEEP = 10, 100
WARM_UP = ["what is this about", "when did it happen", "who wrote it"]
REAL = 5_000
SIZE_QUERIES = 200
MIB = 1024 * 1024

Figures = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", choices=COLLECTIONS, default="cranfield")
    parser.add_argument("--txtai-venv", type=Path, help="the environment that holds txtai")
    parser.add_argument("--make", action="store_true", help="make that environment")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--no-plot", action="store_true", help="only the contestants on the collection")
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    if given.make:
        make_environment(given.txtai_venv)
    result: dict[str, Any] = {"collection": given.collection, "machine": machine()}
    with tempfile.TemporaryDirectory(prefix="nasd-compare-") as folder:
        scratch = Path(folder)
        began = time.monotonic()
        model = prepare(scratch / "models", DEFAULT_MODEL)
        result["prepare_s"] = round(time.monotonic() - began, 1)
        result["contestants"] = compared(scratch, given.collection, model, given.txtai_venv)
        print(rendered(result), flush=True)
        if not given.no_plot:
            result["sizes"] = against_size(scratch, [int(size) for size in given.sizes.split(",")], model)
    page = rendered(result)
    print(page)
    if not given.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "compare.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        (RESULTS / "compare.md").write_text(page, "utf-8")
        if "sizes" in result:
            (RESULTS / "compare.svg").write_text(plotted(result["sizes"]), "utf-8")
    return 0


def machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.machine()}"


def make_environment(folder: Path | None) -> None:
    """An environment with txtai and the torch that nasd's own development uses."""
    if folder is None:
        raise SystemExit("Say where: --txtai-venv FOLDER --make.")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", TXTAI, TORCH], check=True)


def txtai_python(folder: Path | None) -> Path | None:
    """The interpreter that can import txtai, or None."""
    if folder is None or not (python := folder / "bin" / "python").exists():
        return None
    look = "import importlib.util as u, sys; sys.exit(u.find_spec('txtai') is None)"
    return python if subprocess.run([python, "-c", look], check=False).returncode == 0 else None


def compared(
    scratch: Path, name: str, model: PreparedModel, environment: Path | None
) -> dict[str, Figures | None]:
    """Of each contestant its figures; None for those that are absent."""
    collection = load(CORPORA, name)
    questions = [question for question in collection.questions if question.relevant]
    given = scratch / "given.json"
    texts = [embeddable(chunk.passage.passage.text) for chunk in collection.chunks]
    given.write_text(json.dumps(input_of([one.text for one in questions], texts=texts)), "utf-8")
    python, other = Path(sys.executable), txtai_python(environment)
    found: dict[str, Figures | None] = {}
    for kind in ("nasd", "loop", "txtai", "txtai-hybrid"):
        if kind == "nasd":
            found[kind] = asyncio.run(nasd(scratch / "state", name, questions, model))
        elif kind == "loop":
            found[kind] = contestant(python, kind, given, collection, questions)
        else:
            found[kind] = None if other is None else contestant(other, kind, given, collection, questions)
        print(f"{kind}: {found[kind] or 'absent'}", file=sys.stderr, flush=True)
    return found


def embeddable(text: str) -> str:
    return " ".join(text.split())


def input_of(queries: Sequence[str], *, deep: int = DEEP, **more: Any) -> dict[str, Any]:
    return {
        "model": str(locate(DEFAULT_MODEL)),
        "queries": list(queries),
        "warm_up": WARM_UP,
        "k": K,
        "deep": deep,
        **more,
    }


async def nasd(folder: Path, name: str, questions: Sequence[Question], model: PreparedModel) -> Figures:
    """A real daemon, from the empty state on."""
    daemon = DaemonProcess(folder, model, config=bench_million.with_load(""))
    began = time.monotonic()
    daemon.start()
    try:
        await daemon.ready()
        assert daemon.process is not None
        async with daemon.client() as client:
            await _model_ready(client)
            ready_s = time.monotonic() - began
            with Observed(daemon.process.pid) as indexing:
                began = time.monotonic()
                docs = str(CORPORA / "retrieval" / name / "docs")
                await client.add_volume(wire.VolumeIn(name=name, path=docs))
                await settled(client, timeout_s=7200)
                index_s = time.monotonic() - began
            with Observed(daemon.process.pid) as answering:
                for query in WARM_UP:
                    await client.search(wire.SearchIn(query=query, k=K))
                took = []
                for question in questions:
                    at = time.perf_counter()
                    await client.search(wire.SearchIn(query=question.text, k=K))
                    took.append((time.perf_counter() - at) * 1000)
            found = []
            for question in questions:
                reply = await client.search(wire.SearchIn(query=question.text, k=DEEP))
                found.append([f"docs/{hit.file.path}" for hit in reply.hits])
        daemon.terminate()
    finally:
        daemon.end()
    return figures(ready_s, index_s, took, indexing, answering) | quality(questions, found)


async def _model_ready(client: Client) -> None:
    while not any(model.state == "ready" for model in await client.models()):
        await asyncio.sleep(0.05)


def contestant(
    python: Path, kind: str, given: Path, collection: Collection | None, questions: Sequence[Question]
) -> Figures:
    """Runs `contestants.py` and looks at its memory. Raises RuntimeError with what it said when it fails."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    environment.pop("PYTHONPATH", None)
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [python, "-P", CONTESTANTS, kind, given],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        ) as child,
    ):
        try:
            assert child.stdout is not None
            with Observed(child.pid) as indexing:
                ready, indexed = (_said(child.stdout.readline()) for _ in range(2))
            with Observed(child.pid) as answering:
                took = _said(child.stdout.readline())
            last = _said(child.stdout.readline())
        except ValueError:
            child.kill()
            errors.seek(0)
            raise RuntimeError(f"{kind} failed:\n{errors.read()[-2000:]}") from None
    told = figures(ready["ready_s"], indexed["index_s"], took["ms"], indexing, answering)
    if collection is None:
        return told
    paths = [chunk.path for chunk in collection.chunks]
    return told | quality(questions, [[paths[one] for one in some] for some in last["found"]])


def _said(line: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(line)
    return said


def figures(
    ready_s: float, index_s: float, took: Sequence[float], indexing: Observed, answering: Observed
) -> Figures:
    return {
        "ready_s": round(ready_s, 1),
        "index_s": round(index_s, 1),
        "p50_ms": round(percentile(took, 0.5), 1),
        "p99_ms": round(percentile(took, 0.99), 1),
        "index_peak_mib": round(indexing.cost.peak_bytes / MIB),
        "answer_peak_mib": round(answering.cost.peak_bytes / MIB),
    }


def quality(questions: Sequence[Question], found: Sequence[Sequence[str]]) -> Figures:
    """nDCG@10 over files: each once, by its best passage; graded where the collection is."""
    scores = []
    for question, paths in zip(questions, found, strict=True):
        ignored = {path.partition("#")[0] for path in question.ignore}
        gains = {path: float(question.grades.get(path, 1)) for path in question.relevant}
        scores.append(ndcg_at(10, [path for path in paths if path not in ignored], gains))
    return {"ndcg@10": round(fmean(scores), 4)}


def against_size(scratch: Path, sizes: Sequence[int], model: PreparedModel) -> dict[str, dict[str, Figures]]:
    """By contestant and size (as text): milliseconds and MiB."""
    told: dict[str, dict[str, Figures]] = {"nasd": {}, "loop": {}}
    pool = sentences(CORPORA)
    kept, rows = scratch / "vectors.npz", scratch / "rows.npy"
    questions = [one.text for name in COLLECTIONS for one in load(CORPORA, name).questions][:SIZE_QUERIES]
    for size in sizes:
        real = min(REAL, size)
        folder = scratch / f"size-{size}"
        made_state.make(folder, size, model.folder, real=real, kept=kept)
        one = asyncio.run(bench_million.measured(folder, size, SIZE_QUERIES, 0))
        told["nasd"][str(size)] = {
            "p50_ms": one["alone"]["all"]["p50_ms"],
            "p99_ms": one["alone"]["all"]["p99_ms"],
            "answer_peak_mib": one["rss_mib"],
            "disk_mib": one["disk_mib"]["all"],
        }
        subprocess.run(["rm", "-rf", "--", folder], check=True)
        known = made_state.real_vectors(pool, real, model.folder, kept)
        dimension = read_manifest(model.folder).dimension
        whole = np.lib.format.open_memmap(rows, mode="w+", dtype=np.float16, shape=(size, dimension))
        for at, row in enumerate(islice(made_state.vectors_like(known, size), size)):
            whole[at] = row
        whole.flush()
        given = scratch / "sized.json"
        given.write_text(json.dumps(input_of(questions, deep=0, vectors=str(rows))), "utf-8")
        loop = contestant(Path(sys.executable), "vectors", given, None, ())
        told["loop"][str(size)] = {name: loop[name] for name in ("p50_ms", "p99_ms", "answer_peak_mib")}
        rows.unlink()
        print(f"{size:,}: nasd {told['nasd'][str(size)]}, loop {told['loop'][str(size)]}", flush=True)
    return told


def plotted(sizes: Mapping[str, Mapping[str, Figures]]) -> str:
    """Two panels: time and memory."""

    def line(name: str, what: str) -> list[tuple[float, float]]:
        return [(float(size), max(0.1, float(row[what]))) for size, row in sizes[name].items()]

    times = {
        f"{label}, {what[:3]}": line(name, what)
        for name, label in (("nasd", "nasd (words and meaning)"), ("loop", "loop (meaning alone)"))
        for what in ("p50_ms", "p99_ms")
    }
    memory = {"nasd": line("nasd", "answer_peak_mib"), "loop": line("loop", "answer_peak_mib")}
    return drawn(
        [
            Panel(title="A query", x="passages", y="milliseconds", lines=times),
            Panel(title="Memory while answering", x="passages", y="MiB", lines=memory),
        ]
    )


def rendered(result: Mapping[str, Any]) -> str:
    lines = [
        "# nasd beside others",
        "",
        f"{result['collection']}, {result['machine']}, {DEFAULT_MODEL}. Made by "
        "`python -m tests.bench.bench_compare`, which says what is measured.",
        f"nasd's model was prepared once before, in {result['prepare_s']} s.",
        "",
        "| | start s | index s | query p50 ms | p99 ms | peak MiB, indexing | answering | nDCG@10 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in result["contestants"].items():
        if row is None:
            lines.append(f"| {name} | absent: give --txtai-venv FOLDER, with --make to make it | | | | | | |")
            continue
        cells = (row["ready_s"], row["index_s"], row["p50_ms"], row["p99_ms"])
        sizes = (row["index_peak_mib"], row["answer_peak_mib"], f"{row['ndcg@10']:.3f}")
        lines.append(f"| {name} | {' | '.join(map(str, (*cells, *sizes)))} |")
    for name, by_size in (result.get("sizes") or {}).items():
        lines += ["", f"## {name} by size", "", "| passages | p50 ms | p99 ms | answering MiB |"]
        lines.append("| --- | --- | --- | --- |")
        for size, row in by_size.items():
            lines.append(f"| {int(size):,} | {row['p50_ms']} | {row['p99_ms']} | {row['answer_peak_mib']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
