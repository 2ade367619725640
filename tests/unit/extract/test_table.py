from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from nasd.extract.readers.flow import is_header, row_text
from nasd.extract.readers.table import find_delimiter
from tests.unit.extract.reading import read, texts


def test_rows_under_the_row_of_names() -> None:
    blocks, notes = read("csv", b'Name,City\nAda,"London,\nUK"\n\nBob,Rome\n')
    assert [(b.role, b.text, b.line_start, b.line_end) for b in blocks] == [
        (Role.HEADING, "Name | City", 1, 1),
        (Role.ROW, "Ada | London, UK", 2, 3),
        (Role.ROW, "Bob | Rome", 5, 5),
    ]
    assert notes.metadata["delimiter"] == ","


def test_values_alone_have_no_heading() -> None:
    blocks, _ = read("csv", b"1;2;3\n4;5;6\n")
    assert [(b.role, b.text) for b in blocks] == [(Role.ROW, "1 | 2 | 3"), (Role.ROW, "4 | 5 | 6")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    lines = [f"name{delimiter}note{delimiter}sum\n", f'a{delimiter}"x, y; z"{delimiter}1\n']
    assert find_delimiter(lines) == delimiter


def test_a_single_column_is_a_table_too() -> None:
    assert texts(read("csv", b"only\nwords here\n")[0]) == ["only", "words here"]
    assert read("csv", b"")[0] == []


def test_a_huge_cell_is_read() -> None:
    blocks, _ = read("csv", b'a,b\n1,"' + b"x" * 300_000 + b'"\n')
    assert len(blocks[1].text) > 300_000


def test_cells_on_one_line() -> None:
    assert row_text(["a", "", "c", ""]) == "a |  | c"
    assert row_text(["a", "", "", "", "", "b"]) == "a | b"
    assert row_text([" a\n b ", "c"]) == "a b | c"
    assert row_text(["", ""]) == ""


def test_what_names_columns() -> None:
    assert is_header(["Name", "Age", ""])
    assert not is_header(["Name", "42"])
    assert not is_header(["Name", "2024-01-01"])
    assert not is_header(["Name", "Name"])
    assert not is_header(["Name"])
    assert not is_header(["Name", "", "Age"])
