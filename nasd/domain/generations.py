"""Generations of vectors: which embedding model answers, which did before, and which is to be next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """All vectors of one model, by the name it is opened with and the fingerprint of what it computes."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The model to change to. `forced`: even if it finds less. `by_file`: the settings ask for it.
    `fingerprint` once it was opened. `refused`: why it did not become the one that answers; it waits then
    to be asked for again."""

    name: str
    forced: bool = False
    by_file: bool = False
    fingerprint: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generations:
    """`serving` is None before a model has served for the first time."""

    serving: Generation | None = None
    previous: Generation | None = None
    wanted: Wanted | None = None

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of the generations whose vectors are kept."""
        known = (self.serving, self.previous, self.wanted)
        return frozenset(one.fingerprint for one in known if one is not None and one.fingerprint is not None)


LOSS = 0.03
"""Of recall@10 on the known items, by which a model may be worse than the one that answers: with 150 items,
four or five of them."""


def regressions(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> list[str]:
    """In which modes of search recall@10 fell by more than `LOSS`, in words."""
    return [
        f"{mode} recall@10 {after[mode]['recall_at_10']:.3f} instead of {figures['recall_at_10']:.3f}"
        for mode, figures in before.items()
        if after[mode]["recall_at_10"] < figures["recall_at_10"] - LOSS
    ]
