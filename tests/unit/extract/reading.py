"""Reads bytes with a reader in this process: for tests of readers, whose input is the test's own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from nasd.domain.passages import Block
from nasd.extract.base import Notes, Source
from nasd.extract.registry import load_reader


def read(kind: str, data: bytes, name: str = "file") -> tuple[list[Block], Notes]:
    notes = Notes()
    source = Source(name=name, size=len(data), kind=kind, stream=io.BytesIO(data))
    return list(load_reader(kind).read(source, notes)), notes


def texts(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks]


def whole(blocks: list[Block]) -> str:
    return "".join(block.text + block.after for block in blocks)


def package(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pdf(*pages: str, info: str = "", resources: str = "") -> bytes:
    """A PDF whose pages are drawn by these content streams; font /F is Helvetica, /B its bold."""
    fonts = (
        "/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
        "/B<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>>>"
    )
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    kids = []
    for content in pages:
        data = content.encode("cp1252").decode("latin-1")
        objects.append(f"<</Length {len(data)}>>stream\n{data}\nendstream")
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {len(objects)} 0 R"
            f"/Resources<<{fonts}>>{resources}>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(pages)}/Kids[{' '.join(kids)}]>>"
    objects.append(f"<<{info}>>")
    out = "%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    out += (
        f"trailer<</Size {len(objects) + 1}/Root 1 0 R/Info {len(objects)} 0 R>>\nstartxref\n{start}\n%%EOF"
    )
    return out.encode("latin-1")


def drawn(*lines: tuple[float, float, str], size: float = 10, font: str = "F") -> str:
    """Text at (x, y) positions, each with an operator of its own."""
    parts = []
    for x, y, text in lines:
        safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        parts.append(f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({safe}) Tj ET")
    return "\n".join(parts)
