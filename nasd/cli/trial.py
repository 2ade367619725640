"""`nasd try`: everything in one process, then a prompt to search and ask at."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nasd.cli.find import Json
from nasd.cli.session import Session, request, typed_text
from nasd.errors import ConfigError

if TYPE_CHECKING:
    from nasd.cli.background import Background


def try_folder(
    context: typer.Context,
    *,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Without one: a few sample documents.")
    ] = None,
    ask: Annotated[str | None, typer.Option("--ask", metavar="Q", help="Answer once and exit.")] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="Q", help="Search once and exit.")] = None,
    no_ocr: Annotated[
        bool, typer.Option("--no-ocr", help="Do not wait for text in pictures and for speech.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Index FOLDER and search or ask it at a prompt; nothing has to run, nothing is left behind."""
    from nasd.cli import show
    from nasd.cli.background import Background
    from nasd.cli.prompt import Prompt
    from nasd.cli.wait import wait_until
    from nasd.cli.work import RECOGNITION, work_words
    from nasd.daemon.trial import trial

    session: Session = context.obj
    if session.url:
        raise ConfigError("`nasd try` runs by itself; --url and NASD_URL have no meaning for it.")
    if ask is not None and search is not None:
        raise ConfigError("--ask and --search exclude each other.")
    if as_json and ask is None and search is None:
        raise ConfigError("--json needs --ask or --search; a prompt is for people.")

    with ended_in_order(), chosen_folder(folder) as files, chosen_state(session) as state_dir:
        # Only this folder is wanted here, not the volumes of the configuration, and no fixed port.
        settings = session.settings(
            state_dir=state_dir,
            overrides={
                "volumes": [],
                "server": {"host": "127.0.0.1", "port": 0},
                # Somebody waits for all of it.
                "load": {"on_battery": "run", "when_busy": "run"},
            },
        )
        with Background(lambda: trial(settings, files)) as background:
            client = background.value
            # At the prompt nobody waits for hours: what is recognised meanwhile is found from then on.
            once = ask is not None or search is not None
            waiting = wait_until(client.status, "semantic", recognition=once and not no_ocr)
            reached = background.run(waiting)
            show.narrate(show.coverage_words(reached.coverage))
            if reached.pending_recognition:
                left = [one for one in reached.work if one.kind in RECOGNITION]
                show.narrate(f"Still going on: {work_words(left)}. What is recognised is found as it comes.")
            for failure in reached.recent_failures:
                show.narrate(f"not read: {failure.path}: {failure.detail or failure.reason}")
            code = 0
            if ask is not None:
                code = _ask_once(background, ask, as_json)
            elif search is not None:
                _search_once(background, search, as_json)
            else:
                Prompt(background, files).loop()
    if code:
        raise typer.Exit(code)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM ends this the way an exception does, so that a throw-away folder goes with it."""

    def leave(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _ask_once(background: Background, question: str, as_json: bool) -> int:
    from nasd import wire
    from nasd.cli import show
    from nasd.cli.find import OPTIONS, ask_aloud

    wanted = request(wire.AskIn, {**OPTIONS, "question": "--ask"}, question=typed_text(question))
    client = background.value
    answer = background.run(client.ask(wanted) if as_json else ask_aloud(client, wanted))
    if as_json:
        show.emit_json(answer)
    return 6 if answer.abstained else 0


def _search_once(background: Background, query: str, as_json: bool) -> None:
    from nasd import wire
    from nasd.cli import show
    from nasd.cli.find import OPTIONS

    wanted = request(wire.SearchIn, {**OPTIONS, "query": "--search"}, query=typed_text(query))
    found = background.run(background.value.search(wanted))
    if as_json:
        show.emit_json(found)
    else:
        show.print_hits(found)


@contextmanager
def chosen_folder(folder: Path | None) -> Iterator[Path]:
    """The folder that was named, absolute, or the samples that ship with nasd. ConfigError for one that is
    not there or is no folder."""
    if folder is None:
        with resources.as_file(resources.files("nasd") / "samples") as samples:
            yield samples
        return
    absolute = Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100 - a link is the owner's choice
    if not absolute.exists():
        raise ConfigError(f"FOLDER: there is no {absolute}.")
    if not absolute.is_dir():
        raise ConfigError(f"FOLDER: {absolute} is not a folder.")
    if not os.access(absolute, os.R_OK | os.X_OK):
        raise ConfigError(f"FOLDER: {absolute} cannot be read by this user.")
    yield absolute


@contextmanager
def chosen_state(session: Session) -> Iterator[Path | None]:
    """None when a state folder was given by option or environment; else one that is deleted at the end."""
    if session.state_dir is not None or os.environ.get("NASD_STATE_DIR"):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="nasd-try-", ignore_cleanup_errors=True) as made:
        yield Path(made)
