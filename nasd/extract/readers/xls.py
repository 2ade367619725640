"""The binary workbooks of Excel (BIFF), read like the newer ones."""

from __future__ import annotations

from collections.abc import Iterator

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from nasd.domain.passages import Block
from nasd.errors import ReadError
from nasd.extract.base import Notes, Source
from nasd.extract.readers.flow import settle
from nasd.extract.readers.xlsx import sheet_blocks


class XlsReader:
    name = "xls"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        try:
            yield from settle(sheet_blocks(CalamineWorkbook.from_filelike(source.stream)))
        except PasswordError as error:
            raise ReadError("The workbook is protected by a password.", reason="encrypted") from error
        except CalamineError as error:
            raise ReadError(f"The workbook cannot be read: {error}.", reason="malformed") from error
        except BaseException as error:
            # The library panics at cut-off workbooks, by an exception that is no Exception and has no home.
            if type(error).__name__ != "PanicException":
                raise
            raise ReadError("The workbook is damaged.", reason="malformed") from error
