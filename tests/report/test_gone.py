"""What a store no longer holds is said in words."""

from __future__ import annotations

from shadow_middleware.report.gone import gone_text
from shadow_middleware.retention import Removal, What, Why

AT = 1_800_000_000.0


def test_every_sort_of_removal_has_its_sentence() -> None:
    """With its number, its time and all reasons that there were."""
    told = gone_text(
        [
            Removal(What.DIVERGENCES, "shadow", Why.ROWS, 1_000, 0.0, AT),
            Removal(What.DIVERGENCES, "shadow", Why.AGE, 234, AT, AT),
            Removal(What.OUTCOMES, "shadow", Why.ASKED, 5, AT, AT),
            Removal(What.UNACCOUNTED, "shadow", Why.AGE, 2, AT, AT),
            Removal(What.MINUTES, "", Why.AGE, 0, AT, AT),
            Removal(What.RUNS, "", Why.AGE, 3, AT, AT),
        ]
    )

    before = "of before 2027-01-15 08:00 UTC"
    assert [
        f"1,234 stored divergences went {before} (beyond the number to keep, by age); "
        "they stay counted",
        f"5 outcomes {before} are counted no more (purged by hand)",
        f"2 exchanges of sessions that are forgotten never ended {before}",
        f"what came {before} is told apart by the hour, not by the minute",
        f"3 offline replays went {before} (by age)",
    ] == told


def test_minutes_that_were_never_there_are_not_missed() -> None:
    """A store that is younger than what is told by the hour has lost nothing."""
    rolled = [Removal(What.MINUTES, "", Why.AGE, 0, AT, AT)]

    assert [] == gone_text(rolled, begins=AT + 60.0)
    assert 1 == len(gone_text(rolled, begins=AT - 60.0))


def test_of_one_target_only_its_own_is_said() -> None:
    """And what is nobody's in particular; nothing where nothing went."""
    gone = [
        Removal(What.OUTCOMES, "other", Why.AGE, 5, AT, AT),
        Removal(What.RUNS, "", Why.AGE, 0, AT, AT),
    ]

    assert [] == gone_text(gone, "shadow")
    assert 1 == len(gone_text(gone, "other"))
