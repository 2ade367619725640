"""That what is compared is told and drawn; not how fast anything is."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import bench_compare, bench_million
from tests.bench.lines import Panel, decades, drawn
from tests.bench.million import passages

QUESTIONS = ("who pays the rent", "what is the roof made of", "when did the price change")
_SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_has_a_line_and_a_point_for_each_value() -> None:
    line = [(1000.0, 5.0), (10.0, 0.5), (100_000.0, 70.0)]
    root = ElementTree.fromstring(
        drawn([Panel(title="A <b>", x="n", y="ms", lines={"one & two": line, "none": []})])
    )
    assert len(list(root.iter(f"{_SVG}circle"))) == 3
    words = {text.text for text in root.iter(f"{_SVG}text")}
    assert {"A <b>", "one & two", "0.1", "100", "100,000"} <= words
    places = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in root.iter(f"{_SVG}circle")]
    assert places == sorted(places)  # left to right as given by size, whatever the order
    assert places[0][1] > places[-1][1]  # more is higher


@pytest.mark.parametrize(
    ("values", "expected"), [([], (0, 1)), ([5.0], (0, 1)), ([10.0], (1, 2)), ([0.2, 999.0], (-1, 3))]
)
def test_an_axis_spans_whole_decades(values: list[float], expected: tuple[int, int]) -> None:
    assert decades(values) == expected


def test_an_absent_contestant_is_told_with_what_to_do(tmp_path: Path) -> None:
    row = {
        "ready_s": 1.0, "index_s": 2.0, "p50_ms": 3.0, "p99_ms": 4.0,
        "index_peak_mib": 5, "answer_peak_mib": 6, "ndcg@10": 0.5,
    }  # fmt: skip
    result = {
        "collection": "some",
        "machine": "one",
        "prepare_s": 1,
        "contestants": {"nasd": row, "txtai": None},
    }
    page = bench_compare.rendered(result)
    assert "| nasd | 1.0 | 2.0 | 3.0 | 4.0 | 5 | 6 | 0.500 |" in page
    assert "txtai | absent: give --txtai-venv" in page
    assert bench_compare.txtai_python(tmp_path) is None
    with pytest.raises(SystemExit, match="--txtai-venv FOLDER"):
        bench_compare.make_environment(None)


def test_a_contestant_that_fails_is_not_a_figure(tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_text("no JSON", "utf-8")
    with pytest.raises(RuntimeError, match="loop failed"):
        bench_compare.contestant(Path(sys.executable), "loop", given, None, ())


def test_queries_are_of_all_kinds_and_the_same_each_time() -> None:
    pool = [f"The {word} of the house was told to them in the winter." for word in ("rent", "roof", "price")]
    texts = list(passages(pool, 200))
    asked = list(islice(bench_million.made_queries(texts, QUESTIONS, 200), 50))
    assert [kind for kind, _ in asked] == [*bench_million.KINDS] * 10
    assert asked == list(islice(bench_million.made_queries(texts, QUESTIONS, 200), 50))
    for kind, query in asked:
        assert (query.filters.path is not None) == (kind == "filtered")
        if kind == "identifier":
            assert any(query.query in text for text in texts)
        if kind == "phrase":
            assert query.query.startswith('"') and query.query.endswith('"')


def test_figures_are_of_all_and_of_each_kind() -> None:
    found = [bench_million.Asked(kind="phrase", ms=float(ms), hits=ms % 2) for ms in range(1, 101)]
    told = bench_million.figures(found)
    assert (
        told["all"]
        == told["phrase"]
        == {"queries": 100, "p50_ms": 50, "p99_ms": 99, "max_ms": 100, "empty": 50}
    )
    assert set(told) == {"all", "phrase"}
