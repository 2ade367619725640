"""Instructions that the runtime needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasd.llm.base import ModelAbsent
from nasd.llm.cpu import NEEDED, missing_instructions
from nasd.llm.fitting import check_machine


def cpuinfo(path: Path, *flags: str) -> Path:
    path.write_text("".join(f"processor\t: {n}\nflags\t\t: {line}\n\n" for n, line in enumerate(flags)))
    return path


def test_a_processor_with_all_of_them_lacks_nothing(tmp_path: Path) -> None:
    assert missing_instructions("x86_64", cpuinfo(tmp_path / "c", "fpu sse " + " ".join(NEEDED))) == ()


def test_an_old_processor_is_told_what_it_lacks(tmp_path: Path) -> None:
    found = missing_instructions("x86_64", cpuinfo(tmp_path / "c", "fpu avx f16c"))
    assert found == ("avx2", "bmi2", "fma")


def test_the_weakest_of_several_counts(tmp_path: Path) -> None:
    everything = " ".join(NEEDED)
    found = missing_instructions("AMD64", cpuinfo(tmp_path / "c", everything, everything.replace("fma", "")))
    assert found == ("fma",)


def test_other_machines_need_none(tmp_path: Path) -> None:
    assert missing_instructions("aarch64", cpuinfo(tmp_path / "c", "fp asimd")) == ()
    assert missing_instructions("x86_64", tmp_path / "none") == ()


def test_what_to_do_instead_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasd.llm.fitting.missing_instructions", lambda: ("avx2",))
    with pytest.raises(ModelAbsent, match="AVX2") as caught:
        check_machine()
    assert "llm.serve" in (caught.value.cure or "")


def test_a_missing_runtime_is_said_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelAbsent, match="not installed") as caught:
        check_machine()
    assert '"llm"' in (caught.value.cure or "")
