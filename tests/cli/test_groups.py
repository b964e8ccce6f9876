"""`groups`: what differs, folded, and what people decide of it; on real evidence."""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import Any

import pytest

from shadow_middleware.evidence import Batch
from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import GroupKey, Sighting
from shadow_middleware.store.sql import SqlStore
from tests.cli.conftest import Run, words

PRICE = "body /price: another integer, by up to 1 %"


def groups(run: Run, url: str, *options: str) -> dict[str, Any]:
    """Return what `groups list` says as JSON."""
    result = run("groups", "list", "--store", url, "--json", *options)
    assert 0 == result.exit_code, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def of(run: Run, url: str, what: str, route: str = "GET /tea") -> str:
    """Return the id of the group that says `what`."""
    [name] = [
        one["group"]
        for one in groups(run, url, "--state", "all", "--limit", "100")["groups"]
        if what in one["what"] and one["route"] == route
    ]
    return str(name)


def test_what_differs_is_told_in_words(run: Run, tea: str) -> None:
    """Each sort of difference is one group, with its count and its share."""
    found = groups(run, tea, "--route", "GET /tea")

    assert "shadow-middleware/groups/1" == found["format"]
    assert {
        (PRICE, "open", 20, 1.0),
        ("body /phone: missing (live has a text)", "open", 20, 1.0),
        ("body /stock: integer → digits in a text", "open", 20, 1.0),
    } == {(g["what"], g["state"], g["count"], g["share"]) for g in found["groups"]}


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_list_fits_the_screen(run: Run, tea: str, columns: int) -> None:
    """Route above what changed; nothing is cut off."""
    result = run("groups", "list", "--store", tea, columns=columns)

    assert columns >= max(map(len, result.stdout.split("\n")))
    assert "GET /tea" in result.stdout
    assert "One in full: shadow-middleware groups show GROUP" in words(result)


@pytest.mark.parametrize(
    ("options", "total"),
    [
        ([], 10),
        (["--route", "GET /tea"], 3),
        (["--target", "shadow"], 10),
        (["--part", "body"], 10),
        (["--part", "header"], 0),
        (["--since", "1h"], 10),
        (["--since", "2099-01-01"], 0),
        (["--state", "noise"], 2),
        (["--state", "ignored,open"], 10),
    ],
)
def test_every_filter_has_its_effect(
    run: Run, tea: str, options: list[str], total: int
) -> None:
    """By place, time and state."""
    assert total == groups(run, tea, *options)["total"]


@pytest.mark.parametrize(
    "command",
    [
        ["groups", "list"],
        ["export", "groups"],
        ["export", "divergences"],
        ["noise", "list"],
        ["rules", "suggest"],
        ["recheck", "--all", "--url", "http://127.0.0.1:9"],
    ],
    ids=" ".join,
)
def test_a_target_that_nobody_saw_is_no_empty_list(
    run: Run, tea: str, command: list[str]
) -> None:
    """A typing mistake is told from a shadow without a fault."""
    result = run(*command, "--store", tea, "--target", "shadwo")

    assert 2 == result.exit_code
    assert "'shadwo'; did you mean 'shadow'?" in words(result)


def test_pages_make_the_whole(run: Run, tea: str) -> None:
    """`--limit` and `--offset` leave nothing out and show nothing twice."""
    pages = [
        groups(run, tea, "--limit", "4", "--offset", offset)["groups"]
        for offset in ("0", "4", "8", "12")
    ]

    assert [4, 4, 2, 0] == [len(page) for page in pages]
    assert 10 == len({one["group"] for page in pages for one in page})
    assert (
        "5 to 8 of 10"
        in run("groups", "list", "--store", tea, "--limit", "4", "--offset", "4").stdout
    )


def test_a_decision_moves_a_group_and_can_be_taken_back(run: Run, tea: str) -> None:
    """Ignored with a note, reopened, resolved; each is told."""
    price = of(run, tea, "/price")
    said = run("groups", "ignore", price[:6], "--note", "as agreed", "--store", tea)
    ignored = groups(run, tea, "--state", "ignored")["groups"]
    shown = run("groups", "list", "--store", tea)
    run("groups", "reopen", price, "--store", tea)
    again = groups(run, tea)["total"]
    run("groups", "resolve", price, "--store", tea)
    resolved = groups(run, tea, "--state", "resolved")["groups"]

    assert "no longer counts" in words(said)
    assert [(price, "as agreed")] == [(g["group"], g["note"]) for g in ignored]
    assert "Not shown: 1 ignored" in words(shown)
    assert 10 == again
    assert [price] == [one["group"] for one in resolved]


def test_a_resolved_group_that_is_seen_again_has_regressed(run: Run, tea: str) -> None:
    """W64: it counts again, and is listed by itself."""
    price = of(run, tea, "/price")
    run("groups", "resolve", price, "--store", tea)
    with closing(SqlStore(tea)) as store:
        [group] = [one for one in store.groups() if one.fingerprint == price]
        later = time.time() + 1
        store.write(Batch(sightings=[Sighting(group.key, 1, later, later)]))

    assert ["regressed"] == [
        one["state"] for one in groups(run, tea)["groups"] if one["group"] == price
    ]


def test_several_are_decided_at_once_or_none_is(run: Run, tea: str) -> None:
    """A name that is wrong keeps the others from being decided."""
    names = [of(run, tea, "/price"), of(run, tea, "/phone")]
    wrong = run("groups", "ignore", names[0], "ffffffff00", "--store", tea)
    before = groups(run, tea, "--state", "ignored")["total"]
    right = run("groups", "ignore", *names, "--store", tea, "--json")

    assert (2, 0) == (wrong.exit_code, before)
    assert names == [one["group"] for one in json.loads(right.stdout)["groups"]]
    assert 2 == groups(run, tea, "--state", "ignored")["total"]


def test_one_group_is_shown_with_all_that_matters(run: Run, tea: str) -> None:
    """Numbers, why it is no noise, a sample, and what can be done."""
    price = of(run, tea, "/price")
    said = words(run("groups", "show", price[:8], "--store", tea))

    for part in (
        PRICE,
        "in 20 divergences, 100 % of the route's answers",
        "No: no two answers of one version differ so.",
        "live against its control: 0 of 20 (0 %)",
        '- "price": 250,',
        '+ "price": 251,',
        f"shadow-middleware recheck {price[:8]} --resolve",
        'action = "expect"',
        f'groups ignore {price[:8]} --note "why"',
        f"noise set {price[:8]} noise",
    ):
        assert part in said


def test_one_group_as_json(run: Run, tea: str) -> None:
    """Key, evidence and every sample with its id."""
    price = of(run, tea, "/price")
    found = json.loads(run("groups", "show", price, "--store", tea, "--json").stdout)

    assert "shadow-middleware/group/1" == found["format"]
    assert (price, "/price", "changed") == (
        found["group"],
        found["path"],
        found["kind"],
    )
    assert {"seen": 20.0, "of": 20.0} == found["evidence"]["raw"]
    assert found["samples"]
    assert all(price in one["groups"] for one in found["samples"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zz", "'zz' is not the beginning of a fingerprint"),
        ("", "is not the beginning of a fingerprint"),
        ("0123456789abcdef0", "is not the beginning of a fingerprint"),
        ("ffffffffffffffff", "no group begins with 'ffffffffffffffff'"),
    ],
)
def test_a_name_that_is_none_is_refused(
    run: Run, tea: str, name: str, said: str
) -> None:
    """And it says where the names are."""
    result = run("groups", "show", name, "--store", tea)

    assert 2 == result.exit_code
    assert said in words(result)
    assert "groups list --state all" in words(result)


def test_a_beginning_of_several_is_refused(run: Run, empty_url: str) -> None:
    """All that it could be are named, as far as they are few."""
    keys = [
        GroupKey("shadow", "GET /a", Part.BODY, f"/{n}", Kind.CHANGED, "word", "word")
        for n in range(40)
    ]
    digits = [key.fingerprint[0] for key in keys]
    shared = max(set(digits), key=digits.count)
    with closing(SqlStore(empty_url)) as store:
        store.write(Batch(sightings=[Sighting(key, 1, 1.0, 2.0) for key in keys]))
    result = run("groups", "show", shared, "--store", empty_url)

    assert 2 == result.exit_code
    assert f"'{shared}' is the beginning of several groups" in words(result)
    assert "give more digits" in words(result)


def test_no_such_state_is_refused(run: Run, empty_url: str) -> None:
    """The right ones are named."""
    result = run("groups", "list", "--state", "opn", "--store", empty_url)

    assert 2 == result.exit_code
    assert "there are open, ignored, resolved, regressed, noise and all" in words(
        result
    )


def test_nothing_at_all_is_no_error(run: Run, empty_url: str) -> None:
    """An empty store has no group."""
    result = run("groups", "list", "--store", empty_url)

    assert (0, "No group is open or regressed.\n") == (result.exit_code, result.stdout)


def test_what_came_from_traffic_commands_no_terminal(run: Run, empty_url: str) -> None:
    """Control characters are made visible, markup is text."""
    evil = "GET /\x1b[31m[bold]"
    key = GroupKey("shadow", evil, Part.BODY, "/a\x1b", Kind.CHANGED, "word", "word")
    with closing(SqlStore(empty_url)) as store:
        store.write(Batch(sightings=[Sighting(key, 1, 1.0, 2.0)]))
    for command in (["list"], ["show", key.fingerprint]):
        result = run("groups", *command, "--store", empty_url)

        assert 0 == result.exit_code
        assert "\x1b" not in result.stdout
        assert "[bold]" in result.stdout


def test_a_shared_database_is_read_and_decided_on_alike(
    run: Run, postgres_url: str
) -> None:
    """Postgres holds groups, noise and rules as a file does."""
    key = GroupKey("shadow", "GET /a", Part.BODY, "/n", Kind.CHANGED, "uuid", "uuid")
    with closing(SqlStore(postgres_url)) as store:
        store.write(Batch(sightings=[Sighting(key, 3, 1.0, 2.0)]))
    run("groups", "ignore", key.fingerprint, "--store", postgres_url)
    run("noise", "set", key.fingerprint, "noise", "--store", postgres_url)
    run("rules", "add", "--path", "/n", "--store", postgres_url)
    [found] = groups(run, postgres_url, "--state", "ignored")["groups"]
    listed = run("rules", "list", "--store", postgres_url)

    assert ("ignored", "noise", 3) == (found["state"], found["ruling"], found["count"])
    assert "ignore body /n" in listed.stdout
    assert 0 == run("rules", "suggest", "--store", postgres_url).exit_code
    assert 0 == run("noise", "list", "--store", postgres_url).exit_code
