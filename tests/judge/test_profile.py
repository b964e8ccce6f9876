"""What a profile knows: it adds up over processes, fades, and stays within its bounds."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import Outcome, Part
from shadow_middleware.judge import Case, Judge, Policy, Profile, days_back, rulings
from shadow_middleware.judge.sequence import Sequences
from shadow_middleware.knowledge import MANY, Known
from tests.judge.making import (
    EQUAL,
    TODAY,
    Shop,
    case,
    changed,
    comparison,
    judge,
    made,
    number,
    on,
)

# --- adding up ----------------------------------------------------------------------------

DIFFERENCES = [
    changed("/a"),
    changed("/b"),
    made("/c"),
    made("/d", "timestamp"),
    number("slight"),
    number("large"),
    changed("", part=Part.STATUS, live=200, shadow=500),
]

comparisons = st.lists(st.sampled_from(DIFFERENCES), unique_by=id, max_size=3).map(
    lambda some: comparison(*some)
)
twins = st.one_of(st.none(), comparisons)


@st.composite
def streams(draw: st.DrawFn) -> list[Case]:
    """Exchanges of some days, with a new live version on the way."""
    length = draw(st.integers(1, 40))
    days = sorted(draw(st.lists(st.integers(0, 6), min_size=length, max_size=length)))
    change = draw(st.integers(0, length))
    return [
        case(
            found=draw(comparisons),
            control=draw(twins),
            probe=draw(twins),
            at=on(TODAY + day),
            era="one" if place < change else "two",
            status=draw(st.sampled_from([200, 404])),
        )
        for place, day in enumerate(days)
    ]


def told(judging: Judge, one: Case) -> tuple[Any, ...]:
    found = judging.judge(one)
    return found.outcome, found.reason, found.differences, found.signature


@pytest.mark.parametrize("rule", ["test", "diffy"])
@given(stream=streams(), hosts=st.integers(1, 4))
def test_many_profiles_on_one_store_judge_as_one(
    rule: Any, stream: list[Case], hosts: int
) -> None:
    """Each exchange judged by another host, which starts again each time."""
    policy, shop = Policy(rule=rule), Shop()
    alone = judge(Profile(policy), noise_rule=rule)
    profiles = [Profile(policy) for _ in range(hosts)]
    judges = [judge(profile, noise_rule=rule) for profile in profiles]

    for place, one in enumerate(stream):
        profile, judging = profiles[place % hosts], judges[place % hosts]
        profile.learn(shop.known(), one.day)
        assert told(alone, one) == told(judging, one)
        shop.write(profile.take())


@given(stream=streams(), cut=st.integers(0, 40))
def test_what_was_not_taken_is_kept_when_more_is_learned(
    stream: list[Case], cut: int
) -> None:
    """Learning anew in the middle changes nothing for one that is alone."""
    alone, profile, shop = judge(), Profile(), Shop()
    judging = judge(profile)

    for place, one in enumerate(stream):
        if place == cut:
            shop.write(profile.take())
        if place >= cut:
            profile.learn(shop.known(), one.day)
        assert told(alone, one) == told(judging, one)


@given(stream=streams(), hosts=st.integers(1, 4))
def test_the_store_is_told_the_same_however_the_work_is_shared(
    stream: list[Case], hosts: int
) -> None:
    """Counts are counts."""
    together, apart = Shop(), Shop()
    profile = Profile()
    for one in stream:
        judge(profile).judge(one)
    together.write(profile.take())
    for host in range(hosts):
        other = Profile()
        for one in stream[host::hosts]:
            judge(other).judge(one)
        apart.write(other.take())

    assert sorted(together.known().cells, key=repr) == sorted(
        apart.known().cells, key=repr
    )
    assert sorted(together.known().bases, key=repr) == sorted(
        apart.known().bases, key=repr
    )


def test_a_restart_forgets_nothing() -> None:
    """A new agent judges by what the one before it learned."""
    before, shop = Profile(), Shop()
    judge(before).judge(case(changed(), control=comparison(changed())))
    shop.write(before.take())

    after = Profile()
    after.learn(shop.known(), TODAY)

    assert Outcome.NOISE is judge(after).judge(case(changed())).outcome


def test_nothing_is_handed_over_twice() -> None:
    """What was taken is taken."""
    profile = Profile()
    judge(profile).judge(case(changed(), control=EQUAL))
    first, second = profile.take(), profile.take()

    assert ([1.0], []) == (
        [cell.control_raw for cell in first.noise],
        [*second.noise, *second.noise_bases, *second.sightings],
    )


# --- fading -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "outcome"), [(9, Outcome.NOISE), (11, Outcome.DIVERGENCE)]
)
def test_noise_that_was_not_seen_for_long_is_forgotten(
    days: int, outcome: Outcome
) -> None:
    """One sighting, with a half-life of three days, lasts for ten."""
    judging = judge(noise_half_life=3.0)
    judging.judge(case(changed(), control=comparison(changed())))

    assert outcome is judging.judge(case(changed(), at=on(TODAY + days))).outcome


@pytest.mark.parametrize(
    ("half_life", "outcome"), [(1.0, Outcome.DIVERGENCE), (30.0, Outcome.NOISE)]
)
def test_the_half_life_is_that_of_the_settings(
    half_life: float, outcome: Outcome
) -> None:
    """A short one forgets sooner."""
    judging = judge(noise_half_life=half_life)
    judging.judge(case(changed(), control=comparison(changed())))

    assert outcome is judging.judge(case(changed(), at=on(TODAY + 5))).outcome


def test_learning_from_the_store_fades_alike() -> None:
    """What is read from the store is as old as it is."""
    profile, shop, fresh = Profile(), Shop(), Profile()
    judge(profile).judge(case(changed(), control=comparison(changed())))
    shop.write(profile.take())
    fresh.learn(shop.known(), TODAY + 8)

    on_time = judge(fresh).judge(case(changed(), at=on(TODAY + 9)))
    too_late = judge(fresh).judge(case(changed(), at=on(TODAY + 11)))

    assert [Outcome.NOISE, Outcome.DIVERGENCE] == [on_time.outcome, too_late.outcome]


def test_noise_of_another_live_version_counts_a_quarter() -> None:
    """W60: it is forgotten four days earlier: an app that changed may differ anew."""
    judging = judge()
    judging.judge(case(changed(), control=comparison(changed()), era="one"))

    outcomes = [
        judging.judge(case(changed(), at=on(TODAY + day), era=era)).outcome
        for day, era in [(3, "two"), (5, "two"), (5, "one")]
    ]

    assert [Outcome.NOISE, Outcome.DIVERGENCE, Outcome.NOISE] == outcomes


def test_evidence_is_read_as_far_back_as_it_counts() -> None:
    """Ten half-lives, in whole days."""
    assert [30, 5] == [days_back(3.0), days_back(0.5)]


def test_a_year_without_a_store_keeps_no_year() -> None:
    """Where nobody takes anything, days are folded together after a week."""
    profile = Profile()
    judging = judge(profile)
    for day in range(365):
        judging.judge(case(changed(), control=EQUAL, at=on(TODAY + day)))

    assert 8 == len(profile.take().noise)


# --- bounds -------------------------------------------------------------------------------


def deep_size(whole: object) -> int:
    """Return the bytes of everything that is reached from here, classes left out."""
    seen: dict[int, object] = {}
    rest: list[object] = [whole]
    while rest:
        one = rest.pop()
        if id(one) not in seen and not isinstance(one, type):
            seen[id(one)] = one
            rest += gc.get_referents(one)
    return sum(map(sys.getsizeof, seen.values()))


@pytest.mark.usefixtures("untraced")
def test_a_million_keys_of_a_map_do_not_outgrow_the_cap() -> None:
    """W61: nor what is handed over; and each that had no room is counted."""
    profile = Profile(Policy(cells=1_000))
    judging = judge(profile)
    sizes = []
    for start in range(0, 1_000_000, 50):
        some = [changed(f"/users/{start + n}") for n in range(50)]
        judging.judge(case(*some))
        if start + 50 in (100_000, 1_000_000):
            sizes.append(deep_size(profile))

    assert sizes[1] <= sizes[0] * 1.01
    assert sizes[1] < 1_000_000
    assert 1_000_000 - profile.size == profile.overflow
    many = [one for one in profile.take().noise if one.raw > 1]
    assert [profile.overflow] == [one.raw for one in many]


@pytest.mark.usefixtures("untraced")
def test_a_million_paths_do_not_outgrow_the_cap() -> None:
    """W61: where an app's routes are not templates."""
    profile = Profile(Policy(cells=1_000))
    judging = judge(profile)
    sizes = []
    for number_ in range(1_000_000):
        judging.judge(case(route=f"GET /{number_}"))
        if number_ + 1 in (100_000, 1_000_000):
            sizes.append(deep_size(profile))

    bases = profile.take().noise_bases
    assert sizes[1] <= sizes[0] * 1.01
    assert 1_000_000 - 250 == profile.overflow
    assert 1_000_000 == sum(base.raw for base in bases)
    assert 1_000_000 - 250 == max(base.raw for base in bases)


def test_what_has_no_room_stays_a_divergence_under_many() -> None:
    """W61: never learned: not by a control of another exchange, nor by a mere shape."""
    profile = Profile(Policy(cells=10))
    judging = judge(profile)
    judging.judge(case(changed("/first")))
    learning = judging.judge(case(changed("/x"), control=comparison(changed("/x"))))

    later = judging.judge(case(changed("/x")))
    shaped = judging.judge(case(made("/y"), route="GET /other"))
    again = judging.judge(case(made("/z"), route="GET /other"))

    assert [Outcome.NOISE, Outcome.DIVERGENCE, Outcome.NOISE, Outcome.DIVERGENCE] == [
        one.outcome for one in (learning, later, shaped, again)
    ]
    seen = {one.key.fingerprint: one.key.path for one in profile.take().sightings}
    assert MANY == seen[later.signature]


def test_one_route_cannot_take_all_the_room() -> None:
    """A tenth of it, at most."""
    profile = Profile(Policy(cells=100))
    judging = judge(profile)
    judging.judge(case(*[changed(f"/{n}") for n in range(50)], route="GET /greedy"))

    judging.judge(case(changed("/a"), route="GET /modest"))

    assert 11 == profile.size


def test_statuses_and_live_versions_without_end_are_told_apart_no_more() -> None:
    """A header that names a request instead of a build grows nothing."""
    profile = Profile()
    judging = judge(profile)
    for n in range(2_000):
        judging.judge(case(changed(), status=100 + n % 500, era=f"request {n}"))

    taken = profile.take()

    assert 17 == len({base.status for base in taken.noise_bases})
    assert 9 == len({base.era for base in taken.noise_bases})


def test_a_store_with_more_than_there_is_room_for_is_read_in_part() -> None:
    """Those with the most behind them are kept."""
    writer, shop, reader = Profile(), Shop(), Profile(Policy(cells=1))
    judging = judge(writer)
    for path, times in [("/rare", 1), ("/common", 5)]:
        for _ in range(times):
            judging.judge(case(changed(path), control=comparison(changed(path))))
    shop.write(writer.take())
    reader.learn(shop.known(), TODAY)

    outcomes = [
        judge(reader).judge(case(changed(path))).outcome
        for path in ("/common", "/rare")
    ]

    assert [Outcome.NOISE, Outcome.DIVERGENCE] == outcomes


def test_signatures_without_end_become_many() -> None:
    """There are more sets of groups than groups."""
    profile = Profile(Policy(cells=40))
    judging = judge(profile)
    signatures = {
        judging.judge(case(changed("/a"), changed(f"/{n}"))).signature for n in range(3)
    } | {
        judging.judge(case(changed("/a"), changed("/b"), route=f"GET /{n}")).signature
        for n in range(9)
    }

    assert MANY in signatures
    assert 10 == len(profile.take().signatures)


def test_a_watch_on_a_thousand_counters_is_kept() -> None:
    """And no more than that."""
    sequences = Sequences()
    for n in range(5_000):
        sequences.rises(str(n), 1, 1)

    assert 1_000 == len(sequences)


# --- Diffy's rule ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "outcome"), [("test", Outcome.DIVERGENCE), ("diffy", Outcome.NOISE)]
)
def test_diffys_rule_does_not_see_what_is_rare(rule: Any, outcome: Outcome) -> None:
    """Its thresholds are shares of all requests; ours are of what differs."""
    judging = judge(noise_rule=rule)
    for _ in range(5_000):
        judging.judge(case(control=EQUAL))

    assert outcome is judging.judge(case(changed(), control=EQUAL)).outcome


@pytest.mark.parametrize(
    ("rule", "outcome"), [("test", Outcome.DIVERGENCE), ("diffy", Outcome.NOISE)]
)
def test_diffys_rule_drowns_a_lost_field_in_the_noise_of_that_field(
    rule: Any, outcome: Outcome
) -> None:
    """It counts fields, not what happened to them."""
    judging = judge(noise_rule=rule)
    for _ in range(1_000):
        judging.judge(case(changed(), control=comparison(changed())))

    lost = changed(live_is="word", shadow_is="null")

    assert outcome is judging.judge(case(lost, control=EQUAL)).outcome


# --- what reports ask ----------------------------------------------------------------------


@given(stream=streams())
def test_reports_call_nothing_noise_that_the_judge_would_not(
    stream: list[Case],
) -> None:
    """Judged once more by all that is known, every cell of such a group is noise."""
    profile, shop = Profile(), Shop()
    judging = judge(profile)
    for one in stream:
        judging.judge(one)
    shop.write(profile.take())
    last = stream[-1]
    held = rulings(shop.known(), today=last.day, eras={"shadow": last.era})

    for one in stream:
        for difference in one.found.differences:
            fresh = Profile()
            fresh.learn(shop.known(), last.day)
            again = case(difference, status=one.status, at=last.at, era=last.era)
            [found] = judge(fresh).judge(again).differences
            assert found.noise or not held[found.group].noise


def test_a_group_is_noise_where_all_of_its_cells_are() -> None:
    """One status of it that is not makes it a finding."""
    profile, shop = Profile(), Shop()
    judging = judge(profile)
    judging.judge(case(changed(), control=comparison(changed())))
    shop.write(profile.take())
    [before] = rulings(shop.known(), today=TODAY).values()
    judging.judge(case(changed(), status=404, control=EQUAL))
    shop.write(profile.take())
    [after] = rulings(shop.known(), today=TODAY).values()

    assert [(True, "control", ()), (False, "", ("404",))] == [
        (one.noise, one.why, one.fields) for one in (before, after)
    ]


def test_a_ruling_says_its_numbers() -> None:
    """Raw, twins, and which way the pairs fell."""
    profile, shop = Profile(), Shop()
    judging = judge(profile)
    for _ in range(4):
        judging.judge(case(changed(), control=comparison(changed())))
    for _ in range(3):
        judging.judge(case(changed(), control=EQUAL))
    for _ in range(2):
        judging.judge(case(control=comparison(changed())))
    shop.write(profile.take())

    [held] = rulings(shop.known(), today=TODAY).values()

    assert (7.0, 9.0, 6.0, 9.0, 3.0, 2.0) == (
        held.raw,
        held.looked,
        held.twins,
        held.twins_looked,
        held.more,
        held.less,
    )


def test_the_eras_that_count_in_full_are_those_seen_last() -> None:
    """Unless somebody says otherwise."""
    profile, shop = Profile(), Shop()
    judging = judge(profile)
    judging.judge(case(changed(), era="one", control=EQUAL))
    judging.judge(case(changed(), era="two", at=on(TODAY + 1), control=EQUAL))
    shop.write(profile.take())

    [now] = rulings(shop.known(), Policy(half_life=1e9), today=TODAY + 1).values()
    [then] = rulings(
        shop.known(), Policy(half_life=1e9), today=TODAY + 1, eras={"shadow": "three"}
    ).values()

    assert [1.25, 0.5] == [pytest.approx(now.raw), pytest.approx(then.raw)]


def test_nothing_known_is_nothing_ruled() -> None:
    """An empty store."""
    assert {} == rulings(Known(), today=TODAY)
