"""Numbers, dates and identifiers, however they are written."""

from __future__ import annotations

import pytest

from nasd.answer.figures import missing, read_figures


def lacking(claim: str, text: str) -> list[str]:
    return missing(read_figures(claim), read_figures(text, within_dates=True), text)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It costs 1,234.50 euros.", "Preis: 1.234,50 €"),
        ("It costs 1234.5 €.", "1,234.50 euros"),
        ("over 14,000 items", "14.000 Objekte"),
        ("in 2024", "am 02.05.2024"),
        ("on 2 May 2024", "2024-05-02"),
        ("on May 2, 2024", "am 2. Mai 2024"),
        ("10/12/2024", "12 October 2024 or 10 December 2024"),
        ("5 years", "five years"),
        ("fünfundzwanzig Jahre", "25 Jahre"),
        ("two hundred and five people", "205 people"),
        ("5%", "5 percent"),
        ("a 10-year note", "a note of 10 years"),
        ("3–5 kg", "between 3 and 5 kg"),
        ("$82,959 million", "(in millions) $ 82,959"),
        ("6.3 million views", "6,300,000 views"),
        ("6½ sacks", "added 6½ sacks"),
        ("COVID-19", "COVID-19 cases"),
        ("invoice INV-2023-0042", "INV 2023 0042 was paid"),
        ("ranked 139th", "the 139th place"),
        ("in the 1990s", "the 1990s"),
        ("三十五", "35"),
        ("٣ كتب", "3 books"),
        ("no figure at all", ""),
    ],
)
def test_what_is_written_otherwise_is_the_same(claim: str, text: str) -> None:
    assert lacking(claim, text) == []


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("5 years", "5 months"),
        ("5 dollars", "5 percent"),
        ("13,000 years", "12 or 13 months"),
        ("1.5", "15"),
        ("on 3 May 2024", "2024-05-02"),
        ("in May 2025", "2 May 2024"),
        ("invoice INV-2023-0043", "INV-2023-0042"),
        ("INV-1", "INV-12"),
        ("version 3.11.8", "version 3.11.7"),
        ("seven years", "five years"),
        ("7 million", "7 thousand"),
        ("COVID-20", "COVID-19"),
    ],
)
def test_what_differs_is_missing(claim: str, text: str) -> None:
    assert lacking(claim, text)
