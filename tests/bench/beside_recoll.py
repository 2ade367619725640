"""The same measures of recoll's indexer, by its command line."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.processes import cpu_seconds, sizes
from tests.bench.trees import Tree, percentile, samples_of, save

ASK_EVERY_S = 0.1
GIVE_UP_S = 240.0


class Recoll:
    """An index of one tree, with the default settings, in a folder of its own. Its scheduling priority is
    made that of this process, as a daemon's is."""

    def __init__(self, tree: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        (folder / "recoll.conf").write_text(f"topdirs = {tree}\nidxniceprio = {niceness}\n", "utf-8")
        self._folder = folder
        self._environment = {**os.environ, "LANG": "C.UTF-8", "HOME": str(folder)}

    def index(self) -> float:
        """Indexes what is new or changed; the seconds it took."""
        began = time.monotonic()
        subprocess.run(
            ["recollindex", "-c", str(self._folder)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        return time.monotonic() - began

    def watch(self) -> subprocess.Popen[bytes]:
        """Goes on indexing what happens."""
        return subprocess.Popen(
            ["recollindex", "-c", str(self._folder), "-m", "-D", "-x"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def paths(self, query: str) -> list[str]:
        asked = subprocess.run(
            ["recollq", "-c", str(self._folder), "-b", query],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return [line.strip() for line in asked.stdout.splitlines() if line.startswith("file://")]


def measure_recoll(tree: Tree, folder: Path, *, saves: int, idle_s: float) -> dict[str, Any]:
    """A measure that does not end in time is None."""
    recoll = Recoll(tree.root, folder)
    first = recoll.index()
    rescans = [recoll.index() for _ in range(2)]
    figures: dict[str, Any] = {
        "searchable_s": round(first, 2),
        "first_scan_s": round(first, 2),
        "first_scan_files_per_s": round(tree.files / first),
        "rescan_s": round(min(rescans), 2),
        "rescan_files_per_s": round(tree.files / min(rescans)),
    }
    watching = recoll.watch()
    try:
        figures |= _what_happens(recoll, tree, watching.pid, saves=saves, idle_s=idle_s)
    finally:
        watching.terminate()
        watching.wait(30)
    return figures


def _what_happens(recoll: Recoll, tree: Tree, pid: int, *, saves: int, idle_s: float) -> dict[str, Any]:
    began = save(tree.root / "inbox" / "awake.txt", "wakefulness")
    _until(lambda: bool(recoll.paths("wakefulness")), began)  # its first look at all is over
    taken = []
    for number in range(saves):
        word = f"recollmarmot{number}"
        began = save(tree.root / "inbox" / f"recoll {number}.txt", word)
        taken.append(_until(lambda word=word: bool(recoll.paths(word)), began))  # type: ignore[misc]
    known = [one for one in taken if one is not None]
    figures: dict[str, Any] = {
        "quiet_saves": saves,
        "quiet_save_p50_s": round(percentile(known, 0.5), 2) if known else None,
        "quiet_save_p99_s": round(percentile(known, 0.99), 2) if known else None,
    }
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(idle_s)
    figures["idle_cpu_percent"] = round(100 * (cpu_seconds(pid) - before) / (time.monotonic() - began), 2)
    figures["idle_rss_mb"] = round(sizes(pid)[0] / 1e6, 1)
    source, target = tree.root / tree.renamed, tree.root / f"{tree.renamed} renamed"
    (last, *_) = samples_of(source, 1)
    wanted = f"file://{target / last.path}"
    began = time.monotonic()
    source.rename(target)
    took = _until(lambda: wanted in recoll.paths(f'{last.word} dir:"{target}"'), began)
    figures["rename_found_s"] = None if took is None else round(took, 2)
    target.rename(source)
    return figures


def _until(holds: Callable[[], bool], began: float) -> float | None:
    """Seconds since `began`; None when it is given up."""
    while not holds():
        if time.monotonic() - began > GIVE_UP_S:
            return None
        time.sleep(ASK_EVERY_S)
    return time.monotonic() - began
