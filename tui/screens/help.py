"""All keys, taken from the screens themselves so that they cannot differ from what works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.screens.dialog import Dialog

MORE = {
    "In lists": (
        ("↑ ↓", "One row up or down"),
        ("Home End", "First or last row"),
        ("Enter", "Open what is chosen"),
        ("Tab", "Next part of the screen; Shift+Tab: the one before"),
    ),
    "In the search field": (
        ("Enter", "Search; a question that ends with ? is asked"),
        ("Esc or ↓", "Leave the field, so that the keys 1 2 3 w t work"),
    ),
}


class HelpScreen(Dialog[None]):
    """`groups` are titles with the bindings that hold there."""

    def __init__(self, groups: Sequence[tuple[str, Sequence[BindingType]]]) -> None:
        super().__init__(Content("Keys"))
        self._groups = groups

    def body(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(help_text(self._groups))


def help_text(groups: Sequence[tuple[str, Sequence[BindingType]]]) -> Content:
    rows: list[Content] = []
    for title, bindings in groups:
        rows += _group(title, ((_key(one), one.description) for one in bindings if isinstance(one, Binding)))
    for title, pairs in MORE.items():
        rows += _group(title, pairs)
    return Content("\n").join(rows[:-1])


def _group(title: str, pairs: Iterable[tuple[str, str]]) -> list[Content]:
    shown = [Content.assemble((f"  {key:<14}", "bold $accent"), does) for key, does in pairs if does]
    return [Content.styled(title, "bold $primary"), *shown, Content("")]


def _key(binding: Binding) -> str:
    if binding.key_display:
        return binding.key_display
    names = {"question_mark": "?", "slash": "/", "escape": "Esc", "tab": "Tab", "down": "↓"}
    return " ".join(
        names.get(key, key.upper() if key[1:].isdigit() else key) for key in binding.key.split(",")
    )
