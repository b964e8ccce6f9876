"""Which differences are noise, and why: the order in which things are asked."""

from __future__ import annotations

import pytest

from shadow_middleware.compare import Comparison
from shadow_middleware.exchange import Difference, Kind, Outcome, Part
from shadow_middleware.judge import Judge, Profile
from shadow_middleware.knowledge import GroupKey, NoiseRuling, Signature
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
)


def test_equal_answers_match() -> None:
    """Nothing differs, nothing is said."""
    assert judge().judge(case()).outcome is Outcome.MATCH


def test_what_nothing_explains_is_a_divergence_of_its_group() -> None:
    """The signature of one group is its fingerprint, and its key says where it is."""
    found = judge().judge(case(changed("/total")))

    key = GroupKey(
        "shadow", "GET /orders", Part.BODY, "/total", Kind.CHANGED, "word", "word"
    )
    assert (Outcome.DIVERGENCE, "", key.fingerprint, (key.fingerprint,)) == (
        found.outcome,
        found.reason,
        found.signature,
        found.groups,
    )
    assert [(key.fingerprint, "")] == [(d.group, d.noise) for d in found.differences]


def test_what_the_control_of_this_exchange_shows_is_noise() -> None:
    """From the first exchange on, without anything learned."""
    found = judge().judge(case(changed(), control=comparison(changed())))

    assert (Outcome.NOISE, "control") == (found.outcome, found.reason)
    assert ["control"] == [one.noise for one in found.differences]


def test_another_field_of_the_same_answer_stays_a_divergence() -> None:
    """Noise excuses itself and nothing beside it."""
    found = judge().judge(
        case(changed("/a"), changed("/b"), control=comparison(changed("/a")))
    )

    assert Outcome.DIVERGENCE is found.outcome
    assert ["control", ""] == [one.noise for one in found.differences]


@pytest.mark.parametrize(
    "lost",
    [
        changed("/total", kind=Kind.MISSING, shadow_is=""),
        changed("/total", kind=Kind.TYPE, shadow_is="null"),
        changed("/total", kind=Kind.TYPE, shadow_is="integer"),
        changed("/total", shadow_is="empty"),
    ],
)
def test_a_noisy_field_that_is_lost_is_a_divergence(lost: Difference) -> None:
    """W59: a field is never silenced as a whole: missing, null and type count on their own."""
    judging = judge()
    for _ in range(100):
        judging.judge(case(changed("/total"), control=comparison(changed("/total"))))

    found = judging.judge(case(lost, control=comparison(changed("/total"))))

    assert Outcome.DIVERGENCE is found.outcome


def test_a_larger_step_than_the_control_shows_is_not_excused() -> None:
    """A reading that is off by one per cent does not excuse one that is off tenfold."""
    judging = judge()
    control = comparison(number("slight"))

    slight = judging.judge(case(number("slight"), control=control))
    tiny = judging.judge(case(number("tiny"), control=control))
    large = judging.judge(case(number("large"), control=control))

    assert [Outcome.NOISE, Outcome.NOISE, Outcome.DIVERGENCE] == [
        slight.outcome,
        tiny.outcome,
        large.outcome,
    ]


def test_what_a_control_showed_before_is_noise_without_one() -> None:
    """Learned from another exchange, on that route."""
    judging = judge()
    judging.judge(case(changed(), control=comparison(changed())))

    here = judging.judge(case(changed()))
    elsewhere = judging.judge(case(changed(), route="GET /other"))
    otherwise = judging.judge(case(changed(), status=404))

    assert [(Outcome.NOISE, "control"), (Outcome.DIVERGENCE, "")] == [
        (one.outcome, one.reason) for one in (here, elsewhere)
    ]
    assert Outcome.DIVERGENCE is otherwise.outcome


def test_what_the_shadow_shows_more_often_than_its_twins_is_a_divergence() -> None:
    """Noise at first; then so much more with the shadow that chance cannot explain it."""
    judging = judge()
    for _ in range(10):
        judging.judge(case(changed(), control=comparison(changed())))

    outcomes = [judging.judge(case(changed(), control=EQUAL)) for _ in range(30)]

    assert (Outcome.NOISE, Outcome.DIVERGENCE) == (
        outcomes[0].outcome,
        outcomes[-1].outcome,
    )


def test_noise_that_falls_on_either_side_stays_noise() -> None:
    """A value that changes now and then differs as often with the control."""
    judging = judge()
    judging.judge(case(changed(), control=comparison(changed())))

    outcomes = {
        judging.judge(one).outcome
        for _ in range(500)
        for one in (
            case(control=comparison(changed())),
            case(changed(), control=EQUAL),
        )
    }

    assert {Outcome.MATCH, Outcome.NOISE} == outcomes


def test_a_probe_teaches_what_the_shadow_itself_changes() -> None:
    """Without any control."""
    judging = judge()
    learning = judging.judge(case(changed(), probe=comparison(changed())))

    later = judging.judge(case(changed()))

    assert [(Outcome.NOISE, "self-probe")] * 2 == [
        (one.outcome, one.reason) for one in (learning, later)
    ]


def test_a_control_that_disagrees_outweighs_a_probe() -> None:
    """A shadow that is unsteady where live is not is a finding."""
    judging = judge()
    unsteady = comparison(changed())
    outcomes = [
        judging.judge(case(changed(), control=EQUAL, probe=unsteady)).outcome
        for _ in range(3)
    ]

    assert [Outcome.DIVERGENCE] * 3 == outcomes


# --- what both values are -----------------------------------------------------------------


@pytest.mark.parametrize("alike", ["timestamp", "float", "host", "set-order"])
def test_a_checked_likeness_is_noise_whatever_the_control_says(alike: str) -> None:
    """It looked at the values: each time follows its own request."""
    found = judge().judge(case(made(alike=alike), control=EQUAL))

    assert (Outcome.NOISE, alike) == (found.outcome, found.reason)


@pytest.mark.parametrize(
    "alike", ["uuid", "ulid", "hash", "token", "jwt", "csrf-token", "signed-url"]
)
def test_a_mere_shape_is_noise_where_nothing_better_is_known(alike: str) -> None:
    """Without any second answer of one version, two ids are taken for made anew."""
    found = judge().judge(case(made(alike=alike)))

    assert (Outcome.NOISE, alike) == (found.outcome, found.reason)


def test_a_mere_shape_is_not_enough_where_the_control_shows_the_same_id_as_live() -> (
    None
):
    """Ids that were swapped between users have the right shape."""
    found = judge().judge(case(made(), control=EQUAL))

    assert Outcome.DIVERGENCE is found.outcome


@pytest.mark.parametrize("twin", ["control", "probe"])
def test_a_mere_shape_is_not_enough_where_twins_were_ever_compared(twin: str) -> None:
    """Once twins were looked at, what they did not show is not noise."""
    judging = judge()
    judging.judge(case(**{twin: EQUAL}))

    assert Outcome.DIVERGENCE is judging.judge(case(made())).outcome


def test_a_shape_that_differs_too_seldom_is_a_divergence() -> None:
    """A value that is made anew differs in every answer, not in one of a thousand."""
    judging = judge()
    early = judging.judge(case(made()))
    for _ in range(500):
        judging.judge(case())

    late = judging.judge(case(made()))

    assert [Outcome.NOISE, Outcome.DIVERGENCE] == [early.outcome, late.outcome]


def test_times_that_follow_do_not_excuse_one_that_does_not() -> None:
    """A zone that shifted is a divergence, though the field differs with the control."""
    judging = judge()
    follows = made("/at", "timestamp")
    for _ in range(100):
        judging.judge(case(follows, control=comparison(follows)))

    shifted = changed("/at", live_is="timestamp", shadow_is="timestamp")
    found = judging.judge(case(shifted, control=comparison(follows)))

    assert Outcome.DIVERGENCE is found.outcome


def counter(live: int, shadow: int) -> Difference:
    return made("/number", "sequence", live=live, shadow=shadow)


def test_a_counter_has_to_go_up_on_both_sides() -> None:
    """At first nothing is believed; then a counter is noise, and any other number not."""
    rising, falling = judge(), judge()

    up = [rising.judge(case(counter(n, n + 50))).outcome for n in range(10, 30)]
    down = [falling.judge(case(counter(99 - n, n))).outcome for n in range(10, 30)]

    assert (Outcome.DIVERGENCE, Outcome.NOISE) == (up[0], up[-1])
    assert {Outcome.DIVERGENCE} == set(down)


# --- a person ---------------------------------------------------------------------------


def with_ruling(ruling: NoiseRuling, *learning: Difference) -> Judge:
    """A judge whose store says so of the group of `changed()`."""
    profile, shop = Profile(), Shop()
    judging = judge(profile)
    judging.judge(case(changed(), control=comparison(*learning)))
    taken = profile.take()
    shop.write(taken)
    shop.rulings = {one.key.fingerprint: ruling for one in taken.sightings}
    profile.learn(shop.known(), TODAY)
    return judging


def test_a_person_may_call_anything_noise() -> None:
    """Above all that was learned."""
    found = with_ruling(NoiseRuling.NOISE).judge(case(changed(), control=EQUAL))

    assert (Outcome.NOISE, "ruled") == (found.outcome, found.reason)


def test_a_person_may_call_anything_a_divergence() -> None:
    """Also what the control of this very exchange shows."""
    judging = with_ruling(NoiseRuling.SIGNAL, changed())

    found = judging.judge(case(changed(), control=comparison(changed())))

    assert Outcome.DIVERGENCE is found.outcome


# --- latency ----------------------------------------------------------------------------


def test_latency_is_no_difference_unless_asked_for() -> None:
    """A slow shadow is shown, and is no divergence by default."""
    assert Outcome.MATCH is judge().judge(case(live_ms=1, shadow_ms=9e9)).outcome


@pytest.mark.parametrize(
    ("shadow_ms", "outcome"),
    [
        (199.0, Outcome.MATCH),
        (249.0, Outcome.DIVERGENCE),
        (200.0, Outcome.MATCH),
    ],
)
def test_a_replay_too_slow_is_a_divergence(shadow_ms: float, outcome: Outcome) -> None:
    """By ratio: more than twice the time of live."""
    judging = judge(latency_ratio=2.0, latency_floor=50.0)

    assert outcome is judging.judge(case(live_ms=100, shadow_ms=shadow_ms)).outcome


@pytest.mark.parametrize(
    ("floor", "outcome"), [(50.0, Outcome.MATCH), (5.0, Outcome.DIVERGENCE)]
)
def test_a_replay_is_not_slow_by_a_few_milliseconds(
    floor: float, outcome: Outcome
) -> None:
    """By floor: 1 ms beside 20 ms is twenty times, and nobody waits for it."""
    judging = judge(latency_ratio=2.0, latency_floor=floor)

    assert outcome is judging.judge(case(live_ms=1, shadow_ms=20)).outcome


def test_latency_says_both_times() -> None:
    """In milliseconds, as a difference like any other."""
    judging = judge(latency_ratio=2.0)

    found = judging.judge(case(live_ms=100.0, shadow_ms=400.5))

    assert [(Part.LATENCY, Kind.CHANGED, 100.0, 400.5, "ms", "ms")] == [
        (d.part, d.kind, d.live, d.shadow, d.live_is, d.shadow_is)
        for d in found.differences
    ]


def test_a_control_that_is_as_slow_excuses_latency() -> None:
    """Then it is the network, or the hour."""
    judging = judge(latency_ratio=2.0)

    slow = {"live_ms": 100.0, "shadow_ms": 400.0, "control": EQUAL}
    excused = judging.judge(case(**slow, control_ms=380.0))
    not_excused = judge(latency_ratio=2.0).judge(case(**slow, control_ms=110.0))

    assert [Outcome.NOISE, Outcome.DIVERGENCE] == [
        excused.outcome,
        not_excused.outcome,
    ]


# --- what cannot be decided ---------------------------------------------------------------


def test_what_cannot_be_compared_is_not_judged() -> None:
    """And teaches nothing."""
    profile = Profile()

    found = judge(profile).judge(case(found=Comparison("incomparable")))

    assert Outcome.INCOMPARABLE is found.outcome
    assert () == profile.take().noise_bases


def test_a_cut_comparison_with_nothing_but_noise_is_undecided() -> None:
    """What was not looked at may be anything."""
    noisy = comparison(changed(), cut=True)

    found = judge().judge(case(found=noisy, control=comparison(changed())))

    assert (Outcome.INCOMPARABLE, "cut") == (found.outcome, found.reason)


def test_the_silence_of_a_cut_control_says_nothing() -> None:
    """What a comparison did not come to is no sign that it is not there."""
    judging = judge()
    judging.judge(case(changed(), control=comparison(changed())))
    cut = comparison(changed("/other"), cut=True)

    outcomes = {judging.judge(case(changed(), control=cut)).outcome for _ in range(100)}

    assert {Outcome.NOISE} == outcomes


def test_a_control_with_another_status_says_nothing_of_bodies() -> None:
    """Beside an error page no body was looked at."""
    judging = judge()
    judging.judge(case(changed(), control=comparison(changed())))
    failed = comparison(changed("", part=Part.STATUS, live=200, shadow=503))

    outcomes = {
        judging.judge(case(changed(), control=failed)).outcome for _ in range(100)
    }

    assert {Outcome.NOISE} == outcomes


def test_what_comes_with_a_status_that_is_noise_is_noise_as_well() -> None:
    """A header of the answer that both copies give now and then."""
    judging = judge()
    busy = comparison(
        changed("", part=Part.STATUS, live=200, shadow=429),
        changed("retry-after", part=Part.HEADER),
    )
    for _ in range(40):
        judging.judge(case(*busy.differences, control=EQUAL))
        judging.judge(case(control=busy))

    judged = judging.judge(case(*busy.differences, control=EQUAL))

    assert (Outcome.NOISE, "control") == (judged.outcome, judged.reason)


# --- what it is counted under --------------------------------------------------------------


def test_reasons_are_joined_to_one_word_and_how_many_more() -> None:
    """So that there are few of them to count under."""
    found = judge().judge(
        case(made("/a", "uuid"), made("/b", "float"), made("/c", "host"))
    )

    assert "float and 2 more" == found.reason


def test_several_groups_make_one_signature_that_is_told_once() -> None:
    """Whichever comes first."""
    profile = Profile()
    judging = judge(profile)

    first = judging.judge(case(changed("/a"), changed("/b")))
    second = judging.judge(case(changed("/b"), changed("/a")))

    assert first.signature == second.signature
    assert (Signature(first.signature, first.groups),) == profile.take().signatures


def test_groups_with_nothing_but_noise_are_made_known_and_not_counted() -> None:
    """A decision needs their key; their last sighting stays what it was."""
    profile = Profile()
    judging = judge(profile)

    for _ in range(3):
        judging.judge(case(changed(), control=comparison(changed())))
    first = profile.take().sightings
    judging.judge(case(changed(), control=comparison(changed())))

    assert [0] == [one.count for one in first]
    assert () == profile.take().sightings


# --- places -------------------------------------------------------------------------------


def line(number: int, live: str, shadow: str) -> Difference:
    """A line of a page: all of them have one shape."""
    return changed(f"/{number}", shape="/*", live=live, shadow=shadow)


NOISY_LINE = line(9, "in 4 ms", "in 5 ms")


def test_a_control_excuses_the_places_that_it_shows() -> None:
    """And not another line of the same page that merely has the same shape."""
    judging = judge()
    title = line(1, "Shop", "shop")

    found = judging.judge(case(title, NOISY_LINE, control=comparison(NOISY_LINE)))

    assert "control" == found.differences[1].noise


def test_a_place_that_moved_is_known_by_its_value() -> None:
    """One comparison aligns a list so, the other otherwise."""
    moved = line(8, "in 4 ms", "in 7 ms")

    found = judge().judge(case(NOISY_LINE, control=comparison(moved)))

    assert (Outcome.NOISE, "control") == (found.outcome, found.reason)


def test_one_more_place_now_and_then_is_found_beside_noise_of_that_shape() -> None:
    """In one of fifty answers the shadow has one place more than the control."""
    judging = judge()
    title = line(1, "Shop", "shop")
    control = comparison(NOISY_LINE)
    noisy = case(NOISY_LINE, control=control)
    broken = case(title, NOISY_LINE, control=control)

    outcomes = [judging.judge(noisy if n % 50 else broken) for n in range(1_000)]

    assert Outcome.DIVERGENCE is judging.judge(broken).outcome
    assert {Outcome.NOISE} == {
        one.outcome for place, one in enumerate(outcomes) if place % 50
    }


def test_places_that_were_left_out_are_not_counted() -> None:
    """Where there are as many as fit, more of them say nothing."""
    judging = judge(max_differences=2)
    control = comparison(NOISY_LINE)
    many = case(line(1, "Shop", "shop"), NOISY_LINE, control=control)

    outcomes = {judging.judge(many).outcome for _ in range(100)}

    assert {Outcome.NOISE} == outcomes
