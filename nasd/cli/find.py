"""`nasd search`, `nasd ask`, `nasd why`."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nasd.cli.session import Session, request, typed_path, typed_text

if TYPE_CHECKING:
    from nasd import wire
    from nasd.client import Client

Volumes = Annotated[
    list[str] | None, typer.Option("--volume", metavar="V", help="Only this volume; may be repeated.")
]
Glob = Annotated[
    str | None,
    typer.Option(
        "--path", metavar="GLOB", help="Only files whose path within the volume fits, as Documents/**."
    ),
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="K", help="Only this kind, as pdf; may be repeated.")
]
After = Annotated[
    str | None,
    typer.Option(
        "--after", metavar="T", help="Only files changed since: 2024-01-31, or 30d for 30 days ago."
    ),
]
Before = Annotated[str | None, typer.Option("--before", metavar="T", help="Only files changed before.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]

OPTIONS = {
    "query": "QUERY", "question": "QUESTION", "k": "-k", "volumes": "--volume", "path": "--path",
    "kinds": "--kind", "modified_after": "--after", "modified_before": "--before", "sort": "--sort",
}  # fmt: skip
"""Fields of requests by their names on the command line."""


def search(
    context: typer.Context,
    *,
    query: Annotated[str, typer.Argument(metavar="QUERY")],
    k: Annotated[int, typer.Option("-k", help="How many passages.", min=1, max=100)] = 10,
    mode: Annotated[
        Literal["hybrid", "semantic", "lexical"],
        typer.Option("--mode", help="By words, by meaning, or both."),
    ] = "hybrid",
    volume: Volumes = None,
    path: Glob = None,
    kind: Kinds = None,
    after: After = None,
    before: Before = None,
    sort: Annotated[
        Literal["relevance", "newest"],
        typer.Option("--sort", help="newest: what holds all words, by its time of modification."),
    ] = "relevance",
    as_json: Json = False,
) -> None:
    """Find passages: ranked hits with file, place and snippet."""
    from nasd import wire
    from nasd.cli import show

    session: Session = context.obj
    wanted = request(
        wire.SearchIn,
        OPTIONS,
        query=typed_text(query),
        k=k,
        mode=mode,
        filters=filters(volume, path, kind, after, before),
        sort=sort,
    )
    found = session.call(lambda client: client.search(wanted))
    if as_json:
        show.emit_json(found)
    else:
        show.print_hits(found)


def ask(
    context: typer.Context,
    *,
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    answerer: Annotated[
        Literal["auto", "extractive", "llm"], typer.Option("--answerer", help="Who answers.")
    ] = "auto",
    volume: Volumes = None,
    path: Glob = None,
    kind: Kinds = None,
    after: After = None,
    before: Before = None,
    as_json: Json = False,
) -> None:
    """Answer a question from the files, with quotes. Exit code 6 when they hold no evidence."""
    from nasd import wire
    from nasd.cli import show

    session: Session = context.obj
    wanted = request(
        wire.AskIn,
        OPTIONS,
        question=typed_text(question),
        filters=filters(volume, path, kind, after, before),
        answerer=answerer,
    )
    if as_json:
        answer = session.call(lambda client: client.ask(wanted))
        show.emit_json(answer)
    else:
        answer = session.call(lambda client: ask_aloud(client, wanted))
    if answer.abstained:
        raise typer.Exit(6)


async def ask_aloud(client: Client, wanted: wire.AskIn) -> wire.AskOut:
    """Asks and prints the answer; on a terminal, as it comes."""
    from nasd import wire
    from nasd.cli import show

    if not sys.stdout.isatty():
        answer = await client.ask(wanted)
        show.print_answer(answer)
        return answer
    streamed = ""
    done: wire.AskOut | None = None
    async for event, data in client.ask_stream(wanted):
        if event == "token":
            piece = show.clean(str(data.get("text", "")))
            streamed += piece
            print(piece, end="", flush=True)
        elif event == "done":
            done = wire.AskOut.model_validate(data)
    if streamed:
        print(flush=True)
    if done is None:
        from nasd.errors import Unavailable

        raise Unavailable("The daemon broke the answer off.", cure="Ask again.")
    show.print_answer(done, streamed=streamed.strip() == show.clean(done.answer).strip())
    return done


def filters(
    volume: list[str] | None,
    path: str | None,
    kind: list[str] | None,
    after: str | None,
    before: str | None,
) -> wire.FiltersIn:
    """The filters that the options stand for."""
    from nasd import wire
    from nasd.cli.moments import parse_moment

    now = datetime.now().astimezone()
    return request(
        wire.FiltersIn,
        OPTIONS,
        volumes=[typed_text(name) for name in volume or []],
        path=None if path is None else typed_path(path),
        kinds=[typed_text(name) for name in kind or []],
        modified_after=None if after is None else parse_moment("--after", after, now),
        modified_before=None if before is None else parse_moment("--before", before, now),
    )


def why(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A path, or VOLUME:PATH.")],
    as_json: Json = False,
) -> None:
    """What nasd knows of a file and why. Exit code 4 when it knows nothing of it."""
    from nasd.cli import show, tables

    session: Session = context.obj
    told = session.call(lambda client: client.why(file_argument(session, path)))
    if as_json:
        show.emit_json(told)
    else:
        tables.print_why(told)
    if told.verdict == "unknown":
        raise typer.Exit(4)


def file_argument(session: Session, path: str) -> str:
    """A typed path as the daemon wants it: absolute, or "volume:path". A relative one that is there, or that
    does not look like the other form, is taken from the working folder if the daemon runs here."""
    here = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - a link must stay a link
    named = ":" in path and "/" not in path.partition(":")[0]
    if not session.url and (not named or os.path.lexists(here)):
        return typed_path(str(here))
    return typed_path(path)
