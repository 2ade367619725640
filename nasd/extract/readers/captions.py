"""What people and programs wrote into a picture to find it again: title, caption, keywords, who is in it.

Two ways of old: XMP (ISO 16684-1; Dublin Core, IPTC, Lightroom, digiKam, regions of faces by the Metadata
Working Group and by Microsoft), and IPTC-IIM 4.2, which Photoshop keeps in a block of its own. Pure; every
field may be nonsense.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from nasd.extract.readers.package import local

_MOST_CHARS, _MOST_WORDS, _MOST_BYTES = 2000, 200, 8 << 20
_IPTC_BLOCK = 0x0404  # among Photoshop's blocks
_UTF8 = b"\x1b%G"
_LISTS = frozenset({"Bag", "Seq", "Alt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """Empty or None where nothing is told. `place` is as people wrote it."""

    title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    place: str | None = None
    creator: str | None = None
    rights: str | None = None
    rating: str | None = None

    def beside(self, other: Caption) -> Caption:
        """This, with what only the other has."""
        return Caption(
            title=self.title or other.title,
            description=self.description or other.description,
            keywords=_unlike((*self.keywords, *other.keywords)),
            people=_unlike((*self.people, *other.people)),
            place=self.place or other.place,
            creator=self.creator or other.creator,
            rights=self.rights or other.rights,
            rating=self.rating or other.rating,
        )


def read_caption(image: Any) -> Caption:
    """From an image that Pillow has opened; nothing of it is decoded."""
    tags = getattr(image, "tag_v2", None) or {}
    info: Mapping[Any, Any] = getattr(image, "info", {})
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or tags.get(700)
    blocks = info.get("photoshop")
    iptc = blocks.get(_IPTC_BLOCK) if isinstance(blocks, dict) else tags.get(33723)
    return read_xmp(_bytes(xmp)).beside(read_iptc(_bytes(iptc)))


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, tuple):  # numbers, as TIFF keeps what is declared so
        try:
            return struct.pack(f"<{len(value)}I", *value)
        except struct.error:
            return b""
    return bytes(value) if isinstance(value, (bytes, bytearray)) else b""


# --- XMP ----------------------------------------------------------------------------------------------------


def read_xmp(data: bytes) -> Caption:
    """From a packet; an empty caption for what is none."""
    data = data.strip(b"\0 \r\n\t")
    if not data or len(data) > _MOST_BYTES:
        return Caption()
    try:
        root = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError):
        return Caption()
    told: dict[str, list[str]] = {}
    for name, value in _told(root):
        if value and len(told.setdefault(name, [])) < _MOST_WORDS:
            told[name].append(value)
    faces = [name for name, kind in _regions(root) if kind in ("", "face", "person")]
    names = [*told.get("PersonInImage", ()), *told.get("PersonDisplayName", ()), *faces]
    words = [*told.get("subject", ()), *told.get("weightedFlatSubject", ())]
    for path in (*told.get("hierarchicalSubject", ()), *told.get("TagsList", ())):
        words += path.replace("/", "|").split("|")  # the levels of a keyword: "Places|Italy|Rome"
    places = ("Location", "City", "State", "CountryName", "Country")
    return Caption(
        title=_first(told, "title", "Headline", "ObjectName"),
        description=_first(told, "description", "Caption", "ImageDescription"),
        keywords=_unlike(words),
        people=_unlike(names),
        place=", ".join(_unlike(told[name][0] for name in places if name in told)) or None,
        creator=_first(told, "creator"),
        rights=_first(told, "rights"),
        rating=_first(told, "Rating"),
    )


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _told(root: Any) -> Iterator[tuple[str, str]]:
    """Properties by their local names, each value once: as attributes, as text, or as lists of values."""
    for description in root.iter("{*}Description"):
        for key, value in description.attrib.items():
            yield key.rpartition("}")[2], _clean(value)
        for element in description:
            name = local(element)
            holders = [child for child in element if local(child) in _LISTS]
            if not holders:
                yield name, _clean(element.text)
            for holder in holders:
                items = [item for item in holder if local(item) == "li"]
                if local(holder) == "Alt":  # one value in several languages: the default comes first
                    items = sorted(items, key=lambda item: _language(item) != "x-default")[:1]
                for item in items:
                    yield name, _clean(item.text)
    for element in root.iter("{*}PersonDisplayName"):
        yield "PersonDisplayName", _clean(element.text)
    for element in root.iter("{*}li"):
        for key, value in element.attrib.items():
            if key.endswith("}PersonDisplayName"):
                yield "PersonDisplayName", _clean(value)


def _language(item: Any) -> str:
    return str(item.get("{http://www.w3.org/XML/1998/namespace}lang") or "").lower()


def _regions(root: Any) -> Iterator[tuple[str, str]]:
    """Name and type of each marked region, whichever way they are written."""
    for holder in root.iter("{*}RegionList"):
        for element in holder.iter():
            own: dict[str, str] = {
                key.rpartition("}")[2]: str(value) for key, value in element.attrib.items()
            }
            own |= {local(child): child.text or "" for child in element if local(child) in ("Name", "Type")}
            if name := _clean(own.get("Name")):
                yield name, own.get("Type", "").strip().lower()


def _first(told: Mapping[str, list[str]], *names: str) -> str | None:
    return next((told[name][0] for name in names if told.get(name)), None)


# --- IPTC ---------------------------------------------------------------------------------------------------


def read_iptc(data: bytes) -> Caption:
    """From the records of IPTC-IIM; an empty caption for what are none."""
    found: dict[tuple[int, int], list[bytes]] = {}
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, dataset, length = data[at + 1], data[at + 2], int.from_bytes(data[at + 3 : at + 5], "big")
        if length & 0x8000:  # longer than any text of a caption
            break
        found.setdefault((record, dataset), []).append(data[at + 5 : at + 5 + length])
        at += 5 + length
    utf8 = _UTF8 in found.get((1, 90), [])

    def values(dataset: int) -> list[str]:
        return [_clean(_decoded(one, utf8)) for one in found.get((2, dataset), [])[:_MOST_WORDS]]

    def first(*datasets: int) -> str | None:
        return next((text for dataset in datasets for text in values(dataset) if text), None)

    return Caption(
        title=first(5, 105),
        description=first(120),
        keywords=_unlike(values(25)),
        place=", ".join(_unlike(values(92)[:1] + values(90)[:1] + values(95)[:1] + values(101)[:1])) or None,
        creator=first(80),
        rights=first(116),
    )


def _decoded(data: bytes, utf8: bool) -> str:
    if utf8:
        return data.decode("utf-8", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _clean(text: str | None) -> str:
    return " ".join((text or "").replace("\0", " ").split())[:_MOST_CHARS]


def _unlike(words: Iterable[str]) -> tuple[str, ...]:
    """Each once, whatever its case."""
    seen: dict[str, str] = {}
    for word in words:
        text = word.strip()
        if text:
            seen.setdefault(text.casefold(), text)
    return tuple(list(seen.values())[:_MOST_WORDS])
