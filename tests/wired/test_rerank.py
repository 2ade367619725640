"""A cross-encoder of the owner's, from its import to the order of hits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from nasd import wire
from nasd.config import load
from nasd.daemon.rerankers import import_reranker
from nasd.domain.passages import embedded_text
from nasd.embed.rerank import OnnxReranker
from tests.fakes.tiny_model import make_tiny_model
from tests.wired.process import DaemonProcess, paths_found, settled, until

QUERY = "reset the router"


@pytest.mark.timeout(600)  # two processes load torch
async def test_a_model_that_is_brought_orders_the_hits(
    make_daemon: Callable[..., DaemonProcess], tmp_path: Path
) -> None:
    daemon = make_daemon(config="[search]\nrerank_seconds = 10\n")
    daemon.start()
    source = make_tiny_model(tmp_path / "pairs", "cross-encoder")
    root = tmp_path / "home"
    root.mkdir()
    for number, words in enumerate(
        ("the red one", "by its button", "at night", "a cat", "bread", "once more")
    ):
        (root / f"{number}.txt").write_text(f"Reset the router, {words}, and the {words * number}.\n")
    await daemon.ready()
    daemon.cli("volume", "add", str(root))
    async with daemon.client() as client:
        await settled(client)
        (told,) = [model for model in await client.models() if model.purpose == "reranking"]
        assert told.state == "missing" and told.detail is not None and "nasd model import" in told.detail
        by_words = await paths_found(client, QUERY)
        before = (await client.search(wire.SearchIn(query=QUERY))).hits

        refused = daemon.cli("model", "import", str(root), "--kind", "rerank", check=False)
        assert refused.returncode and "holds no sentence-transformers model" in refused.stderr
        settings = load(None, daemon.state_dir, {})
        made = await asyncio.to_thread(import_reranker, settings, source, name=None, licence=None)
        assert (made.name, made.purpose, made.detail) == ("pairs", "reranking", "licence: mit")

        async def taken_up() -> bool:
            return any(model.purpose == "reranking" and model.active for model in await client.models())

        await until(taken_up, "the model is taken up")
        assert daemon.cli_json("model", "list")["items"] != []
        after = (await client.search(wire.SearchIn(query=QUERY))).hits
        assert await paths_found(client, QUERY) == by_words
    assert {hit.passage.id for hit in after} == {hit.passage.id for hit in before}
    texts = [embedded_text(hit.file.title, hit.passage.place.heading, hit.passage.text) for hit in after]
    model = OnnxReranker("pairs", daemon.state_dir / "models" / "rerank" / "pairs")
    try:
        scores = model.score(QUERY, texts, math.inf)
    finally:
        model.close()
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    assert [hit.rank for hit in after] == list(range(1, len(after) + 1))
    assert daemon.process is not None
    assert "torch" not in Path(f"/proc/{daemon.process.pid}/maps").read_text()
