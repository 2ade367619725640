"""How soon files are searchable by their words: nasd, and recoll beside it in the same run.

    python -m tests.bench.bench_reading [--texts N] [--pdfs FOLDER] [--only text|pdf] [--rounds N]
                                        [--model FOLDER] [--no-recoll] [--json FILE]

Two collections: N small texts, cut from the documents of the test collections, and a folder of PDF files. For
each, a daemon with a state folder of its own, started and at rest, is given the collection as a volume, and
the time runs from then until `nasd wait --for searchable` would return. It embeds nothing, unless a folder
with a prepared model is given, and recognises no pictures: words alone are compared. recollindex makes an
index of the same folder, with its default settings but for its scheduling priority, which is made that of
this command.

Of several rounds the quickest is told: what else the machine does only ever makes one slower. CPU seconds and
memory are of all processes together; shared pages count once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pypdfium2

from nasd import wire
from nasd.cli.wait import wait_until
from nasd.embed.manifest import read_manifest
from nasd.embed.store import PreparedModel
from tests.bench.processes import Observed, cpu_seconds, tree
from tests.conftest import CORPORA
from tests.wired.process import DaemonProcess

SOURCES = ("clapnq", "covidqa", "cranfield", "multihop", "xquad")
PDFS = CORPORA / "retrieval" / "sec10q" / "docs"
FOLDERS = 50
CALM_CPU, CALM_LOOK_S, CALM_WITHIN_S = 0.05, 0.5, 60.0
PDF_TYPE = "application/pdf"
EVEN = '[read]\nocr = "off"\n[load]\nnice = 0\nwhen_busy = "run"\n'
"""No recognition, and no giving way to other programs, which recollindex is told not to do either."""

NO_SERVER = '[embedding]\nserve = {url = "http://127.0.0.1:9/v1"}\n'
"""An embedding server that is not there: passages are cut and counted, and nothing is embedded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one program took for one collection."""

    program: str
    collection: str
    files: int
    found: int
    megabytes: float
    pages: int
    seconds: float
    all_seconds: list[float]
    files_per_s: float
    megabytes_per_s: float
    pages_per_s: float
    cpu_s: float
    peak_mb: float
    peak_first_mb: float
    peak_child_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    name: str
    folder: Path
    files: int
    size: int
    pages: int


def documents() -> list[Path]:
    """The plain texts of the test collections."""
    return [
        path
        for name in SOURCES
        for path in sorted((CORPORA / "retrieval" / name / "docs").rglob("*"))
        if path.suffix in (".txt", ".md")
    ]


def make_texts(folder: Path, count: int, sources: Sequence[Path]) -> Material:
    """`count` files of about equal length from the text of `sources`, in some folders."""
    text = "\n\n".join(path.read_text("utf-8", "replace") for path in sources)
    length = max(1, len(text) // count)
    size = 0
    for number, piece in enumerate(pieces(text, length, count)):
        path = folder / f"{number % FOLDERS:02}" / f"note {number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        size += path.write_bytes(piece.encode())
    return Material(name="text", folder=folder, files=count, size=size, pages=0)


def pieces(text: str, length: int, count: int) -> Iterator[str]:
    """`count` parts, each of about `length` and to the end of a word, no two alike."""
    at = 0
    for number in range(count):
        end = len(text) if number == count - 1 else text.find(" ", min(at + length, len(text) - 1))
        end = len(text) if end < 0 else end
        yield f"{text[at:end].strip()}\n({number})\n"
        at = end


def take_pdfs(folder: Path, source: Path) -> Material:
    """Copies of the PDF files below `source`; they lie in memory then."""
    folder.mkdir(parents=True)
    files = size = pages = 0
    for path in sorted(source.rglob("*.pdf")):
        copy = folder / f"{files:03} {path.name}"
        shutil.copyfile(path, copy)
        document = pypdfium2.PdfDocument(copy)
        pages += len(document)
        document.close()
        files += 1
        size += copy.stat().st_size
    return Material(name="pdf", folder=folder, files=files, size=size, pages=pages)


async def measure_nasd(material: Material, scratch: Path, model: Path | None) -> Figures:
    prepared = None if model is None else PreparedModel(folder=model, manifest=read_manifest(model))
    config = EVEN + ("" if model else NO_SERVER)
    daemon = DaemonProcess(scratch / "state", prepared, config=config)
    daemon.start()
    try:
        await daemon.ready()
        assert daemon.process is not None
        async with daemon.client() as client:
            await calm(daemon.process.pid)
            with Observed(daemon.process.pid) as observed:
                began = time.monotonic()
                await client.add_volume(wire.VolumeIn(path=str(material.folder), name="bench"))
                status = await wait_until(client.status, "searchable", progress=Silent())
                seconds = time.monotonic() - began
        daemon.terminate()
    finally:
        daemon.end()
    cost = observed.cost
    return figures(
        "nasd", material, status.coverage.searchable, seconds, cost.cpu_s, cost.peak_bytes,
        cost.peak_first_bytes, cost.peak_child_bytes,
    )  # fmt: skip


async def calm(pid: int) -> None:
    """Until a daemon that was just started has nothing more to load."""
    until = time.monotonic() + CALM_WITHIN_S
    before = sum(cpu_seconds(one) for one in tree(pid))
    while time.monotonic() < until:
        await asyncio.sleep(CALM_LOOK_S)
        now = sum(cpu_seconds(one) for one in tree(pid))
        if now - before <= CALM_CPU * CALM_LOOK_S:
            return
        before = now


def measure_recoll(material: Material, scratch: Path) -> Figures:
    scratch.mkdir(parents=True)
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    (scratch / "recoll.conf").write_text(f"topdirs = {material.folder}\nidxniceprio = {niceness}\n", "utf-8")
    environment = {**os.environ, "LANG": "C.UTF-8", "HOME": str(scratch)}
    began = time.monotonic()
    process = subprocess.Popen(
        ["recollindex", "-c", str(scratch)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with Observed(process.pid) as observed:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"recollindex ended with {process.returncode}"
    asked = subprocess.run(
        ["recollq", "-c", str(scratch), "-n", "1000000", "-b", f"mime:text/plain OR mime:{PDF_TYPE}"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = sum(line.startswith("file://") for line in asked.stdout.splitlines())
    cost = observed.cost
    return figures(
        "recoll", material, found, seconds, usage.ru_utime + usage.ru_stime, cost.peak_bytes,
        max(usage.ru_maxrss * 1024, cost.peak_first_bytes), cost.peak_child_bytes,
    )  # fmt: skip


def figures(
    program: str, material: Material, found: int, seconds: float, cpu_s: float, *peaks: int
) -> Figures:
    together, first, child = (round(peak / 1e6, 1) for peak in peaks)
    return Figures(
        program=program,
        collection=material.name,
        files=material.files,
        found=found,
        megabytes=round(material.size / 1e6, 2),
        pages=material.pages,
        seconds=round(seconds, 2),
        all_seconds=[round(seconds, 2)],
        files_per_s=round(material.files / seconds, 1),
        megabytes_per_s=round(material.size / 1e6 / seconds, 2),
        pages_per_s=round(material.pages / seconds, 1),
        cpu_s=round(cpu_s, 2),
        peak_mb=together,
        peak_first_mb=first,
        peak_child_mb=child,
    )


def quickest(rounds: Sequence[Figures]) -> Figures:
    best = min(rounds, key=lambda one: one.seconds)
    return Figures(**{**asdict(best), "all_seconds": [one.seconds for one in rounds]})


class Silent:
    """Shows no progress."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def update(self, status: object, goal: object) -> None:
        return


def table(results: Sequence[Figures]) -> str:
    lines = [
        f"{'':12}{'files':>7}{'found':>7}{'MB':>7}{'pages':>7}{'s':>8}{'files/s':>9}{'MB/s':>7}{'pages/s':>9}"
        f"{'CPU s':>8}{'MB peak':>9}{'first':>7}{'child':>7}"
    ]
    lines += [
        f"{one.program + ' ' + one.collection:12}{one.files:7}{one.found:7}{one.megabytes:7.1f}{one.pages:7}"
        f"{one.seconds:8.2f}{one.files_per_s:9.0f}{one.megabytes_per_s:7.2f}{one.pages_per_s:9.1f}"
        f"{one.cpu_s:8.2f}{one.peak_mb:9.0f}{one.peak_first_mb:7.0f}{one.peak_child_mb:7.0f}"
        for one in results
    ]
    return "\n".join(lines)


def run(
    *,
    texts: int,
    pdfs: Path,
    only: str | None = None,
    rounds: int = 1,
    model: Path | None = None,
    recoll: bool = True,
    scratch: Path,
) -> list[Figures]:
    """Measures each collection with each program, the programs taking turns."""
    materials = []
    if only != "pdf":
        materials.append(make_texts(scratch / "text", texts, documents()))
    if only != "text":
        materials.append(take_pdfs(scratch / "pdf", pdfs))
    results = []
    for material in materials:
        taken: dict[str, list[Figures]] = {}
        for number in range(rounds):
            place = scratch / f"{material.name} {number}"
            one = asyncio.run(measure_nasd(material, place / "nasd", model))
            taken.setdefault(one.program, []).append(one)
            if recoll:
                one = measure_recoll(material, place / "recoll")
                taken.setdefault(one.program, []).append(one)
            shutil.rmtree(place)
        results += [quickest(each) for each in taken.values()]
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--pdfs", type=Path, default=PDFS)
    parser.add_argument("--only", choices=["text", "pdf"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--model", type=Path, help="a prepared model: passages are embedded meanwhile")
    parser.add_argument("--no-recoll", action="store_true")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args(arguments)
    recoll = not options.no_recoll and shutil.which("recollindex") is not None
    if not recoll:
        why = (
            "left out"
            if options.no_recoll
            else "not installed (Debian: recollcmd, and poppler-utils for PDF)"
        )
        print(f"recoll is {why}: there is nothing to compare with", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="nasd-bench-") as scratch:
        results = run(
            texts=options.texts,
            pdfs=options.pdfs,
            only=options.only,
            rounds=options.rounds,
            model=options.model,
            recoll=recoll,
            scratch=Path(scratch),
        )
    print(table(results))
    told = json.dumps({"recoll": recoll, "figures": [asdict(one) for one in results]}, indent=2)
    if options.json is None:
        print(told)
    else:
        options.json.write_text(told + "\n", "utf-8")


if __name__ == "__main__":
    main()
