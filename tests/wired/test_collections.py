"""Real collections with known answers, through a real daemon."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from nasd import wire
from nasd.client import Client
from tests.wired.process import DaemonProcess, settled

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(600)]

MakeDaemon = Callable[..., DaemonProcess]
READ_SO_FAR = {"txt", "md", "html", "csv", "tsv", "pdf", "docx", "pptx", "xlsx", "eml"}


def plain(text: str) -> str:
    """As the collection's README compares: NFKC, lower case, straight quotes and dashes, single spaces."""
    text = unicodedata.normalize("NFKC", text).replace("\u00ad", "").replace("\u200b", "")
    text = text.translate(dict(zip(map(ord, "‘’“”–—‐‑\u00a0"), "''\"\"---- ", strict=True)))
    return re.sub(r"\s+", " ", text).strip().lower()


def squeezed(text: str) -> str:
    return re.sub(r"[\s\-*_#`\\|>]+", "", plain(text))


def found(phrase: str, text: str) -> bool:
    return plain(phrase) in plain(text) or squeezed(phrase) in squeezed(text)


async def test_the_phrases_of_the_formats_are_in_what_the_api_returns(
    make_daemon: MakeDaemon, corpora: Path, tmp_path: Path
) -> None:
    root = tmp_path / "formats"
    shutil.copytree(corpora / "formats" / "docs", root / "docs")
    daemon = make_daemon()
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(root), "--name", "formats")
    async with daemon.client() as client:
        await settled(client, semantic=False)
        files = {entry.path: entry for entry in await all_files(client)}
        total, missing = 0, []
        for line in (corpora / "formats" / "expected.jsonl").read_text("utf-8").splitlines():
            case = json.loads(line)
            if case["format"] not in READ_SO_FAR or case["tier"] != "core":
                continue
            entry = files[case["path"]]
            text = (await client.file_text(entry.id)).text if entry.state == "indexed" else ""
            for phrase in set(case["must_contain"]) - set(case.get("unverified") or ()):
                total += 1
                if not found(phrase, text):
                    missing.append((case["path"], phrase))
    print(f"{total - len(missing)} of {total} phrases are there; missing: {missing}")
    assert total > 200
    assert len(missing) <= 0.05 * total, missing


async def all_files(client: Client) -> list[wire.FileEntry]:
    entries: list[wire.FileEntry] = []
    cursor = None
    while True:
        page = await client.files(limit=200, cursor=cursor)
        entries += page.items
        cursor = page.next_cursor
        if cursor is None:
            return entries


async def test_ranking_on_questions_with_known_answers(
    make_daemon: MakeDaemon, corpora: Path, tmp_path: Path
) -> None:
    collection = corpora / "retrieval" / "clapnq"
    root = tmp_path / "clapnq"
    shutil.copytree(collection / "docs", root)
    daemon = make_daemon()
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client)
    measured = daemon.cli_json("evaluate", "--queries", str(collection / "queries.jsonl"))
    print(json.dumps(measured))
    assert set(measured["modes"]) == {"hybrid", "semantic", "lexical"}
    assert measured["modes"]["hybrid"]["ndcg@10"] >= 0.94
    assert measured["modes"]["hybrid"]["recall@10"] >= 0.95


async def test_a_report_answers_with_file_and_page(
    make_daemon: MakeDaemon, corpora: Path, tmp_path: Path
) -> None:
    """Reports that say nearly the same things, quarter by quarter."""
    root = tmp_path / "reports"
    root.mkdir()
    for name in ("2023 Q3 AMZN.pdf", "2023 Q2 AMZN.pdf", "2023 Q3 NVDA.pdf"):
        shutil.copy(corpora / "retrieval" / "sec10q" / "docs" / name, root)
    daemon = make_daemon()
    daemon.start()
    await daemon.ready()
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client)
        answer = await client.ask(
            wire.AskIn(
                question="In the Q2 2023 10-Q, did Amazon make any significant announcements regarding "
                "acquisitions or divestments?"
            )
        )
        assert not answer.abstained
        for citation in answer.citations:
            assert citation.file.path.endswith("AMZN.pdf")
            assert citation.passage.place.page is not None
            # The page says it: not only the passage, but the report itself.
            text = (await client.file_text(citation.file.id)).text
            start = citation.passage.char_start + citation.quote_start
            assert text[start : start + len(citation.quote)] == citation.quote
