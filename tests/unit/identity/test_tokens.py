from __future__ import annotations

import hashlib

import pytest

from nasd.domain.identity import Scope
from nasd.errors import InvalidRequest
from nasd.identity import tokens


def test_a_minted_token_is_well_formed_and_new() -> None:
    minted = {tokens.mint() for _ in range(50)}
    assert len(minted) == 50
    assert all(map(tokens.well_formed, minted))


@pytest.mark.parametrize(
    "text", ["", "nasd_", "nasd_" + "a" * 42, "nasd_" + "a" * 44, "x" * 48, "nasd_" + "ä" * 43]
)
def test_what_cannot_be_a_token(text: str) -> None:
    assert not tokens.well_formed(text)


def test_only_a_hash_is_kept_and_it_tells_the_token() -> None:
    token = tokens.mint()
    kept = tokens.token_hash(token)
    assert kept == hashlib.sha256(token.encode()).hexdigest()
    assert token.removeprefix(tokens.PREFIX) not in kept
    assert tokens.same_token(token, kept)
    assert not tokens.same_token(tokens.mint(), kept)
    assert not tokens.same_token("\udcff", kept)


def test_scopes_by_name() -> None:
    assert tokens.parse_scopes(["search,ask", " FILES "]) == {Scope.SEARCH, Scope.ASK, Scope.FILES}


@pytest.mark.parametrize("words", [[], [""], ["serch"], ["search", "root"]])
def test_unknown_or_no_scopes_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="search, ask, files, admin") as caught:
        tokens.parse_scopes(words)
    assert caught.value.exit_code == 2
