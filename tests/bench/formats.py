"""How well each format is read, text recognition included, through a real daemon and its API.

    python -m tests.bench.formats [--ocr auto|tesseract|rapidocr] [--write]

Prints the table; with `--write` it becomes `tests/results/formats.json` and `formats.md`, which the README's
table is checked against. Exits 1 when a tier falls short. Takes minutes, most of them recognition; of engines
the one under `--ocr` is used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from nasd import wire
from nasd.client import Client
from nasd.embed.store import PreparedModel
from tests.bench.judging import Expected, expectations, found
from tests.conftest import CORPORA
from tests.wired.process import DaemonProcess, until

RESULTS = Path(__file__).parents[1] / "results"
WANTED = {"core": 0.97, "ocr": 0.80}
"""The share of each tier's files that must pass. Of `extended`, every file must be read or reported."""

_WAIT_S = 1800.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="How well each format is read.")
    parser.add_argument("--ocr", default="auto", choices=("auto", "tesseract", "rapidocr", "off"))
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}/formats.json and .md")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nasd-formats-") as folder:
        result = asyncio.run(measure(CORPORA, Path(folder), ocr=given.ocr))
    page = rendered(result)
    print(page)
    if given.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "formats.json").write_text(
            json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
        (RESULTS / "formats.md").write_text(page, "utf-8")
    short = short_of(result)
    for line in short:
        print(line, file=sys.stderr)
    return 1 if short else 0


async def measure(
    corpora: Path, folder: Path, *, ocr: str = "auto", model: PreparedModel | None = None
) -> dict[str, Any]:
    """Has a daemon over a state folder in `folder` read the collection; one entry for each file of it."""
    config = f'[read]\nocr = "{ocr}"\n[load]\nwhen_busy = "run"\n'
    daemon = DaemonProcess(folder / "state", model, config=config)
    daemon.start()
    try:
        await daemon.ready()
        daemon.cli("volume", "add", str(corpora / "formats" / "docs"), "--name", "formats")
        async with daemon.client() as client:
            status = await _done(client, recognised=ocr != "off")
            there = {f"docs/{entry.path}": entry for entry in await _all_files(client)}
            files = [await _judged(client, case, there.get(case.path)) for case in expectations(corpora)]
        return {"engine": status.ocr.engine, "files": sorted(files, key=lambda file: str(file["path"]))}
    finally:
        daemon.end()


async def _done(client: Client, *, recognised: bool) -> wire.StatusOut:
    status = await client.status()

    async def done() -> bool:
        nonlocal status
        status = await client.status()
        waits = recognised and (status.ocr.state == "starting" or bool(status.ocr.waiting))
        return status.pending_searchable == 0 and not waits

    await until(done, "everything is read", timeout_s=_WAIT_S)
    return status


async def _all_files(client: Client) -> list[wire.FileEntry]:
    entries: list[wire.FileEntry] = []
    cursor = None
    while True:
        page = await client.files(limit=200, cursor=cursor)
        entries += page.items
        cursor = page.next_cursor
        if cursor is None:
            return entries


async def _judged(client: Client, case: Expected, entry: wire.FileEntry | None) -> dict[str, Any]:
    """`outcome`: pass, partly (read, but not all is as expected), reported (with the reason) or silent."""
    told: dict[str, Any] = {"path": case.path, "format": case.format, "tier": case.tier}
    if entry is None:
        return told | {"outcome": "silent", "problems": ["it was not seen"]}
    told["kind"] = entry.kind
    if entry.state != "indexed":
        outcome = "reported" if entry.reason and entry.detail else "silent"
        return told | {"outcome": outcome, "problems": [f"{entry.reason}: {entry.detail}"]}
    read = await client.file_text(entry.id)
    problems = case.lacks(read.text)
    extras = [phrase for phrase in case.nice_to_contain if found(phrase, read.text)]
    told |= {"reader": read.reader, "outcome": "partly" if problems else "pass", "problems": problems}
    return told | {"extras": [len(extras), len(case.nice_to_contain)]}


# --- the table ----------------------------------------------------------------------------------------------


def counted(files: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many pass, of how many."""
    return sum(file["outcome"] == "pass" for file in files), len(files)


def short_of(result: Mapping[str, Any], tiers: Collection[str] = tuple(WANTED)) -> list[str]:
    """What is not as it has to be in `tiers`, and which files were passed over; empty when all is well."""
    short = []
    for tier, least in WANTED.items():
        if tier not in tiers:
            continue
        passed, of = counted([file for file in result["files"] if file["tier"] == tier])
        if not of or passed < least * of:
            short.append(f"{tier}: {passed} of {of} files pass, {least:.0%} are wanted")
    short += [
        f"neither read nor reported: {file['path']}"
        for file in result["files"]
        if file["outcome"] == "silent"
    ]
    return short


def rendered(result: Mapping[str, Any]) -> str:
    """The result as a page of Markdown."""
    files = result["files"]
    lines = [
        "# How well each format is read",
        "",
        "The collection of formats through a daemon and its API. "
        f"Text in pictures was recognised by {result['engine'] or 'nothing'}.",
        "Made by `python -m tests.bench.formats --write`.",
        "",
        "| Tier | Files that pass | Wanted |",
        "| --- | --- | --- |",
    ]
    for tier in ("core", "ocr", "extended"):
        passed, of = counted([file for file in files if file["tier"] == tier])
        silent = sum(file["outcome"] == "silent" for file in files if file["tier"] == tier)
        told = f"each is read or reported: {of - silent} of {of}"
        wanted = f"{WANTED[tier]:.0%}" if tier in WANTED else told
        lines.append(f"| {tier} | {passed} of {of} ({passed / max(of, 1):.0%}) | {wanted} |")
    lines += ["", "| Format | Read as | Files that pass | Extras |", "| --- | --- | --- | --- |"]
    for name in sorted({file["format"] for file in files}):
        lot = [file for file in files if file["format"] == name]
        passed, of = counted(lot)
        kinds = ", ".join(sorted({file.get("kind", "?") for file in lot}))
        pairs = [file["extras"] for file in lot if "extras" in file]
        there, wished = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        lines.append(f"| {name} | {kinds} | {passed} of {of} | {f'{there} of {wished}' if wished else ''} |")
    lines += ["", "Extras are comments, headers, footers and text boxes, which need not be there.", ""]
    short = [file for file in files if file["outcome"] != "pass"]
    lines += ["What does not pass:" if short else "Every file passes.", ""]
    lines += [
        f"- `{file['path']}` ({file['tier']}, {file['outcome']}): {'; '.join(file['problems'])[:300]}"
        for file in short
    ]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
