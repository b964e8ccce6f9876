"""An option that is documented does something, and a test shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import shadow_middleware
from shadow_middleware import runtime
from shadow_middleware.exchange import Outcome
from shadow_middleware.settings import Rule, Settings, Target, load
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.testing import Reply, ShadowServer, asgi, collect, frozen
from shadow_middleware.testing import refusing as refused
from tests.promises.staging import ALL_METHODS, counted, echo, serving, until

PACKAGE = Path(shadow_middleware.__file__).parent
TESTS = Path(__file__).parents[1]
FIELDS = [
    pytest.param(field.name, id=f"{owner.__name__}.{field.name}")
    for owner in (Settings, Target, Rule)
    for field in msgspec.structs.fields(owner)
]
# They say what is valid and what is the same; that is no use of an option.
DECLARING = (
    "settings.py",
    "rule.py",
    "coherence.py",
    "validation.py",
    "configuration.py",
)
DECIDED_AT_START = {"live_urls"}
"""Whose whole effect is a refusal; see `test_a_target_that_is_the_app_itself…`."""


def texts(root: Path, *left_out: str) -> list[str]:
    """Return every module below a folder."""
    paths = [path for path in root.rglob("*.py") if path.name not in left_out]
    return [path.read_text("utf-8") for path in paths]


READ = {
    node.attr
    for text in texts(PACKAGE, *DECLARING)
    for node in ast.walk(ast.parse(text))
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
}
TESTED = "\n".join(texts(TESTS, "test_settings.py", "test_docs.py"))


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_is_used_and_tested(name: str) -> None:
    """W28: none is only declared; some test beside the settings' own sets it."""
    assert name in READ | DECIDED_AT_START
    assert name in DECIDED_AT_START or re.search(
        rf"""\b{name}\s*=[^=]|["']{name}["']\s*:""", TESTED
    )


def test_a_request_body_beyond_its_cap_is_not_replayed() -> None:
    """W28: `max_request_body`: the exchange is counted, with its reason."""
    with (
        ShadowServer() as shadow,
        collect() as outcomes,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url="",
            methods=ALL_METHODS,
            max_request_body=4,
        ) as live,
    ):
        assert (200, b"12345") == live.ask("POST", body=b"12345")
        assert {Outcome.SKIPPED: 1} == outcomes.wait_for(1)
        assert ["request_cut"] == [event["reason"] for event in outcomes.finished]
        assert [] == shadow.received


@pytest.mark.parametrize("option", [{"buffer_count": 3}, {"buffer_bytes": 2000}])
def test_the_live_side_holds_no_more_than_it_may(
    option: dict[str, Any], tmp_path: Path
) -> None:
    """W9, W28: `buffer_count` and `buffer_bytes`, with no agent that takes anything."""
    nobody: dict[str, Any] = {"engine": f"unix:{tmp_path}/nobody.sock", "store_url": ""}
    with serving(shadow_url="http://127.0.0.1:9", **nobody, **option) as live:
        for _ in range(60):
            live.ask()
        state = live.side.state
        runtime.shutdown(0.1)

        assert state.held <= 20
        assert state.selected == state.held + sum(state.dropped.values())
        assert sum(state.dropped.values()) >= 40


@pytest.mark.parametrize("option", [{"queue_count": 2}, {"queue_bytes": 2000}])
def test_the_agent_queues_no_more_than_it_may(option: dict[str, Any]) -> None:
    """W9, W28: `queue_count` and `queue_bytes`, with a shadow that takes nothing."""
    with (
        ShadowServer(frozen) as shadow,
        collect() as outcomes,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url="",
            concurrency=1,
            drain_timeout=0.1,
            signal_rate=1e4,
            **option,
        ) as live,
    ):
        for _ in range(60):
            live.ask()
        until(lambda: live.side.state.ended >= 40)

        assert set() == {Outcome.DROPPED} ^ set(outcomes.wait_for(40))
        # On a machine that leaves us no processor it is told as that.
        reasons = {event["reason"] for event in outcomes.finished}
        assert {"queue_full"} == reasons - {"starved"}


@pytest.mark.parametrize(("pause", "again"), [(0.0, True), (600.0, False)])
def test_a_shadow_that_failed_is_asked_again_after_its_pause(
    pause: float, again: bool
) -> None:
    """W14, W28: `breaker_retry_after`, once `breaker_failures` have opened it."""
    with (
        ShadowServer(refused) as shadow,
        collect() as outcomes,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url="",
            breaker_failures=1,
            breaker_retry_after=pause,
        ) as live,
    ):
        live.ask()
        outcomes.wait_for(1)
        shadow.become(asgi(echo))
        live.ask()
        found = outcomes.wait_for(2)

        assert again == (Outcome.MATCH in found)
        assert again == bool(shadow.received)


def test_no_more_is_held_for_a_store_than_it_may(tmp_path: Path) -> None:
    """W28, W46: `store_buffer`: samples go, counts stay, and the loss is a number."""
    in_the_way = tmp_path / "store.db"
    in_the_way.mkdir()
    url = f"sqlite:///{in_the_way}"
    with (
        ShadowServer(Reply(200, (), b"other")) as shadow,
        collect() as outcomes,
        serving(shadow_url=shadow.url, store_url=url, store_buffer=2) as live,
    ):
        for _ in range(12):
            live.ask()
        assert {Outcome.DIVERGENCE: 12} == outcomes.wait_for(12)
        in_the_way.rmdir()
        assert runtime.shutdown(90.0)

    assert {("shadow", "divergence"): 12} == counted(url)
    store = SqlStore(url)
    try:
        kept, lost = store.count_divergences(), sum(x.count for x in store.losses())
    finally:
        store.close()
    assert (12, 2) == (kept + lost, kept)


ENDS = ["\n", "\r\n"]


@pytest.mark.parametrize("end", ENDS, ids=["LF", "CR LF"])
def test_a_secret_from_a_file_has_no_end_of_line(end: str) -> None:
    """W48: a password file ends in one, and both sides of a mark must agree."""
    url = "postgresql+psycopg://u:p@h/d"
    prefix = "SHADOW_MIDDLEWARE_"
    environ = {f"{prefix}SECRET": f"key{end}", f"{prefix}STORE_URL": f"{url}{end}"}
    given = {"shadow_url": "http://s.test", "secret": "key", "store_url": url}
    bare = load(given, environ={})

    assert bare == load({"shadow_url": "http://s.test"}, environ=environ)
    with_ends = {"secret": f"key{end}", "store_url": f"{url}{end}"}
    assert bare == load({**given, **with_ends}, environ={})
