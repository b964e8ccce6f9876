"""Log lines for machines: JSON of whatever record, and the access log of an agent."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware import runtime
from shadow_middleware.exchange import Outcome
from shadow_middleware.logs import JsonFormatter
from shadow_middleware.observe import access
from shadow_middleware.observe.access import AccessLog
from shadow_middleware.testing import ShadowServer
from tests.observe.replays import replay
from tests.promises.staging import reserved, serving, until

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "monitoring.md").read_text("utf-8")

# As logstash-patterns-core defines them (patterns/ecs-v1/grok-patterns).
GROK = {
    "NOTSPACE": r"\S+",
    "INT": r"(?:[+-]?(?:[0-9]+))",
    "NUMBER": r"(?:(?<![0-9.+-])(?>[+-]?(?:(?:[0-9]+(?:\.[0-9]+)?)|(?:\.[0-9]+))))",
}


def formatted(**fields: Any) -> dict[str, Any]:
    """Return what a reader of the line gets."""
    plain = {"name": "shadow_middleware", "levelname": "INFO", "msg": "hello"}
    line = JsonFormatter().format(logging.makeLogRecord({**plain, **fields}))
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line, parse_constant=_refuse)
    return found


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_a_record_is_one_object_with_its_extras() -> None:
    """Time, level, logger and event first; everything that came as `extra` after."""
    found = formatted(
        created=1_700_000_000.25,
        msg="a %s",
        args=("b",),
        event="divergence",
        live_ms=1.5,
    )

    assert {
        "timestamp": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "logger": "shadow_middleware",
        "event": "divergence",
        "message": "a b",
        "live_ms": 1.5,
    } == found


def test_an_exception_is_a_member_and_no_second_line() -> None:
    """A trace does not tear a line apart."""
    try:
        raise ValueError("no\nway")
    except ValueError:
        found = formatted(exc_info=sys.exc_info())

    assert "ValueError: no\nway" in found["exception"]


@given(
    st.dictionaries(
        st.text(min_size=1).filter(
            lambda name: name not in vars(logging.makeLogRecord({}))
        ),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.text()
            | st.binary()
            | st.integers(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_any_extra_becomes_valid_json(extras: dict[str, Any]) -> None:
    """Numbers that JSON has not, bytes, lone surrogates, whatever depth."""
    given_names = extras.keys() - {"message", "asctime", "taskName", "event"}

    assert given_names <= formatted(**extras).keys()


def test_arguments_that_do_not_fit_lose_no_line() -> None:
    """Somebody else's mistake in a log call is still a line."""
    assert "%d apples" == formatted(msg="%d apples", args=("no",))["message"]


def test_what_holds_itself_has_an_end() -> None:
    """A list in itself is cut, and does not recurse for ever."""
    endless: list[Any] = []
    endless.append(endless)

    assert "endless" in formatted(endless=endless)


# --- the agent's own log ---------------------------------------------------------------------

LIVE = """
    import asyncio
    from shadow_middleware import runtime
    from shadow_middleware.testing import ShadowServer
    from tests.promises.staging import serving, until

    with ShadowServer() as shadow, serving(
        shadow_url=shadow.url, store_url="", log_format={format!r}
    ) as live:
        live.ask()
        until(lambda: live.side.state.ended == 1)
        runtime.shutdown(60.0)
"""


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_agent_writes_its_log_as_the_settings_say(log_format: str) -> None:
    """`log_format`: what a pipeline reads from standard error is JSON, line by line."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIVE).format(format=log_format)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line for line in ran.stderr.splitlines() if "divergence on" in line]

    assert lines
    if log_format == "json":
        (found, *_) = map(json.loads, lines)
        assert ("divergence", "shadow", 200) == (
            found["event"],
            found["target"],
            found["live_status"],
        )
    else:
        assert not lines[0].startswith("{")


# --- the access log --------------------------------------------------------------------------


@pytest.fixture
def _no_agent_stays() -> Iterator[None]:
    yield
    runtime.shutdown(60.0)


def documented_pattern() -> re.Pattern[str]:
    """Return the Grok pattern of the documentation as Python's regular expression."""
    (grok,) = set(re.findall(r'"(%\{NOTSPACE:url\}[^"]*)"', PAGE))
    return re.compile(
        re.sub(
            r"%\{(\w+):(\w+)(?::\w+)?\}",
            lambda m: f"(?P<{m[2]}>{GROK[m[1]]})",
            grok,
        )
    )


@pytest.mark.usefixtures("_no_agent_stays")
def test_real_lines_fit_the_documented_pattern(tmp_path: Path) -> None:
    """`access_log`: answered, failed, odd and secret URLs, through a real agent."""
    path = tmp_path / "access.log"
    with (
        ShadowServer() as shadow,
        reserved() as down,
        serving(
            shadow_url=shadow.url,
            targets=[{"name": "down", "url": down.url}],
            store_url="",
            access_log=str(path),
        ) as live,
    ):
        live.ask(target="/users/7?full=1&token=hunter2-and-more")
        live.ask(target="/a%20b%0A/%C3%A9")
        until(lambda: live.side.state.ended == 4)
        runtime.shutdown(60.0)
    lines = path.read_text("ascii").splitlines()
    matches = [documented_pattern().fullmatch(line) for line in lines]
    found = [match.groupdict() for match in matches if match]

    assert 4 == len(lines) == len(found)
    assert {"/users/7?full=1&token=[redacted]", "/a%20b%0A/%C3%A9"} == {
        one["url"] for one in found
    }
    answered = [one for one in found if one["shadow_status"]]
    failed = [one for one in found if not one["shadow_status"]]
    assert [2, 2] == [len(answered), len(failed)]
    for one in answered:
        delta = float(one["shadow_ms"]) - float(one["live_ms"])
        assert delta == pytest.approx(float(one["delta_ms"]), abs=0.002)
        assert ("200", "200") == (one["live_status"], one["shadow_status"])
    for one in failed:
        assert (None, None, "200") == (
            one["shadow_ms"],
            one["delta_ms"],
            one["live_status"],
        )


def logged(path: Path, *replays: Any, url: str = "/a") -> AccessLog:
    """Return a log that these were written to."""
    log = AccessLog(str(path), lambda path, query: url)
    for one in replays:
        log.write(one)
    return log


def test_what_was_never_sent_has_no_line(tmp_path: Path) -> None:
    """Dropped and skipped exchanges met no shadow."""
    path = tmp_path / "log"
    logged(path, replay(Outcome.MATCH), replay(Outcome.TIMEOUT)).close(5.0)
    assert 2 == len(path.read_text().splitlines())

    never = [Outcome.DROPPED, Outcome.SKIPPED, Outcome.LIVE_ERROR]
    other = tmp_path / "other"
    logged(other, *(unanswered(outcome) for outcome in never)).close(5.0)
    assert not other.exists()


def unanswered(outcome: Outcome) -> Any:
    """Return a replay that had no answer."""
    import msgspec

    return msgspec.structs.replace(replay(outcome), response=None, timing=None)


@given(st.text())
def test_no_url_forges_a_line(url: str) -> None:
    """Six words, whatever a client asks for."""
    line = access.access_line(replay(Outcome.MATCH), url)

    assert line.isascii()
    assert line.isprintable()
    assert 6 == len(line.split(" "))


def test_a_file_that_was_moved_is_opened_anew(tmp_path: Path) -> None:
    """logrotate needs no signal, and no line is lost."""
    path = tmp_path / "log"
    log = logged(path, replay(Outcome.MATCH))
    until(lambda: path.exists() and path.read_text())
    path.rename(tmp_path / "log.1")
    log.write(replay(Outcome.MATCH))
    log.close(5.0)

    assert [1, 1] == [
        len((tmp_path / name).read_text().splitlines()) for name in ("log", "log.1")
    ]


def test_a_disk_that_fails_costs_lines_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Replays go on; the log says what is wrong, once."""
    log = logged(tmp_path / "nowhere" / "log", replay(Outcome.MATCH))
    log.close(5.0)

    assert 1 == len(caplog.messages)
    assert "access log fails" in caplog.messages[0]


def test_lines_that_wait_for_the_disk_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond the bound they are counted, and the count is told."""
    monkeypatch.setattr(access, "MOST", 0)
    log = logged(tmp_path / "log", replay(Outcome.MATCH), replay(Outcome.MATCH))
    monkeypatch.setattr(access, "MOST", 10)
    log.write(replay(Outcome.MATCH))
    log.close(5.0)

    assert ["2 lines of the access log were lost"] == caplog.messages
