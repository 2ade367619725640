"""Real archives, mailboxes and mails, built here, opened in this process."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest
import zstandard

from nasd.errors import ReadError
from nasd.extract.base import Notes, Packed, Source
from nasd.extract.containers.archives import is_tar, plain_name
from nasd.extract.containers.naming import local_time, nanoseconds, numbered, safe_name
from nasd.extract.registry import load_container


def opened(kind: str, data: bytes, name: str = "any") -> list[tuple[Packed, bytes]]:
    source = Source(name=name, size=len(data), kind=kind, stream=io.BytesIO(data))
    found = load_container(kind).members(source, Notes(), lambda count: None)
    return [(packed, packed.open().read()) for packed in found]


def tar_of(members: dict[str, bytes], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return buffer.getvalue()


FILES = {"a.txt": b"one", "n/b.md": b"# two", "empty": b""}


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress],
    ids=lambda f: f.__module__,
)
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_in_any_form_and_compression(pack: object, format: int) -> None:
    found = opened("archive", pack(tar_of(FILES, format=format)))  # type: ignore[operator]
    assert {packed.name: data for packed, data in found} == FILES
    assert {packed.mtime_ns for packed, _ in found} == {1_700_000_000_000_000_000}


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_zip_in_any_compression(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.mkdir("folder")
        for name, data in FILES.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 1, 10, 0, 0)), data)
    found = opened("archive", buffer.getvalue())
    assert {packed.name: data for packed, data in found} == FILES
    assert found[0][0].mtime_ns == local_time(2024, 5, 1, 10, 0, 0)


def test_names_of_zips_without_the_utf8_flag() -> None:
    for raw, name in (
        (b"\x81bung.txt", "übung.txt"),
        ("öl.txt".encode(), "öl.txt"),
        (b"a\\b.txt", "a/b.txt"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("X" * len(raw), b"x")
        data = buffer.getvalue().replace(b"X" * len(raw), raw)
        assert [packed.name for packed, _ in opened("archive", data)] == [name]


@pytest.mark.parametrize(
    ("name", "inner"), [("log.txt.gz", "log.txt"), ("x.TGZ", "x.tar"), ("d/y.zst", "y"), (".gz", ".gz")]
)
def test_a_single_compressed_file_is_called_as_before_compression(name: str, inner: str) -> None:
    assert plain_name(name) == inner
    assert [(p.name, data) for p, data in opened("archive", gzip.compress(b"hello"), name)] == [
        (inner, b"hello")
    ]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"MSCF", "cabinet"),
        (b"nothing", "unknown"),
    ],
)
def test_formats_that_are_not_opened_are_told_by_name(head: bytes, name: str) -> None:
    with pytest.raises(ReadError, match=name) as caught:
        opened("archive", head + bytes(600))
    assert caught.value.reason == "unsupported"


def test_text_is_no_tar() -> None:
    assert not is_tar(b"These are words.\n" * 40)
    assert not is_tar(bytes(512))
    assert is_tar(tar_of(FILES)[:512])


def test_a_mailbox_is_cut_into_its_messages() -> None:
    box = (
        b"From a Mon Mar  2 10:00:00 2026\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe/2?=\n"
        b"Date: Mon, 2 Mar 2026 10:00:00 +0100\n\nHello\n>From here on\n\nFrom b\n\nnothing\n"
        b"not empty before\nFrom the middle\n"
    )
    found = opened("mbox", box)
    assert [packed.name for packed, _ in found] == ["00001 Grüße∕2.eml", "00002.eml"]
    assert found[0][1].endswith(b"Hello\nFrom here on\n\n")
    assert found[0][0].mtime_ns == 1_772_442_000_000_000_000
    assert found[1][1].endswith(b"From the middle\n")


def test_attachments_of_a_mail() -> None:
    mail = (
        b"Subject: s\nDate: nonsense\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n--b\n"
        b'Content-Type: text/csv; name="=?utf-8?q?=C3=A4.csv?="\n'
        b"Content-Transfer-Encoding: base64\n\nYTtiCg==\n"
        b"--b\nContent-Type: application/pdf\nContent-Disposition: attachment\n\n%PDF-\n--b\n"
        b"Content-Type: text/plain\n"
        b'Content-Disposition: attachment; filename="..\\\\..\\\\boot.ini"\n\nx\n--b--\n'
    )
    found = opened("eml", mail)
    assert [(packed.name, data) for packed, data in found] == [
        ("ä.csv", b"a;b\n"),
        ("attachment 2.pdf", b"%PDF-"),
        ("boot.ini", b"x"),
    ]


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("a/b.txt", "a/b.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("../../x", "_/_/x"),
        ("./a//b/", "a/b"),
        ("a\x00b\x1b[2J\n", "a\ufffdb\ufffd[2J\ufffd"),
        ("..", "_"),
        ("", "unnamed"),
        ("gr\udcfcn", "gr\\udcfcn"),
    ],
)
def test_names_are_plain_paths(raw: str, safe: str) -> None:
    assert safe_name(raw) == safe


def test_long_names_keep_their_suffix() -> None:
    name = safe_name("ä" * 5000 + ".pdf")
    assert len(name.encode()) <= 1000
    assert name.endswith("….pdf")


def test_numbers_go_before_the_suffix() -> None:
    assert numbered("n/a.txt", 2) == "n/a (2).txt"
    assert numbered("README", 3) == "README (3)"


def test_times_that_are_none() -> None:
    assert local_time(2024, 13, 1, 0, 0, 0) is None
    assert nanoseconds(-5) is None
    assert nanoseconds(1e30) is None
