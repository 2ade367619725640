from __future__ import annotations

import json
from typing import Any

import pytest

from nasd import errors, wire
from nasd.cli import wait
from nasd.cli.wait import Goal, TimedOut, describe, hopeless, pending, wait_until
from tests.fakes.client import ScriptedClient, Steps, model_out, status_out
from tests.unit.cli.conftest import RunNasd


class Seen:
    """A progress display that remembers what it was shown."""

    def __init__(self) -> None:
        self.statuses: list[wire.StatusOut] = []
        self.closed = False

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def update(self, status: wire.StatusOut, goal: Goal) -> None:
        self.statuses.append(status)


def steps(*statuses: Any) -> ScriptedClient:
    return ScriptedClient(status=Steps(statuses))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "POLL_S", 0.0)


def test_what_is_pending_depends_on_the_goal() -> None:
    status = status_out(pending_searchable=0, pending_semantic=5)
    assert pending(status, "searchable") == 0
    assert pending(status, "semantic") == 5
    assert pending(status_out(pending_searchable=3), "semantic") == 3
    assert pending(status_out(state="starting"), "searchable") == 1


async def test_it_ends_once_nothing_was_pending_twice() -> None:
    done, busy = status_out(), status_out(pending_semantic=2)
    client = steps(status_out(state="starting"), busy, done, busy, done, done)
    seen = Seen()
    assert await wait_until(client.status, "semantic", progress=seen, poll_s=0) == done
    assert len(client.calls) == 6
    assert [status.pending_semantic for status in seen.statuses] == [0, 2, 0, 2, 0, 0]
    assert seen.closed


async def test_a_model_that_cannot_be_prepared_ends_it() -> None:
    failed = status_out(pending_semantic=1, models=[model_out("failed", detail="the weights are damaged")])
    with pytest.raises(errors.ModelError, match="all-MiniLM-L6-v2 cannot be prepared: the weights"):
        await wait_until(steps(failed).status, "semantic", progress=Seen(), poll_s=0)
    searchable = await wait_until(steps(failed).status, "searchable", progress=Seen(), poll_s=0)
    assert searchable == failed


def test_a_missing_model_may_come_for_a_while() -> None:
    missing = status_out(pending_semantic=1, models=[model_out("missing")])
    assert hopeless(missing, "semantic", waited_s=1) is None
    assert "is missing" in (hopeless(missing, "semantic", waited_s=wait.MODEL_GRACE_S + 1) or "")
    assert hopeless(status_out(models=[model_out("failed")]), "semantic", waited_s=99) is None
    assert hopeless(status_out(pending_semantic=1), "semantic", waited_s=99) is None


async def test_time_runs_out() -> None:
    now = iter(range(100))
    with pytest.raises(TimedOut, match="2 are still pending"):
        await wait_until(
            steps(status_out(pending_searchable=2)).status,
            "searchable",
            timeout_s=5,
            progress=Seen(),
            poll_s=0,
            monotonic=lambda: next(now),
        )


def test_the_command_and_its_exit_codes(nasd: RunNasd) -> None:
    done = status_out(coverage=wire.CoverageOut(files=3, searchable=3, semantic=3))
    ran = nasd("wait", client=steps(done))
    assert (ran.code, ran.out) == (0, "Of 3 files 3 are searchable by words, 3 by meaning.\n")
    ran = nasd("wait", "--json", "--for", "searchable", client=steps(done))
    assert json.loads(ran.out)["pending_semantic"] == 0
    busy = steps(status_out(pending_searchable=1))
    ran = nasd("wait", "--timeout", "0", client=busy)
    assert (ran.code, ran.out) == (1, "")
    assert "still pending" in ran.err
    gone = steps(status_out(pending_searchable=1), errors.Unavailable("gone"))
    assert nasd("wait", client=gone).code == 3
    assert nasd("wait", "--for", "synced", client=gone).code == 2


def test_what_is_going_on_in_words() -> None:
    assert describe(status_out(state="starting"), "semantic") == "starting"
    busy = status_out(queue=wire.QueueOut(embed=2, settling=1), models=[model_out("preparing")])
    assert describe(busy, "semantic").endswith("2 files to embed, preparing the model all-MiniLM-L6-v2")
    assert "model" not in describe(busy, "searchable")
    assert describe(status_out(pending_semantic=4), "semantic") == "4 pending"


PAGES = wire.WorkOut(
    kind="text_recognition", files=4, amount=9, unit="pages", per_s=0.5, pace="paused", reason="on battery"
)
PASSAGES = wire.WorkOut(
    kind="embedding", files=2, amount=140, unit="passages", per_s=70, eta_s=4, pace="slow", reason="it is hot"
)


def test_each_kind_is_told_with_its_time_or_why_it_waits() -> None:
    status = status_out(pending_semantic=6, work=[PASSAGES, PAGES], queue=wire.QueueOut(embed=2))
    assert describe(status, "semantic") == (
        "embedding: 140 passages, about 4 s, slowly: it is hot; text recognition: 9 pages, waits: on battery"
    )
    assert describe(status, "searchable") == "text recognition: 9 pages, waits: on battery"
    soon = PAGES.model_copy(update={"eta_s": 18.0, "pace": "full"})
    timed = status_out(pending_semantic=6, work=[PASSAGES, soon], queue=wire.QueueOut(embed=2, eta_s=22))
    assert describe(timed, "semantic").endswith("; about 22 s in all")


def test_recognition_need_not_be_waited_for(nasd: RunNasd) -> None:
    busy = status_out(
        pending_searchable=4, pending_semantic=4, pending_recognition=4, work=[PAGES], queue=wire.QueueOut()
    )
    assert nasd("wait", "--timeout", "0", client=steps(busy)).code == 1
    ran = nasd("wait", "--no-ocr", "--json", client=steps(busy))
    assert ran.code == 0
    assert json.loads(ran.out)["pending_recognition"] == 4, "what is told is the truth"
    seen = wait.without_recognition(
        busy.model_copy(update={"work": [PASSAGES, PAGES], "pending_semantic": 6})
    )
    assert (seen.pending_searchable, seen.pending_semantic, seen.queue.eta_s) == (0, 2, 4.0)
    assert seen.work == [PASSAGES]
    looking = wait.without_recognition(busy.model_copy(update={"pending_semantic": 7, "pending_pictures": 3}))
    assert (looking.pending_semantic, looking.pending_pictures) == (0, 0)


def test_the_bar_is_drawn_from_what_is_covered_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with wait.Bar() as bar:
        bar.update(status_out(state="starting"), "semantic")
        bar.update(
            status_out(
                pending_semantic=5, coverage=wire.CoverageOut(semantic=15), queue=wire.QueueOut(embed=5)
            ),
            "semantic",
        )
    err = capsys.readouterr().err
    assert "75%" in err
    assert "5 files to embed" in err


def test_lines_are_said_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with wait.Lines() as lines:
        lines.update(status_out(pending_semantic=5), "semantic")
        lines.update(status_out(pending_semantic=4), "semantic")
        lines.update(status_out(), "semantic")
    assert capsys.readouterr().err == "5 pending\n"
