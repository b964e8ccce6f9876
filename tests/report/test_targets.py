"""Targets as they are known today: breakers, processes, versions."""

from __future__ import annotations

import pytest

from shadow_middleware.evidence import Progress, Total
from shadow_middleware.exchange import Outcome
from shadow_middleware.knowledge import VersionSeen
from shadow_middleware.report.targets import stated_in, targets_of
from shadow_middleware.report.versions import version_at
from shadow_middleware.settings import SAFE_METHODS, Settings, Target

NOW = 1_000_000.0
ANSWERED = (Outcome.DIVERGENCE, "")
FAILED = (Outcome.SHADOW_ERROR, "refused")
NOT_SENT = (Outcome.SKIPPED, "breaker_open")
OTHER = (Outcome.SKIPPED, "method")


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        ([], "unknown"),
        ([OTHER], "unknown"),
        ([ANSWERED], "closed"),
        ([FAILED], "closed"),
        ([FAILED, NOT_SENT], "open"),
        ([ANSWERED, NOT_SENT], "opened"),
    ],
)
def test_a_breaker_is_told_from_what_ended(
    ended: list[tuple[Outcome, str]], state: str
) -> None:
    """What was not sent because of it shows that it was open."""
    recent = [Total("v2", "GET /", outcome, why, 3) for outcome, why in ended]
    stated = stated_in(Settings(targets=(Target(url="http://v2", name="v2"),)))
    (one,) = targets_of(recent, [], [], stated, NOW)

    assert (state, "http://v2") == (one.breaker.state, one.address)


def test_only_processes_that_were_heard_of_lately_count() -> None:
    """What a silent one has open is no longer under way."""
    progress = [
        Progress("a", "v2", 10, 7, NOW - 1),
        Progress("b", "v2", 10, 1, NOW - 1_000),
    ]
    (one,) = targets_of([], progress, [], {}, NOW)

    assert (1, 3, NOW - 1) == (one.sessions, one.in_flight, one.last_at)


def test_every_target_that_is_named_anywhere_is_listed() -> None:
    """In the settings, in evidence or only as a version; each once, by name."""
    found = targets_of(
        [Total("b", "GET /", Outcome.MATCH, "", 1)],
        [Progress("s", "c", 1, 1, NOW)],
        [VersionSeen("d", "1.0", 1, 2, 3)],
        stated_in(Settings(targets=(Target(url="http://a", name="a"),))),
        NOW,
    )

    assert ["a", "b", "c", "d"] == [one.target for one in found]
    assert ["1.0"] == [one.version for one in found[3].versions]
    assert [True, False, False, False] == [one.stated is not None for one in found]


def test_a_target_follows_the_whole_where_it_says_nothing() -> None:
    """What is shown is what holds: its own setting, or that of all."""
    own = Target(
        url="http://b", name="b", methods=("POST",), concurrency=3, total_timeout=1.5
    )
    stated = stated_in(
        Settings(shadow_url="http://a", targets=(own,), rate=0.25, enabled=False)
    )

    assert ["shadow", "b"] == list(stated)
    assert (SAFE_METHODS, 32, 10.0) == (
        stated["shadow"].methods,
        stated["shadow"].concurrency,
        stated["shadow"].total_timeout,
    )
    assert (("POST",), 3, 1.5) == (
        stated["b"].methods,
        stated["b"].concurrency,
        stated["b"].total_timeout,
    )
    assert {(0.25, False)} == {(one.rate, one.enabled) for one in stated.values()}


def test_a_version_is_the_one_that_had_come_last() -> None:
    """A time before any version, and versions without a name, say nothing."""
    seen = [
        VersionSeen("v2", "1.1", 20, 30, 5),
        VersionSeen("v2", "", 25, 30, 5),
        VersionSeen("v2", "1.0", 10, 30, 5),
    ]

    assert ["", "1.0", "1.1"] == [version_at(seen, at * 60.0) for at in (9, 19, 29)]
