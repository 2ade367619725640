"""Numbers, dates and identifiers in a text, as what they say and not as how they are written.

`1,234.50`, `1.234,50` and `1234.5` are one number; `2 May 2024`, `2024-05-02` and `02.05.2024` one date.
Where a way of writing can be read in two ways (`1.234`, `5/2/2024`), both are kept and either counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from nasd.answer.quantities import (
    CENTURY,
    MONTHS,
    NUMBER_WORDS,
    SCALES,
    TABLE_SCALES,
    UNITS,
    value_of_words,
)


@dataclass(frozen=True, slots=True)
class Number:
    """`values`: all readings. `unit`: canonical, such as "%", "$" or "year"; None where none is written."""

    text: str
    values: frozenset[Decimal]
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Date:
    """What is given of a date; `readings` as (year, month, day), None for what is not given."""

    text: str
    readings: frozenset[tuple[int | None, int | None, int | None]]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a text. The numbers of `dates` are among `numbers` only where `within_dates` asks."""

    numbers: tuple[Number, ...] = ()
    dates: tuple[Date, ...] = ()
    identifiers: tuple[str, ...] = ()  # letters and digits in one: squeezed to lower-case letters and digits


_MONTH = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.|º|ª)?"
_RANGE = r"(?:(?P<d0>\d{1,2})(?:st|nd|rd|th|\.)?\s?(?:[-–—/]|to|bis|and|und|au)\s?)?"
_YEAR = r"(?P<y>[12]\d{3})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\d.,/-])(?P<y>[12]\d{3})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?=T\d|(?![\d/]))",
        r"(?<![\d.,/-])(?P<a>\d{1,2})[./-](?P<b>\d{1,2})[./-](?P<y>[12]\d{3}|\d{2})(?![\d/])",
        rf"\b{_RANGE}{_DAY}\s?(?:of\s|de\s|di\s|del\s)?\s?(?P<mn>{_MONTH})\b\.?,?(?:\s(?:de(?:l)?\s)?{_YEAR}\b)?",
        rf"\b(?P<mn>{_MONTH})\b\.?\s{_RANGE}{_DAY}(?!\d|[.,]\d\d\d\b)\b(?:(?:,\s?|\s){_YEAR}\b)?",
        rf"\b(?P<mn>{_MONTH})\b\.?,?\s(?:de\s)?{_YEAR}\b",
        r"(?P<y>[12]\d{3})\s?年\s?(?:(?P<m>\d{1,2})\s?月)?\s?(?:(?P<d>\d{1,2})\s?日)?",
    )
)
_LONE_MONTH = re.compile(
    r"\b(?:in|since|until|till|by|from|to|of|during|through|early|late|mid|im|ab|bis|seit|ende|anfang|mitte|en|de|"
    rf"desde|hasta|fin|nel|di|sinds|tot)[ -](?P<mn>{_MONTH})\b",
    re.IGNORECASE,
)
_ANY_MONTH = re.compile(rf"\b(?P<mn>{_MONTH})\b", re.IGNORECASE)
_SIGN = r"(?P<cur>[$€£¥₹₽]|(?:US|A|C)\$|EUR|USD|GBP|CHF)"
_PLAIN = r"\d{1,3}(?:[  '’.,]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
_NUMBER = re.compile(
    rf"(?:(?<![A-Za-z0-9]){_SIGN}\s?)?(?<![\w.,])(?P<n>{_PLAIN})(?P<frac>[½¼¾⅓⅔])?(?![\w]*\d)"
    rf"(?P<tail>[-‐ \s]?(?:[^\W\d_]+|%|°\s?[CF]?|[$€£¥₹₽]))?"
)
_IDENTIFIER = re.compile(r"[^\s\"“”„«»()\[\]{}<>,;|]*\d[^\s\"“”„«»()\[\]{}<>,;|]*")
_FRACTIONS = {"½": Decimal("0.5"), "¼": Decimal("0.25"), "¾": Decimal("0.75")}
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HAN_NUMERAL = re.compile("[〇零一二三四五六七八九十百千万亿萬億]{2,}")


def read_figures(text: str, *, within_dates: bool = False) -> Figures:
    """Every figure of a text. `within_dates`: a date's day and year are numbers of their own as well, as for
    a text that others are compared with."""
    text = _plain_digits(text)
    dates: list[Date] = []
    rest = text
    # A month alone is told from a word like "may" by what stands before it; what is compared with may have it
    # anywhere.
    for pattern in (*_DATES, _ANY_MONTH if within_dates else _LONE_MONTH):
        for match in pattern.finditer(rest):
            date = _date(match)
            if date is not None:
                dates.append(date)
                rest = rest[: match.start()] + " " * len(match[0]) + rest[match.end() :]
    scanned = text if within_dates else rest
    numbers: list[Number] = []
    identifiers: list[str] = []
    for token in _IDENTIFIER.finditer(scanned):
        squeezed = squeeze(token[0])
        if squeezed and not _is_quantity(token[0]):
            identifiers.append(squeezed)
    scales = _scales_of_tables(text) if within_dates else ()
    numbers += [_number(match, scales) for match in _NUMBER.finditer(_apart(scanned))]
    numbers += _numbers_in_words(scanned)
    if within_dates:
        parts = {part for date in dates for reading in date.readings for part in reading if part is not None}
        numbers += [Number(str(part), frozenset({Decimal(part)})) for part in parts]
    return Figures(tuple(numbers), tuple(dates), tuple(dict.fromkeys(identifiers)))


def missing(claimed: Figures, held: Figures, text: str) -> list[str]:
    """What is claimed and not held, as written. `held` is of `text`, read `within_dates`."""
    lacking = [date.text for date in claimed.dates if not any(_agree(date, other) for other in held.dates)]
    lacking += [one for one in claimed.identifiers if not _stands(one, text)]
    units = {number.unit for number in held.numbers}
    lacking += [number.text for number in claimed.numbers if not _held(number, held.numbers, units)]
    return lacking


def squeeze(text: str) -> str:
    """Lower-case letters and digits alone."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _stands(squeezed: str, text: str) -> bool:
    """Whether an identifier is in a text as one, however its parts are joined."""
    spelt = r"[\W_]{0,2}".join(map(re.escape, squeezed))
    return bool(re.search(rf"(?<![^\W_]){spelt}(?![^\W_])", unicodedata.normalize("NFKC", text).casefold()))


def _held(number: Number, others: Iterable[Number], units: set[str | None]) -> bool:
    for other in others:
        if number.values & other.values and (
            number.unit in (None, other.unit) or (other.unit is None and number.unit in units)
        ):
            return True
    return False


def _agree(date: Date, other: Date) -> bool:
    return any(
        all(part is None or part == given for part, given in zip(one, two, strict=True))
        for one in date.readings
        for two in other.readings
    )


def _date(match: re.Match[str]) -> Date | None:
    found = match.groupdict()
    year = int(found["y"]) if found.get("y") else None
    if year is not None and year < 100:
        year += 2000 if year < 70 else 1900
    if found.get("a"):
        first, second = int(found["a"]), int(found["b"])
        readings: set[tuple[int | None, int | None, int | None]] = {
            (year, second, first),
            (year, first, second),
        }
    else:
        month = MONTHS[found["mn"].casefold()] if found.get("mn") else _int(found.get("m"))
        days = {_int(found.get("d")), _int(found.get("d0"))}
        readings = {(year, month, day) for day in days if day is not None or len(days) == 1}
    sound = frozenset(
        (y, m, d) for y, m, d in readings if (m is None or 1 <= m <= 12) and (d is None or 1 <= d <= 31)
    )
    return Date(match[0].strip(), sound) if sound else None


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


def _number(match: re.Match[str], scales: Iterable[Decimal]) -> Number:
    values = set(_readings(match["n"]))
    if match["frac"]:
        values = {value + _FRACTIONS.get(match["frac"], Decimal(0)) for value in values}
    tail = (match["tail"] or "").strip(" -‐\n\t\u00a0\u202f").casefold()
    unit = UNITS.get(tail)
    if tail in SCALES:
        scaled = {value * SCALES[tail] for value in values}
        # A single letter may be a unit as well as a scale: 5 m is metres or millions.
        values = values | scaled if len(tail) < 3 else scaled
        after = match.string[match.end() : match.end() + 16]
        following = re.match(r"\s?([^\W\d_]+|%|[$€£¥])", after)
        unit = UNITS.get(following[1].casefold()) if following else None
    if match["cur"]:
        unit = UNITS.get(match["cur"].casefold(), "$")
    values |= {value * scale for value in set(values) for scale in scales}
    return Number(match[0].strip(), frozenset(map(_normal, values)), unit)


def _readings(written: str) -> Iterator[Decimal]:
    """`1.234` is 1234 or 1.234; with two kinds of marks the last one is the decimal mark."""
    compact = re.sub(r"[  '’]", "", written)
    marks = [character for character in compact if character in ".,"]
    if not marks:
        yield Decimal(compact)
    elif len(set(marks)) == 2:
        last = marks[-1]
        other = "," if last == "." else "."
        yield Decimal(compact.replace(other, "").replace(last, "."))
    elif len(marks) > 1:
        yield Decimal(re.sub("[.,]", "", compact))
    else:
        whole, part = re.split("[.,]", compact)
        grouped = len(part) == 3 and len(whole) <= 3 and whole.strip("0")
        if grouped:
            yield Decimal(whole + part)
        if not (grouped and part.endswith("0")):  # nobody writes 13 as 13,000
            yield Decimal(f"{whole}.{part}")


def _normal(value: Decimal) -> Decimal:
    return value.normalize() if value else Decimal(0)


def _is_quantity(token: str) -> bool:
    """A number with nothing but signs and a unit around it: `$5`, `10%`, `5-year`, `1990s`, `3–5kg`."""
    bare = token.strip(".:!?'’*_…")
    parts = [part for part in re.split(r"[-‐–—/x×~+±=≈]", bare) if part]
    for part in parts:
        match = re.fullmatch(
            rf"(?:{_SIGN})?(?:{_PLAIN})[½¼¾⅓⅔]?(?P<u>[^\W\d_]*|[%°$€£¥₹₽]|°[CF])\.?", part, re.IGNORECASE
        )
        if match is None:
            # A word that a hyphen joins to a number: five-year has none, 5-year has one.
            if not part.isalpha() or UNITS.get(part.casefold()) is None:
                return False
        elif not _is_unit(match["u"]):
            return False
    return True


def _is_unit(letters: str) -> bool:
    known = letters.casefold()
    return not known or known in UNITS or known in SCALES or known in CENTURY


def _apart(text: str) -> str:
    """Units moved away from their numbers, and ranges taken apart, so that each number stands alone."""
    text = re.sub(r"(?<=\d)\s?[–—~]\s?(?=\d)|(?<=\d)[-/x×](?=\d)", "  ", text)
    text = re.sub(r"(?<=\d)(?=(?:st|nd|rd|th|s|er|e|º|ª)\b)", "  ", text)
    return re.sub(r"(?<=\d)(?=[^\W\d_½¼¾⅓⅔])", " ", text)


def _numbers_in_words(text: str) -> Iterator[Number]:
    words = list(_WORDS.finditer(text))
    at = 0
    while at < len(words):
        parts: list[str] = []
        first = at
        while at < len(words):
            pieces = words[at][0].casefold().split("-")
            known = all(piece in NUMBER_WORDS or value_of_words([piece]) is not None for piece in pieces)
            joined = parts and pieces == ["and"] and at + 1 < len(words)
            next_known = joined and words[at + 1][0].casefold().split("-")[0] in NUMBER_WORDS
            between = text[words[at - 1].end() : words[at].start()] if parts else " "
            if (not known and not next_known) or (parts and between.strip(" -\u00a0")):
                break
            parts += pieces
            at += 1
        value = value_of_words(parts)
        if value is None:
            at = max(at, first + 1)
            continue
        if len(parts) == 1 and parts[0] in SCALES and re.search(r"\d\s?$", text[: words[first].start()]):
            continue  # read with the number before it
        following = words[at][0].casefold() if at < len(words) else ""
        near = at < len(words) and not text[words[at - 1].end() : words[at].start()].strip(" -")
        yield Number(
            text[words[first].start() : words[at - 1].end()],
            frozenset({_normal(value)}),
            UNITS.get(following) if near else None,
        )
    for match in _HAN_NUMERAL.finditer(text):
        value = _han(match[0])
        if value is not None:
            yield Number(match[0], frozenset({_normal(value)}))


def _han(written: str) -> Decimal | None:
    digits = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {"零": 0}
    ranks = {"十": 10, "百": 100, "千": 1000}
    groups = {"万": 10_000, "萬": 10_000, "亿": 10**8, "億": 10**8}
    if all(character in digits for character in written):
        return Decimal("".join(str(digits[character]) for character in written))
    total = section = digit = 0
    for character in written:
        if character in digits:
            digit = digits[character]
        elif character in ranks:
            section += (digit or 1) * ranks[character]
            digit = 0
        else:
            total = (total + section + digit) * groups[character]
            section = digit = 0
    return Decimal(total + section + digit)


def _scales_of_tables(text: str) -> list[Decimal]:
    folded = text.casefold()
    return [scale for words, scale in TABLE_SCALES if re.search(words, folded)]


def _plain_digits(text: str) -> str:
    """Digits of any script as ASCII ones."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(character))
        if character.isdecimal() and not character.isascii()
        else character
        for character in text
    )
