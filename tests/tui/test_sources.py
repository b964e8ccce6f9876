"""What every source does, the store's as well as the API's, and that both tell the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Difference, Kind, Part
from shadow_middleware.knowledge import GroupFilter, GroupState, NoiseRuling
from shadow_middleware.report.groups import STATES
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.tui.source import GroupQuery, Source
from tests.report.records import record
from tests.tui.driving import Screen, play, source_over
from tests.tui.evidence import AT, EVIL, PHONE, PRICE, many_groups
from tests.tui.serving import Served

COUNTED = ("open", "regressed")
NOBODY = "0123456789abcdef"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Give a server of APIs, one for all tests."""
    with closing(Served()) as running:
        yield running


@pytest.fixture(params=["store", "api"])
def source(
    request: pytest.FixtureRequest, store: SqlStore, tmp_path: Path, served: Served
) -> Source:
    """Give a source of each kind over the same evidence."""
    if request.param == "store":
        return source_over(store)
    served.show(f"sqlite:///{tmp_path / 'evidence.db'}")
    return served.source()


def _asked(source: Source) -> dict[str, Any]:
    """Return what a source answers to all that screens ask, as plain values."""
    every = GroupQuery(states=STATES)
    found = {
        "overview": source.overview(),
        "groups": source.groups(GroupQuery(states=COUNTED), 100, 0),
        "second": source.groups(every, 1, 1),
        "route": source.groups(GroupQuery(states=STATES, route="GET /a"), 100, 0),
        "words": source.groups(GroupQuery(states=STATES, words=("phone",)), 100, 0),
        "routes": source.routes((), 100, 0),
        "one route": source.routes(("get", "/b"), 100, 0),
        "noise": source.noise((), 100, 0),
        "no noise": source.noise(("nowhere",), 100, 0),
        "targets": source.targets(),
        "group": source.group(PRICE.fingerprint),
        "divergences": [source.divergence(number) for number in (1, 2, 3)],
    }
    return found


def test_both_sources_tell_the_same(
    store: SqlStore, tmp_path: Path, served: Served
) -> None:
    """A screen cannot tell which of them it shows."""
    odd = Difference(Part.BODY, "/odd", Kind.CHANGED, "half \ud83d", None)
    store.write(Batch(divergences=[record("cc-1", (odd,), at=AT)]))
    served.show(f"sqlite:///{tmp_path / 'evidence.db'}")
    mine, theirs = _asked(source_over(store)), _asked(served.source())

    assert None not in mine["divergences"]
    for name, expected in mine.items():
        assert expected == theirs[name], name


def test_since_narrows_both(store: SqlStore, tmp_path: Path, served: Served) -> None:
    """What is older does not count, wherever it is read."""
    served.show(f"sqlite:///{tmp_path / 'evidence.db'}")
    for one in (source_over(store, AT + 3600), served.source(AT + 3600)):
        assert 0 == one.routes((), 100, 0).total
        assert 0 == one.groups(GroupQuery(states=STATES), 100, 0).total
        assert {0} == {target.selected for target in one.overview().summary.targets} | {
            0
        }


def test_a_list_comes_by_windows(source: Source, store: SqlStore) -> None:
    """The windows together are the list, and each says how long that is."""
    store.write(many_groups(150))
    query = GroupQuery(states=COUNTED)
    first, second = source.groups(query, 100, 0), source.groups(query, 100, 100)

    assert (152, 152) == (first.total, second.total)
    assert (100, 52) == (len(first.rows), len(second.rows))
    names = {row.fingerprint for row in (*first.rows, *second.rows)}
    assert 152 == len(names)


def test_words_are_found_in_any_case_and_order(source: Source) -> None:
    """All of them, in the id, the target, the route or what changed."""

    def found(*words: str) -> list[str]:
        rows = source.groups(GroupQuery(states=STATES, words=words), 100, 0).rows
        return [row.fingerprint for row in rows]

    assert [PRICE.fingerprint] == found("price", "get")
    assert [PHONE.fingerprint] == found(PHONE.fingerprint[:8])
    assert [] == found("price", "phone")


def test_what_is_not_there_is_none(source: Source) -> None:
    """Neither a group, nor a divergence, nor a recheck; nor can it be decided."""
    assert source.group(NOBODY) is None
    assert source.divergence(999_999) is None
    assert source.job(PRICE.fingerprint) is None
    assert not source.decide(NOBODY, GroupState.IGNORED, "")
    assert not source.rule(NOBODY, NoiseRuling.NOISE, "")


@pytest.mark.parametrize(
    "state", [GroupState.IGNORED, GroupState.RESOLVED, GroupState.OPEN]
)
def test_a_decision_is_kept_with_its_note(
    state: GroupState, source: Source, store: SqlStore
) -> None:
    """As the store has it, for every other face."""
    assert source.decide(PRICE.fingerprint, state, f"because {EVIL}")

    (group,) = store.groups(GroupFilter(fingerprint=PRICE.fingerprint))
    assert (state, f"because {EVIL}") == (group.state, group.note)


def test_a_ruling_holds_until_it_is_taken_back(source: Source) -> None:
    """What is learned comes second to what a person says."""

    def state() -> str:
        found = source.group(PRICE.fingerprint)
        assert found is not None
        return found.row.state

    assert source.rule(PRICE.fingerprint, NoiseRuling.NOISE, "")
    assert "noise" == state()
    assert source.rule(PRICE.fingerprint, NoiseRuling.LEARNED, "")
    assert "open" == state()


def test_a_rule_is_added_once(source: Source) -> None:
    """The same one a second time changes nothing; a wrong one is refused."""
    rule = '[[rules]]\nname = "price"\npath = "/price"\n'

    assert [1, 0] == [source.add_rules(rule, "meant"), source.add_rules(rule, "")]
    with pytest.raises(ConfigurationError, match="TOML"):
        source.add_rules("path =", "")


def test_a_recheck_without_a_shadow_says_what_is_missing(source: Source) -> None:
    """Where it would be sent from nothing is set."""
    with pytest.raises(ConfigurationError, match="shadow_url"):
        source.recheck(PRICE.fingerprint)


def test_hostile_text_arrives_as_it_is(source: Source) -> None:
    """It is for the screen to make it harmless, not for the way there."""
    found = source.group(PHONE.fingerprint)
    assert found is not None
    (sample,) = found.samples

    assert (EVIL, EVIL) == (sample.record.path, sample.record.live_body)
    assert msgspec.structs.asdict(sample) == msgspec.structs.asdict(
        source.divergence(sample.id) or sample
    )


def test_the_screens_work_over_the_api(
    store: SqlStore, tmp_path: Path, served: Served
) -> None:
    """From the overview to a group and a decision that another face sees."""
    served.show(f"sqlite:///{tmp_path / 'evidence.db'}")

    async def story(screen: Screen) -> None:
        assert "105 ended" in screen.text
        await screen.press("3")
        assert "GET /b/{id}" in screen.text
        await screen.press("2", "enter")
        assert PRICE.fingerprint in screen.text
        await screen.press("i", "enter")
        assert "Ignored" in screen.text

    play(served.source(), story)
    (group,) = store.groups(GroupFilter(fingerprint=PRICE.fingerprint))
    assert GroupState.IGNORED is group.state


def test_the_last_good_data_stays_while_the_api_is_away(
    store: SqlStore, tmp_path: Path
) -> None:
    """With a banner that says why, until it answers again."""
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    first = Served()
    first.show(url)
    source = first.source()

    async def story(screen: Screen) -> None:
        good = screen.lines[1:11]
        first.close()
        await screen.tick()
        banner = " ".join(screen.text.split())
        assert "SOURCE AWAY since 14:14:00 UTC, shown is what was read" in banner
        assert f"{first.url} cannot be reached" in banner
        assert set(good) <= set(screen.lines)
        with closing(Served(first.app, first.port)):
            await screen.tick()
        assert "SOURCE AWAY" not in screen.text

    play(source, story)
