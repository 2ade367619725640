"""How fast a volume is looked at, and how soon what happens there is found: nasd, and recoll beside it.

    python -m tests.bench.bench_scan [--files N] [--folders N] [--renamed N] [--saves N] [--load N]
                                     [--texts N] [--idle S] [--model FOLDER] [--no-recoll]
                                     [--scan-only] [--scratch FOLDER] [--json FILE]

A tree of small texts in many folders, all with a name of their own and one of --texts different contents. A
daemon with a state folder of its own is given the tree as a volume, over its socket:

    first scan    from then until every file is known (`scan.done`); reading goes on meanwhile
    searchable    until every file can be found by its words
    rescan        asked for when nothing has changed, the best and the worst of several
    idle          CPU and memory of the daemon while nothing happens
    rename        of a folder with --renamed files, until they are found under the new path (the last by
                  path and others in between are asked for); what was read and embedded for it
    save          from the closing of a new file until its words find it, by asking again and again: alone,
                  and under load, which is --load new files to be read in another volume while the large one
                  is scanned over and over

With --scan-only a policy keeps all files unread, and only the first three and the idle daemon are measured,
of nasd alone: so a million files can be tried.

Embeddings are made by a stand-in server that counts them, or by a prepared model (--model), whose work is
then part of the load. recoll indexes the same tree with its default settings (`recollindex`, again for the
rescan, `recollindex -m` for what happens after; `recollq` asks).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nasd import wire
from nasd.cli.wait import wait_until
from nasd.client import Client
from nasd.embed.manifest import read_manifest
from nasd.embed.store import PreparedModel
from tests.bench.beside_recoll import measure_recoll
from tests.bench.listening import GIVE_UP_S, Silent, Told, until
from tests.bench.processes import cpu_seconds, sizes
from tests.bench.trees import Tree, make_tree, percentile, samples_of, save
from tests.fakes.embedding_server import Reply, embedding_server, embeddings
from tests.wired.process import DaemonProcess

RESCANS = 3
SAMPLES = 20
QUIET_S = 5.0  # before the daemon is taken to be idle
UNREAD = '[[policy]]\nname = "unread"\nmatch = {path = "**"}\nembed = false\n'
Figures = dict[str, Any]


class Bench:
    """The measures of one daemon, in the order in which they are taken."""

    def __init__(
        self, client: Client, told: Told, pid: int, scratch: Path, embedded: Callable[[], int]
    ) -> None:
        self.client = client
        self.told = told
        self.pid = pid
        self.scratch = scratch
        self.embedded = embedded
        self.figures: Figures = {}

    async def first_scan(self, tree: Tree) -> None:
        began = time.monotonic()
        await self.client.add_volume(wire.VolumeIn(path=str(tree.root), name="bench"))
        await self.told.until_scanned("bench", 0)
        took = time.monotonic() - began
        status = await wait_until(self.client.status, "searchable", poll_s=0.2, progress=Silent())
        searchable = time.monotonic() - began
        await wait_until(self.client.status, "semantic", poll_s=1.0, progress=Silent())
        coverage = status.coverage
        assert coverage.searchable + coverage.skipped == tree.files, coverage
        self.figures |= {
            "first_scan_s": round(took, 2),
            "first_scan_files_per_s": round(tree.files / took),
            "searchable_s": round(searchable, 2),
            "searchable_files_per_s": round(tree.files / searchable),
        }

    async def rescan(self, tree: Tree) -> None:
        taken = []
        before = cpu_seconds(self.pid)
        for _ in range(RESCANS):
            scans, began = self.told.scans("bench"), time.monotonic()
            await self.client.scan_volume("bench")
            await self.told.until_scanned("bench", scans)
            taken.append(time.monotonic() - began)
        self.figures |= {
            "rescan_s": round(min(taken), 2),
            "rescan_worst_s": round(max(taken), 2),
            "rescan_cpu_s": round((cpu_seconds(self.pid) - before) / RESCANS, 2),
            "rescan_files_per_s": round(tree.files / min(taken)),
            "rss_after_rescans_mb": round(sizes(self.pid)[0] / 1e6, 1),
        }

    async def idle(self, seconds: float) -> None:
        await asyncio.sleep(min(QUIET_S, seconds))
        before, began = cpu_seconds(self.pid), time.monotonic()
        await asyncio.sleep(seconds)
        used = cpu_seconds(self.pid) - before
        self.figures |= {
            "idle_cpu_percent": round(100 * used / (time.monotonic() - began), 2),
            "idle_rss_mb": round(sizes(self.pid)[0] / 1e6, 1),
        }

    async def rename(self, tree: Tree) -> None:
        counts, embedded = Counter(self.told.counts), self.embedded()
        source, target = tree.root / tree.renamed, tree.root / f"{tree.renamed} renamed"
        samples = samples_of(source, SAMPLES)
        began = time.monotonic()
        source.rename(target)
        for one in samples:
            await until(lambda one=one: self.finds(one.word, f"{target.name}/{one.path}"))  # type: ignore[misc]
        found = time.monotonic() - began
        assert await self.listed(f"{target.name}/**") == tree.renamed_files
        assert await self.listed(f"{source.name}/**") == 0
        await wait_until(self.client.status, "semantic", poll_s=0.5, progress=Silent())
        counts = self.told.counts - counts
        self.figures |= {
            "rename_files": tree.renamed_files,
            "rename_found_s": round(found, 2),
            "rename_read_again": counts["file.searchable"],
            "rename_embeddings": self.embedded() - embedded,
        }
        target.rename(source)  # the tree is recoll's, too
        await until(lambda: self.finds(samples[0].word, f"{source.name}/{samples[0].path}"))

    async def saves(self, tree: Tree, count: int, name: str) -> None:
        """One after the other, each at once when the former is found. One that is given up counts as
        `GIVE_UP_S` and is the last."""
        taken: list[float] = []
        while len(taken) < count and GIVE_UP_S not in taken:
            path, word = tree.root / "inbox" / f"{name} {len(taken):04}.txt", f"{name}marmot{len(taken)}"
            began = save(path, word)
            try:
                await until(lambda word=word, path=path: self.finds(word, f"inbox/{path.name}"))  # type: ignore[misc]
            except TimeoutError:
                taken.append(GIVE_UP_S)
            else:
                taken.append(time.monotonic() - began)
        self.figures |= {
            f"{name}_saves": len(taken),
            f"{name}_save_p50_s": round(percentile(taken, 0.5), 3),
            f"{name}_save_p99_s": round(percentile(taken, 0.99), 3),
            f"{name}_save_worst_s": round(max(taken), 3),
        }

    async def saves_under_load(self, tree: Tree, count: int, load: int, texts: int) -> None:
        other = make_tree(
            self.scratch / "load", files=load, folders=max(1, load // 50), renamed=0, texts=texts, seed=2
        )
        scanning = asyncio.create_task(self.scan_for_ever())
        try:
            await self.client.add_volume(wire.VolumeIn(path=str(other.root), name="load"))
            await self.saves(tree, count, "loaded")
            status = await self.client.status()
            self.figures["load_files"] = load
            self.figures["load_left_to_read"] = status.queue.read
        finally:
            scanning.cancel()
            await asyncio.wait([scanning])
        self.figures["rss_after_load_mb"] = round(sizes(self.pid)[0] / 1e6, 1)

    async def scan_for_ever(self) -> None:
        while True:
            scans = self.told.scans("bench")
            await self.client.scan_volume("bench")
            await self.told.until_scanned("bench", scans)
            self.figures["scans_under_load"] = self.figures.get("scans_under_load", 0) + 1

    async def finds(self, word: str, path: str) -> bool:
        asked = {"query": word, "mode": "lexical", "k": 1, "filters": {"volumes": ["bench"], "path": path}}
        found = await self.client.search(wire.SearchIn.model_validate(asked))
        return [hit.file.path for hit in found.hits] == [path]

    async def listed(self, glob: str) -> int:
        count, cursor = 0, None
        while True:
            page = await self.client.files(
                volume="bench", path=glob, state="indexed", limit=200, cursor=cursor
            )
            count, cursor = count + len(page.items), page.next_cursor
            if cursor is None:
                return count


async def measure_nasd(
    tree: Tree,
    scratch: Path,
    *,
    saves: int,
    load: int,
    texts: int,
    idle_s: float,
    model: Path | None,
    scan_only: bool,
) -> Figures:
    embedded = 0

    def counted(request: dict[str, Any], headers: dict[str, str]) -> Reply:
        nonlocal embedded
        embedded += len(request["input"])
        return embeddings(request, headers)

    with embedding_server(counted) as url:
        config = UNREAD if scan_only else ""
        config += "" if model else f'[embedding]\nserve = {{url = "{url}"}}\n'
        prepared = None if model is None else PreparedModel(folder=model, manifest=read_manifest(model))
        daemon = DaemonProcess(scratch / "state", prepared, config=config)
        daemon.start()
        try:
            await daemon.ready()
            assert daemon.process is not None
            async with daemon.client() as client, daemon.client() as listener:
                told = Told(listener)
                bench = Bench(client, told, daemon.process.pid, scratch, lambda: embedded)
                bench.figures["rss_at_start_mb"] = round(sizes(daemon.process.pid)[0] / 1e6, 1)
                await bench.first_scan(tree)
                await bench.rescan(tree)
                await bench.idle(idle_s)
                if not scan_only:
                    await bench.rename(tree)
                    await bench.saves(tree, max(1, saves // 4), "quiet")
                    await bench.saves_under_load(tree, saves, load, texts)
                await told.close()
            daemon.terminate()
        finally:
            daemon.end()
    return bench.figures


ROWS = (
    ("first scan, files/s", "first_scan_files_per_s", ""),
    ("first scan, s", "first_scan_s", ""),
    ("all searchable, s", "searchable_s", ""),
    ("unchanged rescan, s", "rescan_s", "5"),
    ("unchanged rescan, files/s", "rescan_files_per_s", ""),
    ("idle CPU, %", "idle_cpu_percent", ""),
    ("idle RSS, MB", "idle_rss_mb", ""),
    ("folder renamed until found, s", "rename_found_s", "5"),
    ("  read again", "rename_read_again", "0"),
    ("  embeddings", "rename_embeddings", "0"),
    ("save to searchable p50, s", "quiet_save_p50_s", ""),
    ("save to searchable p99, s", "quiet_save_p99_s", "2"),
    ("  under load p50, s", "loaded_save_p50_s", ""),
    ("  under load p99, s", "loaded_save_p99_s", "2"),
)


def table(figures: Figures) -> str:
    nasd, recoll = figures["nasd"], figures["recoll"] or {}
    tree = figures["tree"]
    lines = [
        f"{tree['files']} files in {tree['folders']} folders, {tree['renamed_files']} of them renamed",
        f"{'':32}{'nasd':>10}{'recoll':>10}{'aim':>8}",
    ]
    lines += [
        f"{label:32}{nasd.get(key, '-'):>10}{recoll.get(key, '-'):>10}{aim and '<= ' + aim:>8}"
        for label, key, aim in ROWS
    ]
    if not recoll:
        lines.append("recoll was not measured: it is left out, or not installed (Debian: recollcmd).")
    return "\n".join(lines)


def run(
    scratch: Path,
    *,
    files: int,
    folders: int,
    renamed: int,
    saves: int,
    load: int,
    texts: int,
    idle_s: float,
    recoll_saves: int,
    model: Path | None = None,
    recoll: bool = True,
    scan_only: bool = False,
) -> Figures:
    """All figures of one run over a tree of its own in `scratch`."""
    tree = make_tree(scratch / "tree", files=files, folders=folders, renamed=renamed, texts=texts, seed=1)
    nasd = asyncio.run(
        measure_nasd(
            tree,
            scratch,
            saves=saves,
            load=load,
            texts=texts,
            idle_s=idle_s,
            model=model,
            scan_only=scan_only,
        )
    )
    print(json.dumps(nasd, indent=2), file=sys.stderr, flush=True)
    beside = measure_recoll(tree, scratch / "recoll", saves=recoll_saves, idle_s=idle_s) if recoll else None
    shape = {
        "files": tree.files,
        "folders": tree.folders,
        "renamed_files": tree.renamed_files,
        "texts": texts,
    }
    machine = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0]}
    return {"machine": machine, "tree": shape, "nasd": nasd, "recoll": beside}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folders", type=int, default=5_000)
    parser.add_argument("--renamed", type=int, default=10_000)
    parser.add_argument("--saves", type=int, default=100)
    parser.add_argument("--load", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=5_000, help="different contents among the files")
    parser.add_argument("--idle", type=float, default=30.0, help="seconds")
    parser.add_argument("--recoll-saves", type=int, default=5)
    parser.add_argument("--model", type=Path, help="a prepared model, instead of the stand-in server")
    parser.add_argument("--no-recoll", action="store_true")
    parser.add_argument("--scan-only", action="store_true")
    parser.add_argument("--scratch", type=Path, help="where the tree is made, and deleted again")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args(arguments)
    recoll = not (options.no_recoll or options.scan_only) and shutil.which("recollindex") is not None
    if not recoll:
        print("recoll is left out or not installed (Debian: recollcmd)", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="nasd-bench-", dir=options.scratch) as scratch:
        figures = run(
            Path(scratch),
            files=options.files,
            folders=options.folders,
            renamed=options.renamed,
            saves=options.saves,
            load=options.load,
            texts=options.texts,
            idle_s=options.idle,
            recoll_saves=options.recoll_saves,
            model=options.model,
            recoll=recoll,
            scan_only=options.scan_only,
        )
    print(table(figures))
    told = json.dumps(figures, indent=2)
    if options.json is None:
        print(told)
    else:
        options.json.write_text(told + "\n", "utf-8")


if __name__ == "__main__":
    main()
