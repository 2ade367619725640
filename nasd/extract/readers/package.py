"""Office files: zip packages of XML parts, opened with limits on what they may inflate to.

XML is read without entity expansion, DTDs or network, so an entity bomb stays as small as it is on disk and
an external entity is never fetched. Parts are read as streams; elements are dropped once seen.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any

from lxml import etree

from nasd.errors import ReadError

MAX_MEMBERS = 20_000
MAX_PART_BYTES = 400 << 20  # one part, inflated; a real document.xml of a 1,000-page book is about 10 MB
MAX_TOTAL_BYTES = 2 << 30  # all parts as declared; pictures are most of it and never inflated

Element = Any  # lxml's elements have no precise public type


class Package:
    """A zip package. Raises `ReadError`: malformed, encrypted, too_large."""

    def __init__(self, stream: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
            raise ReadError(f"The file is no complete zip package: {error}.", reason="malformed") from error
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_TOTAL_BYTES:
            raise ReadError(
                f"The package holds {len(members)} parts or more than {MAX_TOTAL_BYTES >> 20} MiB.",
                reason="too_large",
            )
        self._members = {m.filename.lstrip("/").lower(): m for m in members}

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._members

    def names(self) -> list[str]:
        return [member.filename.lstrip("/") for member in self._members.values()]

    def open(self, part: str) -> IO[bytes]:
        """A part as a stream that refuses to inflate beyond its limit. Raises KeyError when missing."""
        member = self._members[part.lower()]
        if member.flag_bits & 1:
            raise ReadError("The package is protected by a password.", reason="encrypted")
        if member.file_size > MAX_PART_BYTES:
            raise _bomb(part)
        return io.BufferedReader(_Limited(self._zip.open(member), part), 1 << 16)

    def tree(self, part: str) -> Element | None:
        """A part parsed whole (for small ones); None when it is missing or no XML."""
        if part not in self:
            return None
        try:
            with self.open(part) as stream:
                return etree.parse(stream, _parser()).getroot()
        except (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, NotImplementedError):
            return None

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Relationship id -> (last word of its type, target part); external targets are left out."""
        folder, name = posixpath.split(part)
        root = self.tree(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
        found: dict[str, tuple[str, str]] = {}
        for relation in root if root is not None else ():
            if not isinstance(relation.tag, str) or relation.get("TargetMode") == "External":
                continue
            target = relation.get("Target") or ""
            path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            kind = (relation.get("Type") or "").rsplit("/", 1)[-1]
            found[relation.get("Id") or ""] = (kind, posixpath.normpath(path))
        return found

    def main_part(self, fallback: str) -> str:
        """The part that the package names as its main document."""
        for kind, target in self.relations("").values():
            if kind == "officeDocument" and target in self:
                return target
        return fallback

    def title(self) -> str | None:
        """The title in the core properties, unless it is a leftover of the program that wrote it."""
        root = self.tree("docProps/core.xml")
        for element in root if root is not None else ():
            if local(element) == "title" and (text := (element.text or "").strip()):
                junk = text.lower().startswith(("microsoft word -", "powerpoint presentation", "untitled"))
                return None if junk else text[:300]
        return None


class _Limited(io.RawIOBase):
    """Counts what really comes out: the sizes in the directory are the author's claim."""

    def __init__(self, stream: IO[bytes], part: str) -> None:
        self._stream, self._part, self._left = stream, part, MAX_PART_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise _bomb(self._part)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _bomb(part: str) -> ReadError:
    return ReadError(f"{part} inflates to more than {MAX_PART_BYTES >> 20} MiB.", reason="too_large")


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def local(element: Element) -> str:
    """An element's name without its namespace: the strict and the transitional standard differ only there."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its local name."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def children_of(stream: IO[bytes], parent: str) -> Iterator[Element]:
    """The children, one by one, of the first element called `parent` (its local name, or `{namespace}name`),
    each dropped after use, so that a long document is never in memory as a whole tree. Raises `ReadError`
    for broken XML."""
    depth, base = 0, 0
    for event, element in parsed(stream):
        if event == "start":
            depth += 1
            if not base and parent in (local(element), element.tag):
                base = depth
            continue
        if base and depth == base + 1:
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
        depth -= 1


def parsed(stream: IO[bytes], tags: Sequence[str] | None = None) -> Iterator[tuple[str, Element]]:
    """The starts and ends of elements (only those called `tags`, with their namespace) as they are parsed;
    whoever takes them drops what is no longer needed. Raises `ReadError` for broken XML."""
    try:
        yield from etree.iterparse(
            stream, events=("start", "end"), tag=tags, resolve_entities=False, no_network=True,
            load_dtd=False, huge_tree=False,
        )  # fmt: skip
    except etree.XMLSyntaxError as error:
        raise ReadError(f"Broken XML: {error.msg}.", reason="malformed") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ReadError(f"A damaged part: {error}.", reason="malformed") from error
