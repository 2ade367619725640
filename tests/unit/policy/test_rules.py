from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nasd.config import PolicyRule
from nasd.policy.rules import Decision, FileSubject, decide

TAX = FileSubject(
    volume="home", path="Documents/Tax/2024/return.pdf", kind="pdf", size=2000, age=timedelta(days=400)
)


def rule(name: str | None = None, **fields: Any) -> PolicyRule:
    return PolicyRule.model_validate({"name": name, **fields})


def test_without_a_matching_rule_a_file_is_embedded_and_goes_nowhere() -> None:
    default = Decision(embed=True, remote_llm=False, sync=(), rule=None, unknown=())
    assert decide([], TAX) == default
    assert decide([rule("other", match={"volumes": ["attic"]}, embed=False)], TAX) == default


def test_the_first_match_wins() -> None:
    rules = [
        rule("pictures", match={"kinds": ["image"]}, sync=["a"]),
        rule("tax", match={"path": "Documents/Tax/**"}, remote_llm=True, sync=["b"]),
        rule("all", embed=False),
    ]
    assert decide(rules, TAX) == Decision(embed=True, remote_llm=True, sync=("b",), rule="tax")


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        ({"volumes": ["x", "home"]}, True),
        ({"volumes": []}, False),
        ({"path": "**/*.pdf"}, True),
        ({"path": "*.pdf"}, False),
        ({"kinds": ["pdf", "docx"]}, True),
        ({"kinds": ["docx"]}, False),
        ({"larger_than": 1999}, True),
        ({"larger_than": 2000}, False),
        ({"older_than": "365d"}, True),
        ({"older_than": "400d"}, False),
        ({"volumes": ["home"], "kinds": ["docx"]}, False),
        ({}, True),
    ],
)
def test_all_conditions_that_are_given_must_hold(match: dict[str, Any], holds: bool) -> None:
    assert decide([rule("r", match=match, embed=False)], TAX).embed is not holds


@pytest.mark.parametrize("match", [{"labels": ["x"]}, {"personal_data": True}, {"meaning": "tax"}])
def test_a_condition_that_cannot_be_judged_holds_where_the_rule_denies(match: dict[str, Any]) -> None:
    decision = decide([rule("private", match=match, embed=False), rule("all")], TAX)
    assert decision.embed is False
    assert decision.rule == "private"
    assert decision.unknown == (f"private: {next(iter(match))}",)


def test_it_does_not_hold_where_the_rule_allows() -> None:
    rules = [rule("maybe", match={"meaning": "x"}, remote_llm=True, sync=["a"]), rule("all", embed=False)]
    decision = decide(rules, TAX)
    assert (decision.embed, decision.remote_llm, decision.sync, decision.rule) == (False, False, (), "all")


def test_a_rule_that_may_deny_sending_is_not_passed_by() -> None:
    rules = [
        rule("maybe private", match={"personal_data": True}),
        rule("send", remote_llm=True, sync=["a", "b"]),
    ]
    decision = decide(rules, TAX)
    assert (decision.embed, decision.remote_llm, decision.sync) == (True, False, ())
    half = [rule("maybe", match={"labels": ["x"]}, remote_llm=True, sync=["b"]), rules[1]]
    assert decide(half, TAX).sync == ("b",)
    assert decide(half, TAX).remote_llm is True


def test_a_condition_that_cannot_be_judged_is_moot_where_another_fails() -> None:
    decision = decide([rule(match={"personal_data": True, "kinds": ["docx"]}, embed=False)], TAX)
    assert decision == Decision()


def test_rules_after_the_match_are_not_heard() -> None:
    rules = [rule("all", sync=["a"]), rule("late", match={"meaning": "x"}, embed=False)]
    assert decide(rules, TAX) == Decision(sync=("a",), rule="all")


def test_a_rule_without_a_name_is_known_by_its_number() -> None:
    assert decide([rule("a", match={"kinds": []}), rule(embed=False)], TAX).rule == "rule 2"
