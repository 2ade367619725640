from __future__ import annotations

from datetime import timedelta

import pytest

from tests.tui.specimens import NOW
from tui import figures


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (83_112, "81 KiB"),
        (1_288_490_188, "1.2 GiB"),
        (3 * 1024**6, "3072 PiB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert figures.size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (40, "40 s"),
        (125, "2 min"),
        (4020, "1 h 7 min"),
        (7200, "2 h"),
        (183_600, "2 d 3 h"),
        (172_800, "2 d"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert figures.span(seconds) == text


def test_moments() -> None:
    assert figures.ago(None, NOW) == "never"
    assert figures.ago(NOW + timedelta(seconds=9), NOW) == "now"
    assert figures.ago(NOW - timedelta(seconds=42), NOW) == "42 s ago"
    assert figures.ago(NOW - timedelta(minutes=90), NOW) == "1 h ago"
    assert figures.ago(NOW - timedelta(days=13), NOW) == "13 d ago"
    assert figures.ago(NOW - timedelta(days=40), NOW) == "2 Feb 2025"


def test_a_share_is_whole_only_when_all_of_it_is() -> None:
    assert figures.share(999, 1000) == 99
    assert figures.share(1000, 1000) == 100
    assert figures.share(0, 0) == 100
    assert figures.share(7, 5) == 100


def test_rates_and_counts() -> None:
    assert figures.rate(0) == "0"
    assert figures.rate(2.345) == "2.3"
    assert figures.rate(1234.5) == "1,234"
    assert figures.counted(1, "file") == "1 file"
    assert figures.counted(1204, "file") == "1,204 files"
    assert figures.counted(2, "copy", "copies") == "2 copies"
