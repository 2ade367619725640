"""Which reader reads which kind of file: the one table to extend for a further format.

A further format is one module in `readers/` and one line here (and, if its suffix is new, one in `kinds`).
Only names stand here, so that the daemon can ask what is readable without importing any parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from nasd.extract.base import Container, Reader


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
    "html": Entry("html", "HtmlReader", 2),
    "code": Entry("code", "CodeReader", 1),
    "csv": Entry("table", "TableReader", 1),
    "pdf": Entry("pdf", "PdfReader", 3),
    "docx": Entry("docx", "DocxReader", 2),
    "pptx": Entry("pptx", "PptxReader", 1),
    "xlsx": Entry("xlsx", "XlsxReader", 1),
    "eml": Entry("eml", "EmlReader", 1),
    "odt": Entry("opendocument", "OpenDocumentReader", 1),
    "ods": Entry("opendocument", "OpenDocumentReader", 1),
    "odp": Entry("opendocument", "OpenDocumentReader", 1),
    "odg": Entry("opendocument", "OpenDocumentReader", 1),
    "rtf": Entry("rtf", "RtfReader", 1),
    "epub": Entry("epub", "EpubReader", 1),
    "fb2": Entry("fictionbook", "FictionBookReader", 1),
    "xml": Entry("xml", "XmlReader", 1),
    "calendar": Entry("calendar", "CalendarReader", 1),
    "vcard": Entry("vcard", "VcardReader", 1),
    "mhtml": Entry("mhtml", "MhtmlReader", 1),
    "ipynb": Entry("notebook", "NotebookReader", 1),
    "rst": Entry("restructured", "RestructuredReader", 1),
    "org": Entry("org", "OrgReader", 1),
    "latex": Entry("latex", "LatexReader", 1),
    "xps": Entry("xps", "XpsReader", 1),
    "iwork": Entry("iwork", "IworkReader", 1),
    "doc": Entry("doc", "DocReader", 1),
    "xls": Entry("xls", "XlsReader", 1),
    "ppt": Entry("ppt", "PptReader", 1),
    "msg": Entry("msg", "MsgReader", 1),
    "image": Entry("image", "ImageReader", 2),
    "audio": Entry("media", "MediaReader", 2),
    "video": Entry("media", "MediaReader", 2),
}


def load_reader(kind: str) -> Reader:
    """The reader of a kind, imported. Raises KeyError for a kind that has none."""
    entry = READERS[kind]
    module = import_module(f"nasd.extract.readers.{entry.module}")
    reader: Reader = getattr(module, entry.reader)()
    return reader


CONTAINERS: Mapping[str, Entry] = {
    "archive": Entry("archives", "Archives", 2),
    "mbox": Entry("mailboxes", "Mailboxes", 1),
    "eml": Entry("attachments", "Attachments", 1),
    "msg": Entry("attachments", "OutlookAttachments", 1),
}
"""What holds files of its own. `module` lies in `nasd.extract.containers`. A kind that is in `READERS` too
has text beside its members."""


def entry_of(kind: str) -> Entry | None:
    """What reads files of this kind, or opens them; None when nothing does."""
    return READERS.get(kind) or CONTAINERS.get(kind)


def load_container(kind: str) -> Container:
    """The opener of a kind of container, imported. Raises KeyError for a kind that is none."""
    entry = CONTAINERS[kind]
    module = import_module(f"nasd.extract.containers.{entry.module}")
    container: Container = getattr(module, entry.reader)()
    return container
