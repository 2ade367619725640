"""Volumes, devices, models, status: what is sent and what is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nasd import errors, wire
from nasd.cli.session import Session, session_from
from nasd.cli.show import time_words
from nasd.cli.volumes import volume_path
from nasd.identity.tokens import mint
from tests.fakes.client import MOMENT, ScriptedClient, model_out, status_out, volume_out
from tests.unit.cli.conftest import RunNasd


def test_adding_a_volume_sends_an_absolute_path(
    nasd: RunNasd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = ScriptedClient(add_volume=volume_out())
    ran = nasd("volume", "add", "x/../files", "--name", "home", "--ignore", "*.tmp", client=client)
    assert ran.code == 0
    assert "home" in ran.out
    (_, (wanted,)) = client.calls[0]
    assert wanted == wire.VolumeIn(path=f"{tmp_path}/files", name="home", watch="auto", ignore=["*.tmp"])


def test_a_folder_on_another_machine_must_be_named_whole() -> None:
    afar = Session(url="http://nas:8477")
    assert volume_path(afar, "/srv/x") == "/srv/x"
    with pytest.raises(errors.InvalidRequest, match="absolute"):
        volume_path(afar, "x")
    with pytest.raises(errors.InvalidRequest, match="UTF-8"):
        volume_path(Session(), os.fsdecode(b"/\xff"))


def test_a_bad_volume_name_is_wrong_usage(nasd: RunNasd) -> None:
    ran = nasd("volume", "add", "/x", "--name", "a b", client=ScriptedClient())
    assert ran.code == 2
    assert "--name" in ran.err


def test_volumes_as_table_and_as_json(nasd: RunNasd) -> None:
    volumes = [
        volume_out(coverage=wire.CoverageOut(files=5, searchable=4), size=1536),
        volume_out("attic", state="frozen", detail="The disk is not there."),
    ]
    ran = nasd("volume", "list", client=ScriptedClient(volumes=volumes))
    assert ran.code == 0
    assert "1.5 KiB" in ran.out
    assert "attic: The disk is not there." in ran.out
    ran = nasd("volume", "list", "--json", client=ScriptedClient(volumes=volumes))
    document = json.loads(ran.out)
    assert [item["name"] for item in document["items"]] == ["home", "attic"]
    assert document["next_cursor"] is None
    assert "nasd volume add" in nasd("volume", "list", client=ScriptedClient(volumes=[])).out


@pytest.mark.parametrize(
    ("command", "method"),
    [("show", "volume"), ("scan", "scan_volume"), ("pause", "pause_volume"), ("resume", "resume_volume")],
)
def test_one_volume(nasd: RunNasd, command: str, method: str) -> None:
    client = ScriptedClient(**{method: volume_out()})
    ran = nasd("volume", command, "home", client=client)
    assert ran.code == 0
    assert "home" in ran.out
    ran = nasd("volume", command, "home", "--json", client=client)
    assert wire.VolumeOut.model_validate_json(ran.out).name == "home"
    assert client.calls == [(method, ("home",))] * 2


def test_removing_and_not_finding(nasd: RunNasd) -> None:
    client = ScriptedClient(remove_volume=None)
    ran = nasd("volume", "remove", "home", client=client)
    assert (ran.code, ran.out) == (0, "")
    assert client.calls == [("remove_volume", ("home",))]
    gone = ScriptedClient(remove_volume=errors.NotFound("There is no volume x."))
    assert nasd("volume", "remove", "x", client=gone).code == 4


def test_pairing_prints_the_token_alone_on_stdout(nasd: RunNasd) -> None:
    token = mint()
    device = wire.DeviceToken(name="phone", scopes=["search"], created=MOMENT, token=token)
    client = ScriptedClient(add_device=device)
    ran = nasd("device", "pair", "phone", "--scope", "search", client=client)
    assert (ran.code, ran.out) == (0, f"{token}\n")
    assert "this once" in ran.err
    assert client.calls[0][1] == (wire.DeviceIn(name="phone", scopes=["search"]),)
    ran = nasd("device", "pair", "phone", "--json", client=client)
    assert json.loads(ran.out)["token"] == token
    assert client.calls[1][1] == (wire.DeviceIn(name="phone"),)


def test_an_unknown_scope_is_wrong_usage(nasd: RunNasd) -> None:
    ran = nasd("device", "pair", "phone", "--scope", "root", client=ScriptedClient())
    assert ran.code == 2
    assert "search, ask, files, admin" in ran.err


def test_devices(nasd: RunNasd) -> None:
    phone = wire.DeviceOut(name="phone", scopes=["ask", "search"], created=MOMENT)
    old = wire.DeviceOut(name="old", scopes=["admin"], created=MOMENT, revoked=MOMENT)
    client = ScriptedClient(devices=[phone, old], device=phone, revoke_device=old)
    listed = nasd("device", "list", client=client).out
    assert "ask, search" in listed
    assert "never" in listed
    assert len(json.loads(nasd("device", "list", "--json", client=client).out)["items"]) == 2
    assert "phone" in nasd("device", "show", "phone", client=client).out
    assert "no access" in nasd("device", "revoke", "old", client=client).out
    assert json.loads(nasd("device", "revoke", "old", "--json", client=client).out)["revoked"]


def test_models(nasd: RunNasd) -> None:
    models = [model_out("failed", detail="It does not agree with the original."), model_out(name="other")]
    client = ScriptedClient(models=models)
    ran = nasd("model", "list", client=client)
    assert "failed" in ran.out
    assert "does not agree" in ran.out
    assert len(json.loads(nasd("model", "list", "--json", client=client).out)["items"]) == 2


def test_status_at_a_glance(nasd: RunNasd) -> None:
    failure = wire.FailureOut(
        id="f_1", volume="home", path="a\x1b.pdf", reason="malformed", detail="Not a PDF.", at=MOMENT
    )
    seen = status_out(
        volumes=[volume_out()],
        models=[model_out()],
        recent_failures=[failure],
        queue=wire.QueueOut(read=3, embed_passages=1200, passages_per_s=41.5, eta_s=90),
        services={"writer": "running", "watcher": "restarting"},
    )
    ran = nasd("status", client=ScriptedClient(status=seen))
    assert ran.code == 0
    assert "ready for 1 min 30 s, port 8477 on 127.0.0.1" in ran.out
    assert "3 files to read, 1,200 passages to embed, 41.5 passages/s, about 1 min 30 s left" in ran.out
    assert "watcher restarting" in ran.out
    assert "writer" not in ran.out
    assert "home:a·.pdf: Not a PDF." in ran.out
    ran = nasd("status", "--json", client=ScriptedClient(status=seen))
    assert wire.StatusOut.model_validate_json(ran.out) == seen


def test_status_tells_of_each_kind_of_work_and_of_the_load(nasd: RunNasd) -> None:
    work = [
        wire.WorkOut(kind="small_text", files=12, amount=12, unit="files", per_s=310, eta_s=0.1),
        wire.WorkOut(kind="other_files", files=1, amount=3 << 20, unit="bytes", per_s=1 << 20, eta_s=3),
        wire.WorkOut(kind="embedding", files=1, amount=1, unit="passages", per_s=2.25, eta_s=1, pace="slow"),
        wire.WorkOut(kind="text_recognition", files=2, amount=30, unit="pages", pace="paused", reason="hot"),
        wire.WorkOut(kind="speech", files=1, amount=90, unit="seconds", per_s=0.25),
    ]
    load = wire.LoadOut(
        detail="waiting: text recognition (hot)", readers=1, celsius=91, on_battery=False, others_busy=0.123,
        memory_bytes=300 << 20, memory_limit=3 << 30,
    )  # fmt: skip
    ocr = wire.OcrOut(state="ready", engine="tesseract 5", waiting=2)
    told = nasd("status", client=ScriptedClient(status=status_out(work=work, load=load, ocr=ocr))).out
    lines = {line[2:20].strip(): line[20:] for line in told.splitlines() if line.startswith("  ")}
    assert lines["small texts"] == "12 files, 310 files/s, about 0 s"
    assert lines["other files"] == "1 file, 3.0 MiB, 1.0 MiB/s, about 3 s"
    assert lines["embedding"] == "1 passage, 2.2 passages/s, about 1 s"
    assert lines["text recognition"] == "tesseract 5, 2 files waiting, 30 pages, waits: hot"
    assert lines["load"] == (
        "waiting: text recognition (hot), 1 file read at once, 300.0 MiB of 3.0 GiB memory, "
        "other programs use 12% of the processor, 91 °C, on mains"
    )


def test_status_tells_how_pictures_are_found(nasd: RunNasd) -> None:
    def told(pictures: wire.SightOut, *work: wire.WorkOut) -> str:
        ran = nasd("status", client=ScriptedClient(status=status_out(pictures=pictures, work=list(work))))
        lines = {line[2:20].strip(): line[20:] for line in ran.out.splitlines() if line.startswith("  ")}
        return lines.get("pictures", "")

    missing = wire.SightOut(state="missing", waiting=1200, detail="Found by name: bring a model.")
    assert told(missing) == "1,200 waiting. Found by name: bring a model."
    assert told(wire.SightOut(state="off")) == ""
    ready = wire.SightOut(state="ready", engine="clip", waiting=3, pictures=4500, pictures_per_s=2.25)
    work = wire.WorkOut(kind="pictures", files=3, amount=3, unit="pictures", per_s=2.25, eta_s=1.3)
    assert told(ready, work) == "clip, 4,500 found by what they show, 2.2/s, 3 pictures, about 1 s"


def test_status_tells_when_each_volume_was_last_touched_and_why(nasd: RunNasd) -> None:
    volumes = [
        volume_out(last_wake=MOMENT, last_wake_cause="event"),
        volume_out("attic", last_wake=MOMENT, last_wake_cause="guard"),
        volume_out("new"),
    ]
    told = nasd("status", client=ScriptedClient(status=status_out(volumes=volumes))).out
    assert f"home: last wake {time_words(MOMENT)}, by a change in it\n" in told
    assert f"attic: last wake {time_words(MOMENT)}, to see whether it is back\n" in told
    assert "new: last wake" not in told


def test_the_openapi_document_is_the_daemons(nasd: RunNasd) -> None:
    ran = nasd("openapi", client=ScriptedClient(openapi={"openapi": "3.1.0"}))
    assert json.loads(ran.out) == {"openapi": "3.1.0"}
    assert nasd("openapi", "--json", client=ScriptedClient(openapi={"openapi": "3.1.0"})).out == ran.out


def test_a_place_on_the_command_line_is_not_overruled_by_the_environment() -> None:
    environ = {"NASD_URL": "http://nas:1", "NASD_TOKEN": "t"}
    assert session_from(None, None, None, None, environ).url == "http://nas:1"
    assert session_from(None, Path("/s"), None, None, environ).url is None
    assert session_from(None, None, "http://b", "u", environ) == Session(url="http://b", token="u")


def test_a_model_is_changed_and_its_progress_is_told(nasd: RunNasd, tmp_path: Path) -> None:
    coming = model_out(
        state="preparing",
        name="other",
        active=False,
        role="next",
        passages=2000,
        embedded=500,
        eta_s=90.0,
        detail="its vectors are made",
    )
    client = ScriptedClient(use_model=coming, models=[model_out(role="serving"), coming])
    ran = nasd("model", "use", "other", "--force", client=client)
    assert ran.code == 0 and "other (next)" in ran.out
    assert client.calls[0] == ("use_model", (wire.ModelUse(name="other", force=True),))
    listed = nasd("model", "list", client=client)
    assert "500 of 2,000 passages embedded, about" in listed.out
    folder = tmp_path / "model"
    folder.mkdir()
    nasd("model", "use", str(folder), client=client)
    assert client.calls[-1] == ("use_model", (wire.ModelUse(name=str(folder)),))
