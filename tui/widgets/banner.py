"""What is wrong with the daemon and what to do; hidden while all is well."""

from __future__ import annotations

from textual.content import Content

from tui import literal
from tui.messages import Link
from tui.widgets.still import Still


class Banner(Still):
    def tell(self, link: Link) -> None:
        self.set_class(link.state == "down", "-shown")
        if link.state == "down":
            self.show(
                Content.assemble(
                    ("▲ ", "$error bold"),
                    (literal.line(link.detail), "bold"),
                    " " if link.cure else "",
                    literal.line(link.cure),
                    ("  It is tried again by itself; ctrl+r tries now.", "$quiet"),
                )
            )
