"""A new volume: checked here for what can be seen here, and by the daemon, whose reason is shown."""

from __future__ import annotations

from pydantic import ValidationError
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from nasd import wire
from nasd.errors import InvalidRequest, NasdError
from tui import literal
from tui.feed import Feed
from tui.screens.dialog import Dialog
from tui.widgets.answer import problem_text

WATCH = (
    ("as the file system allows", "auto"),
    ("by its events", "events"),
    ("by scanning it on a timer", "poll"),
    ("not at all", "off"),
)
FIELDS = ("path", "name", "watch", "poll_seconds", "ignore")


class AddVolumeScreen(Dialog[wire.VolumeOut]):
    """Closes with the new volume, or with None when it was left."""

    AUTO_FOCUS = "#path"

    def __init__(self, feed: Feed) -> None:
        super().__init__(Content("Add a volume"))
        self._feed = feed

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, classes="form"):
            yield from self._field("path", "Folder", Input(placeholder="/srv/home", id="path", compact=True))
            yield from self._field(
                "name", "Name", Input(placeholder="the folder's own name", id="name", compact=True)
            )
            watch = Select(WATCH, value="auto", allow_blank=False, id="watch", compact=True)
            yield from self._field("watch", "Watch it", watch)
            yield from self._field(
                "poll_seconds",
                "Scan every",
                Input("300", id="poll_seconds", type="integer", compact=True),
                "seconds",
            )
            yield from self._field(
                "ignore", "Ignore", Input(placeholder="*.tmp, node_modules/", id="ignore", compact=True)
            )
            yield Static(
                Content.styled(
                    "Files in it are only ever read. Ignore takes gitignore rules, with commas between.",
                    "$quiet",
                ),
                classes="dialog-text",
            )
            yield Static("", id="add-problem")
        with Horizontal(classes="buttons"):
            yield Button(Content("Add"), id="add", variant="primary", compact=True)
            yield Button(Content("Cancel"), id="cancel", compact=True)

    def _field(self, name: str, title: str, widget: Input | Select[str], unit: str = "") -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(title, classes="label")
            yield widget
            if unit:
                yield Static(unit, classes="unit")
        yield Static("", id=f"{name}-problem", classes="field-problem")

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        self.action_close()

    @on(Button.Pressed, "#add")
    @on(Input.Submitted)
    def submit(self) -> None:
        self._clear()
        values = {
            name: self.query_one(f"#{name}", Input).value
            for name in ("path", "name", "poll_seconds", "ignore")
        }
        wanted, problems = check(values, str(self.query_one("#watch", Select).value))
        if wanted is None:
            self._show_problems(problems)
        else:
            self.query_one("#add", Button).disabled = True
            self.run_worker(self._add(wanted), group="add", exclusive=True)

    async def _add(self, wanted: wire.VolumeIn) -> None:
        try:
            added = await self._feed.daemon.add_volume(wanted)
        except NasdError as error:
            self.query_one("#add", Button).disabled = False
            self.query_one("#add-problem", Static).update(problem_text(error.detail, error.cure))
            self.query_one("#add-problem").scroll_visible(animate=False)
            if isinstance(error, InvalidRequest):
                self._show_problems({name.split(".")[0]: text for name, text in error.fields.items()})
            return
        self._feed.poke()
        self.dismiss(added)

    def _clear(self) -> None:
        self.query_one("#add-problem", Static).update("")
        for name in FIELDS:
            self.query_one(f"#{name}-problem", Static).update("")
            self.query_one(f"#{name}-problem").remove_class("-shown")

    def _show_problems(self, problems: dict[str, str]) -> None:
        for name, text in problems.items():
            if name in FIELDS:
                problem = self.query_one(f"#{name}-problem", Static)
                problem.update(Content(literal.line(text)))
                problem.add_class("-shown")
        first = next((name for name in FIELDS if name in problems), None)
        if first is not None:
            self.set_focus(self.query_one(f"#{first}"))


def check(values: dict[str, str], watch: str) -> tuple[wire.VolumeIn | None, dict[str, str]]:
    """What the form says as a request, or what is wrong with it, by field."""
    problems: dict[str, str] = {}
    path, name = values["path"].strip(), values["name"].strip()
    if not path:
        problems["path"] = "Give the folder to watch."
    elif not path.startswith("/"):
        problems["path"] = "Give the whole path, from / on, as the daemon's machine has it."
    try:
        wanted = wire.VolumeIn.model_validate(
            {
                "path": path or "/",
                "name": name or None,
                "watch": watch,
                "poll_seconds": values["poll_seconds"].strip() or "300",
                "ignore": [rule.strip() for rule in values["ignore"].split(",") if rule.strip()],
            }
        )
    except ValidationError as error:
        for one in error.errors():
            field = str(one["loc"][0])
            problems.setdefault(field, _PLAIN.get(field) or str(one["msg"]))
        return None, problems
    return (None, problems) if problems else (wanted, {})


_PLAIN = {
    "name": "At most 63 letters, digits, dots, dashes and underscores; the first a letter or digit.",
    "poll_seconds": "Give whole seconds, from 1 to 604,800 (a week).",
    "path": "This path is too long.",
}
