"""The prompt of `nasd try`: words search, a question mark at the end asks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nasd.cli import show
from nasd.cli.find import OPTIONS, ask_aloud
from nasd.cli.session import request, typed_text
from nasd.errors import NasdError

if TYPE_CHECKING:
    from nasd import wire
    from nasd.cli.background import Background

HELP = """\
  words            search for them; each hit shows its file and place
  a question?      ask; the answer quotes the files
  /search WORDS    search, whatever the words end in
  /ask QUESTION    ask, without a question mark
  /open N          open the file of hit N in its own program
  /help            this
  /quit            leave (or Ctrl-D)"""
COMMANDS = ("/search", "/ask", "/open", "/help", "/quit")


def parse_line(line: str) -> tuple[str, str]:
    """What a line means: (command, argument), the command one of `COMMANDS` without its slash, "" for an
    empty line, or "unknown"."""
    line = line.strip()
    if not line:
        return "", ""
    if line.startswith("/"):
        word, _, argument = line.partition(" ")
        if word in ("/exit", "/q"):
            word = "/quit"
        return (word[1:], argument.strip()) if word in COMMANDS else ("unknown", word)
    return ("ask", line) if line.endswith("?") else ("search", line)


@dataclass(slots=True)
class Prompt:
    """Reads lines until the end of input. `folder` is where hits' files lie."""

    background: Background
    folder: Path
    hits: list[wire.FileOut] = field(default_factory=list)

    def loop(self) -> None:
        if sys.stdin.isatty():
            import readline  # noqa: F401 - gives `input` editing and history

            show.narrate("Type words to search, or a question ending in “?”. /help tells more, /quit leaves.")
        while True:
            try:
                line = input("nasd> " if sys.stdin.isatty() else "")
            except EOFError:
                return
            try:
                if not self.obey(line):
                    return
            except NasdError as error:
                show.narrate(str(error))
            except KeyboardInterrupt:
                show.narrate("Interrupted.")

    def obey(self, line: str) -> bool:
        """Does what a line says; False when it says to leave."""
        command, argument = parse_line(line)
        if command == "quit":
            return False
        if command in ("search", "ask") and not argument:
            show.narrate(f"/{command} what?")
        elif command == "search":
            self._search(argument)
        elif command == "ask":
            self._ask(argument)
        elif command == "open":
            self._open(argument)
        elif command == "help":
            show.emit_text(HELP)
        elif command == "unknown":
            show.narrate(f"There is no {argument}; commands are {', '.join(COMMANDS)}.")
        return True

    def _search(self, query: str) -> None:
        from nasd import wire

        wanted = request(wire.SearchIn, OPTIONS, query=typed_text(query))
        found = self.background.run(self.background.value.search(wanted))
        self.hits = [hit.file for hit in found.hits]
        show.print_hits(found)

    def _ask(self, question: str) -> None:
        from nasd import wire

        wanted = request(wire.AskIn, OPTIONS, question=typed_text(question))
        answer = self.background.run(ask_aloud(self.background.value, wanted))
        cited = [citation.file for citation in answer.citations]
        self.hits = cited or [hit.file for hit in answer.nearest]

    def _open(self, number: str) -> None:
        if not number.isdecimal() or not 1 <= int(number) <= len(self.hits):
            known = f"1 to {len(self.hits)}" if self.hits else "none yet: search first"
            show.narrate(f"/open needs the number of a hit ({known}).")
            return
        path = self.folder / self.hits[int(number) - 1].path
        opener = shutil.which("xdg-open")
        if opener is None or not path.exists():
            show.emit_text(show.one_line(str(path)))
            return
        subprocess.Popen(
            [opener, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
