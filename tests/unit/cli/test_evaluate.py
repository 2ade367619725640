from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nasd import errors, wire
from nasd.cli import evaluate
from nasd.cli.evaluate import Query, names, parse_query, rank_files, read_queries
from tests.fakes.client import (
    MOMENT,
    ScriptedClient,
    file_out,
    hit_out,
    search_out,
    status_out,
    volume_out,
)
from tests.unit.cli.conftest import RunNasd


def test_a_query_with_everything() -> None:
    line = json.dumps(
        {
            "id": "q1",
            "query": "what?",
            "relevant": ["docs/a.pdf#page=3", "docs/a.pdf#page=9", "docs/b#1.md"],
            "grades": {"docs/a.pdf": 4},
            "ignore": ["docs/c.md"],
        }
    )
    assert parse_query(line, "f, line 1") == Query(
        id="q1", text="what?", gains={"docs/a.pdf": 4.0, "docs/b#1.md": 1.0}, ignore=frozenset({"docs/c.md"})
    )


def test_a_query_without_an_answer() -> None:
    line = '{"query": "x", "relevant": [], "unanswerable": true, "near_miss": "docs/a"}'
    assert parse_query(line, "f, line 1").unanswerable


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"query": " "}',
        '{"query": "x", "relevant": "a"}',
        '{"query": "x", "grades": {"a": "b"}}',
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"query": "fine", "relevant": ["a"]}\n\n' + line + "\n")
    with pytest.raises(errors.ConfigError, match=r"q\.jsonl, line 3"):
        read_queries(file)


def test_a_file_that_holds_no_queries(tmp_path: Path) -> None:
    for name, content in (("empty", b"\n"), ("latin", b"\xff")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(errors.ConfigError):
            read_queries(tmp_path / name)
    with pytest.raises(errors.ConfigError, match="cannot be read"):
        read_queries(tmp_path / "none")


@pytest.mark.parametrize(
    ("path", "volume_path", "wanted", "same"),
    [
        ("x.md", "/c/clapnq/docs", "docs/x.md", True),  # the folder itself
        ("x.md", "/tmp/copy", "docs/x.md", True),  # a copy under another name
        ("docs/x.md", "/c/clapnq", "docs/x.md", True),  # the folder above
        ("clapnq/docs/x.md", "/c", "docs/x.md", True),  # the whole tree
        ("x.md", "/tmp/copy/", "x.md", True),
        ("sub/x.md", "/tmp/copy", "docs/sub/x.md", True),
        ("sub/x.md", "/tmp/copy", "docs/x.md", False),
        ("ax.md", "/tmp/copy", "docs/x.md", False),
        ("mydocs/x.md", "/tmp/copy", "docs/x.md", False),
    ],
)
def test_which_hit_is_which_relevant_file(path: str, volume_path: str, wanted: str, same: bool) -> None:
    assert names(path, wanted=wanted, volume_path=volume_path) is same


def test_files_are_ranked_once_by_their_best_passage_and_ignored_ones_drop_out() -> None:
    query = Query(id="q", text="x", gains={"docs/b.md": 1.0}, ignore=frozenset({"docs/i.md"}))
    found = [("v", "a.md"), ("v", "i.md"), ("v", "a.md"), ("v", "b.md"), ("w", "a.md")]
    assert rank_files(query, found, {"v": "/d/docs", "w": "/e"}) == ["v:a.md", "docs/b.md", "w:a.md"]


def answering(rankings: dict[tuple[str, str], Sequence[str]]) -> ScriptedClient:
    def search(wanted: wire.SearchIn) -> wire.SearchOut:
        paths = rankings[wanted.mode, wanted.query]
        hits = [hit_out(rank, file=file_out(path)) for rank, path in enumerate(paths, start=1)]
        return search_out(*hits, took_ms=10.0 if wanted.query == "one" else 30.0)

    return ScriptedClient(volumes=[volume_out(path="/copy")], search=search)


RANKINGS: dict[tuple[str, str], Sequence[str]] = {
    ("hybrid", "one"): ["a.md", "b.md"],
    ("hybrid", "two"): ["x.md", "x.md", "b.md"],
    ("lexical", "one"): ["b.md"],
    ("lexical", "two"): ["b.md"],
}
QUERIES = [
    {"id": "1", "query": "one", "relevant": ["docs/a.md"]},
    {"id": "2", "query": "two", "relevant": ["docs/b.md"]},
    {"id": "3", "query": "three", "relevant": [], "unanswerable": True},
]


def test_each_query_is_timed_in_one_mode_only(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = [Query(id=str(number), text="x") for number in range(7)]
    timed = evaluate.timed_queries(queries, ["a", "b", "c"])
    assert [[query.id for query in timed[mode]] for mode in "abc"] == [["0", "1"], ["2", "3"], ["4", "5"]]
    assert evaluate.timed_queries(queries[:1], ["a", "b"]) == {"a": queries[:1], "b": queries[:1]}
    assert evaluate.timed_queries([], ["a"]) == {"a": []}
    monkeypatch.setattr(evaluate, "TIMED_QUERIES", 1)
    assert [len(some) for some in evaluate.timed_queries(queries, ["a", "b"]).values()] == [1, 1]


@pytest.mark.parametrize("timed", [1, 50])
def test_the_figures_of_each_mode(
    nasd: RunNasd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timed: int
) -> None:
    monkeypatch.setattr(evaluate, "TIMED_QUERIES", timed)
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(map(json.dumps, QUERIES)))
    arguments = ("evaluate", "--queries", str(file), "--mode", "hybrid", "--mode", "lexical")
    client = answering(RANKINGS)
    ran = nasd(*arguments, "--json", client=client)
    assert ran.code == 0
    document: dict[str, Any] = json.loads(ran.out)
    assert (document["queries"], document["unanswerable"]) == (2, 1)
    hybrid, lexical = document["modes"]["hybrid"], document["modes"]["lexical"]
    # (1 + 1/log2(3)) / 2, the second relevant file standing at rank 2 once files are counted.
    assert hybrid["ndcg@10"] == 0.8155
    assert (hybrid["recall@10"], hybrid["mrr@10"]) == (1.0, 0.75)
    assert (lexical["ndcg@10"], lexical["recall@10"], lexical["mrr@10"]) == (0.5, 0.5, 0.5)
    assert (hybrid["p50_ms"], lexical["p50_ms"]) == (10.0, 30.0)  # "one" was timed in one, "two" in the other
    assert len(client.calls) == 5

    ran = nasd(*arguments, client=client)
    assert "0.8155" in ran.out
    assert "2 queries with an answer" in ran.out


def test_an_error_while_several_run_ends_it_all(
    nasd: RunNasd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "TIMED_QUERIES", 0)
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(map(json.dumps, QUERIES)))
    client = ScriptedClient(volumes=[], search=errors.Unavailable("gone"))
    ran = nasd("evaluate", "--queries", str(file), client=client)
    assert (ran.code, ran.err) == (3, "nasd: gone\n")


def test_wrong_usage(nasd: RunNasd, tmp_path: Path) -> None:
    assert nasd("evaluate", "--queries", str(tmp_path / "none")).code == 2
    assert nasd("evaluate", "--queries", "x", "--mode", "magic").code == 2


def test_without_a_file_the_daemon_measures_on_its_own_documents(nasd: RunNasd) -> None:
    figures = wire.FiguresOut(recall_at_10=0.9334, mrr_at_10=0.81, p50_ms=12.4, p95_ms=40.0)
    measured = wire.EvaluationOut(
        at=MOMENT, model="minilm", fingerprint="f", queries=150, took_s=9.0, modes={"hybrid": figures}
    )
    ran = nasd("evaluate", client=ScriptedClient(evaluate=measured))
    assert ran.code == 0
    assert "0.9334" in ran.out and "150 queries made from your documents" in ran.out
    told = nasd("evaluate", "--json", client=ScriptedClient(evaluate=measured))
    assert json.loads(told.out)["modes"]["hybrid"]["p95_ms"] == 40.0
    seen = nasd("status", client=ScriptedClient(status=status_out(evaluation=measured)))
    assert "recall@10 0.933, MRR 0.810, p50 12 ms (150 known items" in seen.out


def test_options_of_a_query_file_need_one(nasd: RunNasd) -> None:
    for options in (("-k", "5"), ("--mode", "hybrid"), ("--volume", "home")):
        ran = nasd("evaluate", *options, client=ScriptedClient())
        assert ran.code == 2 and "--queries" in ran.err
