"""Bearer tokens: minted once, kept only as a hash, compared in constant time. Pure but for randomness."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from nasd.domain.identity import Scope
from nasd.errors import InvalidRequest

PREFIX = "nasd_"
"""So that a token found in the wrong place can be told for what it is."""

_RANDOM_BYTES = 32
_FORM = re.compile(r"nasd_[A-Za-z0-9_-]{43}\Z")  # 32 bytes are 43 characters of unpadded base64


def mint() -> str:
    """A new token with 256 bits from the system's generator."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def well_formed(token: str) -> bool:
    """Whether it can be a token at all; one that cannot needs no look into the catalogue."""
    return _FORM.match(token) is not None


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256, as 64 hexadecimal digits. No salt and no slow hash are needed for
    256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same_token(token: str, kept_hash: str) -> bool:
    """Whether `token` is the one behind `kept_hash`; takes the same time either way."""
    return hmac.compare_digest(token_hash(token), kept_hash)


def parse_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Scopes from their names, each of which may hold several parted by commas. InvalidRequest for an
    unknown name, and when none is left."""
    known = {scope.value: scope for scope in Scope}
    names = [name.strip().lower() for word in words for name in word.split(",") if name.strip()]
    allowed = ", ".join(known)
    for name in names:
        if name not in known:
            raise InvalidRequest(
                f'There is no scope "{name}".',
                cure=f"Scopes are: {allowed}.",
                fields={"scopes": f'found "{name}", allowed are {allowed}'},
            )
    if not names:
        raise InvalidRequest(
            "No scope is given.", cure=f"Scopes are: {allowed}.", fields={"scopes": f"one of {allowed}"}
        )
    return frozenset(known[name] for name in names)
