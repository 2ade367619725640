"""`nasd status`, `nasd wait`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from nasd.cli.find import Json
from nasd.cli.session import Session


def status(context: typer.Context, as_json: Json = False) -> None:
    """Daemon, volumes, coverage, queue, index and models at a glance."""
    from nasd.cli import show, tables

    session: Session = context.obj
    seen = session.call(lambda client: client.status())
    if as_json:
        show.emit_json(seen)
    else:
        tables.print_status(seen)


def wait(
    context: typer.Context,
    goal: Annotated[
        Literal["searchable", "semantic"],
        typer.Option("--for", help="searchable: by words; semantic: besides, by meaning."),
    ] = "semantic",
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="S", min=0, help="Give up after so many seconds.")
    ] = None,
    no_ocr: Annotated[
        bool, typer.Option("--no-ocr", help="Do not wait for text in pictures and for speech.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Until nothing is pending, with a progress bar and an ETA."""
    from nasd.cli import show
    from nasd.cli.wait import wait_until

    session: Session = context.obj
    reached = session.call(
        lambda client: wait_until(client.status, goal, recognition=not no_ocr, timeout_s=timeout)
    )
    if as_json:
        show.emit_json(reached)
    else:
        show.emit_text(show.coverage_words(reached.coverage))
