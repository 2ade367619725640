from __future__ import annotations

from nasd.embed.source import DEFAULT_MODEL
from nasd.embed.tokens import SourceTokens


def test_what_was_forgotten_is_loaded_again() -> None:
    tokens = SourceTokens(DEFAULT_MODEL)
    assert not tokens.forget()
    assert tokens.count("The rent is due") == 4
    assert tokens.forget()
    assert not tokens.forget()
    assert tokens.count("The rent is due") == 4
