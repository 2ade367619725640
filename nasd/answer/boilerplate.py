"""What stands in many documents and says nothing of any: notices, certifications, page numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nasd.answer.words import fold

_PATTERNS = re.compile(
    "|".join(
        (
            r"(?:\. ?){4,}\s*\d{0,4}\s*$|\.{4,}|…{2,}",  # leaders of a table of contents
            r"^\W*(?:table of contents|contents|inhaltsverzeichnis|inhalt|table des mati[eè]res|[ií]ndice|"
            r"sommario)\W*$",
            r"^\W*(?:(?:item|part|chapter|section|kapitel|chapitre|teil|"
            r"abschnitt)\s+[\divxa-z]{1,4}\.?\s)[^.!?]{0,90}"
            r"\s{2,}\d{1,4}\W*$",
            r"^\W*(?:page|seite|p[aá]gina|pagina|sheet)\s*:?\s*\d+(?:\s*(?:of|von|sur|de|di|van|"
            r"/)\s*\d+)?\W*$",
            r"(?:©|\(c\)|copyright)\s*(?:by\s)?(?:\w+\s){0,4}\d{4}|all rights reserved|"
            r"alle rechte vorbehalten|"
            r"tous droits r[eé]serv[eé]s|todos los derechos reservados",
            r"\bi,\s[^,]{3,60},\s(?:hereby\s)?certify that\b|\bi have reviewed this (?:quarterly|"
            r"annual) report\b",
            r"\bpursuant to the requirements of the securities\b|"
            r"\bhas duly caused this report to be signed\b",
            r"\b(?:filed|furnished) herewith\b|\bincorporated (?:herein )?by reference\b|"
            r"\bindicate by check ?mark\b",
            r"\bforward-looking statements\b.{0,80}\b(?:within the meaning|involve|risks|safe harbor)",
            r"\bthe accompanying notes are an integral part\b|\bsee accompanying notes\b",
            r"\b(?:we|this site|our website) uses? cookies\b|\bcookie (?:settings|policy|einstellungen)\b|"
            r"^.{0,40}\b(?:privacy policy|terms of (?:use|service)|datenschutzerkl[aä]rung|"
            r"impressum)\b.{0,30}$",
            r"\bskip to (?:main )?content\b|\bsubscribe to our newsletter\b|\bunsubscribe\b|"
            r"\bnewsletter abbestellen\b",
            r"\bthis (?:e-?mail|message)\b.{0,80}\b(?:confidential|intended (?:only|solely))\b|"
            r"\bdiese (?:e-?mail|nachricht)\b.{0,80}\bvertraulich",
            r"\bthis page (?:is )?(?:intentionally )?(?:left )?blank\b",
        )
    ),
    re.IGNORECASE,
)
_FIGURES = re.compile(r"\d[\d.,]*")
LONGEST_NOTICE = 500
"""Characters. What is longer says something of its own beside the notice."""


def is_boilerplate(text: str) -> bool:
    """Whether a unit reads like a notice, a certification, a line of contents or a page number."""
    return len(text) <= LONGEST_NOTICE and bool(_PATTERNS.search(text))


def repeated(units: Iterable[tuple[int, str]]) -> frozenset[str]:
    """Of units given as (content, text), the keys (`key_of`) of those that several contents hold."""
    seen: dict[str, int] = {}
    found: set[str] = set()
    for content, text in units:
        key = key_of(text)
        if seen.setdefault(key, content) != content:
            found.add(key)
    return frozenset(found)


def key_of(text: str) -> str:
    """The same for units that differ in figures, case and spaces alone."""
    return " ".join(_FIGURES.sub("0", fold(text)).split())
