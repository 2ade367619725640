from __future__ import annotations

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
    assert _read(html) == [("paragraph", "seen")]


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
