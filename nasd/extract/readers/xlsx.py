"""Workbooks: each sheet under its name, its first row as heading when it names columns, a row per block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import settle
from nasd.extract.readers.package import Package
from nasd.extract.readers.sheets import SheetRows


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
            yield from settle(sheet_blocks(book))
        except PasswordError as error:
            raise ReadError("The workbook is protected by a password.", reason="encrypted") from error
        except CalamineError as error:
            raise ReadError(f"The workbook cannot be read: {error}.", reason="malformed") from error


def sheet_blocks(book: CalamineWorkbook) -> Iterator[Block]:
    """Every sheet of a workbook that calamine has opened."""
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        rows = SheetRows(name)
        yield rows.title()
        for values in sheet.iter_rows():
            if block := rows.block([print_value(value) for value in values]):
                yield block


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
