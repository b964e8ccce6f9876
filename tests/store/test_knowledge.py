"""What every store promises of what is learned and decided."""

from __future__ import annotations

from itertools import permutations

import pytest

from shadow_middleware.evidence import (
    Batch,
    DivergenceFilter,
    LatencyCount,
    LatencyTotal,
    Purged,
    StoredDivergence,
    Total,
)
from shadow_middleware.exchange import Outcome, Part
from shadow_middleware.knowledge import (
    DAY,
    Decision,
    Group,
    GroupFilter,
    GroupState,
    KnownRoute,
    NoiseRuling,
    RouteUse,
    RuleHit,
    RuleTotal,
    SharedRule,
    Signature,
    VersionSeen,
    signature_of,
)
from shadow_middleware.settings import Rule
from tests.store.conftest import WholeStore
from tests.store.evidence import MINUTE, count, divergence
from tests.store.learned import (
    AT,
    TODAY,
    base,
    cell,
    group_key,
    sample,
    sighting,
)

NAME = group_key().fingerprint
ODD = "ü☃" * 3_000 + "\0\udcff"
"""A text that no key of a database holds."""


def ids(found: list[StoredDivergence]) -> list[str]:
    """Return the exchanges of stored divergences."""
    return [one.record.exchange_id for one in found]


# --- versions ---------------------------------------------------------------------------


def test_versions_stay_apart(store: WholeStore) -> None:
    """Yesterday's build is another row than today's, in counts and in latencies."""
    old = LatencyCount(MINUTE, "shadow", "GET /", "live", 40, 3, "1.0")
    new = LatencyCount(MINUTE, "shadow", "GET /", "live", 40, 5, "1.1")
    store.write(Batch(counts=[count(1, version="1.0")], latencies=[old, new]))
    store.write(Batch(counts=[count(2, version="1.1"), count(4, version="1.0")]))

    route = "GET /users/{id}"
    assert [
        Total("shadow", route, Outcome.MATCH, "", 5, "1.0"),
        Total("shadow", route, Outcome.MATCH, "", 2, "1.1"),
    ] == store.totals()
    assert [
        LatencyTotal("shadow", "GET /", "live", 40, 3, "1.0"),
        LatencyTotal("shadow", "GET /", "live", 40, 5, "1.1"),
    ] == store.latencies()


def test_versions_are_listed_by_when_they_were_replayed_to(store: WholeStore) -> None:
    """The latest first; what no shadow saw tells nothing of its version."""
    store.write(
        Batch(
            counts=[
                count(1, version="1.0"),
                count(2, version="1.1", minute=MINUTE + 5, route="GET /"),
                count(4, version="1.1", minute=MINUTE + 9),
                count(8, version="7", target="canary", minute=MINUTE + 2),
                count(16, outcome=Outcome.DROPPED, minute=MINUTE + 20),
                count(16, outcome=Outcome.SKIPPED, minute=MINUTE + 20),
                count(16, outcome=Outcome.LIVE_ERROR, minute=MINUTE + 20),
            ]
        )
    )

    newest = VersionSeen("shadow", "1.1", MINUTE + 5, MINUTE + 9, 6)
    oldest = VersionSeen("shadow", "1.0", MINUTE, MINUTE, 1)
    other = VersionSeen("canary", "7", MINUTE + 2, MINUTE + 2, 8)
    assert [newest, other, oldest] == store.versions()
    assert [newest, oldest] == store.versions("shadow")
    assert [newest, other] == store.versions(since=MINUTE + 1)


def test_a_divergence_keeps_its_groups_and_whether_it_can_be_sent_again(
    store: WholeStore,
) -> None:
    """All new fields of a record come back."""
    record = divergence(
        groups=("aa", "bb"), version="1.1", replayable=True, comparable=True
    )
    store.write(Batch(divergences=[record]))

    assert [record] == [one.record for one in store.divergences()]


# --- groups -----------------------------------------------------------------------------


def test_a_group_adds_up_over_batches(store: WholeStore) -> None:
    """Counts add, the first time is the smallest, the last the largest."""
    store.write(Batch(sightings=[sighting(number=2, first_at=AT + 5, last_at=AT + 9)]))
    store.write(
        Batch(
            sightings=[
                sighting(number=1, first_at=AT + 6, last_at=AT + 6),
                sighting(number=4, first_at=AT + 2, last_at=AT + 8),
            ]
        )
    )

    assert [Group(NAME, group_key(), 7, AT + 2, AT + 9)] == store.groups()


def test_groups_come_by_their_number_in_pages(store: WholeStore) -> None:
    """Those with the most divergences first."""
    numbers = {f"/{number}": number % 5 + 1 for number in range(9)}
    store.write(Batch(sightings=[sighting(path, n) for path, n in numbers.items()]))

    whole = store.groups()
    pages = [store.groups(limit=4, offset=offset) for offset in (0, 4, 8)]

    assert sorted(numbers.values(), reverse=True) == [one.count for one in whole]
    assert whole == [one for page in pages for one in page]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (GroupFilter(), {"/a", "/b", "/c"}),
        (GroupFilter(with_noise=True), {"/a", "/b", "/c", "/noise"}),
        (GroupFilter(target="canary"), {"/b"}),
        (GroupFilter(route="GET /"), {"/c"}),
        (GroupFilter(part=Part.HEADER), {"/a"}),
        (GroupFilter(since=AT + 5), {"/b"}),
        (
            GroupFilter(fingerprint=group_key("/a", part=Part.HEADER).fingerprint),
            {"/a"},
        ),
        (
            GroupFilter(fingerprint=group_key("/a", part=Part.HEADER).fingerprint[:5]),
            {"/a"},
        ),
        (GroupFilter(fingerprint="zz"), set()),
        (GroupFilter(fingerprint=group_key("/noise").fingerprint), set()),
    ],
)
def test_groups_are_filtered(
    store: WholeStore, where: GroupFilter, expected: set[str]
) -> None:
    """Every field of a filter narrows what is listed and what is counted."""
    store.write(
        Batch(
            sightings=[
                sighting("/a", part=Part.HEADER),
                sighting("/b", target="canary", last_at=AT + 5),
                sighting("/c", route="GET /"),
                sighting("/noise", 0),
            ]
        )
    )

    assert expected == {one.key.path for one in store.groups(where)}
    assert len(expected) == store.count_groups(where)


def test_keys_of_groups_that_no_database_holds_stay_apart(store: WholeStore) -> None:
    """A fingerprint is of the whole key; what is shown of it is cut and visible."""
    keys = [group_key(ODD + end, route=ODD, live=ODD) for end in "ab"]
    store.write(Batch(sightings=[sighting(k.path, route=ODD, live=ODD) for k in keys]))

    found = store.groups()
    assert {key.fingerprint for key in keys} == {one.fingerprint for one in found}
    assert [1_000, 1_000] == [len(one.key.path) for one in found]
    assert 2 == store.count_groups(GroupFilter(route=ODD))


def test_a_signature_stands_for_its_groups(store: WholeStore) -> None:
    """However often it is written."""
    groups = ("aa", "bb")
    one = Signature(signature_of(groups), groups)
    for _ in range(2):
        store.write(Batch(signatures=[one, one]))
    store.write(Batch(signatures=[Signature("+other", ("cc",))]))

    assert sorted([one, Signature("+other", ("cc",))], key=str) == sorted(
        store.signatures(), key=str
    )


def test_a_slot_holds_its_newest_sample(store: WholeStore) -> None:
    """Whatever order they arrive in, within a batch and over many."""
    for number, order in enumerate(permutations("abc")):
        group = f"{number:016}"
        samples = [
            sample(group, f"{number}{name}", at=AT + "abc".index(name))
            for name in order
        ]
        records = [divergence(one.exchange_id, at=one.at) for one in samples]
        store.write(Batch(divergences=records[:2], samples=samples[:2]))
        store.write(Batch(divergences=records[2:], samples=samples[2:]))

        assert [f"{number}c"] == ids(store.samples(group))


def test_samples_of_a_group_are_divergences(store: WholeStore) -> None:
    """Each once, the newest first, and only those that stand for the group."""
    names = ["a", "b", "c", "other"]
    records = [divergence(name, at=AT + n) for n, name in enumerate(names)]
    samples = [
        sample(NAME, "a", 0),
        sample(NAME, "c", 1),
        sample(NAME, "c", 2),
        sample("ffff", "b"),
        sample(NAME, "never-stored", 3),
    ]
    store.write(Batch(divergences=records, samples=samples))

    assert ["c", "a"] == ids(store.samples(NAME))
    assert ["c"] == ids(store.divergences(DivergenceFilter(group=NAME), limit=1))
    assert 2 == store.count_divergences(DivergenceFilter(group=NAME))
    assert 0 == store.count_divergences(DivergenceFilter(group=NAME, until=AT))
    assert [] == store.samples("eeee")


def test_the_newest_sample_of_each_group_is_found_at_once(store: WholeStore) -> None:
    """One that was purged stands for nothing any more, and a group without one is not in it."""
    names = ["a", "b", "c"]
    records = [divergence(name, at=AT + n) for n, name in enumerate(names)]
    samples = [
        sample("aaaa", "a", 0),
        sample("aaaa", "b", 1),
        sample("aaaa", "never-stored", 2, at=AT + 9),
        sample("bbbb", "b"),
        sample("cccc", "c"),
    ]
    store.write(Batch(divergences=records, samples=samples))

    found = store.newest_samples(["aaaa", "bbbb", "eeee"])

    assert {"aaaa": "b", "bbbb": "b"} == {
        name: one.record.exchange_id for name, one in found.items()
    }
    where = DivergenceFilter(group="aaaa")
    assert store.divergences(where, limit=1, whole=False) == [found["aaaa"]]
    assert {} == store.newest_samples([])


def test_days_that_are_over_are_known_as_they_are_now(store: WholeStore) -> None:
    """What is written late, or purged, is seen by whoever has read before."""
    past, coming = TODAY - 1, 40_000

    def write(day: int, **counts: float) -> list[tuple[int, float, float]]:
        store.write(Batch(noise=[cell(NAME, day=day, **counts)]))
        return [(one.day, one.raw, one.probe_only) for one in store.known(past).cells]

    assert [(past, 1, 0)] == write(past, raw=1)
    assert [(past, 1, 2)] == write(past, probe_only=2)
    assert [(coming, 4, 0), (past, 1, 2)] == sorted(write(coming, raw=4), reverse=True)
    store.purge(before=TODAY * 86_400.0)
    assert [coming] == [one.day for one in store.known(past).cells]


# --- what a person decides ------------------------------------------------------------------


def test_a_decision_stays_whatever_is_seen(store: WholeStore) -> None:
    """The writer never touches it; a resolved group that is seen again regresses."""
    store.write(Batch(sightings=[sighting()]))
    done = Decision(group=NAME, at=AT + 1, state=GroupState.RESOLVED, note="in 1.2")

    assert store.decide(done)
    [resolved] = store.groups()
    store.write(Batch(sightings=[sighting(last_at=AT + 2)]))
    [again] = store.groups()

    assert (GroupState.RESOLVED, "in 1.2") == (resolved.current, resolved.note)
    assert (GroupState.RESOLVED, AT + 1, "in 1.2", 2) == (
        again.state,
        again.decided_at,
        again.note,
        again.count,
    )
    assert GroupState.REGRESSED is again.current


def test_resolving_again_is_a_decision_of_its_own(store: WholeStore) -> None:
    """The time of the last one counts, though the state is the same."""
    store.write(Batch(sightings=[sighting(last_at=AT + 5)]))
    for at in (AT + 1, AT + 9):
        store.decide(Decision(group=NAME, at=at, state=GroupState.RESOLVED))

    assert [GroupState.RESOLVED] == [one.current for one in store.groups()]


def test_a_ruling_is_no_change_of_state(store: WholeStore) -> None:
    """Each field that is None stays as it is."""
    store.write(Batch(sightings=[sighting()]))
    store.decide(Decision(group=NAME, at=AT, ruling=NoiseRuling.NOISE))
    store.decide(Decision(group=NAME, at=AT, note="why\0"))
    [ruled] = store.groups()

    assert (GroupState.OPEN, None) == (ruled.state, ruled.decided_at)
    assert (NoiseRuling.NOISE, "why␀") == (ruled.ruling, ruled.note)
    assert store.decide(Decision(group=NAME, at=AT, ruling=NoiseRuling.LEARNED))
    assert [NoiseRuling.LEARNED] == [one.ruling for one in store.groups()]


def test_a_group_that_nobody_knows_cannot_be_decided(store: WholeStore) -> None:
    """Even where nothing is decided; and nobody decides that one regressed."""
    assert not store.decide(Decision(group=NAME, at=AT, state=GroupState.IGNORED))
    assert not store.decide(Decision(group=NAME, at=AT))
    store.write(Batch(sightings=[sighting()]))
    assert store.decide(Decision(group=NAME, at=AT))
    with pytest.raises(ValueError, match="nobody decides"):
        store.decide(Decision(group=NAME, at=AT, state=GroupState.REGRESSED))


# --- noise ------------------------------------------------------------------------------


def test_noise_adds_up_by_day(store: WholeStore) -> None:
    """Each of the eight numbers by itself, in fractions too."""
    numbers = (1, 2, 3, 4, 5, 6, 7, 8.5)
    names = cell("x").__struct_fields__[5:]
    one = cell(NAME, **dict(zip(names, numbers, strict=True)))
    store.write(Batch(noise=[one, one]))
    store.write(Batch(noise=[one, cell(NAME, day=TODAY - 1, raw=1)]))

    tripled = {name: 3 * n for name, n in zip(names, numbers, strict=True)}
    assert [
        cell(NAME, day=TODAY - 1, raw=1),
        cell(NAME, **tripled),
    ] == store.noise()
    assert [cell(NAME, **tripled)] == store.noise(TODAY)


def test_cells_are_told_apart_by_every_part_of_their_key(store: WholeStore) -> None:
    """Era, group, status and size."""
    cells = [
        cell("aa", raw=1),
        cell("aa", size="tiny", raw=2),
        cell("aa", status=404, raw=3),
        cell("bb", raw=4),
        cell("aa", era="1.1", raw=5),
    ]
    store.write(Batch(noise=cells[::-1]))

    assert cells == store.noise()


def test_noise_of_a_target(store: WholeStore) -> None:
    """A cell belongs to the target of its group."""
    canary = group_key(target="canary").fingerprint
    store.write(
        Batch(
            sightings=[sighting(number=0), sighting(number=0, target="canary")],
            noise=[cell(NAME, raw=1), cell(canary, raw=2)],
            noise_bases=[base(raw=10), base(raw=20, target="canary")],
        )
    )

    assert [2.0] == [one.raw for one in store.noise(target="canary")]
    assert [20.0] == [one.raw for one in store.noise_bases(target="canary")]
    assert [1.0, 2.0] == sorted(one.raw for one in store.noise())


def test_bases_add_up_by_day(store: WholeStore) -> None:
    """Beside the cells, and as they do."""
    store.write(Batch(noise_bases=[base(raw=1, control=2, probe=3), base(raw=1)]))
    store.write(Batch(noise_bases=[base(raw=1, probe=1), base(day=TODAY - 3, raw=9)]))

    assert [base(raw=3, control=2, probe=4)] == store.noise_bases(TODAY)
    assert [9.0, 3.0] == [one.raw for one in store.noise_bases()]


def test_all_that_an_agent_judges_by(store: WholeStore) -> None:
    """Recent cells and bases, their groups, groups that are ruled, and rules."""
    rule = SharedRule(Rule(name="ids", path="/id"), AT, "why")
    paths = ["/cell", "/old", "/ruled", "/ignored", "/other"]
    prints = {path: group_key(path).fingerprint for path in paths}
    store.write(
        Batch(
            sightings=[sighting(path) for path in paths],
            noise=[
                cell(prints["/cell"], raw=1),
                cell(prints["/old"], day=TODAY - 9, raw=1),
            ],
            noise_bases=[base(raw=2), base(day=TODAY - 9, raw=2)],
        )
    )
    store.decide(Decision(group=prints["/ruled"], at=AT, ruling=NoiseRuling.SIGNAL))
    store.decide(Decision(group=prints["/ignored"], at=AT, state=GroupState.IGNORED))
    store.add_rule(rule)

    known = store.known(TODAY - 2)
    assert [cell(prints["/cell"], raw=1)] == list(known.cells)
    assert [base(raw=2)] == list(known.bases)
    assert {"/cell", "/ruled", "/ignored"} == {one.key.path for one in known.groups}
    assert [rule] == list(known.rules)


# --- rules and routes ---------------------------------------------------------------------


def test_a_rule_is_added_once_and_removed(store: WholeStore) -> None:
    """By its name; the one that is there stays as it is."""
    first = SharedRule(
        Rule(name="b", action="tolerate", statuses=(200, 204)), AT, "why"
    )
    other = SharedRule(Rule(name="a" * 400, path="/id"), AT)

    assert store.add_rule(first)
    assert not store.add_rule(SharedRule(Rule(name="b"), AT))
    assert store.add_rule(other)
    assert [other, first] == store.rules()
    assert store.remove_rule("a" * 400)
    assert not store.remove_rule("a" * 400)
    assert [first] == store.rules()


def test_hits_of_a_rule_add_up(store: WholeStore) -> None:
    """By target and by what it took away; the last time stays the last."""
    store.write(Batch(rule_hits=[RuleHit("ids", "shadow", "changed", 2, AT + 5)]))
    store.write(
        Batch(
            rule_hits=[
                RuleHit("ids", "shadow", "changed", 3, AT),
                RuleHit("ids", "shadow", "missing", 1, AT),
            ]
        )
    )

    assert [
        RuleTotal("ids", "shadow", "changed", 5, AT + 5),
        RuleTotal("ids", "shadow", "missing", 1, AT),
    ] == store.rule_totals()


def test_routes_are_listed_once_with_the_last_time(store: WholeStore) -> None:
    """Whichever app listed them last."""
    store.write(Batch(routes=[KnownRoute("GET /b", AT + 1), KnownRoute("GET /a", AT)]))
    store.write(Batch(routes=[KnownRoute("GET /b", AT)]))

    assert [KnownRoute("GET /a", AT), KnownRoute("GET /b", AT + 1)] == store.routes()


def test_uses_of_routes_are_summed_over_days(store: WholeStore) -> None:
    """By route and class of status."""
    store.write(Batch(uses=[RouteUse(TODAY - 1, "GET /a", 2, 10, 1)]))
    store.write(
        Batch(
            uses=[
                RouteUse(TODAY, "GET /a", 2, 5, 2),
                RouteUse(TODAY, "GET /a", 2, 5, 2),
                RouteUse(TODAY, "GET /a", 0, 1, 0),
            ]
        )
    )

    assert [
        RouteUse(0, "GET /a", 0, 1, 0),
        RouteUse(0, "GET /a", 2, 20, 5),
    ] == store.uses()
    assert [1, 10] == [one.seen for one in store.uses(TODAY)]


# --- purging ----------------------------------------------------------------------------


def test_purge_removes_what_was_learned_long_ago(store: WholeStore) -> None:
    """Whole days of noise and use; hits and groups by when they were last seen."""
    midnight = float(TODAY * DAY)
    days = (TODAY - 1, TODAY)
    store.write(
        Batch(
            sightings=[
                sighting("/old", first_at=0, last_at=midnight - 5),
                sighting("/new", first_at=0, last_at=midnight + 5),
            ],
            noise=[cell("aa", day=day, raw=1) for day in days],
            noise_bases=[base(day=day, raw=1) for day in days],
            rule_hits=[
                RuleHit("r", "shadow", "changed", 1, midnight - 5),
                RuleHit("s", "shadow", "changed", 1, midnight + 5),
            ],
            uses=[RouteUse(day, "GET /", 2, 1, 1) for day in days],
            routes=[KnownRoute("GET /", 1.0)],
        )
    )

    purged = store.purge(before=midnight + 1)

    assert Purged(noise=2, groups=1, rule_hits=1, uses=1) == purged
    assert ["/new"] == [one.key.path for one in store.groups()]
    assert [TODAY] == [one.day for one in store.noise()]
    assert [TODAY] == [one.day for one in store.noise_bases()]
    assert ["s"] == [one.rule for one in store.rule_totals()]
    assert [1] == [one.seen for one in store.uses()]
    assert ["GET /"] == [one.route for one in store.routes()]


def test_purge_keeps_what_somebody_decided(store: WholeStore) -> None:
    """And groups that noise is still known of."""
    paths = ["/ignored", "/ruled", "/noted", "/cell", "/reopened", "/plain"]
    prints = {path: group_key(path).fingerprint for path in paths}
    store.write(
        Batch(
            sightings=[sighting(path, first_at=0, last_at=5) for path in paths],
            noise=[cell(prints["/cell"], raw=1)],
        )
    )
    for path, said in (
        ("/ignored", {"state": GroupState.IGNORED}),
        ("/ruled", {"ruling": NoiseRuling.NOISE}),
        ("/noted", {"note": "ask Ann"}),
        ("/reopened", {"state": GroupState.OPEN}),
    ):
        store.decide(Decision(group=prints[path], at=AT, **said))

    assert 2 == store.purge(before=AT).groups
    assert {"/ignored", "/ruled", "/noted", "/cell"} == {
        one.key.path for one in store.groups()
    }


@pytest.mark.parametrize("by_age", [True, False])
def test_a_sample_goes_with_its_divergence(store: WholeStore, by_age: bool) -> None:
    """However the divergence goes; the others stay."""
    records = [divergence("old", at=AT), divergence("new", at=AT + 9)]
    samples = [sample(NAME, "old", 0), sample(NAME, "new", 1)]
    store.write(Batch(divergences=records, samples=samples))

    purged = store.purge(before=AT + 1) if by_age else store.purge(keep=1)

    assert (1, 1) == (purged.divergences, purged.samples)
    assert ["new"] == ids(store.samples(NAME))
    assert Purged() == store.purge(keep=1)


def test_a_signature_stays_as_long_as_something_is_counted_under_it(
    store: WholeStore,
) -> None:
    """Without it nobody could tell what that was."""
    # The time of a signature is that of the store's own clock.
    later = AT + 50 * 365 * DAY
    minute = int(later // 60)
    counted = [
        count(1, outcome=Outcome.DIVERGENCE, reason="+used", minute=minute),
        count(1, outcome=Outcome.DIVERGENCE, reason="+gone", minute=minute - 9),
        count(1, outcome=Outcome.SKIPPED, reason="+never", minute=minute),
    ]
    names = ["+gone", "+never", "+used"]
    store.write(Batch(counts=counted, signatures=[Signature(n, ("a",)) for n in names]))

    assert 2 == store.purge(before=later).signatures
    assert ["+used"] == [one.signature for one in store.signatures()]


def test_a_signature_that_was_written_lately_stays(store: WholeStore) -> None:
    """Its counts may come with the next batch."""
    store.write(Batch(signatures=[Signature("+new", ("a",))]))

    assert 0 == store.purge(before=AT - 20 * 365 * DAY).signatures
    assert ["+new"] == [one.signature for one in store.signatures()]
