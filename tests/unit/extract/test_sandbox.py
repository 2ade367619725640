"""Real children, really limited: whatever a file does, it costs one file."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from nasd.domain.passages import Document
from nasd.errors import ReadError
from nasd.extract.base import Limits
from nasd.extract.kinds import kind_of
from nasd.extract.registry import READERS
from nasd.extract.samples import samples
from nasd.extract.sandbox import Sandbox
from tests.unit.extract.reading import package

_WAIT_S = 60.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox()
    yield box
    box.close()


@pytest.fixture
def limited() -> Iterator[Callable[..., Sandbox]]:
    boxes: list[Sandbox] = []

    def make(limits: Limits) -> Sandbox:
        boxes.append(Sandbox(limits))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


def _extract(box: Sandbox, path: Path, kind: str | None = None) -> Document:
    fd = os.open(path, os.O_RDONLY)
    try:
        return box.extract(fd, name=path.name, kind=kind or kind_of(path.name).name)
    finally:
        os.close(fd)


def _reason(box: Sandbox, path: Path, kind: str | None = None) -> ReadError:
    with pytest.raises(ReadError) as caught:
        _extract(box, path, kind)
    return caught.value


def _warm(box: Sandbox) -> psutil.Process:
    box.warm_up()
    mine = _children(psutil.Process())
    return max((p for p in mine if "nasd.extract.child" in p.cmdline()), key=lambda p: p.create_time())


def _children(process: psutil.Process) -> list[psutil.Process]:
    """Its children; some other process that ends while they are looked up is no reason to fail."""
    while True:
        try:
            return process.children()
        except psutil.NoSuchProcess as error:
            if error.pid == process.pid:
                raise


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A file that takes many seconds to read."""
    path = tmp_path / "slow.html"
    path.write_bytes(b"<p>word <b>and</b> word" * 800_000)
    return path


# --- what comes back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", READERS)
def test_every_kind_is_read_inside_the_confinement(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(samples()[kind])
    document = _extract(sandbox, path, kind)
    assert document.text.strip()
    assert document.reader == READERS[kind].label


def test_the_text_arrives_exactly(sandbox: Sandbox, tmp_path: Path) -> None:
    text = "".join(f"Paragraph {n}: naïve 茶 🦆\r\n\r\n" for n in range(20_000))
    path = tmp_path / "long.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert _extract(sandbox, path).text == text


def test_notes_title_and_metadata_arrive(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# A title\n\ntext\n")
    document = _extract(sandbox, path)
    assert document.title == "A title"
    assert document.metadata == {"encoding": "utf-8"}
    assert document.notes == ()


def test_content_wins_over_the_name(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "really.txt"
    path.write_bytes(samples()["pdf"])
    document = _extract(sandbox, path)
    assert document.reader == READERS["pdf"].label
    assert document.metadata["kind"] == "pdf"


def test_reading_begins_at_the_beginning(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("words")
    fd = os.open(path, os.O_RDONLY)
    try:
        os.lseek(fd, 0, os.SEEK_END)
        assert sandbox.extract(fd, name="a.txt", kind="text").text == "words"
    finally:
        os.close(fd)


def test_odd_names_are_only_hints(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("words")
    fd = os.open(path, os.O_RDONLY)
    try:
        for name in ("\udcff\udcfe", "n" * 5000, "a\nb", ""):
            assert sandbox.extract(fd, name=name, kind="unknown").text == "words"
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"\0\1\2\3" * 500, "text", "unsupported"),
        (b"\x89PNG\r\n\x1a\n", "pdf", "malformed"),
        (b"\x7fELF", "pdf", "unsupported"),
        (b"anything", "image", "unsupported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "docx", "encrypted"),
        (b"PK\x03\x04", "docx", "malformed"),
        (b"", "pdf", "malformed"),
    ],
)
def test_why_a_file_is_not_read(
    sandbox: Sandbox, tmp_path: Path, data: bytes, kind: str, reason: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    error = _reason(sandbox, path, kind)
    assert (error.reason, error.temporary) == (reason, False)
    assert str(tmp_path) not in error.detail


def test_the_daemon_never_imports_a_parser() -> None:
    script = (
        "import sys, nasd.extract.sandbox, nasd.extract.kinds, nasd.extract.passages\n"
        "parsers = ('lxml', 'pypdfium2', 'selectolax', 'python_calamine', 'charset_normalizer', 'csv')\n"
        "print([name for name in parsers if name in sys.modules])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, env=environment, check=True
    )
    assert done.stdout == b"[]\n"


# --- limits -------------------------------------------------------------------------------------------------


def test_a_file_too_large_is_not_opened(limited: Callable[..., Sandbox], tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    assert _reason(limited(Limits(input_bytes=1 << 19)), path).reason == "too_large"


def test_too_much_memory(limited: Callable[..., Sandbox], tmp_path: Path) -> None:
    box = limited(Limits(memory_bytes=32 << 20))
    path = tmp_path / "big.txt"
    path.write_bytes(b"word " * 12_000_000)
    assert _reason(box, path).reason == "memory"
    path.write_text("small")
    assert _extract(box, path).text == "small"


def test_memory_that_native_code_asks_for(limited: Callable[..., Sandbox], tmp_path: Path) -> None:
    # Two cells, a sheet's width and height apart: a parser that allots the range between them needs 400 GB.
    with zipfile.ZipFile(io.BytesIO(samples()["xlsx"])) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
        "</sheetData></worksheet>"
    )
    path = tmp_path / "far.xlsx"
    path.write_bytes(package(parts))
    assert _reason(limited(Limits()), path).reason == "memory"


def test_too_much_processor_time(limited: Callable[..., Sandbox], slow: Path) -> None:
    error = _reason(limited(Limits(cpu_s=1, each_mib_s=0)), slow)
    assert (error.reason, error.temporary) == ("time", True)
    assert "processor" in error.detail


def test_too_much_time(limited: Callable[..., Sandbox], slow: Path, tmp_path: Path) -> None:
    box = limited(Limits(wall_s=0.5, each_mib_s=0))
    warm = _warm(box)
    assert _reason(box, slow).reason == "time"
    assert _children(warm) == []
    assert _warm(box) == warm


def test_too_much_text(limited: Callable[..., Sandbox], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"line of words\n\n" * 100_000)
    assert _reason(limited(Limits(output_chars=100_000)), path).reason == "output"


# --- deaths -------------------------------------------------------------------------------------------------


def _while_reading(box: Sandbox, path: Path, act: Callable[[psutil.Process], None]) -> ReadError | Document:
    """What an extraction ends with when `act` is done to its child."""
    warm = _warm(box)
    ended: list[ReadError | Document] = []

    def run() -> None:
        try:
            ended.append(_extract(box, path))
        except ReadError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    _until(lambda: _children(warm), "no child appeared")
    act(_children(warm)[0])
    thread.join(_WAIT_S)
    assert not thread.is_alive()
    return ended[0]


@pytest.mark.parametrize(
    ("how", "reason"),
    [(signal.SIGSEGV, "crashed"), (signal.SIGABRT, "crashed"), (signal.SIGKILL, "memory")],
)
def test_a_child_that_dies_costs_one_file(
    limited: Callable[..., Sandbox], slow: Path, tmp_path: Path, how: signal.Signals, reason: str
) -> None:
    box = limited(Limits())
    warm = _warm(box)
    ended = _while_reading(box, slow, lambda child: child.send_signal(how))
    assert isinstance(ended, ReadError)
    assert (ended.reason, ended.temporary) == (reason, True)
    after = tmp_path / "after.txt"
    after.write_text("still reading")
    assert _extract(box, after).text == "still reading"
    assert _warm(box) == warm


def test_the_child_that_reads_is_confined_by_the_kernel(limited: Callable[..., Sandbox], slow: Path) -> None:
    seen: dict[str, str] = {}

    def look(child: psutil.Process) -> None:
        def confined() -> bool:
            lines = Path(f"/proc/{child.pid}/status").read_text("ascii", "replace").splitlines()
            seen.update((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
            return seen["Seccomp"] == "2"  # by a filter

        _until(confined, "it was never confined")
        seen["descriptors"] = " ".join(
            os.readlink(link) for link in Path(f"/proc/{child.pid}/fd").iterdir() if link.exists()
        )
        child.kill()

    _while_reading(limited(Limits()), slow, look)
    assert seen["NoNewPrivs"] == "1"
    assert int(seen["CapEff"], 16) == 0
    # Its one file, its output and its errors, and nothing of the network but the line to its parent.
    opened = [name for name in seen["descriptors"].split() if name.startswith("/")]
    assert set(opened) <= {str(slow), "/dev/null"}


def test_a_confined_process_makes_threads_and_nothing_else() -> None:
    """Also without privileges, where a limit on processes would forbid the threads of decoders too."""
    script = (
        "import encodings.ascii, os, threading\n"
        "from nasd.extract import confine\n"
        "if os.getuid() == 0:\n    os.setgroups([])\n    os.setgid(65534)\n    os.setuid(65534)\n"
        "confine.limit(memory_bytes=1 << 29, cpu_s=20, open_files=32)\n"
        "confine.give_up_files_and_network()\n"
        "thread = threading.Thread(target=lambda: print('thread'))\n"
        "thread.start()\n"
        "thread.join()\n"
        "for attempt in (os.fork, lambda: os.posix_spawn('/bin/true', ['true'], {})):\n"
        "    try:\n        attempt()\n"
        "    except OSError:\n        print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["thread", "refused", "refused"], done.stderr


def test_a_child_that_hangs_is_killed(limited: Callable[..., Sandbox], slow: Path) -> None:
    box = limited(Limits(wall_s=2.0, each_mib_s=0))
    ended = _while_reading(box, slow, lambda child: child.suspend())
    assert isinstance(ended, ReadError)
    assert ended.reason == "time"
    assert _children(_warm(box)) == []


def test_a_warm_process_that_dies_is_replaced(limited: Callable[..., Sandbox], tmp_path: Path) -> None:
    box = limited(Limits())
    path = tmp_path / "a.txt"
    path.write_text("words")
    first = _warm(box)
    first.kill()
    assert _extract(box, path).text == "words"
    assert _warm(box).pid != first.pid


def test_a_file_is_read_again_when_the_warm_process_died_under_it(
    limited: Callable[..., Sandbox], tmp_path: Path
) -> None:
    path = tmp_path / "some.html"
    path.write_bytes(b"<p>word <b>and</b> word" * 150_000)
    box = limited(Limits())
    warm = _warm(box)
    children: list[psutil.Process] = []

    def act(child: psutil.Process) -> None:
        children.append(child)
        warm.kill()

    ended = _while_reading(box, path, act)
    assert isinstance(ended, Document)
    _until(lambda: not children[0].is_running(), "the orphan lives on")


def test_closing_ends_what_is_being_read(limited: Callable[..., Sandbox], slow: Path, tmp_path: Path) -> None:
    box = limited(Limits())
    warm = _warm(box)
    ended = _while_reading(box, slow, lambda child: box.close())
    assert isinstance(ended, ReadError)
    assert ended.temporary
    assert not warm.is_running()
    assert _reason(box, slow).temporary


def test_nothing_is_left_when_the_daemon_is_killed(tmp_path: Path, slow: Path) -> None:
    script = (
        "import os, sys, threading\n"
        "from nasd.extract.sandbox import Sandbox\n"
        "box = Sandbox(); box.warm_up()\n"
        "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "threading.Thread(target=lambda: box.extract(fd, name='a', kind='html')).start()\n"
        "print('reading', flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    daemon = subprocess.Popen(
        [sys.executable, "-c", script, str(slow)], stdout=subprocess.PIPE, env=environment
    )
    assert daemon.stdout is not None
    assert daemon.stdout.readline() == b"reading\n"
    process = psutil.Process(daemon.pid)
    _until(lambda: len(process.children(recursive=True)) == 2, "no child appeared")
    family = process.children(recursive=True)
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()
    _until(lambda: not any(p.is_running() and p.status() != "zombie" for p in family), "a child lives on")


# --- side effects -------------------------------------------------------------------------------------------


def test_several_files_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = []
    for n in range(24):
        paths.append(tmp_path / f"{n}.txt")
        paths[-1].write_text(f"file number {n}\n\n" * (1 + n * 200))
    found: dict[int, str] = {}

    def run(numbers: range) -> None:
        for n in numbers:
            found[n] = _extract(sandbox, paths[n]).text

    threads = [threading.Thread(target=run, args=(range(start, 24, 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_WAIT_S)
    assert found == {n: paths[n].read_text() for n in range(24)}


def test_descriptors_are_given_back(sandbox: Sandbox, tmp_path: Path) -> None:
    good, bad = tmp_path / "a.txt", tmp_path / "b.pdf"
    good.write_text("words")
    bad.write_text("no pdf")
    warm = _warm(sandbox)
    _extract(sandbox, good)
    before = (psutil.Process().num_fds(), warm.num_fds())
    for _ in range(10):
        _extract(sandbox, good)
        _reason(sandbox, bad)
    # The warm process closes its end of the last life line just after it has reported.
    _until(lambda: psutil.Process().num_fds() <= before[0] and warm.num_fds() <= before[1], "a leak")


def test_the_children_inherit_no_secrets(
    limited: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NASD_CREDENTIAL_ATTIC", "s3cret")
    with Path("/dev/null").open() as held:
        os.set_inheritable(held.fileno(), True)
        warm = _warm(limited(Limits()))
        names = set(warm.environ())
        open_files = {path.path for path in warm.open_files()}
    assert not any(name.startswith("NASD_") or name == "HOME" for name in names)
    assert open_files == set()
    assert warm.num_threads() == 1
