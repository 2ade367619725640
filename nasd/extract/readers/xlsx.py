"""Workbooks: each sheet under its name, its first row as heading when it names columns, a row per block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from nasd.domain.passages import Block, Role
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import is_header, row_text, settle
from nasd.extract.readers.package import Package


class XlsxReader:
    name = "xlsx"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        package = Package(source.stream)  # checks what the parts claim before anything is inflated
        for name in package.names():
            if name.lower().endswith(".xml"):
                package.open(name).close()
        notes.title = package.title()
        source.stream.seek(0)
        try:
            book = CalamineWorkbook.from_filelike(source.stream)
            yield from settle(_sheets(book))
        except PasswordError as error:
            raise ReadError("The workbook is protected by a password.", reason="encrypted") from error
        except CalamineError as error:
            raise ReadError(f"The workbook cannot be read: {error}.", reason="malformed") from error


def _sheets(book: CalamineWorkbook) -> Iterator[Block]:
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        yield Block(text=name, role=Role.HEADING, level=1, sheet=name)
        first = sheet.height > 1
        for values in sheet.iter_rows():
            cells = [print_value(value) for value in values]
            text = row_text(cells)
            if not text:
                continue
            start = next(i for i, cell in enumerate(cells) if cell)
            header = first and is_header(cells[start:])
            first = first and not header and sum(1 for cell in cells if cell) == 1  # a caption may come first
            role = Role.HEADING if header else Role.ROW
            yield Block(text=text, role=role, level=2 if header else 0, sheet=name)


def print_value(value: object) -> str:
    """A cell as a person sees it: no ".0" behind whole numbers, no midnight behind a date, and 15 digits,
    which is what a spreadsheet stores."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            if value.is_integer() and abs(value) < 1e15:
                return str(int(value))
            return f"{value:.15g}"
        case dt.datetime():
            whole = value.time() == dt.time()
            return value.date().isoformat() if whole else value.isoformat(" ", "seconds")
        case dt.time():
            return value.isoformat("seconds")
        case _:
            return str(value)
