"""What counts now: decisions and what was learned move the totals, never their sum."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.evidence import Total
from shadow_middleware.exchange import Kind, Outcome, Part
from shadow_middleware.knowledge import (
    Group,
    GroupKey,
    GroupState,
    NoiseRuling,
    Signature,
)
from shadow_middleware.report.effective import effective, explained_groups
from shadow_middleware.report.findings import findings_of, in_words
from shadow_middleware.report.holdings import Holdings, Insight, as_it_counts
from shadow_middleware.report.summary import summarise
from tests.report.records import record

ONE, TWO, THREE = "1" * 16, "2" * 16, "3" * 16
BOTH = "+" + "a" * 16
SIGNATURES = [Signature(BOTH, (ONE, TWO))]


def divergence(reason: str, count: int = 1, version: str = "") -> Total:
    """Return divergences counted under a signature."""
    return Total("shadow", "GET /a", Outcome.DIVERGENCE, reason, count, version)


def group(
    path: str = "/price",
    state: GroupState = GroupState.OPEN,
    ruling: NoiseRuling = NoiseRuling.LEARNED,
) -> Group:
    """Return a group of `GET /a`."""
    key = GroupKey(
        "shadow", "GET /a", Part.BODY, path, Kind.CHANGED, "integer", "integer"
    )
    decided = None if state is GroupState.OPEN else 5.0
    return Group(key.fingerprint, key, 9, 1.0, 2.0, state, decided, "", ruling)


@pytest.mark.parametrize(
    ("reason", "explained", "outcome", "now"),
    [
        (ONE, {}, Outcome.DIVERGENCE, ONE),
        (ONE, {ONE: "ignored"}, Outcome.NOISE, "ignored"),
        (ONE, {ONE: "noise"}, Outcome.NOISE, "noise"),
        (ONE, {TWO: "noise"}, Outcome.DIVERGENCE, ONE),
        (BOTH, {ONE: "ignored"}, Outcome.DIVERGENCE, BOTH),
        (BOTH, {ONE: "ignored", TWO: "ignored"}, Outcome.NOISE, "ignored"),
        (BOTH, {ONE: "ignored", TWO: "noise"}, Outcome.NOISE, "noise"),
        ("+" + "b" * 16, {ONE: "noise"}, Outcome.DIVERGENCE, "+" + "b" * 16),
        ("", {"": "noise"}, Outcome.DIVERGENCE, ""),
        ("(other)", {"(other)": "noise"}, Outcome.DIVERGENCE, "(other)"),
    ],
)
def test_a_divergence_is_noise_once_all_its_groups_are_explained(
    reason: str, explained: dict[str, str], outcome: Outcome, now: str
) -> None:
    """One group that counts is enough; one whose groups nobody knows counts."""
    [row] = effective([divergence(reason, 7)], SIGNATURES, explained)

    assert (outcome, now, 7) == (row.outcome, row.reason, row.count)


def test_other_outcomes_stay_what_they_are() -> None:
    """A reason that looks like a group is none elsewhere."""
    rows = [Total("shadow", "GET /a", Outcome.TIMEOUT, ONE, 3)]

    assert rows == effective(rows, SIGNATURES, {ONE: "noise"})


ROWS = st.lists(
    st.builds(
        Total,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["GET /a", "GET /b"]),
        st.sampled_from(list(Outcome)),
        st.sampled_from([ONE, TWO, THREE, BOTH, "", "noise"]),
        st.integers(1, 1_000),
        st.sampled_from(["", "v1"]),
    )
)
EXPLAINED = st.dictionaries(
    st.sampled_from([ONE, TWO, THREE]), st.sampled_from(["noise", "ignored"])
)


@given(ROWS, EXPLAINED)
def test_no_replay_is_lost_or_invented(
    rows: list[Total], explained: dict[str, str]
) -> None:
    """For each target, route and version the sum stays: the law of conservation."""

    def sums(totals: list[Total]) -> Counter[tuple[str, str, str]]:
        counts: Counter[tuple[str, str, str]] = Counter()
        for row in totals:
            counts[row.target, row.route, row.version] += row.count
        return counts

    assert sums(rows) == sums(effective(rows, SIGNATURES, explained))


@given(ROWS, EXPLAINED, st.randoms(use_true_random=False))
def test_the_order_of_totals_says_nothing(
    rows: list[Total], explained: dict[str, str], chance: object
) -> None:
    """Equal evidence reads equal."""
    mixed = list(rows)
    chance.shuffle(mixed)  # type: ignore[attr-defined]

    assert effective(rows, SIGNATURES, explained) == effective(
        mixed, SIGNATURES, explained
    )


@pytest.mark.parametrize(
    ("state", "ruling", "why", "expected"),
    [
        (GroupState.OPEN, NoiseRuling.LEARNED, "", None),
        (GroupState.OPEN, NoiseRuling.LEARNED, "control", "noise"),
        (GroupState.OPEN, NoiseRuling.NOISE, "", "noise"),
        (GroupState.OPEN, NoiseRuling.SIGNAL, "control", None),
        (GroupState.IGNORED, NoiseRuling.SIGNAL, "", "ignored"),
        (GroupState.IGNORED, NoiseRuling.LEARNED, "control", "ignored"),
        (GroupState.RESOLVED, NoiseRuling.LEARNED, "", None),
    ],
)
def test_a_person_stands_above_what_was_learned(
    state: GroupState, ruling: NoiseRuling, why: str, expected: str | None
) -> None:
    """Either way: noise that is ruled a signal counts."""
    one = group(state=state, ruling=ruling)

    assert expected == explained_groups([one], {one.fingerprint: why}).get(
        one.fingerprint
    )


def test_triage_moves_the_report_and_says_so() -> None:
    """An ignored group is noise, is no finding, and is told of."""
    price, name = group("/price", GroupState.IGNORED), group("/name")
    held = as_it_counts(
        Holdings(
            totals=[divergence(price.fingerprint, 5), divergence(name.fingerprint, 2)],
            insight=Insight(
                groups=[price, name], explained=explained_groups([price, name], {})
            ),
        )
    )

    [target] = summarise(held).targets

    assert {"noise": 5, "divergence": 2} == target.outcomes
    assert (5, 5 / 7) == (target.turned, target.noise_share)
    assert [("noise", "ignored", 5)] == [
        (one.outcome, one.reason, one.count) for one in target.reasons
    ]
    assert [(name.fingerprint, 2)] == [
        (one.group, one.divergences) for one in target.groups
    ]
    assert any("5 divergences count as noise since" in one.text for one in target.hints)


def test_groups_are_counted_from_the_totals_of_the_time() -> None:
    """Not from all that was ever seen, nor from the divergences that are stored."""
    price, name = group("/price"), group("/name")
    both = Signature(BOTH, tuple(sorted((price.fingerprint, name.fingerprint))))
    totals = [
        divergence(BOTH, 4),
        divergence(price.fingerprint, 2),
        Total("shadow", "GET /a", Outcome.MATCH, "", 14),
    ]
    stored = record("aa-1", groups=(price.fingerprint,))

    found = findings_of(totals, [both], [price, name], {}, [stored])

    assert [
        ("body /price: another integer", 6, 0.3, "aa-1"),
        ("body /name: another integer", 4, 0.2, ""),
    ] == [(one.what, one.divergences, one.share, one.example) for one in found]
    assert (
        "GET /a, body /price: another integer: 6 divergences "
        f"(group {price.fingerprint}, open)"
    ) == in_words(found[0])


def test_an_ignored_group_is_no_finding_where_another_counts() -> None:
    """The divergence counts for the other group alone."""
    price, name = group("/price", GroupState.IGNORED), group("/name")
    both = Signature(BOTH, tuple(sorted((price.fingerprint, name.fingerprint))))
    explained = explained_groups([price, name], {})
    totals = effective([divergence(BOTH, 4)], [both], explained)

    found = findings_of(totals, [both], [price, name], explained)

    assert [(name.fingerprint, 4)] == [(one.group, one.divergences) for one in found]
