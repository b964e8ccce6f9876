"""`recheck` against real shadows: fixed, still diverging, cannot tell; live is never asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import Any

import msgspec
import pytest

from shadow_middleware.recheck import Fate, Recheck, Rejudge
from shadow_middleware.replay.http import HttpSender
from shadow_middleware.settings import SAFE_METHODS, Settings, load
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import (
    Reply,
    ShadowServer,
    asgi,
    failing,
    frozen,
    refusing,
)
from tests.cli.conftest import Run, words
from tests.cli.tea import LIVE, REWRITE, shop

NOW = 1.9e9


def fates(
    url: str,
    shadow: ShadowServer,
    *,
    methods: tuple[str, ...] = SAFE_METHODS,
    **settings: Any,
) -> dict[tuple[str, str], tuple[Fate, dict[str, int]]]:
    """Return what became of every group that counts, by route and path."""
    given = load({"shadow_url": shadow.url, **settings})
    return asyncio.run(_fates(url, given, methods))


async def _fates(
    url: str, settings: Settings, methods: tuple[str, ...]
) -> dict[tuple[str, str], tuple[Fate, dict[str, int]]]:
    with closing(SqlStore(url)) as store:
        asked = [(group, store.samples(group.fingerprint)) for group in store.groups()]
        known = store.known(0)
    work = Recheck(
        settings,
        Rejudge(settings, known, NOW),
        lambda target: HttpSender(target, settings),
        methods=methods,
    )
    return {
        (one.group.key.route, one.group.key.path): (one.fate, one.reasons)
        for one in await work.run(asked)
    }


def test_what_is_mended_is_fixed_and_what_is_not_still_diverges(tea: str) -> None:
    """The price and the phone are right again, the stock is a text as before."""
    half = {**LIVE, "stock": "3"}
    with ShadowServer(asgi(shop(half))) as shadow:
        found = fates(tea, shadow)

    assert (Fate.FIXED, {}) == found["GET /tea", "/price"]
    assert (Fate.FIXED, {}) == found["GET /tea", "/phone"]
    assert Fate.DIVERGING is found["GET /tea", "/stock"][0]


def test_what_goes_out_is_a_marked_copy_and_nothing_else(tea: str) -> None:
    """W65: each sample once, whatever the number of its groups; no write; the same path."""
    with closing(SqlStore(tea)) as store:
        stored = {
            one.id
            for group in store.groups()
            for one in store.samples(group.fingerprint)
            if one.record.route == "GET /tea"
        }
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        fates(tea, shadow)
        received = shadow.received

    assert len(stored) == len(received)
    assert {("GET", b"/tea")} == {(one.method, one.target) for one in received}
    for one in received:
        marker = [v for n, v in one.headers if n.lower() == b"x-shadow-request"]
        assert 1 == len(marker)


def test_what_goes_out_has_taken_the_steps_of_its_target(tea: str) -> None:
    """A shadow that wants a token of its own gets it here as in a replay."""
    step = {"action": "set_header", "name": "X-Step", "value": "1"}
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        found = fates(
            tea, shadow, transform=[step], key="header:x-user", sessions="rebind"
        )
        received = shadow.received

    assert Fate.FIXED is found["GET /tea", "/price"][0]
    assert {(b"X-Step", b"1")} == {
        f for r in received for f in r.headers if f[1] == b"1"
    }


def test_writes_are_sent_only_where_they_are_named(tea: str) -> None:
    """W65: without a word of it nobody can tell."""
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        without = fates(tea, shadow)
        assert {"GET"} == {one.method for one in shadow.received}
        named = fates(tea, shadow, methods=("POST",))

    fate, reasons = without["POST /order", "/price"]
    assert (Fate.UNKNOWN, ["POST is not among the methods to send"]) == (
        fate,
        list(reasons),
    )
    assert Fate.FIXED is named["POST /order", "/price"][0]
    assert Fate.UNKNOWN is named["GET /tea", "/price"][0]


def test_a_masked_request_is_not_sent(tea: str) -> None:
    """A token that was redacted is gone, so the stored request is another one."""
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        found = fates(tea, shadow)

        assert not [one for one in shadow.received if b"/mine" in one.target]
    assert (Fate.UNKNOWN, ["the stored request is not complete"]) == (
        found["GET /mine", "/price"][0],
        list(found["GET /mine", "/price"][1]),
    )


@pytest.mark.parametrize("away", [refusing, frozen])
def test_a_shadow_that_is_away_tells_nothing(tea: str, away: Any) -> None:
    """And says that it is away; the breaker spares it what is left."""
    with ShadowServer(away) as shadow:
        found = fates(tea, shadow, total_timeout=0.3, breaker_failures=1)

    fate, reasons = found["GET /tea", "/price"]
    assert Fate.UNKNOWN is fate
    assert all(reason.startswith("the shadow is away") for reason in reasons)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (failing(500), "hidden by another divergence: status"),
        (Reply(200, [(b"Content-Type", b"text/plain")], b"tea"), "hidden by"),
    ],
)
def test_an_answer_of_another_kind_hides_what_is_asked(
    tea: str, answer: Any, reason: str
) -> None:
    """An error page without the wrong price is no right price."""
    with ShadowServer(answer) as shadow:
        fate, reasons = fates(tea, shadow)["GET /tea", "/price"]

    assert Fate.UNKNOWN is fate
    assert all(one.startswith(reason) for one in reasons)


def test_another_difference_at_the_same_place_still_diverges(tea: str) -> None:
    """A price that is a text now is not mended."""
    with ShadowServer(asgi(shop({**LIVE, "price": "250"}))) as shadow:
        fate, reasons = fates(tea, shadow)["GET /tea", "/price"]

    assert (Fate.DIVERGING, ["differs in another way now"]) == (fate, list(reasons))


def test_a_group_of_a_target_that_is_not_set_cannot_be_told(tea: str) -> None:
    """The name is said."""
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        targets = [{"name": "next", "url": shadow.url}]
        settings = load({"targets": targets})
        found = asyncio.run(_fates(tea, settings, SAFE_METHODS))

    fate, reasons = found["GET /tea", "/price"]
    assert (Fate.UNKNOWN, ["the settings name no target 'shadow'"]) == (
        fate,
        list(reasons),
    )


def test_an_answer_that_is_cut_tells_nothing(tea: str) -> None:
    """What lies beyond the cut might diverge."""
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        fate, reasons = fates(tea, shadow, max_stored_body=20)["GET /tea", "/price"]

    assert Fate.UNKNOWN is fate
    assert reasons


def test_an_answer_that_is_right_as_far_as_it_is_kept_tells_nothing(tea: str) -> None:
    """Blanks behind the document, more of them than are kept."""
    data = json.dumps({**LIVE, "lot": "lot 1 of this"}).encode() + b" " * 20_000
    reply = Reply(200, [(b"Content-Type", b"application/json")], data)
    with ShadowServer(reply) as shadow:
        fate, reasons = fates(tea, shadow)["GET /tea", "/price"]

    assert Fate.UNKNOWN is fate
    assert reasons


def test_a_rule_that_explains_it_by_now_is_named(tea: str) -> None:
    """What a rule takes away can be neither fixed nor diverging."""
    rule = {"name": "as agreed", "path": "/price", "kind": "changed"}
    with ShadowServer(asgi(shop(REWRITE))) as shadow:
        found = fates(tea, shadow, rules=[rule])

    assert (Fate.UNKNOWN, ["explained by now, as it seems by as agreed"]) == (
        found["GET /tea", "/price"][0],
        list(found["GET /tea", "/price"][1]),
    )
    assert Fate.DIVERGING is found["GET /tea", "/phone"][0]


def test_what_differed_and_was_redacted_cannot_be_told(tea: str) -> None:
    """Two masks are equal, whatever they hide."""
    with ShadowServer(asgi(shop(LIVE))) as shadow, closing(SqlStore(tea)) as store:
        [group] = [
            one
            for one in store.groups()
            if (one.key.route, one.key.path) == ("GET /tea", "/price")
        ]
        masked = [
            msgspec.structs.replace(
                one,
                record=msgspec.structs.replace(
                    one.record,
                    live_body='{"price": "[redacted]"}',
                    shadow_body='{"price": "[redacted]"}',
                ),
            )
            for one in store.samples(group.fingerprint)
        ]
        settings = load({"shadow_url": shadow.url})
        rejudge = Rejudge(settings, store.known(0), NOW)
        work = Recheck(settings, rejudge, lambda target: HttpSender(target, settings))
        [result] = asyncio.run(work.run([(group, masked)]))

    assert Fate.UNKNOWN is result.fate
    assert ["what was kept does not show it: it was redacted or cut"] == list(
        result.reasons
    )


def test_nothing_is_learned_or_counted_from_a_recheck(tea: str) -> None:
    """The store holds afterwards what it held before."""
    with closing(SqlStore(tea)) as store:
        before = (store.totals(), store.known(0), store.count_divergences())
    with ShadowServer(asgi(shop(REWRITE))) as shadow:
        fates(tea, shadow)
    with closing(SqlStore(tea)) as store:
        after = (store.totals(), store.known(0), store.count_divergences())

    assert before == after


# --- the command -----------------------------------------------------------------------


def test_the_command_tells_resolves_and_exits(run: Run, tea: str) -> None:
    """1 while something diverges, 0 once all is fixed; the fixed ones are resolved."""
    with ShadowServer(asgi(shop(REWRITE))) as shadow:
        first = run("recheck", "--all", "--store", tea, "--url", shadow.url)
        shadow.become(asgi(shop(LIVE)))
        with closing(SqlStore(tea)) as store:
            names = [
                one.fingerprint for one in store.groups() if "/tea" in one.key.route
            ]
        options = ("--store", tea, "--url", shadow.url)
        second = run("recheck", *names, *options, "--resolve", "--json")
    states = json.loads(
        run("groups", "list", "--store", tea, "--state", "resolved", "--json").stdout
    )

    assert 1 == first.exit_code
    assert "still diverging" in first.stdout
    assert 0 == second.exit_code, second.output
    found = json.loads(second.stdout)
    assert "shadow-middleware/recheck/1" == found["format"]
    assert {("fixed", True)} == {(g["fate"], g["resolved"]) for g in found["groups"]}
    assert sorted(names) == sorted(one["group"] for one in states["groups"])


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_what_cannot_be_told_exits_with_three(run: Run, tea: str, columns: int) -> None:
    """W65: with the reasons, on every terminal."""
    with ShadowServer(refusing) as shadow:
        result = run(
            "recheck", "--all", "--store", tea, "--url", shadow.url, columns=columns
        )

    assert 3 == result.exit_code
    assert "10 cannot tell." in words(result)
    assert columns >= max(map(len, result.stdout.split("\n")))


def test_nothing_to_recheck_is_fine(run: Run, empty_url: str) -> None:
    """No group counts, so nothing is wrong."""
    result = run(
        "recheck", "--all", "--store", empty_url, "--url", "http://127.0.0.1:9"
    )

    assert 0 == result.exit_code
    assert "nothing to recheck" in words(result)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name groups, or say --all"),
        (["aa", "--all"], "name groups, or say --all"),
        (["--all"], "no shadow is set"),
        (["--all", "--url", "nonsense"], "--url"),
        (["--all", "--url", "http://127.0.0.1:9", "--methods", "G E T"], "GET,POST"),
        (["ffff", "--url", "http://127.0.0.1:9"], "no group begins with 'ffff'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, empty_url: str, options: list[str], said: str
) -> None:
    """Before anything is sent."""
    result = run("recheck", *options, "--store", empty_url)

    assert 2 == result.exit_code
    assert said in words(result)


def test_the_methods_of_the_command_are_named(run: Run, tea: str) -> None:
    """Small letters will do."""
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        options = ("--store", tea, "--url", shadow.url, "--json")
        result = run("recheck", "--all", "--methods", "get,post", *options)

        assert {"GET", "POST"} == {one.method for one in shadow.received}
    found = json.loads(result.stdout)["groups"]
    assert {"fixed"} == {
        g["fate"] for g in found if g["route"] == "POST /order" and g["path"] != "/lot"
    }


def test_a_target_of_several_must_be_named(run: Run, tea: str, tmp_path: Any) -> None:
    """`--url` alone could be any of them."""
    file = tmp_path / "shadow.toml"
    targets = "".join(
        f'[[targets]]\nname = "{name}"\nurl = "http://{name}.test"\n'
        for name in ("shadow", "next")
    )
    file.write_text(targets)
    options = ("--all", "--store", tea, "--config", str(file))
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        which = run("recheck", *options, "--url", shadow.url)
        named = run("recheck", *options, "--url", shadow.url, "--target", "shadow")

    assert 2 == which.exit_code
    assert "say which with --target" in words(which)
    assert "fixed" in words(named)


def test_a_result_is_a_value(tea: str) -> None:
    """It can be sent as JSON by whoever shows it."""
    with ShadowServer(asgi(shop(LIVE))) as shadow:
        fate, _ = fates(tea, shadow)["GET /tea", "/price"]

    assert b'"fixed"' == msgspec.json.encode(fate)
