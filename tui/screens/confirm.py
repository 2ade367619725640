"""A question before something that cannot be taken back."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.screens.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Closes with True only for a plain yes. The button that changes nothing has the focus."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", show=False),
        Binding("n", "close", "No", show=False),
        Binding("left,right", "app.focus_next", "Other button", show=False),
    ]

    def __init__(self, *, title: Content, text: Content, yes: str, no: str) -> None:
        super().__init__(title)
        self._text = text
        self._yes = yes
        self._no = no

    def body(self) -> ComposeResult:
        yield Static(self._text, classes="dialog-text")
        with Horizontal(classes="buttons"):
            yield Button(Content(self._no), id="no", variant="primary", compact=True)
            yield Button(Content(self._yes), id="yes", variant="error", compact=True)

    @on(Button.Pressed, "#yes")
    def action_yes(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#no")
    def action_close(self) -> None:
        self.dismiss(False)
