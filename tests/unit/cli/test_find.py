from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nasd import errors, wire
from nasd.cli import find
from nasd.cli.session import Session
from tests.fakes.client import ScriptedClient, answer_out, file_out, hit_out, passage_out, search_out
from tests.unit.cli.conftest import RunNasd


def test_hits_show_file_place_and_snippet(nasd: RunNasd) -> None:
    client = ScriptedClient(search=search_out(hit_out(), notes=["found by words alone"]))
    ran = nasd("search", "warranty", client=client)
    assert ran.code == 0
    assert "home:Documents/bosch.pdf  page 3" in ran.out
    assert "The warranty runs five years." in ran.out
    assert "found by words alone" in ran.err
    assert "10 by meaning; 2 are pending" in ran.err


def test_every_filter_reaches_the_request(nasd: RunNasd) -> None:
    client = ScriptedClient(search=search_out())
    ran = nasd(
        *("search", "x", "-k", "3", "--mode", "lexical", "--volume", "a", "--volume", "b"),
        *("--path", "D/**", "--kind", "pdf", "--after", "2024-01-01T00:00:00Z", "--before", "30d"),
        client=client,
    )
    assert ran.code == 0
    (_, (wanted,)) = client.calls[0]
    assert (wanted.query, wanted.k, wanted.mode) == ("x", 3, "lexical")
    filters: wire.FiltersIn = wanted.filters
    assert (filters.volumes, filters.path, filters.kinds) == (["a", "b"], "D/**", ["pdf"])
    assert filters.modified_after == datetime.fromisoformat("2024-01-01T00:00:00+00:00")
    assert filters.modified_before is not None
    assert abs(datetime.now().astimezone() - filters.modified_before - timedelta(days=30)) < timedelta(
        minutes=5
    )


def test_json_is_one_document_on_stdout_and_nothing_else(nasd: RunNasd) -> None:
    found = search_out(hit_out(text="a\x9b31m\x1b[31m\udcff"))
    ran = nasd("search", "x", "--json", client=ScriptedClient(search=found))
    assert ran.code == 0
    assert "\x9b" not in ran.out
    assert "\x1b" not in ran.out
    assert wire.SearchOut.model_validate(json.loads(ran.out)).hits[0].passage.text == "a\x9b31m\x1b[31m\udcff"


def test_hits_on_a_volume_that_is_away_are_marked(nasd: RunNasd) -> None:
    away, there = file_out("away.pdf", volume_state="frozen"), file_out("there.pdf")
    found = search_out(hit_out(file=away), hit_out(file=there))
    told = nasd("search", "x", client=ScriptedClient(search=found)).out.splitlines()
    assert "[frozen]" in next(line for line in told if "away.pdf" in line)
    assert "frozen" not in next(line for line in told if "there.pdf" in line)


def test_nothing_found_is_no_failure(nasd: RunNasd) -> None:
    ran = nasd("search", "x", client=ScriptedClient(search=search_out()))
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing found" in ran.err


def test_names_and_text_cannot_command_the_terminal(nasd: RunNasd) -> None:
    bad = "a\x1b[2J\u202eb\x07\r"
    hit = hit_out(text=bad, file=file_out(bad), passage=passage_out(bad, heading=bad), highlights=[])
    ran = nasd("search", "x", client=ScriptedClient(search=search_out(hit)))
    assert not set(ran.out) & set("\x1b\u202e\x07\r")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search",), "QUERY"),
        (("search", " "), "QUERY"),
        (("search", "x", "-k", "0"), "-k"),
        (("search", "x", "--mode", "magic"), "--mode"),
        (("search", "x", "--after", "yesterdayish"), "--after"),
        (("search", "x", "--before", "2024-13-01"), "--before"),
        (("search", "x", "--nope"), "--nope"),
        (("ask", "x", "--answerer", "oracle"), "--answerer"),
        (("nope",), "nope"),
        (("sync", "run"), "sync"),
    ],
)
def test_wrong_usage_is_exit_2_and_says_where(nasd: RunNasd, arguments: tuple[str, ...], said: str) -> None:
    ran = nasd(*arguments, client=ScriptedClient())
    assert (ran.code, ran.out) == (2, "")
    assert said.lower() in ran.err.lower()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NasdError("no"), 1),
        (errors.ConfigError("no"), 2),
        (errors.Unavailable("no"), 3),
        (errors.NotFound("no"), 4),
        (errors.Unauthenticated("no"), 5),
        (errors.NotPermitted("no"), 5),
        (errors.Conflict("no"), 1),
    ],
)
def test_errors_become_exit_codes_and_lines_on_stderr(nasd: RunNasd, error: Exception, code: int) -> None:
    for extra in ((), ("--json",)):
        ran = nasd("search", "x", *extra, client=ScriptedClient(search=error))
        assert (ran.code, ran.out, ran.err) == (code, "", "nasd: no\n")


def test_an_errors_cure_is_told(nasd: RunNasd) -> None:
    client = ScriptedClient(search=errors.NotFound("There is no volume x.", cure="See `nasd volume list`."))
    assert (
        nasd("search", "x", client=client).err
        == "nasd: There is no volume x.\n      See `nasd volume list`.\n"
    )


def test_without_a_daemon_it_is_exit_3(nasd: RunNasd, tmp_path: Path) -> None:
    ran = nasd("search", "x")
    assert (ran.code, ran.out) == (3, "")
    assert str(tmp_path / "nasd.sock") in ran.err
    assert "nasd run" in ran.err


def test_an_interruption_is_exit_130(nasd: RunNasd) -> None:
    ran = nasd("search", "x", client=ScriptedClient(search=KeyboardInterrupt()))
    assert (ran.code, ran.out) == (130, "")


def test_an_answer_is_followed_by_its_sources(nasd: RunNasd) -> None:
    ran = nasd("ask", "how long?", client=ScriptedClient(ask=answer_out()))
    assert ran.code == 0
    assert ran.out.startswith("Five years [1].")
    assert "[1]  home:Documents/bosch.pdf  page 3" in ran.out
    assert "“5 years”" in ran.out


def test_abstaining_is_exit_6_and_shows_what_came_closest(nasd: RunNasd) -> None:
    ran = nasd("ask", "what?", client=ScriptedClient(ask=answer_out(abstained=True)))
    assert ran.code == 6
    assert "No evidence" in ran.out
    assert "bosch.pdf" in ran.out
    ran = nasd("ask", "what?", "--json", client=ScriptedClient(ask=answer_out(abstained=True)))
    assert ran.code == 6
    assert json.loads(ran.out)["abstained"] is True


async def test_on_a_terminal_the_answer_comes_as_it_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = answer_out()
    client: Any = ScriptedClient(
        stream=[
            ("passages", {}),
            ("token", {"text": "Five years "}),
            ("token", {"text": "[1].\x1b"}),
            ("done", done.model_dump(mode="json")),
        ]
    )
    assert await find.ask_aloud(client, wire.AskIn(question="how long?")) == done
    out = capsys.readouterr().out
    assert out.startswith("Five years [1].·\n")
    broken: Any = ScriptedClient(stream=[("token", {"text": "Five"})])
    with pytest.raises(errors.Unavailable):
        await find.ask_aloud(broken, wire.AskIn(question="how long?"))


def test_why_tells_the_verdict_and_is_exit_4_for_the_unknown(nasd: RunNasd) -> None:
    told = wire.WhyOut(
        path="/srv/home/a",
        verdict="skipped",
        summary="Left out by a rule.",
        steps=[wire.WhyStep(what="rule", detail="*.tmp")],
    )
    ran = nasd("why", "/srv/home/a", client=ScriptedClient(why=told))
    assert (ran.code, ran.out) == (0, "/srv/home/a: skipped\nLeft out by a rule.\n  rule: *.tmp\n")
    unknown = wire.WhyOut(path="/x", verdict="unknown", summary="No volume covers it.")
    ran = nasd("why", "/x", "--json", client=ScriptedClient(why=unknown))
    assert ran.code == 4
    assert json.loads(ran.out)["verdict"] == "unknown"


def test_which_file_a_path_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here, afar = Session(), Session(url="http://nas:8477")
    assert find.file_argument(here, "a/b") == f"{tmp_path}/a/b"
    assert find.file_argument(here, "home:a/b") == "home:a/b"
    assert find.file_argument(afar, "a/b") == "a/b"
    (tmp_path / "home:a").touch()
    assert find.file_argument(here, "home:a") == f"{tmp_path}/home:a"
    assert find.file_argument(here, os.fsdecode(b"/x/\xff")) == "/x/\\xff"
