"""CSV and TSV: one block per row, the row of column names as the heading above the others.

As a heading, the names reach every passage of rows and the words "column value" meet in one place, while
the text repeats nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from nasd.domain.passages import Block, Role
from nasd.extract.base import Notes, Source
from nasd.extract.readers.decoding import decode
from nasd.extract.readers.flow import is_header, row_text, settle
from nasd.extract.readers.lines import split_lines

_DELIMITERS = "\t;|,"  # ties go to the rarer one
_SAMPLE_LINES, _SAMPLE_CHARS = 50, 20_000  # of each line
csv.field_size_limit(1 << 30)  # the sandbox limits memory; the module's own 128 KiB would reject long texts


class TableReader:
    name = "table"
    version = 1

    def read(self, source: Source, notes: Notes) -> Iterator[Block]:
        text, notes.metadata["encoding"] = decode(source.stream.read())
        lines = split_lines(text)
        sample = [text[line.start : line.stop][:_SAMPLE_CHARS] for line in lines[:_SAMPLE_LINES]]
        notes.metadata["delimiter"] = delimiter = find_delimiter(sample)
        yield from settle(_rows((text[line.start : line.stop] for line in lines), delimiter))


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[Block]:
    reader = csv.reader(lines, delimiter=delimiter)
    first = True
    start = 1
    for cells in reader:
        text = row_text(cells)
        if text:
            header = first and is_header(cells)
            yield Block(
                text=text,
                role=Role.HEADING if header else Role.ROW,
                level=1 if header else 0,
                line_start=start,
                line_end=reader.line_num,
            )
            first = False
        start = reader.line_num + 1


def find_delimiter(lines: list[str]) -> str:
    """The delimiter that gives most rows the same number of cells, and more than one."""
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not counts:
            continue
        usual = max(set(counts), key=counts.count)
        score = counts.count(usual) / len(counts) * (1 + min(usual, 20) / 100)
        if usual > 1 and score > best_score:
            best, best_score = delimiter, score
    return best
