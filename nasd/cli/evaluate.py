"""`nasd evaluate`: retrieval quality and latency, over the owner's own documents or a file of queries.

Without a file the daemon measures on its known-item set: queries made of sentences in the owner's files.
Each line of a file is an object with `query` and `relevant` (paths relative to the collection's folder,
as "docs/report.pdf"; "#page=3" at the end is dropped), and perhaps `id`, `grades` (path to gain),
`ignore` (paths taken out of the ranking) and `unanswerable` (left out here: nothing is relevant).
Files are ranked, not passages: each counts once, by its best passage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from nasd.cli.find import Json
from nasd.cli.session import Session
from nasd.domain import metrics
from nasd.errors import ConfigError

if TYPE_CHECKING:
    from nasd.client import Client

Mode = Literal["hybrid", "semantic", "lexical"]
CONCURRENT = 4
DEFAULT_K = 10
TIMED_QUERIES = 50
"""At most so many queries of each mode run one at a time, and only those are timed: queries that run side by
side wait for each other."""

PASSAGES_A_FILE = 5
"""How many times `k` passages are asked for, so that `k` files come out of them."""

_PAGE = re.compile(r"#page=\d+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`gains`: relevant paths with their gain. `ignore`: paths that do not count."""

    id: str
    text: str
    gains: Mapping[str, float] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()

    @property
    def unanswerable(self) -> bool:
        return not self.gains


def read_queries(path: Path) -> list[Query]:
    """The queries of a file. ConfigError naming the line that is wrong."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"--queries: {path} cannot be read: {reason}.") from None
    queries = [
        parse_query(line, f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not queries:
        raise ConfigError(f"--queries: {path} holds no query.")
    return queries


def parse_query(line: str, where: str) -> Query:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"{where}: not JSON: {error}.") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("query"), str) or not entry["query"].strip():
        raise ConfigError(f'{where}: an object with a text under "query" is needed.')
    relevant, ignore, grades = (
        entry.get("relevant") or [],
        entry.get("ignore") or [],
        entry.get("grades") or {},
    )
    if not _texts(relevant) or not _texts(ignore):
        raise ConfigError(f'{where}: "relevant" and "ignore" are lists of paths.')
    if not isinstance(grades, dict) or not all(isinstance(gain, int | float) for gain in grades.values()):
        raise ConfigError(f'{where}: "grades" gives a number for each path.')
    gains: dict[str, float] = {}
    for given in [] if entry.get("unanswerable") else relevant:
        name = strip_page(given)
        gain = float(grades[given] if given in grades else grades.get(name, 1.0))
        gains[name] = max(gain, gains.get(name, 0.0))
    return Query(
        id=str(entry.get("id", where)),
        text=entry["query"],
        gains={name: gain for name, gain in gains.items() if gain > 0},
        ignore=frozenset(map(strip_page, ignore)),
    )


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def strip_page(path: str) -> str:
    return _PAGE.sub("", path)


def names(path: str, *, wanted: str, volume_path: str) -> bool:
    """Whether `wanted`, relative to a collection's folder, is the file at `path` within the volume.

    It is when the file's absolute path ends with it, when it is the path within the volume, or when it is
    once its first folder is dropped: the volume may be a copy of that folder under another name.
    """
    absolute = f"{volume_path.rstrip('/')}/{path}"
    return absolute.endswith(f"/{wanted}") or path in (wanted, wanted.partition("/")[2])


def rank_files(query: Query, found: Iterable[tuple[str, str]], volume_paths: Mapping[str, str]) -> list[str]:
    """Hits, as (volume, path), best first, to a ranking of files: each once, those to ignore dropped, and
    under the query's own name where it names them."""
    ranking: list[str] = []
    for volume, path in dict.fromkeys(found):
        root = volume_paths.get(volume, "/")
        if any(names(path, wanted=name, volume_path=root) for name in query.ignore):
            continue
        own = (name for name in query.gains if names(path, wanted=name, volume_path=root))
        ranking.append(next(own, f"{volume}:{path}"))
    return ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    query: Query
    ranking: Sequence[str]
    took_ms: float | None  # None when it ran beside others


def summarise(outcomes: Sequence[Outcome], k: int) -> dict[str, float]:
    """The mean of each measure over all queries, and the latencies of those that were timed."""
    times = [outcome.took_ms for outcome in outcomes if outcome.took_ms is not None]
    count = len(outcomes) or 1
    sums = (
        sum(metrics.ndcg_at(k, one.ranking, one.query.gains) for one in outcomes),
        sum(metrics.recall_at(k, one.ranking, one.query.gains) for one in outcomes),
        sum(metrics.mrr_at(k, one.ranking, one.query.gains) for one in outcomes),
    )
    return {
        f"ndcg@{k}": round(sums[0] / count, 4),
        f"recall@{k}": round(sums[1] / count, 4),
        f"mrr@{k}": round(sums[2] / count, 4),
        "p50_ms": round(metrics.percentile(times, 0.5), 2),
        "p95_ms": round(metrics.percentile(times, 0.95), 2),
    }


async def measure(
    client: Client,
    queries: Sequence[Query],
    *,
    modes: Sequence[str],
    k: int,
    volumes: Sequence[str] = (),
    report: Callable[[str, int, int], None] = lambda mode, done, total: None,
) -> dict[str, Any]:
    """Searches for every query that has an answer, in each mode. `report` hears the mode, how many of its
    queries are done, and of how many."""
    from nasd import wire

    volume_paths = {volume.name: volume.path for volume in await client.volumes()}
    answerable = [query for query in queries if not query.unanswerable]

    async def run(query: Query, mode: str, *, timed: bool) -> Outcome:
        wanted = wire.SearchIn.model_validate(
            {
                "query": query.text[:4000],
                "k": min(100, k * PASSAGES_A_FILE),
                "mode": mode,
                "filters": {"volumes": list(volumes)},
            }
        )
        found = await client.search(wanted)
        ranking = rank_files(query, ((hit.file.volume, hit.file.path) for hit in found.hits), volume_paths)
        return Outcome(query=query, ranking=ranking, took_ms=found.took_ms if timed else None)

    outcomes: dict[str, list[Outcome]] = {mode: [] for mode in modes}

    def note(mode: str, outcome: Outcome) -> None:
        outcomes[mode].append(outcome)
        report(mode, len(outcomes[mode]), len(answerable))

    timed = timed_queries(answerable, modes)
    for mode in modes:
        for query in timed[mode]:
            note(mode, await run(query, mode, timed=True))
    for mode in modes:
        done = set(map(id, timed[mode]))  # ids in the file may repeat
        rest = (run(query, mode, timed=False) for query in answerable if id(query) not in done)
        await _side_by_side(rest, partial(note, mode))
    return {
        "queries": len(answerable),
        "unanswerable": len(queries) - len(answerable),
        "timed_queries": {mode: len(timed[mode]) for mode in modes},
        "modes": {mode: summarise(outcomes[mode], k) for mode in modes},
    }


def timed_queries(queries: Sequence[Query], modes: Sequence[str]) -> dict[str, Sequence[Query]]:
    """Which queries are timed in which mode: each in one mode only, as far as there are enough, since the
    daemon remembers the vector of a query that it has seen."""
    size = min(TIMED_QUERIES, max(1, len(queries) // len(modes)))
    starts = [number * size if (number + 1) * size <= len(queries) else 0 for number in range(len(modes))]
    return {mode: queries[start : start + size] for mode, start in zip(modes, starts, strict=True)}


async def _side_by_side(work: Iterable[Awaitable[Outcome]], note: Callable[[Outcome], None]) -> None:
    """A few at a time; the first error ends all."""
    import asyncio

    waiting = iter(work)

    async def lane() -> None:
        for one in waiting:
            note(await one)

    lanes = [asyncio.create_task(lane()) for _ in range(CONCURRENT)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)


def evaluate(
    context: typer.Context,
    *,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="JSON lines with query and relevant paths. Default: queries made from your own documents.",
        ),
    ] = None,
    k: Annotated[
        int, typer.Option("-k", help="Ranks that count; with --queries.", min=1, max=100)
    ] = DEFAULT_K,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            "--mode", help="hybrid, semantic or lexical; may be repeated. Default: all. With --queries."
        ),
    ] = None,
    volume: Annotated[
        list[str] | None,
        typer.Option("--volume", metavar="V", help="Search only this volume; with --queries."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Retrieval quality and latency, in each mode, on your own documents or on a query file."""
    from nasd.cli import show, tables
    from nasd.cli.progress import counted

    session: Session = context.obj
    if queries is None:
        if k != DEFAULT_K or mode or volume:
            raise ConfigError(
                "-k, --mode and --volume go with --queries.",
                cure="Without a file, ten ranks of all modes are measured over all volumes.",
            )
        measured = session.call(lambda client: client.evaluate())
        if as_json:
            show.emit_json(measured)
        else:
            tables.print_measured(measured)
        return
    modes = list(dict.fromkeys(mode or get_args(Mode)))
    for one in modes:
        if one not in get_args(Mode):
            raise ConfigError(
                f'--mode: there is no mode "{one}".', cure=f"Modes: {', '.join(get_args(Mode))}."
            )
    asked = read_queries(queries)
    with counted() as report:
        outcome = session.call(
            lambda client: measure(client, asked, modes=modes, k=k, volumes=volume or (), report=report)
        )
    if as_json:
        show.emit_json(outcome)
    else:
        tables.print_evaluation(outcome)
