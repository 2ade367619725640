"""The README's table of formats says what readers read, and what the last run over a collection showed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from nasd.extract.formats import FORMATS
from nasd.extract.registry import CONTAINERS, READERS
from tests.architecture.requirements import ROOT
from tests.bench.formats import RESULTS, counted, rendered, short_of

README = (ROOT / "README.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
MOST_NAMES = 8
NONE = "no file"


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / "formats.json").read_text("utf-8"))
    return found


def names_of(kind: str) -> str:
    """The suffixes of a kind as the table writes them."""
    suffixes = [word.partition("=")[0] for word in FORMATS[kind][1].split()]
    return " ".join(suffixes[:MOST_NAMES]) + (" …" if len(suffixes) > MOST_NAMES else "")


def test_every_kind_that_is_read_has_its_row_and_no_other() -> None:
    listed = [kind for kind, *_ in ROW.findall(README)]
    assert sorted(listed) == sorted({*READERS, *CONTAINERS})


def test_the_rows_name_the_files_that_are_read_so() -> None:
    for kind, names, _, _ in ROW.findall(README):
        assert names == names_of(kind), kind


def test_the_rows_tell_what_the_last_run_showed(result: dict[str, Any]) -> None:
    for kind, _, _, checked in ROW.findall(README):
        lot = [file for file in result["files"] if file.get("kind") == kind]
        passed, of = counted(lot)
        assert checked == (f"{passed} of {of}" if lot else NONE), kind


def test_what_is_not_read_is_named() -> None:
    unread = sorted(FORMATS.keys() - READERS.keys() - CONTAINERS.keys())
    (line,) = re.findall(r"^Known by name and reported, not read: (.*)\.$", README, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", line)) == unread


def test_the_last_run_met_what_is_asked_for(result: dict[str, Any]) -> None:
    assert short_of(result) == []
    assert result["engine"], "the pictures of text were recognised"


def test_readers_of_the_last_run_are_those_of_today(result: dict[str, Any]) -> None:
    """Else the run is to be repeated: `python -m tests.bench.formats --write`."""
    today = {entry.label for entry in (*READERS.values(), *CONTAINERS.values())}
    assert {file["reader"] for file in result["files"] if "reader" in file} <= today


def test_the_page_is_of_the_same_run(result: dict[str, Any]) -> None:
    assert (RESULTS / "formats.md").read_text("utf-8") == rendered(result)
