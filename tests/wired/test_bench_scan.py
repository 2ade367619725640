"""The benchmark of scanning still runs: its figures' shape, not what they say of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.bench_scan import ROWS, run, table


@pytest.mark.timeout(300)
def test_a_small_run_gives_all_figures(tmp_path: Path) -> None:
    figures = run(
        tmp_path,
        files=24,
        folders=4,
        renamed=8,
        saves=4,
        load=10,
        texts=6,
        idle_s=0.1,
        recoll_saves=0,
        recoll=False,
    )
    assert figures["tree"] == {"files": 24, "folders": 4, "renamed_files": 8, "texts": 6}
    assert {key for _, key, _ in ROWS} <= figures["nasd"].keys()
    assert (figures["nasd"]["rename_read_again"], figures["nasd"]["rename_embeddings"]) == (0, 0)
    shown = table(figures).splitlines()
    assert len(shown) == len(ROWS) + 3
    assert "recoll was not measured" in shown[-1]


@pytest.mark.timeout(300)
def test_a_run_that_only_scans_gives_those_figures(tmp_path: Path) -> None:
    figures = run(
        tmp_path,
        files=24,
        folders=4,
        renamed=0,
        saves=0,
        load=0,
        texts=1,
        idle_s=0.1,
        recoll_saves=0,
        recoll=False,
        scan_only=True,
    )
    measured = figures["nasd"].keys()
    assert {"first_scan_files_per_s", "rescan_s", "idle_rss_mb", "rss_after_rescans_mb"} <= measured
    assert "loaded_save_p99_s" not in measured
    assert "-" in table(figures)
