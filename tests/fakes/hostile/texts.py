"""Text, web pages, tables and mails: deep, wide, and of one line."""

from __future__ import annotations

import base64
import random


def one_line_csv() -> bytes:
    return b"cell," * (20 << 20)


def unclosed_quote_csv() -> bytes:
    return b'a,b\n"' + b"never closed, still the same cell\n" * 1_000_000


def tiny_paragraphs() -> bytes:
    return b"a\n\n" * 1_000_000


def wide_paragraphs() -> bytes:
    return "茶🦆\n\n".encode() * 500_000


def short_lines() -> bytes:
    return b"a\n" * 2_000_000


def white_space() -> bytes:
    return b"above" + b" \t\r\n" * 2_000_000 + b"below"


def deep_html(tag: str, count: int) -> bytes:
    return (f"<{tag}>" * count + "core").encode()


def misnested_html() -> bytes:
    """Formatting that is never closed, across paragraphs: each one opens all of them again."""
    return b"".join(b"<p><b class=c%d><i><font size=%d>x" % (n, n) for n in range(20_000))


def styled_html() -> bytes:
    rules = "".join(f".c{n} p.c{n} {{color: #{n:06x}}}" for n in range(20_000))
    body = "".join(f"<p class='c{n} x y z'>word {n}</p>" for n in range(20_000))
    return f"<style>{rules}</style>{body}".encode()


def wide_table_html() -> bytes:
    return b"<table><tr>" + b"<td>x" * 500_000


def nested_multiparts() -> bytes:
    head = b"Subject: nested\nContent-Type: multipart/mixed; boundary=b0\n\n"
    parts = b"".join(
        b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (n, n + 1) for n in range(10_000)
    )
    return head + parts + b"--b10000\nContent-Type: text/plain\n\ninnermost\n"


def many_parts() -> bytes:
    part = b"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nx\n"
    return b"Subject: many\nContent-Type: multipart/mixed; boundary=b\n\n" + part * 10_000 + b"--b--\n"


def nested_messages() -> bytes:
    return b"Content-Type: message/rfc822\n\n" * 10_000 + b"Subject: innermost\n\nwords\n"


def soft_breaks() -> bytes:
    head = b"Subject: soft\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n"
    return head + b"=\n" * 5_000_000 + b"=41" * 5_000_000


def encoded_words() -> bytes:
    word = base64.b64encode("слово".encode()).decode()
    return f"Subject: {f'=?utf-8?b?{word}?= ' * 100_000}\nFrom: {'<a@b>,' * 200_000}\n\nbody\n".encode()


def folded_card() -> bytes:
    return b"BEGIN:VCARD\nVERSION:4.0\nFN:" + b"x\n " * 3_000_000 + b"\nEND:VCARD\n"


def deep_calendar() -> bytes:
    return b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 500_000 + b"SUMMARY:deep\n"


def deep_notebook() -> bytes:
    return b'{"cells":' + b"[" * 200_000


def markdown_brackets() -> bytes:
    return b"[" * 200_000 + b"](" * 100_000 + b"*a_ " * 200_000 + b"`" * 100_001 + b"\n> " * 50_000


def noise(seed: int, size: int = 40_000) -> bytes:
    return random.Random(seed).randbytes(size)
