"""What the answers to samples say of a group, told with plain values."""

from __future__ import annotations

import pytest

from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.knowledge import Group, GroupKey
from shadow_middleware.recheck import Again, Fate, GroupResult, SampleResult
from shadow_middleware.recheck.result import result_of

KEY = GroupKey(
    "shadow", "GET /a", Part.BODY, "/items/*/n", Kind.CHANGED, "word", "word"
)
NAME = KEY.fingerprint
GROUP = Group(NAME, KEY, 1, 1.0, 2.0)
SHOWN = frozenset({NAME})


def other(part: Part, shape: str) -> Difference:
    """Return a difference of another group."""
    return Difference(part, shape, Kind.CHANGED, shape=shape, group="other")


@pytest.mark.parametrize(
    ("again", "fate"),
    [
        (Again(before=SHOWN), Fate.FIXED),
        (Again(before=SHOWN, noise=SHOWN), Fate.UNKNOWN),
        (Again(before=SHOWN, cut=True), Fate.UNKNOWN),
        (Again(), Fate.UNKNOWN),
        (Again(reason="away", before=SHOWN), Fate.UNKNOWN),
        (Again(before=SHOWN, open=(other(Part.STATUS, ""),)), Fate.UNKNOWN),
        (Again(before=SHOWN, open=(other(Part.BODY, ""),)), Fate.UNKNOWN),
        (Again(before=SHOWN, open=(other(Part.BODY, "/items"),)), Fate.UNKNOWN),
        (Again(before=SHOWN, open=(other(Part.BODY, "/items/*/n"),)), Fate.DIVERGING),
        (Again(before=SHOWN, open=(other(Part.BODY, "/items/*/nn"),)), Fate.FIXED),
        (Again(before=SHOWN, open=(other(Part.BODY, "/item"),)), Fate.FIXED),
        (Again(before=SHOWN, open=(other(Part.HEADER, "etag"),)), Fate.FIXED),
    ],
)
def test_one_answer_says_of_a_group(again: Again, fate: Fate) -> None:
    """Fixed is only what nothing hides and nothing stands in for."""
    assert fate is result_of(GROUP, 7, again).fate


@pytest.mark.parametrize(
    ("fates", "fate"),
    [
        ([(Fate.FIXED, False)], Fate.FIXED),
        ([(Fate.FIXED, False), (Fate.UNKNOWN, False)], Fate.FIXED),
        ([(Fate.FIXED, False), (Fate.UNKNOWN, True)], Fate.UNKNOWN),
        ([(Fate.FIXED, False), (Fate.DIVERGING, False)], Fate.DIVERGING),
        ([(Fate.UNKNOWN, True), (Fate.DIVERGING, False)], Fate.DIVERGING),
        ([], Fate.UNKNOWN),
    ],
)
def test_the_samples_say_of_a_group_together(
    fates: list[tuple[Fate, bool]], fate: Fate
) -> None:
    """One that diverges decides; one that the shadow owes an answer to keeps it open."""
    samples = tuple(
        SampleResult(number, one, "", passing)
        for number, (one, passing) in enumerate(fates)
    )

    assert fate is GroupResult(GROUP, samples).fate


def test_a_group_without_samples_says_so() -> None:
    """Nothing can be sent for it."""
    assert {"no sample is stored": 1} == GroupResult(GROUP, ()).reasons
