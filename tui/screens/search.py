"""Search and ask: one line to write in, what was found, and the passage in full."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ValidationError
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Select, Static

from nasd import wire
from nasd.clock import Clock
from nasd.errors import NasdError
from tui import figures, literal
from tui.feed import Feed
from tui.screens.base import FeedScreen
from tui.screens.text import TextScreen
from tui.screens.why import WhyScreen
from tui.widgets import found
from tui.widgets.answer import AnswerPane
from tui.widgets.found import Found
from tui.widgets.lists import RowList
from tui.widgets.passage import PassagePane

MODES = (("words and meaning", "hybrid"), ("meaning", "semantic"), ("words", "lexical"))
ALL = ""
HITS = 20

HINT = Content.assemble(
    ("Type some words and press ", "$quiet"),
    ("Enter", "bold $accent"),
    (" to find passages.\nEnd with ", "$quiet"),
    ("?", "bold $accent"),
    (" or press ", "$quiet"),
    ("ctrl+a", "bold $accent"),
    (" to ask: the answer quotes the files.", "$quiet"),
)
SEARCHING = Content.styled("Searching…", "$quiet")
NOTHING = Content.assemble(
    ("Nothing found.\n", "bold"), ("Try other words, another mode, or all volumes.", "$quiet")
)
NO_VOLUME = Content.assemble(
    ("No volume yet, so there is nothing to search.\n", "bold"),
    ("Press ", "$quiet"),
    ("3", "bold $accent"),
    (" and then ", "$quiet"),
    ("a", "bold $accent"),
    (" to add a folder, or run ", "$quiet"),
    ("nasd volume add PATH", "$primary"),
    (".", "$quiet"),
)
FAILED = Content.styled("Nothing is shown because the question could not be put.", "$quiet")


class SearchScreen(FeedScreen):
    MODE = "search"
    AUTO_FOCUS = "#query"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+a", "ask", "Ask", priority=True),
        Binding("ctrl+o", "next_mode", "Mode", priority=True),
        Binding("ctrl+n", "next_volume", "Volume", priority=True),
        Binding("escape", "leave_field", "Leave field", show=False),
        Binding("down", "to_hits", "To the hits", show=False),
        Binding("slash", "to_field", "Search", key_display="/"),
        Binding("t", "text", "Whole text"),
        Binding("w", "why", "Why"),
    ]

    def __init__(self, feed: Feed, clock: Clock) -> None:
        super().__init__(feed, clock)
        self._volumes: list[str] = []
        self._nothing = HINT
        self._asked = False

    def body(self) -> ComposeResult:
        yield Input(placeholder="Search your files, or ask a question?", id="query")
        with Horizontal(id="filters"):
            yield Static("find by", classes="label")
            yield Select(MODES, allow_blank=False, value="hybrid", id="mode", compact=True)
            yield Static("in", classes="label")
            yield Select([("all volumes", ALL)], allow_blank=False, value=ALL, id="volume", compact=True)
            yield Static("", id="summary")
        with Horizontal(id="results"):
            with Vertical(id="results-left"):
                yield self.panel(AnswerPane(id="answer"), "Answer")
                yield self.panel(
                    RowList[Found](id="hits", draw=found.row, key=lambda one: one.key, empty=HINT), "Hits"
                )
            yield self.panel(PassagePane(id="passage"), "Passage")

    def on_mount(self) -> None:
        self.query_one(AnswerPane).hide()
        self._show_found((), "Hits", HINT)

    def show(self) -> None:
        status = self.feed.status
        if status is None:
            return
        names = [volume.name for volume in status.volumes]
        if names != self._volumes:
            self._volumes = names
            select = self.query_one("#volume", Select)
            chosen = select.value if select.value in names else ALL
            select.set_options(
                [("all volumes", ALL), *((Content(literal.line(name)), name) for name in names)]
            )
            select.value = chosen
        if not self._asked:
            self._show_found((), "Hits", HINT if names else NO_VOLUME)

    @on(Input.Submitted, "#query")
    def action_search(self) -> None:
        words = self.query_one("#query", Input).value.strip()
        if words.endswith("?"):
            self.action_ask()
        elif words:
            self._begin()
            self.query_one(AnswerPane).hide()
            self._show_found((), "Hits", SEARCHING)
            self.run_worker(self._search(words), group="question", exclusive=True)

    def action_ask(self) -> None:
        question = self.query_one("#query", Input).value.strip()
        if question:
            self._begin()
            self.query_one(AnswerPane).begin()
            self._show_found((), "Passages", SEARCHING)
            self.run_worker(self._ask(question), group="question", exclusive=True)

    def action_next_mode(self) -> None:
        _turn(self.query_one("#mode", Select), [value for _, value in MODES])

    def action_next_volume(self) -> None:
        _turn(self.query_one("#volume", Select), [ALL, *self._volumes])

    @on(Select.Changed)
    def filters_changed(self) -> None:
        """The same question again, as it now stands; the answer, which costs more, waits to be asked."""
        if self._asked and not self.query_one(AnswerPane).display:
            self.action_search()

    def action_leave_field(self) -> None:
        self.set_focus(self.query_one("#hits"))

    def action_to_hits(self) -> None:
        if self.focused is self.query_one("#query"):
            self.set_focus(self.query_one("#hits"))

    def action_to_field(self) -> None:
        field = self.query_one("#query", Input)
        self.set_focus(field)
        field.action_end()

    @on(OptionList.OptionHighlighted, "#hits")
    def passage_chosen(self) -> None:
        self.query_one(PassagePane).show(self._chosen)

    @on(OptionList.OptionSelected, "#hits")
    def read_passage(self) -> None:
        self.set_focus(self.query_one(PassagePane))

    def action_text(self) -> None:
        if self._chosen is not None:
            self.app.push_screen(TextScreen(self.feed, self._chosen))

    def action_why(self) -> None:
        if self._chosen is not None:
            file = self._chosen.file
            self.app.push_screen(WhyScreen(self.feed, f"{file.volume}:{file.path}"))

    @property
    def _chosen(self) -> Found | None:
        chosen = self.query_one("#hits", RowList).chosen
        return chosen if isinstance(chosen, Found) else None

    @property
    def _filters(self) -> wire.FiltersIn:
        volume = self.query_one("#volume", Select).value
        return wire.FiltersIn(volumes=[str(volume)]) if volume else wire.FiltersIn()

    def _begin(self) -> None:
        self._asked = True
        self.query_one("#summary", Static).update("")

    async def _search(self, words: str) -> None:
        try:
            wanted = wire.SearchIn.model_validate(
                {
                    "query": words,
                    "k": HITS,
                    "mode": self.query_one("#mode", Select).value,
                    "filters": self._filters,
                }
            )
            result = await self.daemon.search(wanted)
        except (NasdError, ValidationError) as error:
            self._fail(error)
            return
        self._show_found(found.from_hits(result.hits), "Hits", NOTHING)
        self._summarise(
            figures.counted(len(result.hits), "hit"), result.coverage, result.took_ms, result.notes
        )
        if result.hits:
            self.set_focus(self.query_one("#hits"))

    async def _ask(self, question: str) -> None:
        said = ""
        try:
            wanted = wire.AskIn(question=question, filters=self._filters, stream=True)
            async for name, data in self.daemon.ask_stream(wanted):
                if name == "passages":
                    hits = wire.SearchOut.model_validate(data).hits
                    self._show_found(found.from_hits(hits), "Passages", NOTHING)
                elif name == "token":
                    said += str(data["text"])
                    self.query_one(AnswerPane).grow(said)
                elif name == "done":
                    self._answered(wire.AskOut.model_validate(data))
        except (NasdError, ValidationError) as error:
            self._fail(error)

    def _answered(self, answer: wire.AskOut) -> None:
        self.query_one(AnswerPane).finish(answer)
        if answer.abstained:
            self._show_found(found.from_hits(answer.nearest), "Nearest passages", NOTHING)
            said = "abstained"
        else:
            self._show_found(found.from_citations(answer.citations), "Citations", NOTHING)
            said = figures.counted(len(answer.citations), "citation")
        self._summarise(said, answer.coverage, answer.took_ms, [])
        self.set_focus(self.query_one("#hits"))

    def _fail(self, error: NasdError | ValidationError) -> None:
        if isinstance(error, NasdError):
            detail, cure = error.detail, error.cure
        else:
            detail, cure = "The question cannot be put: " + str(error.errors()[0]["msg"]), None
        self.query_one(AnswerPane).fail(detail, cure)
        self._show_found((), "Hits", FAILED)

    def _show_found(self, items: tuple[Found, ...], title: str, empty: Content) -> None:
        hits: RowList[Any] = self.query_one("#hits", RowList)
        hits.border_title = title
        hits.show(items, empty=empty)
        self.query_one(PassagePane).show(items[0] if items else None)

    def _summarise(self, said: str, coverage: wire.CoverageOut, took_ms: float, notes: list[str]) -> None:
        parts = [said, f"{took_ms:,.0f} ms"]
        if coverage.files > coverage.searchable:
            parts.append(f"{figures.counted(coverage.files - coverage.searchable, 'file')} not read yet")
        elif coverage.searchable > coverage.semantic:
            parts.append(f"{figures.count(coverage.searchable - coverage.semantic)} by words alone")
        summary = Content.styled(" · ".join(parts), "$quiet")
        if notes:
            summary = Content.assemble((literal.line(notes[0]), "$warning"), "  ", summary)
        self.query_one("#summary", Static).update(summary)


def _turn(select: Select[str], values: list[str]) -> None:
    """The next value, the first after the last."""
    now = values.index(str(select.value)) if select.value in values else -1
    select.value = values[(now + 1) % len(values)]
