"""Inline tables over several lines."""

from __future__ import annotations

import tomllib

import pytest

from nasd.config.toml import flattened, loads

WRITTEN = """\
[[policy]]                  # first match wins
match = {volumes = ["home"], path = "Tax/**",   # {where}
         kinds = [
             "pdf",  # scans
         ],
         larger_than = "1GiB",
         }
note = "braces { stay } as they are # here"
text = '''
{ "also",
  here }
'''
last = 1
"""


def test_an_inline_table_may_span_lines() -> None:
    assert loads(WRITTEN) == {
        "policy": [
            {
                "match": {
                    "volumes": ["home"],
                    "path": "Tax/**",
                    "kinds": ["pdf"],
                    "larger_than": "1GiB",
                },
                "note": "braces { stay } as they are # here",
                "text": '{ "also",\n  here }\n',
                "last": 1,
            }
        ]
    }


def test_what_follows_keeps_its_line() -> None:
    lines = WRITTEN.splitlines()
    flat = flattened(WRITTEN).splitlines()
    assert len(flat) == len(lines)
    assert [flat.index(line) for line in lines if line.startswith(("note", "text", "last"))] == [
        lines.index(line) for line in lines if line.startswith(("note", "text", "last"))
    ]


@pytest.mark.parametrize(
    "source", ["a = [\n", "a = {b = 1,\n c = }\nd = 2\n", 'a = "\n', "a = {b = 1\n", "a = 1,\n}\n"]
)
def test_what_is_no_toml_is_refused(source: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        loads(source)


def test_a_mistake_below_such_a_table_is_found_on_its_line() -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match="line 3"):
        loads("a = {b = 1,\n     c = 2}\nd = = 2\n")
