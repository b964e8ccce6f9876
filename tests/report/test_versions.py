"""One version at a time: evidence of yesterday's build is not counted for today's."""

from __future__ import annotations

import pytest

from shadow_middleware.evidence import LatencyTotal, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import CONTROL, VersionSeen
from shadow_middleware.report.control import Control, control_of
from shadow_middleware.report.holdings import Holdings, as_it_counts, of_versions
from shadow_middleware.report.summary import summarise
from shadow_middleware.report.verdict import Ruling, verdict
from shadow_middleware.report.versions import Stratum, judged_versions, stratify


def total(
    outcome: Outcome,
    count: int,
    version: str = "",
    reason: str = "",
    target: str = "shadow",
) -> Total:
    """Return one count of `GET /a`."""
    return Total(target, "GET /a", outcome, reason, count, version)


SEEN = [
    VersionSeen("shadow", "", 1, 99, 50),
    VersionSeen("shadow", "v1", 1, 40, 500),
    VersionSeen("shadow", "v2", 30, 60, 20),
    VersionSeen("other", "", 1, 5, 3),
]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, {"shadow": "v2", "other": ""}),
        ("v1", {"shadow": "v1"}),
        ("v9", {}),
    ],
)
def test_the_version_seen_last_is_judged(
    asked: str | None, expected: dict[str, str]
) -> None:
    """One with a name before none; another where it is asked for."""
    found = judged_versions(SEEN, asked)

    assert expected == {target: one.version for target, one in found.items()}


def test_evidence_of_other_versions_is_left_out_and_counted() -> None:
    """W67: the verdict says which version it is on."""
    rows = [
        total(Outcome.MATCH, 5_000, "v1"),
        total(Outcome.DIVERGENCE, 60, "v2"),
        total(Outcome.MATCH, 7),
    ]

    kept, strata = stratify(rows, {"shadow": "v2"})

    assert [rows[1]] == kept
    assert [Stratum("shadow", "v2", others={"": 7, "v1": 5_000})] == strata
    assert 5_007 == sum(strata[0].others.values())


def test_a_build_that_is_down_does_not_look_unharmed() -> None:
    """What has no version counts where it speaks against the one that is judged."""
    rows = [
        total(Outcome.MATCH, 1_000, "v2"),
        total(Outcome.SHADOW_ERROR, 400, "", "connect"),
        total(Outcome.MATCH, 30),
    ]
    unnamed = [total(Outcome.SHADOW_ERROR, 300, "", "connect"), total(Outcome.MATCH, 9)]

    held = of_versions(Holdings(totals=rows), {"shadow": "v2"}, unnamed)

    assert [rows[0], unnamed[0]] == held.totals
    assert {"": 130} == held.strata[0].others
    assert Ruling.DO_NOT_PROMOTE is verdict(held).ruling


def test_without_versions_all_counts() -> None:
    """A target that names none is judged as a whole."""
    rows = [total(Outcome.MATCH, 3)]

    assert rows == stratify(rows, {"shadow": ""})[0]
    assert rows == stratify(rows, {})[0]


def test_latency_is_of_the_same_version() -> None:
    """Times of another build say nothing of this one."""
    rows = [
        LatencyTotal("shadow", "GET /a", "live", 1, 2, version)
        for version in ("v1", "v2")
    ]

    held = of_versions(Holdings(totals=[], latencies=rows), {"shadow": "v2"})

    assert ["v2"] == [row.version for row in held.latencies]


def test_the_control_is_no_target() -> None:
    """It has a row of its own: how often it agreed, and how often it failed."""
    rows = [
        total(Outcome.MATCH, 90, target=CONTROL),
        total(Outcome.NOISE, 4, target=CONTROL),
        total(Outcome.DIVERGENCE, 6, target=CONTROL),
        total(Outcome.TIMEOUT, 2, target=CONTROL),
        total(Outcome.SKIPPED, 3, reason="breaker_open", target=CONTROL),
        total(Outcome.SKIPPED, 5, reason="method", target=CONTROL),
        total(Outcome.MATCH, 1),
    ]

    summary = summarise(as_it_counts(Holdings(totals=rows)))

    assert Control(110, 90, 10, 5, 0.9) == summary.control
    assert ["shadow"] == [one.target for one in summary.targets]
    hints = [one.text for one in summary.targets[0].hints]
    assert any("The control failed 5 times" in text for text in hints)
    assert None is control_of([])


def test_without_twins_noise_is_told_by_shapes_only() -> None:
    """And the report says how to do better."""
    rows = [total(Outcome.NOISE, 8, reason="uuid"), total(Outcome.MATCH, 1)]

    hints = {
        probed: [
            one.count
            for one in summarise(Holdings(totals=rows, probed=probed)).targets[0].hints
            if "`control_url` or `self_probe`" in one.text
        ]
        for probed in (True, False)
    }

    assert {True: [], False: [8]} == hints
