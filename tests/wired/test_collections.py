"""Real collections with known answers, through a real daemon."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nasd import wire
from nasd.embed.store import PreparedModel
from tests.bench.formats import measure, rendered, short_of
from tests.wired.process import DaemonProcess, settled

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(600)]

MakeDaemon = Callable[..., DaemonProcess]


async def test_the_formats_are_read_or_reported(
    prepared_model: PreparedModel, corpora: Path, tmp_path: Path
) -> None:
    """All but the scans, which take minutes: `python -m tests.bench.formats` has them too."""
    result = await measure(corpora, tmp_path, ocr="off", model=prepared_model)
    print(rendered(result))
    assert short_of(result, ["core"]) == []


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
