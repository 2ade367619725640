"""Pages, Numbers and Keynote: their format is Apple's own; the preview that they carry is read."""

from __future__ import annotations

import io
from collections.abc import Iterator

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.package import Package
from nasd.extract.readers.pdf import PdfReader

_PREVIEW = "QuickLook/Preview.pdf"


class IworkReader:
    name = "iwork"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)
        if _PREVIEW not in package:
            raise ReadError(
                "The document carries no preview as PDF, which is all of it that can be read.",
                reason="unsupported",
                cure="Export it as PDF.",
            )
        with package.open(_PREVIEW) as stream:
            data = stream.read()
        notes.warnings.append("Read from the preview that the document carries.")
        preview = Source(name=source.name, size=len(data), kind="pdf", stream=io.BytesIO(data))
        yield from PdfReader().read(preview, notes)
