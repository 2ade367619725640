"""That the command measures and tells; not how fast anything is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.bench import bench_reading


@pytest.mark.timeout(300)
def test_a_tiny_run_tells_all_its_figures(
    corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pdfs = tmp_path / "pdfs"
    pdfs.mkdir()
    smallest = min(bench_reading.PDFS.glob("*.pdf"), key=lambda path: path.stat().st_size)
    shutil.copyfile(smallest, pdfs / "one.pdf")
    told = tmp_path / "told.json"
    bench_reading.main(["--texts", "7", "--pdfs", str(pdfs), "--no-recoll", "--json", str(told)])
    printed = capsys.readouterr()
    assert "recoll is left out" in printed.err
    assert "nasd text" in printed.out
    assert "nasd pdf" in printed.out
    result = json.loads(told.read_text())
    assert result["recoll"] is False
    text, pdf = result["figures"]
    assert (text["files"], text["found"], text["pages"]) == (7, 7, 0)
    assert (pdf["files"], pdf["found"]) == (1, 1)
    assert pdf["pages"] > 1
    for one in (text, pdf):
        assert min(one["seconds"], one["cpu_s"], one["peak_mb"], one["peak_child_mb"]) > 0
        assert one["all_seconds"] == [one["seconds"]]


def test_pieces_are_as_many_as_wanted_and_no_two_alike() -> None:
    found = list(bench_reading.pieces("one two three four five", 4, 5))
    assert len(set(found)) == 5
    assert " ".join("".join(found).split()).count("three") == 1
