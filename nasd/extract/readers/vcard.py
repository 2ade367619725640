"""Address books (vCard 2.1 to 4.0): each card under its name, its fields as people read them."""

from __future__ import annotations

from collections.abc import Iterator

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.contentlines import ContentLine, content_lines, shown_time
from nasd.extract.readers.flow import settle, squeeze

_LABELS = {
    "TEL": "Phone", "EMAIL": "Mail", "ADR": "Address", "ORG": "Organisation", "TITLE": "Job title",
    "ROLE": "Role", "BDAY": "Birthday", "ANNIVERSARY": "Anniversary", "URL": "Web", "NICKNAME": "Nickname",
    "IMPP": "Messenger", "NOTE": "Note", "CATEGORIES": "Categories", "X-SKYPE": "Skype", "RELATED": "Related",
    "X-ABRELATEDNAMES": "Related", "GENDER": "Gender", "LANG": "Language", "LABEL": "Address", "X-AIM": "AIM",
}  # fmt: skip
_UNSAID = frozenset(
    {"PREF", "VOICE", "INTERNET", "X400", "QUOTED-PRINTABLE", "BASE64", "DOM", "PARCEL", "POSTAL"}
)
_COMPOUND = frozenset({"ADR", "ORG", "N"})


class VcardReader:
    name = "vcard"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        lines, notes.metadata["encoding"] = content_lines(source.stream.read())
        yield from settle(_cards(lines))


def _cards(lines: list[ContentLine]) -> Iterator[Block]:
    card: list[ContentLine] = []
    for line in lines:
        if line.name == "BEGIN":
            card = []
        card.append(line)
        if line.name == "END":
            yield from _card(card)
            card = []
    if card:
        yield from _card(card)


def _card(card: list[ContentLine]) -> Iterator[Block]:
    start, end = card[0].line_start, card[-1].line_end
    if name := _name(card):
        yield Block(text=name, role=Role.HEADING, level=1, line_start=start, line_end=end)
    shown: list[str] = []
    for line in card:
        label = _LABELS.get(line.name)
        value = _value(line) if label else ""
        if not value:
            continue
        kinds = [kind.lower() for kind in line.parameters.get("TYPE", ()) if kind.upper() not in _UNSAID]
        if kinds and line.name in ("TEL", "EMAIL", "ADR", "LABEL", "IMPP", "RELATED"):
            label = f"{label} ({', '.join(dict.fromkeys(kinds))})"
        shown.append(f"{label}: {value}")
    yield Block(text="\n".join(shown), line_start=start, line_end=end)


def _name(card: list[ContentLine]) -> str:
    """The formatted name; without one, what the parts of the name or the organisation make of it."""
    for line in card:
        if line.name == "FN" and line.text:
            return squeeze(line.text)
    for line in card:
        if line.name == "N":
            family, given, middle, prefix, suffix = (*line.fields(), "", "", "", "", "")[:5]
            if joined := squeeze(" ".join((prefix, given, middle, family, suffix))):
                return joined
    return next((squeeze(" ".join(line.fields())) for line in card if line.name == "ORG"), "")


def _value(line: ContentLine) -> str:
    if line.name in _COMPOUND:
        return ", ".join(squeeze(part) for part in line.fields() if part)
    if line.name in ("BDAY", "ANNIVERSARY"):
        return shown_time(line.value)
    text = line.text
    for scheme in ("tel:", "mailto:"):
        text = text.removeprefix(scheme)
    return text
