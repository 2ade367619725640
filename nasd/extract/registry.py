"""Which reader reads which kind of file: the one table to extend for a further format.

A further format is one module in `readers/` and one line here (and, if its suffix is new, one in `kinds`).
Only names stand here, so that the daemon can ask what is readable without importing any parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from nasd.extract.base import Reader


@dataclass(frozen=True, slots=True)
class Entry:
    """`module` lies in `nasd.extract.readers` and holds the class `reader`; raise `version` (here and in
    the class) when the reader yields other text than before, so that files are read again."""

    module: str
    reader: str
    version: int

    @property
    def label(self) -> str:
        """What `Document.reader` says, such as "pdf/1"."""
        return f"{self.module}/{self.version}"


READERS: Mapping[str, Entry] = {
    "text": Entry("text", "TextReader", 1),
    "markdown": Entry("markdown", "MarkdownReader", 1),
    "html": Entry("html", "HtmlReader", 1),
    "code": Entry("code", "CodeReader", 1),
    "csv": Entry("table", "TableReader", 1),
    "pdf": Entry("pdf", "PdfReader", 1),
    "docx": Entry("docx", "DocxReader", 1),
    "pptx": Entry("pptx", "PptxReader", 1),
    "xlsx": Entry("xlsx", "XlsxReader", 1),
    "eml": Entry("eml", "EmlReader", 1),
}


def load_reader(kind: str) -> Reader:
    """The reader of a kind, imported. Raises KeyError for a kind that has none."""
    entry = READERS[kind]
    module = import_module(f"nasd.extract.readers.{entry.module}")
    reader: Reader = getattr(module, entry.reader)()
    return reader
