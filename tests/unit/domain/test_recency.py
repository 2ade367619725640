"""A query that asks for the newest, and one that only has such a word in it."""

from __future__ import annotations

import pytest

from nasd.domain.recency import newest_asked


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("latest invoice", "invoice"),
        ("  The   newest contract with Bosch ", "contract with Bosch"),
        ("most recent bank statement", "bank statement"),
        ("neueste Rechnung", "Rechnung"),
        ("meine aktuellste Stromrechnung", "Stromrechnung"),
        ("facture la plus récente", "facture"),
        ("factura más reciente", "factura"),
        ("fattura più recente", "fattura"),
        ("nieuwste factuur", "factuur"),
        ("invoices, newest first", "invoices"),
        ("Rechnungen neueste zuerst", "Rechnungen"),
        ('latest "rent" -draft', '"rent" -draft'),
    ],
)
def test_the_rest_is_what_is_looked_for(query: str, rest: str) -> None:
    assert newest_asked(query) == rest


@pytest.mark.parametrize(
    "query",
    [
        "latest",
        "the newest",
        "invoice",
        '"latest invoice"',
        "what is the latest invoice?",
        "last will of my father",
        "letzter Wille",
        "last episode of two and a half men",
        "how the latest treaty changed the border",
        "when did the most recent eruption of the volcano on the island begin",
        "latestinvoice",
        "-latest invoice",
        "",
    ],
)
def test_other_queries_are_left_alone(query: str) -> None:
    assert newest_asked(query) is None
