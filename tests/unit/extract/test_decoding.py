from __future__ import annotations

import codecs

import pytest

from nasd.extract.readers.decoding import decode

_GERMAN = (
    "Die Bäckerei öffnet um sechs Uhr, und die Brötchen sind früh ausverkauft. Größe, Straße, Übung. " * 4
)
_RUSSIAN = "Пекарня открывается в шесть часов, и булочки быстро заканчиваются. Приходите пораньше. " * 4
_JAPANESE = "明日の会議は大阪の支店で行います。資料を忘れないでください。よろしくお願いします。" * 4


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides_and_is_dropped(mark: bytes, encoding: str) -> None:
    assert decode(mark + "čaj 茶".encode(encoding)) == ("čaj 茶", encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (_GERMAN, "cp1252"),
        (_RUSSIAN, "cp1251"),
        (_RUSSIAN, "koi8-r"),
        (_JAPANESE, "cp932"),
        (_JAPANESE, "euc_jp"),
        (_JAPANESE, "iso2022_jp"),
        ("特斯拉以其成就和表现力而闻名，他的专利为他赚了相当多的钱，大部分被用于自己的项目。" * 3, "gb18030"),
    ],
)
def test_legacy_encodings_are_guessed(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (
            "Der Bäcker öffnet früh, die Brötchen sind süß und größer als sonst.",
            "cp1252 cp850 cp437 mac-roman",
        ),
        ("El niño comió la piñata mañana; ¿qué pasó después en Málaga?", "cp1252 cp850 mac-roman"),
        ("Çocuklar güneşli günlerde ağaçların altında şarkı söylüyor.", "cp1254 iso8859-9 cp857"),
        ("Zażółć gęślą jaźń, powiedział świętej pamięci chrząszcz.", "cp1250 iso8859-2 cp852"),
        ("ร้านขนมปังเปิดเวลาหกโมงเช้าและขนมปังก้อนเล็กขายหมดเร็ว", "tis-620"),
    ],
)
def test_short_texts_are_told_by_their_letters(text: str, encodings: str) -> None:
    for encoding in encodings.split():
        assert decode((text + " ").encode(encoding) * 3)[0] == (text + " ") * 3, encoding


def test_hz_hides_in_ascii() -> None:
    assert decode("特斯拉".encode("hz"))[0] == "特斯拉"


def test_a_declaration_is_believed_when_it_fits() -> None:
    assert decode("Größe".encode("cp1252"), "cp1252") == ("Größe", "cp1252")
    assert decode("Größe".encode(), "no-such-charset") == ("Größe", "utf-8")
    assert decode("茶 and tea".encode(), "ascii") == ("茶 and tea", "utf-8")


def test_a_few_wrong_bytes_do_not_change_the_encoding() -> None:
    data = ("naïve café, déjà vu. " * 10).encode() + b"\xff" + " à bientôt".encode()
    text, encoding = decode(data)
    assert encoding == "utf-8"
    assert "déjà vu" in text and text.endswith("\ufffd à bientôt")


def test_no_bytes_fail_and_no_nul_remains() -> None:
    for data in (bytes(range(256)), b"a\0b", b"\x81\x8d\x8f" * 50, b""):
        text, _ = decode(data)
        assert "\0" not in text
    assert decode(b"a\0b" + b" word" * 80)[0].startswith("a\ufffdb")
