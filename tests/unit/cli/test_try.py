"""`nasd try`: its loop in the background, its prompt, and the command, with a scripted daemon."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nasd import errors, wire
from nasd.cli import wait
from nasd.cli.background import Background
from nasd.cli.prompt import HELP, Prompt, parse_line
from nasd.cli.session import Session
from nasd.cli.trial import chosen_folder, chosen_state
from nasd.config import Settings
from tests.fakes.client import (
    ScriptedClient,
    answer_out,
    file_out,
    hit_out,
    model_out,
    search_out,
    status_out,
)
from tests.unit.cli.conftest import RunNasd


class Trial:
    """Stands in for `nasd.daemon.trial`: remembers what it was opened with and that it was left."""

    def __init__(self, client: ScriptedClient) -> None:
        self.client = client
        self.settings: Settings | None = None
        self.folder: Path | None = None
        self.left = False

    @asynccontextmanager
    async def trial(self, settings: Settings, folder: Path) -> AsyncIterator[Any]:
        self.settings, self.folder = settings, folder
        try:
            yield self.client
        finally:
            self.left = True


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Trial:
    client = ScriptedClient(
        status=status_out(coverage=wire.CoverageOut(files=2, searchable=2, semantic=2)),
        search=search_out(hit_out()),
        ask=answer_out(),
    )
    made = Trial(client)
    module = ModuleType("nasd.daemon.trial")
    module.trial = made.trial  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nasd.daemon.trial", module)
    monkeypatch.setattr(wait, "POLL_S", 0.0)
    return made


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *lines: monkeypatch.setattr(
        "sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines))
    )


def test_asking_once(nasd: RunNasd, trial: Trial, tmp_path: Path) -> None:
    ran = nasd("try", str(tmp_path), "--ask", "how long?")
    assert ran.code == 0
    assert ran.out.startswith("Five years [1].")
    assert "page 3" in ran.out
    assert "2 by meaning" in ran.err
    assert trial.folder == tmp_path
    assert trial.left
    assert trial.settings is not None
    assert (trial.settings.volumes, trial.settings.server.port) == ((), 0)
    assert trial.settings.paths.state_dir == tmp_path


def test_the_prompt_does_not_wait_for_text_in_pictures(
    nasd: RunNasd, trial: Trial, tmp_path: Path, typed: Any
) -> None:
    pages = wire.WorkOut(kind="text_recognition", files=3, amount=40, unit="pages", per_s=0.5, eta_s=80)
    trial.client.answers["status"] = status_out(
        pending_searchable=3, pending_semantic=3, pending_recognition=3, work=[pages]
    )
    typed("/quit")
    ran = nasd("try", str(tmp_path))
    assert ran.code == 0
    assert "Still going on: text recognition: 40 pages, about 1 min 20 s." in ran.err
    ran = nasd("try", str(tmp_path), "--search", "words", "--no-ocr")
    assert ran.code == 0
    assert "Still going on" in ran.err


def test_abstaining_and_json(nasd: RunNasd, trial: Trial, tmp_path: Path) -> None:
    trial.client.answers["ask"] = answer_out(abstained=True)
    assert nasd("try", str(tmp_path), "--ask", "what?").code == 6
    ran = nasd("try", str(tmp_path), "--ask", "what?", "--json")
    assert ran.code == 6
    assert json.loads(ran.out)["abstained"] is True
    ran = nasd("try", str(tmp_path), "--search", "words", "--json")
    assert ran.code == 0
    assert len(json.loads(ran.out)["hits"]) == 1
    assert "bosch.pdf" in nasd("try", str(tmp_path), "--search", "words").out


def test_a_thrown_away_state_folder_is_gone_afterwards(nasd: RunNasd, trial: Trial, tmp_path: Path) -> None:
    assert nasd("try", str(tmp_path), "--search", "x", state=None).code == 0
    assert trial.settings is not None
    assert "nasd-try-" in str(trial.settings.paths.state_dir)
    assert not trial.settings.paths.state_dir.exists()


def test_without_a_folder_the_samples_are_taken(nasd: RunNasd, trial: Trial) -> None:
    assert nasd("try", "--search", "x").code == 0
    assert trial.folder is not None
    assert trial.folder.name == "samples"
    assert trial.folder.is_dir()


def test_a_model_that_cannot_be_prepared_is_exit_1(nasd: RunNasd, trial: Trial, tmp_path: Path) -> None:
    trial.client.answers["status"] = status_out(pending_semantic=1, models=[model_out("failed")])
    ran = nasd("try", str(tmp_path), "--ask", "x")
    assert (ran.code, ran.out) == (1, "")
    assert "cannot be prepared" in ran.err
    assert trial.left


def test_wrong_usage(nasd: RunNasd, trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert nasd("try", str(tmp_path / "none"), "--ask", "x").code == 2
    assert nasd("try", str(tmp_path / "file"), "--ask", "x").code == 2
    assert nasd("try", str(tmp_path), "--ask", "x", "--search", "y").code == 2
    assert nasd("try", str(tmp_path), "--json").code == 2
    assert nasd("try", str(tmp_path), "--ask", " ").code == 2
    assert nasd("--url", "http://nas:1", "try", str(tmp_path), state=None).code == 2


def test_a_given_state_folder_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with chosen_state(Session(state_dir=tmp_path)) as state:
        assert state is None
    monkeypatch.setenv("NASD_STATE_DIR", str(tmp_path))
    with chosen_state(Session()) as state:
        assert state is None


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with chosen_folder(tmp_path / "link") as folder:
        assert folder == tmp_path / "link"


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("", ("", "")),
        ("dishwasher warranty", ("search", "dishwasher warranty")),
        ("how long?  ", ("ask", "how long?")),
        ("/search what?", ("search", "what?")),
        ("/ask tell me", ("ask", "tell me")),
        ("/ask", ("ask", "")),
        ("/open 3", ("open", "3")),
        ("/q", ("quit", "")),
        ("/exit", ("quit", "")),
        ("/nope x", ("unknown", "/nope")),
    ],
)
def test_what_a_line_means(line: str, meaning: tuple[str, str]) -> None:
    assert parse_line(line) == meaning


def test_a_session_at_the_prompt(
    nasd: RunNasd, trial: Trial, typed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    typed(
        "warranty", "/open 1", "/open 9", "how long?", "/help", "/nope", "/ask", "", "/quit", "never reached"
    )
    ran = nasd("try", str(tmp_path))
    assert ran.code == 0
    assert f"{tmp_path}/Documents/bosch.pdf\n" in ran.out
    assert "Five years [1]." in ran.out
    assert HELP in ran.out
    assert "(1 to 1)" in ran.err
    assert "There is no /nope" in ran.err
    assert "/ask what?" in ran.err
    assert [name for name, _ in trial.client.calls if name != "status"] == ["search", "ask"]


def test_an_error_does_not_end_the_prompt(nasd: RunNasd, trial: Trial, typed: Any, tmp_path: Path) -> None:
    trial.client.answers["search"] = errors.NasdError("Broken.")
    typed("/open 1", "words", "how long?")
    ran = nasd("try", str(tmp_path))
    assert ran.code == 0
    assert "none yet" in ran.err
    assert "Broken." in ran.err
    assert "Five years" in ran.out


def test_opening_starts_the_files_own_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    started: list[list[str]] = []
    monkeypatch.setattr("shutil.which", lambda name: "/bin/xdg-open")
    monkeypatch.setattr("subprocess.Popen", lambda command, **_: started.append(command))
    background: Any = None
    prompt = Prompt(background, tmp_path, hits=[file_out("a.txt")])
    assert prompt.obey("/open 1")
    assert started == [["/bin/xdg-open", f"{tmp_path}/a.txt"]]


class TestBackground:
    @pytest.fixture
    def left(self) -> Iterator[list[str]]:
        yield []

    def test_work_runs_in_its_loop_until_it_is_left(self, left: list[str]) -> None:
        @asynccontextmanager
        async def context() -> AsyncIterator[Any]:
            yield asyncio.get_running_loop()
            left.append("left")

        with Background(context) as background:
            loop: Any = background.value

            async def here() -> bool:
                return asyncio.get_running_loop() is loop

            assert background.run(here())
            assert left == []
        assert left == ["left"]

    def test_what_entering_raises_comes_out(self, left: list[str]) -> None:
        class Held:
            async def __aenter__(self) -> Any:
                raise errors.Conflict("held")

            async def __aexit__(self, *_: object) -> None:
                left.append("left")

        with pytest.raises(errors.Conflict, match="held"), Background(Held):
            pass
        assert left == []

    def test_what_leaving_raises_comes_out_unless_there_is_worse(self) -> None:
        @asynccontextmanager
        async def context() -> AsyncIterator[Any]:
            yield None
            raise errors.StateError("not closed")

        with pytest.raises(errors.StateError), Background(context):
            pass
        with pytest.raises(ZeroDivisionError), Background(context):
            raise ZeroDivisionError

    def test_an_interruption_cancels_the_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cancelled = asyncio.Event()

        @asynccontextmanager
        async def context() -> AsyncIterator[Any]:
            yield None
            await asyncio.wait_for(cancelled.wait(), 30)

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        def interrupted(future: Any) -> None:
            raise KeyboardInterrupt

        with Background(context) as background:
            monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
            with pytest.raises(KeyboardInterrupt):
                background.run(forever())
            monkeypatch.undo()
        assert cancelled.is_set()
