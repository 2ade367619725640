"""What the collection of formats expects of each file, judged as its README says."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLAIN = {
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2010: "-", 0x2011: "-",
    0xA0: " ", 0xAD: None, 0x200B: None,
}  # fmt: skip


def norm(text: str) -> str:
    """NFKC, lower case, straight quotes and dashes, single spaces."""
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return re.sub(r"\s+", " ", text).strip().lower()


def squash(text: str) -> str:
    return re.sub(r"[\s\-*_#`\\|>]+", "", norm(text))


def found(phrase: str, text: str) -> bool:
    return norm(phrase) in norm(text) or squash(phrase) in squash(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One line of `expected.jsonl`. `tier` is "core", "ocr" or "extended"; `must_contain` is without what
    the collection itself could not verify."""

    path: str
    format: str
    tier: str
    must_contain: tuple[str, ...]
    nice_to_contain: tuple[str, ...]
    must_not_contain: tuple[str, ...]
    any_of: tuple[str, ...]
    ocr_truth: str
    min_word_recall: float

    def lacks(self, text: str) -> list[str]:
        """What is missing in a text, or should not be there; empty when it passes."""
        missing = [f"lacks {phrase!r}" for phrase in self.must_contain if not found(phrase, text)]
        missing += [f"holds {phrase!r}" for phrase in self.must_not_contain if found(phrase, text)]
        if self.any_of and not any(found(phrase, text) for phrase in self.any_of):
            missing.append(f"lacks all of {self.any_of}")
        if self.ocr_truth and (recall := word_recall(self.ocr_truth, text)) < self.min_word_recall:
            missing.append(f"{recall:.1%} of the words, {self.min_word_recall:.0%} are wanted")
        return missing


def word_recall(truth: str, text: str) -> float:
    """The share of the words of `truth` that the text has."""
    there = set(norm(text).split())
    wanted = norm(truth).split()
    return sum(word in there for word in wanted) / len(wanted)


def expectations(corpora: Path) -> Sequence[Expected]:
    lines = (corpora / "formats" / "expected.jsonl").read_text("utf-8").splitlines()
    return [_expected(json.loads(line)) for line in lines if line.strip()]


def _expected(row: dict[str, Any]) -> Expected:
    unverified = set(row.get("unverified") or ())
    return Expected(
        path=row["path"],
        format=row["format"],
        tier=row["tier"],
        must_contain=tuple(phrase for phrase in row["must_contain"] if phrase not in unverified),
        nice_to_contain=tuple(row.get("nice_to_contain") or ()),
        must_not_contain=tuple(row.get("must_not_contain") or ()),
        any_of=tuple(row.get("any_of") or ()),
        ocr_truth=row.get("ocr_truth") or "",
        min_word_recall=float(row.get("min_word_recall") or 0.0),
    )
