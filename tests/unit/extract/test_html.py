from __future__ import annotations

import pytest

from nasd.domain.passages import Role
from tests.unit.extract.reading import read, texts


def _read(html: str) -> list[tuple[str, str]]:
    return [(block.role.value, block.text) for block in read("html", html.encode())[0]]


def test_structure() -> None:
    html = """<html><head><title> The
      bakery </title><style>p{}</style></head><body><h1>Bread <em>and</em> rolls</h1>
      <p>We open at <b>six</b>.<br>Come early.</p><div>Loose <span>text</span><p>inner</p> tail</div>
      <ul><li>rye</li><li><p>wheat</p></li></ul><pre>  a
    b</pre><h3>End</h3></body></html>"""
    blocks, notes = read("html", html.encode())
    assert notes.title == "The bakery"
    assert [(b.role, b.text, b.level) for b in blocks] == [
        (Role.HEADING, "Bread and rolls", 1),
        (Role.PARAGRAPH, "We open at six.\nCome early.", 0),
        (Role.PARAGRAPH, "Loose text", 0),
        (Role.PARAGRAPH, "inner", 0),
        (Role.PARAGRAPH, "tail", 0),
        (Role.ITEM, "rye", 0),
        (Role.ITEM, "wheat", 0),
        (Role.CODE, "a\n    b", 0),
        (Role.HEADING, "End", 3),
    ]
    assert [b.after for b in blocks if b.role is Role.ITEM] == ["\n", "\n\n"]


def test_what_nobody_sees_is_left_out() -> None:
    html = (
        "<script>fetch('x')</script><nav>Home</nav><div style='color:red; DISPLAY : none'>trap</div>"
        "<p hidden>trap</p><template>trap</template><noscript>trap</noscript><div role=navigation>menu</div>"
        "<!-- trap --><svg><text>trap</text></svg><p>seen</p>"
    )
    blocks, _ = read("html", html.encode())
    assert [block.text for block in blocks if not block.hidden] == ["seen"]
    assert [block.text for block in blocks if block.hidden] == ["trap\ntrap"]


@pytest.mark.parametrize(
    "trap",
    [
        "<div style='display:none'>trap</div>",
        "<span style='visibility:hidden'>trap</span>",
        "<p style='color:#fff'>trap</p>",
        "<p><font color=white>trap</font></p>",
        "<p style='font-size:0'>trap</p>",
        "<p style='font-size:1px'>trap</p>",
        "<p style='opacity:0'>trap</p>",
        "<p style='position:absolute;left:-9999px'>trap</p>",
        "<p style='text-indent:-5000px'>trap</p>",
        "<div style='height:0;overflow:hidden'>trap</div>",
        "<div style='background:#222;color:rgb(34,34,34)'>trap</div>",
        "<style>.x{color:red} .x, #y {display:none}</style><p class='a x'>trap</p>",
        "<style>@media print{.y{color:red}} /* } */ p.x{color:white}</style><p class=x>trap</p>",
        "<table><tr><td style='display:none'>trap</table>",
    ],
)
def test_hidden_text_is_kept_apart(trap: str) -> None:
    blocks, _ = read("html", f"<h1>Head</h1><p>before</p>{trap}<p>after</p>".encode())
    assert [block.text for block in blocks if not block.hidden] == ["Head", "before", "after"]
    assert [block.text for block in blocks if block.hidden] == ["trap"]


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='background:navy;color:white'>text</p>",
        "<table bgcolor=black><tr><td style='color:white'>text</table>",
        "<div style='background:url(x.png)'><p style='color:white'>text</p></div>",
        "<style>@media print{.x{display:none}}</style><p class=x>text</p>",
        "<style>.x:hover{display:none} .y .x{display:none}</style><p class=x>text</p>",
        "<div style='color:white'><p style='color:black'>text</p></div>",
        "<div style='font-size:0'><p style='font-size:12px'>text</p></div>",
    ],
)
def test_what_is_seen_is_not_hidden(shown: str) -> None:
    assert not any(block.hidden for block in read("html", shown.encode())[0])


def test_a_hidden_heading_heads_nothing() -> None:
    blocks, _ = read("html", b"<h1 style='color:white'>trap</h1><p>text</p>")
    assert [(block.role.value, block.text, block.hidden) for block in blocks] == [
        ("paragraph", "trap", True),
        ("paragraph", "text", False),
    ]


def test_rows_keep_values_beside_their_labels() -> None:
    html = (
        "<table> <tr> <th>Name</th> <th>Age</th> <th></th> </tr>\n<tr><td><p>Ada</p><p>L.</p></td><td></td>"
        "<td>36</td></tr><tr><td colspan=3>alone</td></tr></table>"
    )
    assert _read(html) == [("row", "Name | Age"), ("row", "Ada L. |  | 36"), ("paragraph", "alone")]


def test_tables_for_layout_are_read_as_text() -> None:
    html = (
        "<table><tr><td>left <table><tr><td>k</td><td>v</td></tr></table> right</td><td>x</td></tr></table>"
    )
    assert _read(html) == [
        ("paragraph", "left"),
        ("row", "k | v"),
        ("paragraph", "right"),
        ("paragraph", "x"),
    ]


def test_forms_and_pictures_say_what_they_show() -> None:
    html = '<p>Total <input value="12"> <img alt="a duck"> <input type=hidden value=trap></p>'
    assert _read(html) == [("paragraph", "Total 12 a duck")]


def test_the_declared_encoding_is_used() -> None:
    for head in (b'<meta charset="euc-kr">', b'<meta http-equiv=x content="text/html; charset=euc-kr">'):
        assert texts(read("html", head + "<p>인천 창고</p>".encode("euc-kr"))[0]) == ["인천 창고"]
    wrong = b'<meta charset="utf-16"><p>plain</p>'
    assert texts(read("html", wrong)[0]) == ["plain"]


def test_any_depth_of_nesting_is_walked() -> None:
    blocks, _ = read("html", b"<div>" * 8_000 + b"core" + b"</div>" * 8_000)
    assert texts(blocks) == ["core"]


def test_broken_markup_still_yields_its_text() -> None:
    assert _read("<p>a<td>b</table><li>c") == [("paragraph", "ab"), ("item", "c")]
    assert _read("") == []
