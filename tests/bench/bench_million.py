"""A whole daemon over a million passages: latency of search, alone and beside indexing; memory; disk.

    python -m tests.bench.bench_million [--passages N] [--real N] [--queries N] [--folder F] [--model F]
        [--vectors FILE.npz] [--new FILES] [--pids] [--write]

The state is filled by `tests.bench.made_state`: texts made of the collections' real sentences, vectors of the
model for the first --real passages, unit vectors near those for the rest. That is right for cost and says
nothing of quality. Queries go one at a time through the daemon's socket, none of them twice: the collections'
questions, identifiers, phrases, common words, and questions under a filter, in turn. Then --new files of
twenty passages each are written to the volume, and other queries are asked while they are being read and
embedded.

With --folder what was made stays there, with its indexes, and is used again the next time. `--pids` prints
the daemon's process id, to look at it while it works. `--write` puts the figures into
`tests/results/million.json`, by the number of passages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from nasd import wire
from nasd.client import Client
from nasd.domain.metrics import percentile
from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.store import prepare
from tests.bench.collections import COLLECTIONS, load
from tests.bench.made_state import FILES_OF_ONE, PASSAGES_OF_ONE, make
from tests.bench.million import identifier, passages, sentences
from tests.bench.processes import Observed, sizes, tree
from tests.conftest import CORPORA
from tests.wired.process import DaemonProcess, until

RESULTS = Path(__file__).parents[1] / "results" / "million.json"
KINDS = ("question", "identifier", "phrase", "common", "filtered")
WARM_UP = 50
MOST_COMMON = 60
NEW_SEED = 99
MIB = 1024 * 1024
INDEX_S = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    kind: str
    ms: float
    hits: int


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--real", type=int, default=100_000, help="so many vectors by the model")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--new", type=int, default=3000, help="files to be indexed beside the search")
    parser.add_argument("--folder", type=Path, help="keep the state here, and use it if it is there")
    parser.add_argument("--model", type=Path, help="a prepared model; else it is prepared (15 s)")
    parser.add_argument("--vectors", type=Path, help="keep the real vectors here (.npz)")
    parser.add_argument("--pids", action="store_true")
    parser.add_argument("--write", action="store_true", help=f"into tests/results/{RESULTS.name}")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nasd-million-") as scratch:
        folder = given.folder or Path(scratch) / "made"
        result: dict[str, Any] = {"passages": given.passages, "cores": len(os.sched_getaffinity(0))}
        if not (folder / "state.toml").exists():
            model = given.model or prepare(Path(scratch) / "models", DEFAULT_MODEL).folder
            began = time.monotonic()
            make(folder, given.passages, model, real=given.real, kept=given.vectors)
            result["fill_s"] = round(time.monotonic() - began, 1)
        told = asyncio.run(measured(folder, given.passages, given.queries, given.new, pids=given.pids))
    result |= told
    print(rendered(result))
    if given.write:
        RESULTS.parent.mkdir(exist_ok=True)
        known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        known[str(given.passages)] = result
        ordered = dict(sorted(known.items(), key=lambda item: int(item[0])))
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")
    return 0


async def measured(folder: Path, count: int, queries: int, new: int, *, pids: bool = False) -> dict[str, Any]:
    """Starts a daemon over what was made until all of it is found, once more for the time to open it, then
    asks: alone, and beside indexing. Sizes in MiB, times in ms where the name does not say seconds."""
    result: dict[str, Any] = {}
    config = (folder / "state.toml").read_text("utf-8")
    pool = sentences(CORPORA)
    texts = list(islice(passages(pool, count), 5000))
    questions = [one.text for name in COLLECTIONS for one in load(CORPORA, name).questions]
    asked = made_queries(texts, questions, count)
    daemon = DaemonProcess(folder / "state", None, config=with_load(config))
    try:
        for name in ("first_start_s", "start_s"):
            began = time.monotonic()
            daemon.start()
            await daemon.ready()
            async with daemon.client() as client:
                await complete(client, count)
            result[name] = round(time.monotonic() - began, 1)
            if name == "first_start_s":
                daemon.terminate()
        assert daemon.process is not None
        pid = daemon.process.pid
        if pids:
            print(f"the daemon is process {pid}", flush=True)
        async with daemon.client() as client:
            await ask(client, islice(asked, WARM_UP))
            result["rss_before_mib"] = resident(pid)
            with Observed(pid) as observed:
                result["alone"] = figures(await ask(client, islice(asked, queries)))
            print(f"alone: {result['alone']['all']}", file=sys.stderr, flush=True)
            result["rss_mib"] = round(observed.cost.peak_first_bytes / MIB)
            result["memory_by_kind_mib"] = memory(pid)
            result["disk_mib"] = disk(folder / "state")
            if new:
                result |= await beside(client, folder / "volume", pool, new, islice(asked, queries), pid)
        daemon.terminate()
    finally:
        daemon.end()
    return result


async def beside(
    client: Client,
    volume: Path,
    pool: list[str],
    new: int,
    asked: Iterator[tuple[str, wire.SearchIn]],
    pid: int,
) -> dict[str, Any]:
    """Asks while `new` files are read and embedded."""
    before = (await client.status()).index.vectors
    write_files(volume / f"new-{time.time_ns()}", pool, new)
    await begun(client, before)
    began, before = time.monotonic(), (await client.status()).index.vectors
    with Observed(pid) as observed:
        told = figures(await ask(client, asked))
        took = time.monotonic() - began
    status = await client.status()
    return {
        "beside": told,
        "beside_pending": status.pending_semantic,
        "beside_vectors_per_s": round((status.index.vectors - before) / took, 1),
        "beside_rss_mib": round(observed.cost.peak_first_bytes / MIB),
        "beside_tree_pss_mib": round(observed.cost.peak_bytes / MIB),
    }


def with_load(config: str) -> str:
    """These settings, so that no load on the machine pauses work; unchanged where they say so already."""
    if "[load]" in config:
        return config
    return f'{config}\n[load]\nwhen_busy = "run"\non_battery = "run"\nwhen_hot = "run"\n'


async def complete(client: Client, count: int) -> None:
    """Until every passage is in both indexes and the model can be asked."""

    async def done() -> bool:
        status = await client.status()
        if status.pending_semantic or status.index.state != "ready" or status.index.vectors < count:
            await asyncio.sleep(0.2)
            return False
        found = await client.search(wire.SearchIn(query="what is known of it", k=1))
        return not found.notes

    await until(done, "all passages are found", timeout_s=INDEX_S)


async def begun(client: Client, before: int) -> None:
    """Until files that were written are being embedded."""

    async def done() -> bool:
        status = await client.status()
        return status.pending_semantic > 0 and status.index.vectors > before

    await until(done, "indexing has begun")


async def ask(client: Client, queries: Iterator[tuple[str, wire.SearchIn]]) -> list[Asked]:
    """One at a time; the time is the caller's, with HTTP and all."""
    found: list[Asked] = []
    for kind, query in queries:
        began = time.perf_counter()
        reply = await client.search(query)
        found.append(Asked(kind=kind, ms=(time.perf_counter() - began) * 1000, hits=len(reply.hits)))
    return found


def made_queries(
    texts: Sequence[str], questions: Sequence[str], count: int
) -> Iterator[tuple[str, wire.SearchIn]]:
    """Kinds in turn, without end; the same ones each time. `count` passages were made, of which these texts
    are the first."""
    chance = random.Random(3)
    questions = chance.sample(questions, len(questions))
    counts = Counter(word for text in texts for word in set(text.lower().split()) if word.isalpha())
    common = [word for word, _ in counts.most_common(MOST_COMMON)]
    folders = max(1, count // (PASSAGES_OF_ONE * FILES_OF_ONE))
    number = 0
    while True:
        for kind in KINDS:
            filters = wire.FiltersIn()
            question = questions[number % len(questions)]
            number += 1
            if kind == "identifier":
                query = identifier(chance.randrange(0, count, 10))
            elif kind == "phrase":
                words = chance.choice(texts).replace('"', " ").split()
                at = chance.randrange(max(1, len(words) - 4))
                query = f'"{" ".join(words[at : at + 4])}"'
            elif kind == "common":
                query = " ".join(chance.sample(common, 3))
            else:
                query = question
            if kind == "filtered":
                filters = wire.FiltersIn(path=f"{chance.randrange(folders):04d}/**")
            yield kind, wire.SearchIn(query=query[:4000], filters=filters)


def write_files(folder: Path, pool: list[str], count: int) -> None:
    """New texts as real files of `PASSAGES_OF_ONE` paragraphs."""
    texts = passages(pool, count * PASSAGES_OF_ONE, seed=NEW_SEED + time.time_ns())
    for number in range(count):
        file = folder / f"{number // FILES_OF_ONE:04d}" / f"note {number:05d}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n\n".join(islice(texts, PASSAGES_OF_ONE)), "utf-8")


def figures(found: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """p50, p99 and the worst, of all and of each kind; and how many found nothing."""
    return {
        kind: {
            "queries": len(some),
            "p50_ms": round(percentile([one.ms for one in some], 0.5), 1),
            "p99_ms": round(percentile([one.ms for one in some], 0.99), 1),
            "max_ms": round(max(one.ms for one in some), 1),
            "empty": sum(not one.hits for one in some),
        }
        for kind in ("all", *KINDS)
        if (some := [one for one in found if kind in ("all", one.kind)])
    }


def resident(pid: int) -> int:
    return round(sizes(pid)[0] / MIB)


def memory(pid: int) -> dict[str, int]:
    """What the daemon's resident memory is: its own, or pages of files (which the system may take back)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split()[0].rstrip(":"): int(line.split()[1]) for line in lines if line.startswith("Rss")}
    children = sum(sizes(below)[1] for below in tree(pid) if below != pid)
    own, mapped = found["RssAnon"] + found["RssShmem"], found["RssFile"]
    return {"own": own // 1024, "files": mapped // 1024, "children_pss": children // MIB}


def disk(state: Path) -> dict[str, int]:
    """Bytes on disk below the state folder, by what is directly in it."""
    found: Counter[str] = Counter()
    for path in state.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found[path.relative_to(state).parts[0]] += path.stat().st_blocks * 512
    parts = {name: round(size / MIB) for name, size in found.most_common() if size >= MIB}
    return {"all": round(found.total() / MIB), **parts}


def rendered(result: dict[str, Any]) -> str:
    lines = [f"{result['passages']:,} passages, {result['cores']} cores"]
    made = (
        f"filled in {result['fill_s']} s, indexes made"
        if "fill_s" in result
        else "kept from before, complete"
    )
    lines.append(
        f"  {made} in {result['first_start_s']} s after the start, opened again and answering in "
        f"{result['start_s']} s"
    )
    for label in ("alone", "beside"):
        for kind, row in result.get(label, {}).items():
            lines.append(
                f"  {label:6} {kind:10} {row['queries']:5} queries  p50 {row['p50_ms']:7.1f}  "
                f"p99 {row['p99_ms']:7.1f}  max {row['max_ms']:7.1f} ms  without a hit {row['empty']}"
            )
    memory = ", ".join(f"{name} {size}" for name, size in result["memory_by_kind_mib"].items())
    lines.append(f"  daemon RSS at most {result['rss_mib']} MiB ({memory})")
    if "beside" in result:
        lines.append(
            f"  beside indexing: RSS at most {result['beside_rss_mib']} MiB, with its children "
            f"{result['beside_tree_pss_mib']} MiB PSS; {result['beside_vectors_per_s']} passages a second "
            f"became searchable, {result['beside_pending']} contents were still pending at the end"
        )
        if not result["beside_pending"]:
            lines.append("  indexing had ended before the last query: give a higher --new")
    disk = ", ".join(f"{name} {size}" for name, size in result["disk_mib"].items())
    lines.append(f"  disk MiB: {disk}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
