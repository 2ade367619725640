from __future__ import annotations

from datetime import time, timedelta

import pytest

from nasd.config import quantities


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (4096, 4096),
        ("0", 0),
        ("1GiB", 1 << 30),
        ("1 gib", 1 << 30),
        ("1.5KiB", 1536),
        ("2GB", 2 * 10**9),
        ("7B", 7),
    ],
)
def test_sizes(text: object, size: int) -> None:
    assert quantities.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["1XB", "-1", -1, True, 1.5, "GiB", "", None])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="is allowed"):
        quantities.parse_bytes(text)


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1000, 1 << 20, 3 << 30, (1 << 40) + 1])
def test_a_size_reads_back(size: int) -> None:
    assert quantities.parse_bytes(quantities.format_bytes(size)) == size


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("365d", timedelta(days=365)),
        ("90s", timedelta(seconds=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2w", timedelta(days=14)),
        ("500ms", timedelta(milliseconds=500)),
    ],
)
def test_durations_and_back(text: str, span: timedelta) -> None:
    assert quantities.parse_duration(text) == span
    assert quantities.parse_duration(quantities.format_duration(span)) == span


@pytest.mark.parametrize("text", [3, "3", "3y", "d", "-1d", "99999999999999w", None])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is allowed"):
        quantities.parse_duration(text)


def test_rates() -> None:
    assert quantities.parse_rate("10MiB/s") == 10 << 20
    for wrong in ("10MiB", "0B/s", "x/s", 0):
        with pytest.raises(ValueError, match="is allowed"):
            quantities.parse_rate(wrong)


def test_windows_run_over_midnight() -> None:
    night = quantities.parse_window("22:00-06:00")
    assert str(night) == "22:00-06:00"
    inside = [time(22), time(23, 59), time(0), time(5, 59)]
    outside = [time(6), time(12), time(21, 59)]
    assert all(map(night.contains, inside))
    assert not any(map(night.contains, outside))
    day = quantities.parse_window("09:30-17:00")
    assert day.contains(time(9, 30))
    assert not day.contains(time(17))


@pytest.mark.parametrize("text", ["25:00-06:00", "22-6", "22:00", "08:00-08:00", 22, "22:60-23:00"])
def test_what_is_no_window(text: object) -> None:
    with pytest.raises(ValueError, match="is allowed"):
        quantities.parse_window(text)
