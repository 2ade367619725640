"""Jupyter notebooks: Markdown and code cells, and the text of what the code printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.flow import settle
from nasd.extract.readers.html import read_html
from nasd.extract.readers.markdown import markdown_blocks

_ESCAPE = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")  # colours of a terminal
_MAX_OUTPUT = 20_000  # of one output: beyond, it is data, not what someone wanted to remember


class NotebookReader:
    name = "notebook"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        try:
            book = json.loads(decode(source.stream.read())[0])
        except (ValueError, RecursionError) as error:
            raise ReadError("The notebook is no valid JSON.", reason="malformed") from error
        cells = _cells(book)
        if cells is None:
            raise ReadError("The file holds no notebook.", reason="malformed")
        yield from settle(_blocks(cells, notes))


def _cells(book: Any) -> list[dict[str, Any]] | None:
    if not isinstance(book, dict):
        return None
    found = book.get("cells")
    if found is None and isinstance(book.get("worksheets"), list):  # before version 4
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, dict)]
        found = [cell for sheet in sheets for cell in sheet.get("cells", ())]
    return [cell for cell in found if isinstance(cell, dict)] if isinstance(found, list) else None


def _blocks(cells: list[dict[str, Any]], notes: Notes) -> Iterator[Block]:
    for cell in cells:
        text = _joined(cell.get("source", cell.get("input")))
        match cell.get("cell_type"):
            case "markdown":
                for block in markdown_blocks(text):
                    if notes.title is None and block.role is Role.HEADING and block.level == 1:
                        notes.title = block.text.strip("# \n=")[:300] or None
                    yield replace(block, line_start=None, line_end=None)
            case "heading":
                level = cell.get("level")
                yield Block(text=text, role=Role.HEADING, level=level if isinstance(level, int) else 1)
            case _:
                yield Block(text=text, role=Role.CODE)
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                yield from _output(output)


def _output(output: dict[str, Any]) -> Iterator[Block]:
    data = output.get("data", output)
    if output.get("output_type") in ("error", "pyerr"):
        yield Block(text=f"{output.get('ename')}: {output.get('evalue')}"[:_MAX_OUTPUT], role=Role.CODE)
        return
    if not isinstance(data, dict):
        return
    if page := _joined(data.get("text/html", data.get("html"))):  # tables, mostly
        yield from read_html(page[: _MAX_OUTPUT * 10], Notes(title=""))
        return
    for key in ("text/markdown", "text/plain", "text"):
        if text := _joined(data.get(key)):
            yield Block(text=_ESCAPE.sub("", text)[:_MAX_OUTPUT], role=Role.CODE)
            return


def _joined(value: Any) -> str:
    """A cell's text: one string or a list of lines."""
    if isinstance(value, list):
        return "".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) else ""
