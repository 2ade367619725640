from __future__ import annotations

from email.message import EmailMessage

from tests.unit.extract.reading import read, texts


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "Lieferung nächste Woche"
    mail["From"] = "Zoë <zoe@example.org>"
    mail["To"] = "team@example.org"
    mail["Date"] = "Tue, 02 Jan 2024 03:04:05 +0000"
    mail["X-Secret"] = "never shown"
    return mail


def test_headers_then_plain_text_then_attachments() -> None:
    mail = _mail()
    mail.set_content("Erster Absatz,\nzweite Zeile.\n\nGruß\n")
    mail.add_alternative("<p>the same in HTML</p>", subtype="html")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="Rechnung März.pdf")
    blocks, notes = read("eml", mail.as_bytes())
    assert notes.title == "Lieferung nächste Woche"
    assert texts(blocks) == [
        "Subject: Lieferung nächste Woche\nFrom: Zoë <zoe@example.org>\nTo: team@example.org\n"
        "Date: Tue, 02 Jan 2024 03:04:05 +0000",
        "Erster Absatz,\nzweite Zeile.",
        "Gruß",
        "Attachments: Rechnung März.pdf",
    ]


def test_html_alone_is_read_as_html() -> None:
    mail = _mail()
    mail.set_content("<h1>Offer</h1><script>x()</script><p>Ten <b>ducks</b></p>", subtype="html")
    assert texts(read("eml", mail.as_bytes())[0])[1:] == ["Offer", "Ten ducks"]


def test_an_empty_plain_part_gives_way() -> None:
    mail = _mail()
    mail.set_content(" \n")
    mail.add_alternative("<p>only here</p>", subtype="html")
    assert texts(read("eml", mail.as_bytes())[0])[1:] == ["only here"]


def test_forwarded_messages_are_read_in_order() -> None:
    inner = EmailMessage()
    inner["Subject"] = "The first one"
    inner.set_content("inner words")
    mail = _mail()
    mail.set_content("see below")
    mail.add_attachment(inner)
    found = texts(read("eml", mail.as_bytes())[0])
    assert found[1:] == ["see below", "Subject: The first one", "inner words"]


def test_raw_bytes_in_headers_and_unknown_charsets() -> None:
    raw = (
        "Subject: Größe und Übung\nFrom: =?broken?q?x?=\nContent-Type: text/plain; charset=no-such\n\nwörter"
    ).encode("cp1252")
    blocks, notes = read("eml", raw)
    assert notes.title == "Größe und Übung"
    assert texts(blocks)[1] == "wörter"


def test_no_message_at_all_is_read_as_text() -> None:
    assert texts(read("eml", b"\n\njust words\n")[0]) == ["just words"]


def test_endless_nesting_is_bounded() -> None:
    raw = b"Subject: deep\n"
    for n in range(300):
        raw += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
    assert texts(read("eml", raw + b"\ninnermost")[0])[0] == "Subject: deep"
