"""Rows and bars are pure: values in, lines of an exact width out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasd import wire
from tests.tui.specimens import NOW, abstention, answer, coverage, events, failures, hits, status, volume
from tui import describe
from tui.widgets import bars, failure_rows, found, volume_rows
from tui.widgets.answer import answer_text
from tui.widgets.engine import engine_rows
from tui.widgets.volume_cards import card
from tui.widgets.work import headline, work_rows


@given(st.lists(st.integers(0, 10**6), min_size=4, max_size=4), st.integers(0, 120))
def test_portions_fill_the_bar_exactly(amounts: list[int], width: int) -> None:
    cells = bars.portions(amounts, width)
    assert sum(cells) == (width if sum(amounts) else 0)
    assert all(length >= 0 for length in cells)
    if width >= 4:
        assert all(length > 0 for length, amount in zip(cells, amounts, strict=True) if amount)
    assert all(length == 0 for length, amount in zip(cells, amounts, strict=True) if not amount)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 80))
def test_a_coverage_bar_has_its_width_whatever_the_numbers(
    files: int, words: int, failed: int, width: int
) -> None:
    assert bars.coverage_bar(coverage(files, words, words // 2, failed), width).cell_length == width


def test_failed_and_skipped_files_do_not_keep_a_volume_from_being_complete() -> None:
    full = coverage(80, 80, 80, failed=2, skipped=20)
    assert bars.percentages(full).plain == "words 100%  meaning 100%"


@pytest.mark.parametrize("width", [40, 74, 78, 116, 160])
def test_a_card_never_exceeds_its_width(width: int) -> None:
    wide = volume("ü" * 30, path="/mnt/" + "長い名前/" * 20, detail="why " * 60)
    for one in (wide, *status().volumes):
        assert all(line.cell_length <= width for line in card(one, width).split("\n"))


@pytest.mark.parametrize("width", [60, 76, 96, 116, 156])
def test_the_table_keeps_its_columns_straight(width: int) -> None:
    rows = [volume_rows.row(one, width, NOW) for one in status().volumes]
    assert {row.cell_length for row in rows} == {volume_rows.heading(width).cell_length}
    assert rows[0].cell_length <= width


def test_a_wide_table_shows_everything_and_a_narrow_one_what_matters() -> None:
    wide, narrow = volume_rows.heading(150).plain, volume_rows.heading(76).plain
    assert " ".join(wide.split()) == "name path state watched files words meaning failed skipped last scan"
    assert " ".join(narrow.split()) == "name state files words meaning failed last scan"


@pytest.mark.parametrize("width", [30, 50, 76, 110])
def test_rows_of_lists_fit(width: int) -> None:
    drawn = [
        found.row(one, width) for one in (*found.from_hits(hits()), *found.from_citations(answer().citations))
    ]
    drawn += [failure_rows.failure(one, width, NOW) for one in failures()]
    drawn += [failure_rows.event(one, width) for one in failure_rows.fold(events())]
    assert all(line.cell_length <= width for content in drawn for line in content.split("\n"))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"page": 3}, "page 3"),
        ({"slide": 4, "heading": "Outlook"}, "slide 4 · § Outlook"),
        ({"sheet": "Budget", "line_start": 2, "line_end": 9}, "sheet Budget · rows 2–9"),
        ({"line_start": 7, "line_end": 7}, "line 7"),
        ({"time_s": 95.2}, "at 1:35"),
        ({}, ""),
    ],
)
def test_places(place: dict[str, object], words: str) -> None:
    assert describe.place(wire.PlaceOut.model_validate(place)) == words


def test_what_a_volume_does_is_one_word() -> None:
    assert describe.volume_state(volume("a"))[1] == "active"
    assert describe.volume_state(volume("a", scanning=True))[1] == "scanning"
    assert describe.volume_state(volume("a", state="paused", scanning=True))[1] == "paused"
    assert describe.volume_state(volume("a", state="frozen"))[1] == "frozen"


def test_how_a_volume_is_watched() -> None:
    assert describe.watching(volume("a")) == "by events"
    assert describe.watching(volume("a", watching="poll", poll_seconds=600)) == "scan every 10 min"
    assert describe.watching(volume("a", state="frozen")) == "not watched"
    assert describe.watching(volume("a", watching=None, watch="off")) == "not watched"
    assert describe.watching(volume("a", watching=None)) == "starting"
    assert describe.watching(volume("a", watching="events+poll")) == "events and polls"


@pytest.mark.parametrize(
    ("cause", "words"), [("event", "by a change"), ("guard", "to see whether it is back"), ("new", "new")]
)
def test_the_last_wake_of_a_volume_is_told_with_its_cause(cause: str, words: str) -> None:
    woken = volume("a", last_wake=NOW - timedelta(hours=2), last_wake_cause=cause)
    assert f"last wake  2 h ago, {words}" in volume_rows.facts(woken, NOW).plain
    assert "last wake" not in volume_rows.facts(volume("a"), NOW).plain


def test_a_hit_on_a_volume_that_is_away_is_marked() -> None:
    hit = hits()[0]
    away = hit.model_copy(update={"file": hit.file.model_copy(update={"volume_state": "frozen"})})
    shown, there = found.from_hits([away])[0], found.from_hits([hit])[0]
    assert "[frozen] home:" in found.row(shown, 100).plain
    assert shown.note.startswith("volume frozen")
    assert "frozen" not in found.row(there, 100).plain + there.note


def test_an_event_not_known_here_speaks_for_itself() -> None:
    unknown = wire.EventOut(id=1, type="sync.plan_failed", at=NOW, data={"name": "attic"})
    assert describe.event(unknown) == ("sync plan failed", "$error", "attic", "")


def test_the_same_news_in_a_row_is_one_row() -> None:
    rows = failure_rows.fold(events())
    assert [(one.type, times) for one, times in rows[3:5]] == [("volume.polled", 2), ("file.semantic", 1)]
    assert failure_rows.event(rows[3], 60).plain == "15:06:46  scanned now    archive  2 times"
    assert failure_rows.event(rows[0], 60).plain == "15:08:46  files gone     photos  3 files"


def test_work_says_when_it_will_be_done_and_when_it_is() -> None:
    assert headline(status()).plain == "◐ Indexing  about 1 h 7 min left"
    assert [row.plain.rstrip() for row in work_rows(status())[1:6]] == [
        "small  13,000 files           42 s  310/s",
        "read   1,109 files          36 min  2.4 MiB/s",
        "embed  31,204 passages       7 min  71/s",
        "ocr    840 pages             waits  0.6/s",
        "▲ waiting: text recognition (on battery)",
    ]
    stuck = status(queue=wire.QueueOut(read=3), pending_searchable=3)
    assert headline(stuck).plain == "◐ Indexing  some of it waits"
    idle = status(queue=wire.QueueOut(), work=[], pending_searchable=0, pending_semantic=0)
    assert headline(idle).plain == "✓ Up to date  nothing waits"
    unsure = status(queue=wire.QueueOut(read=3), work=[], pending_searchable=3, pending_semantic=3)
    assert headline(unsure).plain == "◐ Indexing  working out how long"


def test_given_up_and_repeated_work_is_shown() -> None:
    rows = work_rows(status(queue=wire.QueueOut(parked=2, retry=1), work=[]))
    assert rows[-1].plain == "1 to retry  2 given up"


def test_the_engine_tells_of_ailing_services_and_missing_models() -> None:
    sick = status(
        services={"watch": "running", "embed": "failed: out of memory"},
        models=[
            wire.ModelOut(name="m", purpose="embedding", state="preparing", detail="step 2 of 3", active=True)
        ],
    )
    text = "\n".join(row.plain for row in engine_rows(sick))
    assert "▲ embed: failed: out of memory" in text
    assert "preparing  m" in text and "step 2 of 3" in text
    assert "nasd model pull" in "\n".join(row.plain for row in engine_rows(status(models=[])))


def test_the_engine_tells_how_well_search_finds_once_that_was_measured() -> None:
    figures = wire.FiguresOut(recall_at_10=0.934, mrr_at_10=0.81, p50_ms=12.4, p95_ms=40.0)
    measured = wire.EvaluationOut(
        at=NOW, model="m", fingerprint="f", queries=150, took_s=9.0, modes={"hybrid": figures}
    )
    rows = [row.plain for row in engine_rows(status(evaluation=measured))]
    assert "quality 0.93 recall@10  0.81 MRR  12 ms" in rows
    assert not any(row.startswith("quality") for row in (one.plain for one in engine_rows(status())))


def test_the_engine_tells_of_a_model_that_is_to_be_next() -> None:
    serving = wire.ModelOut(name="m", purpose="embedding", state="ready", active=True, role="serving")
    coming = wire.ModelOut(
        name="n", purpose="embedding", state="preparing", role="next", passages=200, embedded=50, eta_s=90.0
    )
    former = wire.ModelOut(name="p", purpose="embedding", state="ready", role="previous")
    rows = [row.plain for row in engine_rows(status(models=[serving, coming, former]))]
    assert any(row.startswith("next    ● preparing  n  25 % embedded  2 min left") for row in rows)
    assert not any("● ready  p" in row for row in rows)


def test_an_answer_marks_its_references_and_its_unsupported_sentences() -> None:
    content = answer_text(answer())
    styled = {str(span.style): content.plain[span.start : span.end] for span in content.spans}
    assert styled["bold $accent"] in ("[1]", "[2]")
    assert styled["underline $warning"] == "It may be extended."
    assert content.plain.endswith("Underlined: no passage supports it.")


def test_an_abstention_is_the_plain_sentence() -> None:
    assert answer_text(abstention()).plain == "Nothing in the files answers this."
