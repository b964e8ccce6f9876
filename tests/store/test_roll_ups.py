"""What the database sums up by itself is what the rows add up to, whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadow_middleware.evidence import (
    Batch,
    Count,
    DivergenceFilter,
    Hinted,
    LatencyCount,
    Run,
)
from shadow_middleware.exchange import Outcome
from shadow_middleware.judge import Learned, Policy, noise_among, rulings
from shadow_middleware.knowledge import CONTROL, Decision, Known, NoiseRuling
from shadow_middleware.retention import Keep
from shadow_middleware.store.memory import MemoryStore
from shadow_middleware.store.sql import SqlStore
from tests.store.conftest import WholeStore
from tests.store.evidence import divergence
from tests.store.learned import TODAY, base, cell, group_key, sighting

FIRST = 28_000_000 - 28_000_000 % 1_440
"""A minute that a day begins with."""
REASONS = [f"{number:016x}" for number in range(4)]
HALF_LIFE = Policy().half_life

# --- counts -------------------------------------------------------------------------------

counted = st.builds(
    Count,
    st.integers(0, 2_000).map(lambda at: FIRST + at),
    st.sampled_from(["shadow", "other", CONTROL]),
    st.sampled_from(["GET /a", "GET /b"]),
    st.sampled_from([Outcome.DIVERGENCE, Outcome.DIVERGENCE, Outcome.MATCH]),
    st.sampled_from(REASONS),
    st.integers(1, 9),
    st.sampled_from(["", "1", "2"]),
)
timed = st.builds(
    LatencyCount,
    st.integers(0, 200).map(lambda at: FIRST + 10 * at),
    st.sampled_from(["shadow", "other"]),
    st.sampled_from(["GET /a", "GET /b"]),
    st.sampled_from(["live", "shadow"]),
    st.integers(0, 3),
    st.integers(1, 9),
    st.sampled_from(["", "1"]),
)
written = st.tuples(
    st.sampled_from(["", "", "run-1"]),
    st.builds(
        Batch,
        counts=st.lists(counted, max_size=12),
        latencies=st.lists(timed, max_size=12),
    ),
)
removed = st.one_of(
    st.integers(0, 2_100).map(lambda at: ("before", at)),
    st.integers(0, 2_100).map(lambda at: ("minutes", at)),
    st.just(("run", 0)),
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlStore]:
    """Give a store that every example goes on with."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sums') / 'store.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.create())
    store = SqlStore(url)
    yield store
    store.close()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(written, removed), max_size=5))
def test_roll_ups_are_what_hours_add_up_to(
    kept: SqlStore, steps: list[tuple[str, object]]
) -> None:
    """By any writer, in live and in runs, and after whatever was removed."""
    if "run-1" not in {one.id for one in kept.runs()}:
        kept.begin_run(Run(id="run-1"))
    for name, what in steps:
        if isinstance(what, Batch):
            kept.of_run(name).write(what)
        else:
            _remove(kept, name, what)

    assert _summed(kept, _HOURS) == _summed(kept, _REASONS)
    assert _summed(kept, _TIMES) == _summed(kept, _DAYS)


def _remove(store: SqlStore, how: str, at: object) -> None:
    assert isinstance(at, int)
    if how == "run":
        store.remove_run("run-1")
        store.begin_run(Run(id="run-1"))
    elif how == "minutes":
        store.retain(Keep(days=(store.time() - 60.0 * (FIRST + at)) / 86_400))
    else:
        store.purge(60.0 * (FIRST + at))


_HOURS: Final = " UNION ALL ".join(
    f"SELECT run, {span}, reason, start / {span} * {span}, target, route, sum(count) "
    "FROM shadow_count_spans WHERE span = 60 AND outcome = 'divergence' "
    f"GROUP BY run, reason, start / {span} * {span}, target, route"
    for span in (60, 240, 1_440)
)
_REASONS: Final = "SELECT * FROM shadow_reason_spans"
_TIMES: Final = (
    "SELECT run, start / 1440 * 1440, target, leg, bucket, version, sum(count) "
    "FROM shadow_latency_times WHERE span = 60 "
    "GROUP BY run, start / 1440 * 1440, target, leg, bucket, version"
)
_DAYS: Final = "SELECT * FROM shadow_latency_days"


def _summed(store: SqlStore, statement: str) -> Counter[tuple[object, ...]]:
    with store._database.reading() as connection:
        rows = connection.exec_driver_sql(statement).all()
    return Counter({tuple(row[:-1]): int(row[-1]) for row in rows})


def test_reasons_over_time_are_those_of_minutes(store: WholeStore) -> None:
    """By hours, four hours and days, of one target or all, of one route or all."""
    memory = MemoryStore()
    some = [
        Count(FIRST + at, name, route, Outcome.DIVERGENCE, REASONS[at % 3], 1, "v")
        for at in (0, 59, 61, 240, 1_439, 1_440, 2_000)
        for name in ("shadow", CONTROL)
        for route in ("GET /a", "GET /b")
    ]
    for one in (store, memory):
        one.write(Batch(counts=some))

    for size in (1, 60, 120, 480, 720, 1_440):
        steps = [range(at, at + size) for at in range(FIRST, FIRST + 2_880, size)]
        for target in (None, "shadow"):
            for route in (None, "GET /a"):
                found = store.divergences_by_step(steps, REASONS[:2], target, route)
                assert found
                assert found == memory.divergences_by_step(
                    steps, REASONS[:2], target, route
                )


def test_counts_without_a_version_are_asked_for_alone(store: WholeStore) -> None:
    """What reached nobody is few rows among all."""
    counts = [
        Count(FIRST + at, "shadow", "GET /a", Outcome.TIMEOUT, "read", 1, version)
        for at in (0, 61, 1_500)
        for version in ("", "1")
    ]
    store.write(Batch(counts=counts))

    for since in (None, FIRST, FIRST + 1, FIRST + 1_440):
        every = store.totals(since)
        for version in ("", "1", "2"):
            expected = [one for one in every if one.version == version]
            assert expected == store.totals(since, version=version)


# --- noise --------------------------------------------------------------------------------


def fill_noise(store: WholeStore) -> None:
    """Count noise of two routes on three days, under two versions of live."""
    noisy, plain = group_key("/a"), group_key("/b", route="GET /b")
    cells = [
        cell(
            key.fingerprint,
            day=TODAY - back,
            era=era,
            size=size,
            raw=10.0 + back,
            **({"control_both": 9.0 + back} if key is noisy else {"control_raw": 8.0}),
        )
        for key in (noisy, plain)
        for back in (-1, 0, 1, 5)
        for era in ("v1", "v2")
        for size in ("", "some")
    ]
    bases = [
        base(route=key.route, day=TODAY - back, era=era, raw=50.0 + back, control=40.0)
        for key in (noisy, plain)
        for back in (-1, 0, 1, 5)
        for era in ("v1", "v2")
    ]
    sightings = [sighting("/a"), sighting("/b", route="GET /b"), sighting("/c")]
    store.write(Batch(noise=cells, noise_bases=bases, sightings=sightings))


WORTH = {TODAY - back: 0.5 ** (back / HALF_LIFE) for back in range(31)}


def test_noise_of_all_days_weighs_as_day_by_day(store: WholeStore) -> None:
    """What is held of a group today does not depend on who adds up."""
    fill_noise(store)
    store.decide(
        Decision(group=group_key("/c").fingerprint, at=1.0, ruling=NoiseRuling.NOISE)
    )
    days = store.known(TODAY - 30)
    apart = Learned.of(days, HALF_LIFE, today=TODAY)

    found = store.weighed(WORTH)
    known = Known(found.cells, found.bases, found.groups)
    together = Learned.of(known, HALF_LIFE, today=0, latest=found.eras)

    assert apart.latest == together.latest == store.eras(TODAY - 30)
    assert apart.tests == together.tests
    assert _near(apart.cells) == _near(together.cells)
    assert _near(apart.bases) == _near(together.bases)
    held = rulings(days, today=TODAY)
    whys = {name: one.why for name, one in held.items() if one.noise}
    assert whys == noise_among(together)
    assert {group_key(path).fingerprint for path in ("/a", "/c")} == whys.keys()


def _near(folded: object) -> object:
    """Round what was added up in another order."""
    if isinstance(folded, list):
        return [round(number, 9) for number in folded]
    assert isinstance(folded, dict)
    return {name: _near(value) for name, value in folded.items()}


def test_tested_cells_are_counted(store: WholeStore) -> None:
    """Those of another target are not, nor those that no twins have shown."""
    fill_noise(store)

    assert 2 == store.cells_tested(WORTH, "shadow", 0.1)
    assert 0 == store.cells_tested(WORTH, "shadow", 1_000.0)
    assert 0 == store.cells_tested(WORTH, "other", 0.1)


def test_noise_of_one_route_is_read_alone(store: WholeStore) -> None:
    """A group's page asks for nothing else."""
    fill_noise(store)
    ours = group_key("/b", route="GET /b").fingerprint

    cells = store.noise(TODAY, "shadow", "GET /b")
    bases = store.noise_bases(TODAY, "shadow", "GET /b")

    assert [one for one in store.noise(TODAY) if one.group == ours] == cells
    assert [one for one in store.noise_bases(TODAY) if one.route == "GET /b"] == bases
    assert cells
    assert bases


def test_hints_of_the_newest_divergences_are_counted(store: WholeStore) -> None:
    """As they would be of the divergences themselves, without reading those."""
    hints = ["", "log in", "log in", "", "a cap"]
    store.write(
        Batch(
            divergences=[
                divergence(exchange_id=f"e{number}", at=float(number), hint=hint)
                for number, hint in enumerate(hints)
            ]
        )
    )

    assert [
        Hinted("shadow", "a cap", 1),
        Hinted("shadow", "log in", 1),
    ] == store.hinted(limit=3)
    assert [] == store.hinted(limit=9, where=DivergenceFilter(target="other"))
