"""What went wrong is told for a while."""

from __future__ import annotations

from nasd.llm.trouble import LASTS_S, Trouble


def test_it_is_told_until_it_ends_or_is_long_ago() -> None:
    now = [100.0]
    trouble = Trouble(lambda: now[0])
    seen = [trouble.detail]
    trouble.note("no memory")
    now[0] += LASTS_S - 1
    seen.append(trouble.detail)
    now[0] += 2
    seen.append(trouble.detail)
    trouble.note("no memory again")
    seen.append(trouble.detail)
    trouble.end()
    seen.append(trouble.detail)
    assert seen == [None, "no memory", None, "no memory again", None]
