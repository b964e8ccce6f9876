"""Groups and rules as faces show them: words, states, shares, TOML that reads the same."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.knowledge import (
    MANY,
    Group,
    GroupKey,
    GroupState,
    NoiseRuling,
    RuleTotal,
)
from shadow_middleware.report.groups import (
    GroupNoise,
    expectation,
    group_rows,
    state_of,
)
from shadow_middleware.report.rule_list import Origin, rule_rows
from shadow_middleware.report.rule_text import added_to, difference_of, rule_toml
from shadow_middleware.report.wording import what_changed
from shadow_middleware.rule import Rule
from shadow_middleware.rule_checks import complaint

KEY = GroupKey("shadow", "GET /a", Part.BODY, "/n", Kind.CHANGED, "integer", "integer")


def key(**fields: Any) -> GroupKey:
    """Return the key of an integer that changed; fields replace what is usual."""
    return msgspec.structs.replace(KEY, **fields)


@pytest.mark.parametrize(
    ("fields", "sizes", "words"),
    [
        ({}, (), "body /n: another integer"),
        ({}, ("slight",), "body /n: another integer, by up to 1 %"),
        ({"live": "bytes", "shadow": "bytes"}, (), "body /n: other bytes"),
        (
            {"live": "timestamp epoch-ms", "shadow": "timestamp epoch-ms"},
            (),
            "body /n: another timestamp in milliseconds",
        ),
        ({}, ("tiny", "some"), "body /n: another integer, by up to 50 %"),
        ({}, ("slight", "large"), "body /n: another integer, by little and by much"),
        ({"live": "uuid", "shadow": "null"}, (), "body /n: UUID → null"),
        ({"kind": Kind.MISSING, "live": "array"}, (), "body /n: missing (live has a list)"),
        ({"kind": Kind.ADDED, "shadow": "object"}, (), "body /n: added (the shadow has an object)"),
        ({"kind": Kind.ORDER}, (), "body /n: same items, another order"),
        ({"kind": Kind.UNCHANGED}, (), "body /n: the change that a rule expects did not come"),
        ({"part": Part.STATUS, "path": "", "live": "200", "shadow": "404"}, (), "status: 200 → 404"),
        ({"part": Part.LATENCY, "path": ""}, (), "latency: the shadow is slower"),
        ({"part": Part.HEADER, "path": "etag", "live": "hash", "shadow": "hash"}, (), "header etag: another hash"),
        ({"part": Part.HEADER, "path": "set-cookie/sid", "kind": Kind.MISSING, "live": ""}, (), "cookie sid: missing"),
        ({"path": "/* Total"}, (), 'body line "Total": another integer'),
        ({"path": MANY}, (), "body, one of too many places to tell apart: another integer"),
    ],
)  # fmt: skip
def test_what_changed_is_told_in_words(
    fields: dict[str, Any], sizes: tuple[str, ...], words: str
) -> None:
    """No word of ours that a newcomer would have to look up."""
    assert words == what_changed(key(**fields), sizes)


@pytest.mark.parametrize(
    ("fields", "why", "state"),
    [
        ({}, "", "open"),
        ({}, "control", "noise"),
        ({"count": 0}, "", "noise"),
        ({"ruling": NoiseRuling.SIGNAL}, "control", "open"),
        ({"ruling": NoiseRuling.NOISE}, "", "noise"),
        ({"state": GroupState.IGNORED, "decided_at": 5.0}, "control", "ignored"),
        ({"state": GroupState.RESOLVED, "decided_at": 30.0}, "", "resolved"),
        ({"state": GroupState.RESOLVED, "decided_at": 15.0}, "", "regressed"),
        ({"state": GroupState.RESOLVED, "decided_at": 15.0}, "control", "noise"),
    ],
)
def test_a_state_follows_from_decision_ruling_and_evidence(
    fields: dict[str, Any], why: str, state: str
) -> None:
    """A person's word stands above what was learned."""
    group = Group(KEY.fingerprint, KEY, 3, 10.0, 20.0)

    assert state == state_of(msgspec.structs.replace(group, **fields), why)


@pytest.mark.parametrize(
    ("count", "totals", "share"),
    [
        (3, {Outcome.MATCH: 6, Outcome.DIVERGENCE: 3, Outcome.NOISE: 1}, 0.3),
        (3, {Outcome.DIVERGENCE: 3, Outcome.TIMEOUT: 7}, 1.0),
        (3, {Outcome.DIVERGENCE: 2}, None),
        (3, {}, None),
        (0, {Outcome.MATCH: 2}, 0.0),
    ],
)
def test_a_share_is_of_the_compared_answers_of_the_route(
    count: int, totals: dict[Outcome, int], share: float | None
) -> None:
    """And none where old counts were purged."""
    group = Group(KEY.fingerprint, KEY, count, 1.0, 2.0)
    rows = [
        Total("shadow", route, outcome, "", n)
        for route in ("GET /a", "GET /b")
        for outcome, n in totals.items()
        if route == "GET /a" or outcome is Outcome.MATCH
    ]

    assert share == group_rows([group], rows, {KEY.fingerprint: GroupNoise()})[0].share


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ({}, {"path": "/n", "kind": "changed"}),
        ({"part": Part.STATUS, "path": "", "live": "200", "shadow": "404"},
         {"part": "status", "live": "200", "shadow": "404"}),
        ({"path": ""}, {"path": ""}),
        ({"kind": Kind.ORDER}, None),
        ({"part": Part.LATENCY}, None),
        ({"path": MANY}, None),
        ({"kind": Kind.ADDED, "path": "/*/*"}, None),
        ({"path": "/* <a title="}, None),
        ({"path": "/*"}, None),
        ({"path": "/*/name"}, {"path": "/*/name"}),
    ],
)  # fmt: skip
def test_an_intended_change_is_a_rule_that_can_work(
    fields: dict[str, Any], stated: dict[str, Any] | None
) -> None:
    """Where no rule can say it, none is offered."""
    group = Group("", key(**fields), 1, 1.0, 2.0)
    rule = expectation(group_rows([group], [], {})[0])

    if stated is None:
        assert rule is None
    else:
        assert rule is not None
        assert complaint(rule) is None
        assert stated == {name: getattr(rule, name) for name in stated}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(
    st.builds(
        Rule,
        name=TEXT,
        action=st.sampled_from(["ignore", "tolerate", "expect"]),
        path=TEXT,
        route=TEXT,
        absolute=st.floats(0, allow_infinity=False),
        unordered=st.booleans(),
        statuses=st.lists(st.integers(100, 599)).map(tuple),
        live=TEXT,
    )
)
def test_a_rule_as_toml_reads_the_same(rule: Rule) -> None:
    """Whatever characters it holds."""
    [table] = tomllib.loads(rule_toml(rule, "why\nit is"))["rules"]

    assert rule == msgspec.convert(table, Rule)


def test_what_is_added_to_a_file_leaves_the_rest_as_it_was() -> None:
    """The diff has no line that takes something away."""
    before = "# ours\n[[rules]]\npath = '/a'"
    after = added_to(before, [rule_toml(Rule(path="/b"))])
    diff = difference_of(before, after, "rules.toml")

    assert after.startswith(before)
    assert ["/a", "/b"] == [one["path"] for one in tomllib.loads(after)["rules"]]
    assert "\\ No newline at end of file" in diff
    assert "" == difference_of(after, after, "rules.toml")


@pytest.mark.parametrize(
    ("rule", "hid", "flagged"),
    [
        (Rule(path="/a"), "changed", False),
        (Rule(path="/a"), "missing", True),
        (Rule(path="/a"), "added", True),
        (Rule(path="/a"), "type: string → null", True),
        (Rule(path="/a", kind="missing"), "missing", False),
        (Rule(path="/a", action="tolerate", relative=0.1), "changed", False),
        (Rule(path="/**", route="GET /a"), "changed", True),
        (Rule(path="/**", route="GET /a", shape="uuid"), "changed", False),
        (Rule(part="status", route="GET /a"), "changed", False),
    ],
)
def test_a_rule_that_hides_more_than_it_says_is_flagged(
    rule: Rule, hid: str, flagged: bool
) -> None:
    """An ignore without a kind that hid more than values, and a path of everything."""
    total = RuleTotal("one", "shadow", hid, 7, 9.0)
    [row] = rule_rows([Origin(rule, "one", "settings")], [total])

    assert (7, 9.0) == (row.hits, row.last_at)
    assert flagged == bool(row.flags)


def test_two_rules_of_one_name_are_told() -> None:
    """Their hits cannot be told apart."""
    origins = [
        Origin(Rule(path=p), "one", s) for p, s in (("/a", "settings"), ("/b", "store"))
    ]
    first, second = rule_rows(origins, [])

    assert () == first.flags
    assert "another rule has this name (settings)" in second.flags[0]
