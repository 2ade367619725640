"""EPUB books: the chapters in the order of the spine, each read as the web page that it is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import declared_encoding, decode
from nasd.extract.readers.flow import settle, squeeze
from nasd.extract.readers.html import read_html
from nasd.extract.readers.package import Element, Package, local

_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_FONT_LOCKS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


class EpubReader:
    name = "epub"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)
        opf = _opf(package)
        root = package.tree(opf)
        if root is None:
            raise ReadError("The package holds no book.", reason="malformed")
        _refuse_locked(package)
        yield from settle(_book(package, posixpath.dirname(opf), root, notes))


def _opf(package: Package) -> str:
    root = package.tree("META-INF/container.xml")
    for element in root.iter() if root is not None else ():
        if local(element) == "rootfile" and (path := element.get("full-path")):
            return str(path)
    return next((name for name in package.names() if name.lower().endswith(".opf")), "content.opf")


def _refuse_locked(package: Package) -> None:
    """A book with rights management encrypts its chapters; scrambled fonts alone lock nothing."""
    root = package.tree("META-INF/encryption.xml")
    for element in root.iter() if root is not None else ():
        if local(element) == "EncryptionMethod" and element.get("Algorithm") not in _FONT_LOCKS:
            raise ReadError("The book is protected against copying.", reason="encrypted")


def _book(package: Package, folder: str, root: Element, notes: Notes) -> Iterator[Block]:
    authors: list[str] = []
    items: dict[str, tuple[str, str]] = {}
    spine: list[str] = []
    for element in root.iter():
        text = squeeze(element.text or "") if isinstance(element.tag, str) else ""
        match local(element):
            case "title" if text and not notes.title:
                notes.title = text[:300]
            case "creator" if text:
                authors.append(text)
            case "item":
                path = posixpath.normpath(posixpath.join(folder, unquote(element.get("href") or "")))
                items[element.get("id") or ""] = (path, element.get("media-type") or "")
            case "itemref":
                spine.append(element.get("idref") or "")
    yield Block(text="\n".join(part for part in (notes.title or "", ", ".join(authors)) if part))
    missing = 0
    for reference in spine:
        path, media_type = items.get(reference, ("", ""))
        if media_type not in _PAGES:
            continue
        if path not in package:
            missing += 1
            continue
        with package.open(path) as stream:
            data = stream.read()
        yield from read_html(decode(data, declared_encoding(data))[0], Notes(title=""))
    if missing:
        notes.warnings.append(f"{missing} of {len(spine)} chapters are missing.")
