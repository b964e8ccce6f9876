"""Settings: one validator for every place they come from."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from shadow_middleware.errors import ConfigurationError, DecodeError
from shadow_middleware.settings import (
    MIB,
    Rule,
    Settings,
    Target,
    from_wire,
    load,
    to_wire,
)

URL = "http://shadow.test"


def make_transport() -> None:
    """A function that can be imported by its path."""


class Callable:
    """An object that can be called; and one whose call is a coroutine."""

    def __call__(self, context: object) -> str:
        return "key"

    async def later(self, context: object) -> bool:
        return True


def environment(**settings: Any) -> dict[str, str]:
    """The settings as variables, lists and tables in JSON."""
    return {
        f"SHADOW_MIDDLEWARE_{name.upper()}": value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in settings.items()
    }


def toml(value: Any) -> str:
    """One value as TOML writes it."""
    if isinstance(value, dict):
        items = (f"{name} = {toml(item)}" for name, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def write(path: Path, settings: dict[str, Any], table: str = "") -> Path:
    lines = [f"{name} = {toml(value)}" for name, value in settings.items()]
    path.write_text("\n".join([table, *lines]), encoding="utf-8")
    return path


# --- every wrong input, and what is said about it ------------------------------------------

TWO = [{"url": URL, "name": "a"}, {"url": URL, "name": "a"}]
WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"shaddow_url": URL},
        "shaddow_url: unknown setting (keyword argument); did you mean 'shadow_url'?",
    ),
    ({"zzz": 1}, "zzz: unknown setting (keyword argument)"),
    (
        {"shadow_url": ""},
        "shadow_url: no target is set (keyword argument); give shadow_url or targets, "
        "or set enabled=False",
    ),
    ({"shadow_url": 7}, "shadow_url: 7 is not a string (keyword argument)"),
    (
        {"shadow_url": "shadow:8000"},
        "shadow_url: 'shadow:8000' is not an http:// or https:// address (keyword "
        "argument); did you mean 'http://shadow:8000'?",
    ),
    (
        {"shadow_url": "http//shadow:8000"},
        "shadow_url: 'http//shadow:8000' is not an http:// or https:// address (keyword "
        "argument); did you mean 'http://shadow:8000'?",
    ),
    (
        {"shadow_url": "http:shadow"},
        "shadow_url: 'http:shadow' is not an http:// or https:// address (keyword "
        "argument); did you mean 'http://shadow'?",
    ),
    (
        {"shadow_url": "ftp://shadow/x"},
        "shadow_url: 'ftp://shadow/x' is not an http:// or https:// address (keyword "
        "argument); did you mean 'http://shadow/x'?",
    ),
    (
        {"shadow_url": "http://"},
        "shadow_url: 'http://' is not an http:// or https:// address (keyword argument)",
    ),
    (
        {"shadow_url": "http://user:password@shadow"},
        "shadow_url: the address holds credentials (keyword argument); send them with a "
        "transport of your own (`transport`)",
    ),
    (
        {"shadow_url": "http://shadow/x?a=1"},
        "shadow_url: 'http://shadow/x?a=1' has a query or fragment (keyword argument); "
        "did you mean 'http://shadow/x'?",
    ),
    (
        {"shadow_url": "http://shadow/#top"},
        "shadow_url: 'http://shadow/#top' has a query or fragment (keyword argument); "
        "did you mean 'http://shadow/'?",
    ),
    (
        {"shadow_url": "http://shadow:99999"},
        "shadow_url: not an address: Port out of range 0-65535 (keyword argument)",
    ),
    (
        {"shadow_url": "http://shadow:0"},
        "shadow_url: 'http://shadow:0' has no usable port (keyword argument)",
    ),
    (
        {"shadow_url": "http://shadow\r\nx"},
        "shadow_url: 'http://shadow\\r\\nx' has characters that no address has (keyword "
        "argument); percent-encode the path, and write the host in punycode",
    ),
    (
        {"live_urls": ["live"]},
        "live_urls: 'live' is not an http:// or https:// address (keyword argument); "
        "did you mean 'http://live'?",
    ),
    (
        {"live_urls": ["http://shadow.test:80/"]},
        f"shadow_url: {URL!r} is the live app itself, 'http://shadow.test:80/' "
        "(keyword argument)",
    ),
    (
        {
            "targets": [{"url": "http://live:8000/", "name": "b"}],
            "live_urls": ["http://LIVE:8000"],
        },
        "targets[0]: 'http://live:8000/' is the live app itself, 'http://LIVE:8000' "
        "(keyword argument)",
    ),
    ({"targets": TWO}, "targets[1]: two targets are named 'a' (keyword argument)"),
    (
        {"targets": [{"url": URL}]},
        "targets[0]: two targets are named 'shadow' (keyword argument)",
    ),
    ({"targets": [{"name": "b"}]}, "targets[0]: 'url' is missing (keyword argument)"),
    (
        {"targets": [{"ulr": URL}]},
        "targets[0].ulr: unknown setting (keyword argument); did you mean 'url'?",
    ),
    (
        {"targets": {"url": URL}},
        f"targets: {{'url': {URL!r}}} is not a list (keyword argument); did you mean "
        f"[{{'url': {URL!r}}}]?",
    ),
    (
        {"targets": [URL]},
        f"targets[0]: {URL!r} is not a table of a target (keyword argument)",
    ),
    (
        {"targets": [{"url": URL, "name": "a b"}]},
        "targets[0].name: 'a b' is not a name (keyword argument); use up to 64 letters, "
        "digits, '.', '_' and '-'",
    ),
    (
        {"targets": [{"url": URL, "name": "b", "concurrency": -1}]},
        "targets[0].concurrency: -1 is below 0 (keyword argument)",
    ),
    (
        {"methods": "GET"},
        "methods: 'GET' is not a list (keyword argument); did you mean ['GET']?",
    ),
    (
        {"methods": ["GTE"]},
        "methods: unknown method 'GTE' (keyword argument); did you mean 'GET'?",
    ),
    ({"methods": ["CONNECT"]}, "methods: unknown method 'CONNECT' (keyword argument)"),
    (
        {"methods": []},
        "methods: the list is empty (keyword argument); to mirror nothing, set "
        "enabled=False",
    ),
    (
        {"include": ["users/*"]},
        "include: 'users/*' does not start with '/' or '**/' (keyword argument); did you "
        "mean '/users/*'?",
    ),
    (
        {"exclude_routes": ["GTE /users"]},
        "exclude_routes: unknown method 'GTE' (keyword argument); did you mean 'GET'?",
    ),
    (
        {"ignore_paths": ["$.items.id"]},
        "ignore_paths: '$.items.id' does not start with '/' or '**/' (keyword argument); "
        "did you mean '/items.id'?",
    ),
    (
        {"content_types": ["json"]},
        "content_types: 'json' is not a media type (keyword argument); did you mean "
        "'application/json'?",
    ),
    ({"rate": "1"}, "rate: '1' is not a number (keyword argument)"),
    ({"rate": True}, "rate: True is not a number (keyword argument)"),
    (
        {"rate": 1.5},
        "rate: 1.5 is not between 0 and 1 (keyword argument); the nearest is 1",
    ),
    (
        {"rate": -1},
        "rate: -1.0 is not between 0 and 1 (keyword argument); the nearest is 0",
    ),
    (
        {"rate": float("nan")},
        "rate: nan is not a finite number in range (keyword argument)",
    ),
    (
        {"rate": 0.00001},
        "rate: 1e-05 is below the smallest step (keyword argument); did you mean 0.0001?",
    ),
    (
        {"key": "headers:x"},
        "key: unknown key 'headers:x' (keyword argument); did you mean 'header:NAME'?",
    ),
    (
        {"key": "header:"},
        "key: 'header:' names no header (keyword argument); 'header:NAME'",
    ),
    (
        {"key": "cookie:a b"},
        "key: 'cookie:a b' names no cookie (keyword argument); 'cookie:NAME'",
    ),
    ({"key": 7}, "key: 7 is not a key (keyword argument)"),
    (
        {"skip": "module:function"},
        "skip: 'module:function' is not a function (keyword argument); give the function "
        "itself, as a keyword argument or in Django's settings",
    ),
    ({"enabled": 1}, "enabled: 1 is not a boolean (keyword argument); True or False"),
    ({"concurrency": 0}, "concurrency: 0 is below 1 (keyword argument)"),
    ({"concurrency": 1.5}, "concurrency: 1.5 is not a whole number (keyword argument)"),
    ({"queue_bytes": 0}, "queue_bytes: 0 is below 1 (keyword argument)"),
    (
        {"max_request_body": -1},
        "max_request_body: -1 is below 0 (keyword argument)",
    ),
    (
        {"buffer_bytes": 2**80},
        f"buffer_bytes: {2**80} is beyond {2**62} (keyword argument)",
    ),
    ({"connect_timeout": 0}, "connect_timeout: 0.0 is not above 0 (keyword argument)"),
    (
        {"engine": "tread"},
        "engine: unknown engine 'tread' (keyword argument); did you mean 'thread'?",
    ),
    (
        {"engine": "unix:"},
        "engine: 'unix:' names no socket (keyword argument); write 'unix:PATH'",
    ),
    (
        {"credentials": "keep"},
        "credentials: unknown value 'keep' (keyword argument); known: 'drop', 'pass'",
    ),
    (
        {"host": "preserved"},
        "host: unknown value 'preserved' (keyword argument); did you mean 'preserve'?",
    ),
    (
        {"keep_headers": ["x y"]},
        "keep_headers: 'x y' is not a header name (keyword argument)",
    ),
    (
        {"redact_headers": ["x:"]},
        "redact_headers: 'x:' is not a header name or glob (keyword argument)",
    ),
    (
        {"redact_patterns": ["(?=a)"]},
        "redact_patterns: '(?=a)' is not an RE2 pattern: invalid perl operator: (?= "
        "(keyword argument); RE2 has no look-around and no back-references",
    ),
    (
        {"transport": "htttpx"},
        "transport: unknown transport 'htttpx' (keyword argument); did you mean 'httpx'?",
    ),
    (
        {"transport": lambda: None},
        "transport: a lambda cannot be imported by the agent (keyword argument); move it "
        "to a module, and give it as 'module:function'",
    ),
    ({"transport": 7}, "transport: 7 is not a string (keyword argument)"),
    (
        {"store_url": "mysql://user:password@host/db"},
        "store_url: the scheme 'mysql' is not a store (keyword argument); use "
        "sqlite:///FILE or postgresql://…, or an empty string for no store",
    ),
    (
        {"store_url": "shadow.db"},
        "store_url: no database address (keyword argument); use sqlite:///FILE or "
        "postgresql://…, or an empty string for no store",
    ),
    *(
        (
            {"store_url": url},
            "store_url: names no file (keyword argument); use sqlite:///FILE or "
            "postgresql://…, or an empty string for no store",
        )
        for url in ("sqlite://", "sqlite://shadow.db", "sqlite:///:memory:")
    ),
    (
        {"store_url": "sqlite+aiosqlite:///shadow.db"},
        "store_url: the scheme 'sqlite+aiosqlite' is not a store (keyword argument); use "
        "sqlite:///FILE or postgresql://…, or an empty string for no store",
    ),
    ({"secret": 12345}, "secret: '***' is not a string (keyword argument)"),
    ({"secret": "\udcff"}, "secret: '***' is not valid Unicode (keyword argument)"),
    (
        {"rules": [{"pth": "/a"}]},
        "rules[0].pth: unknown setting (keyword argument); did you mean 'path'?",
    ),
    (
        {"rules": [{"action": "tolerate"}]},
        "rules[0]: tolerates nothing (keyword argument); give one of absolute, relative, "
        "unordered, keyed_by, statuses",
    ),
    (
        {"rules": [{"path": "/items", "unordered": True}]},
        "rules[0]: 'unordered' has no effect on what is ignored (keyword argument); did "
        "you mean action 'tolerate'?",
    ),
    (
        {"rules": [{"name": "all"}]},
        "rules[0]: ignores every body (keyword argument); give a path, a route or a "
        "pattern",
    ),
    (
        {"rules": [{"path": "/a", "target": "shadw"}]},
        "rules[0]: no target is named 'shadw' (keyword argument); did you mean 'shadow'?",
    ),
    (
        {"rules": [{"path": "/a", "matches": "("}]},
        "rules[0].matches: '(' is not an RE2 pattern: missing ): ( (keyword argument); "
        "RE2 has no look-around and no back-references",
    ),
    (
        {"rules": [{"action": "tolerate", "part": "status", "statuses": [99]}]},
        "rules[0].statuses: 99 is not a status (keyword argument)",
    ),
    (
        {"rules": [{"part": "latency", "action": "tolerate", "absolute": 5}]},
        "rules[0].part: unknown value 'latency' (keyword argument); known: 'status', "
        "'header', 'body'",
    ),
    (
        {"rules": [{"part": "status", "matches": "x"}]},
        "rules[0]: 'matches' has no meaning for part 'status' (keyword argument); there "
        "it can be statuses, live, shadow",
    ),
    (
        {"rules": [{"part": "status", "path": "/a"}]},
        "rules[0]: path '/a' has no meaning for part 'status' (keyword argument); leave "
        "it out",
    ),
    (
        {"rules": [{"part": "header", "path": "/x-a"}]},
        "rules[0]: path '/x-a' is not the name of a header (keyword argument); write "
        "'x-a'",
    ),
    (
        {
            "rules": [
                {
                    "action": "tolerate",
                    "path": "/a",
                    "unordered": True,
                    "keyed_by": "id",
                }
            ]
        },
        "rules[0]: 'unordered' and 'keyed_by' exclude each other (keyword argument); "
        "'keyed_by' alone takes no notice of order",
    ),
    (
        {"rules": [{"path": "items.id"}]},
        "rules[0]: path 'items.id' is not a JSON pointer (keyword argument); write "
        "'/items.id' or '/**/items.id'",
    ),
    (
        {"rules": [{"path": "/a", "target": "shado?"}]},
        "rules[0]: no target is named 'shado?' (keyword argument); did you mean "
        "'shadow'?",
    ),
    (
        {"exclude": ["*.png"]},
        "exclude: '*.png' does not start with '/' or '**/' (keyword argument); did you "
        "mean '**/*.png'?",
    ),
    (
        {"include_routes": ["POST *"]},
        "include_routes: '*' does not start with '/' or '**/' (keyword argument); did "
        "you mean '**'?",
    ),
    (
        {"ignore_paths": ["*/id"]},
        "ignore_paths: '*/id' does not start with '/' or '**/' (keyword argument); did "
        "you mean '/*/id'?",
    ),
    (
        {"redact_headers": ["x-tenant-?"]},
        "redact_headers: 'x-tenant-?' is not a header name or glob (keyword argument)",
    ),
    (
        {"transport": "pyreqwest"},
        "transport: 'pyreqwest' is none of ours, for it rewrites header names and some "
        "URLs (keyword argument); give 'module:factory', a function of yours that "
        "returns its HttpxTransport",
    ),
    (
        {"control_url": "live-copy:8001"},
        "control_url: 'live-copy:8001' is not an http:// or https:// address (keyword "
        "argument); did you mean 'http://live-copy:8001'?",
    ),
    (
        {"control_url": "http://127.0.0.1:1", "live_urls": ["http://localhost:1"]},
        "control_url: 'http://127.0.0.1:1' is the live app itself, 'http://localhost:1' "
        "(keyword argument)",
    ),
    (
        {"control_url": URL + "/"},
        "control_url: 'http://shadow.test/' is the target 'shadow' as well (keyword "
        "argument); a control runs the live version; to send requests to a shadow "
        "twice, set self_probe",
    ),
    (
        {"targets": [{"url": "http://a", "name": "control"}]},
        "targets[0].name: 'control' is what the control is counted under (keyword "
        "argument); a second copy of the live version is given as control_url",
    ),
    (
        {"targets": [{"url": "http://a", "version": "1\n2"}]},
        "targets[0].version: '1\\n2' is not a version (keyword argument); use up to "
        "100 characters of one line",
    ),
    (
        {"control_rate": 0.5},
        "control_rate: has no effect without a control (keyword argument); set "
        "control_url, or leave it out",
    ),
    (
        {"control_methods": ["GET"]},
        "control_methods: has no effect without a control (keyword argument); set "
        "control_url, or leave it out",
    ),
    (
        {"control_url": "http://copy", "methods": ["POST", "PUT"]},
        "control_url: of POST, PUT, which are mirrored, none goes to the control "
        "(keyword argument); name in control_methods those that it can take",
    ),
    (
        {"control_url": "http://copy", "control_methods": ["POST"]},
        "control_methods: of GET, HEAD, OPTIONS, which are mirrored, none goes to the "
        "control (keyword argument); name in control_methods those that it can take",
    ),
    (
        {"self_probe": 0.1, "methods": ["POST"]},
        "self_probe: of POST, which are mirrored, none is sent twice (keyword "
        "argument); GET, HEAD, OPTIONS are: mirror one of them, or leave it out",
    ),
    (
        {"control_rate": 1.5},
        "control_rate: 1.5 is not between 0 and 1 (keyword argument); the nearest is 1",
    ),
    (
        {"self_probe": 0.00001},
        "self_probe: 1e-05 is below the smallest step (keyword argument); did you mean "
        "0.0001?",
    ),
    (
        {"noise_rule": "difffy"},
        "noise_rule: unknown value 'difffy' (keyword argument); did you mean 'diffy'?",
    ),
    (
        {"noise_half_life": 0},
        "noise_half_life: 0.0 is not above 0 (keyword argument)",
    ),
    ({"noise_cells": -1}, "noise_cells: -1 is below 0 (keyword argument)"),
    (
        {"value_shapes": ["uuid", "timestmp"]},
        "value_shapes: unknown shape 'timestmp' (keyword argument); did you mean "
        "'timestamp'?",
    ),
    (
        {"timestamp_tolerance": -1},
        "timestamp_tolerance: -1.0 is below 0 (keyword argument)",
    ),
    (
        {"float_tolerance": 2},
        "float_tolerance: 2.0 is not between 0 and 1 (keyword argument)",
    ),
    (
        {"version_header": "X Version"},
        "version_header: 'X Version' is not a header name (keyword argument)",
    ),
    (
        {"latency_ratio": 0.5},
        "latency_ratio: 0.5 is below 1 (keyword argument); 2.0 is twice as slow as live; "
        "0 makes latency no divergence",
    ),
    ({"latency_floor": -1}, "latency_floor: -1.0 is below 0 (keyword argument)"),
    (
        {"trace": "no"},
        "trace: unknown value 'no' (keyword argument); known: 'new', 'child', 'drop'",
    ),
    (
        {"metrics_address": "9464"},
        "metrics_address: '9464' is not host:port (keyword argument); did you mean "
        "'127.0.0.1:9464'?",
    ),
    (
        {"metrics_address": "127.0.0.1:0"},
        "metrics_address: '127.0.0.1:0' has no usable port (keyword argument)",
    ),
    (
        {"metrics_address": "0.0.0.0:9464"},
        "metrics_address: '0.0.0.0:9464' can be reached from elsewhere (keyword "
        "argument); set metrics_token as well, or listen at 127.0.0.1",
    ),
    (
        {"metrics_address": "[::]:9464"},
        "metrics_address: '[::]:9464' can be reached from elsewhere (keyword "
        "argument); set metrics_token as well, or listen at 127.0.0.1",
    ),
    (
        {"metrics_routes": -1},
        "metrics_routes: -1 is below 0 (keyword argument)",
    ),
    (
        {"otel_metrics": "globl"},
        "otel_metrics: unknown provider 'globl' (keyword argument); did you mean "
        "'global'?",
    ),
    (
        {"rules": [{"path": "/a", "kind": "chagned"}]},
        "rules[0].kind: unknown value 'chagned' (keyword argument); did you mean "
        "'changed'?",
    ),
    (
        {"rules": [{"path": "/a", "shape": "uid"}]},
        "rules[0].shape: unknown shape 'uid' (keyword argument); did you mean 'uuid'?",
    ),
    (
        {"rules": [{"action": "expect", "path": "/a", "live": "("}]},
        "rules[0].live: '(' is not an RE2 pattern: missing ): ( (keyword argument); RE2 "
        "has no look-around and no back-references",
    ),
    (
        {"rules": [{"action": "expect", "path": "/a", "shadow": "(?=a)"}]},
        "rules[0].shadow: '(?=a)' is not an RE2 pattern: invalid perl operator: (?= "
        "(keyword argument); RE2 has no look-around and no back-references",
    ),
]


@pytest.mark.parametrize(
    ("given", "message"), WRONG, ids=[message for _, message in WRONG]
)
def test_a_wrong_setting_is_named_with_the_nearest_right_one(
    given: dict[str, Any], message: str
) -> None:
    """Key, value, source and advice, word for word."""
    with pytest.raises(ConfigurationError) as caught:
        load({"shadow_url": URL} | given, environ={})
    assert message == str(caught.value)


def test_every_error_names_its_source() -> None:
    """The same mistake in another place is told by its place."""
    for found, source in (
        (
            {"environ": environment(rate="2")},
            "environment variable SHADOW_MIDDLEWARE_RATE",
        ),
        ({"overrides": {"rate": 2}, "source": "the command line"}, "the command line"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load(**{"environ": {}} | found)
        assert f"rate: 2.0 is not between 0 and 1 ({source})" in str(caught.value)


ENVIRONMENT = [
    ("SHADDOW_URL", URL, "shaddow_url: unknown setting", "did you mean 'shadow_url'?"),
    ("ENABLED", "maybe", "enabled: 'maybe' is not a boolean", "'true' or 'false'"),
    ("RATE", "half", "rate: 'half' is not a number", ""),
    ("CONCURRENCY", "1.5", "concurrency: '1.5' is not a whole number", ""),
    ("TARGETS", "http://x", "targets: is not JSON", "a list of objects"),
    ("SKIP", "x", "skip: 'x' is not a function", ""),
]


@pytest.mark.parametrize(("name", "text", "problem", "advice"), ENVIRONMENT)
def test_a_wrong_variable_is_named(
    name: str, text: str, problem: str, advice: str
) -> None:
    """By the variable, not only by the setting."""
    variable = f"SHADOW_MIDDLEWARE_{name}"
    with pytest.raises(ConfigurationError) as caught:
        load({"shadow_url": URL}, environ={variable: text})
    assert str(caught.value).startswith(problem)
    assert f"(environment variable {variable})" in str(caught.value)
    assert str(caught.value).endswith(advice)


def test_a_password_is_never_part_of_an_error_or_a_repr() -> None:
    """W24: errors end in logs."""
    for wrong in (
        {"shadow_url": "http://user:hunter2@shadow"},
        {"shadow_url": "ftp://user:hunter2@shadow"},
        {"store_url": "mysql://user:hunter2@host/db"},
        {"store_url": b"postgresql://user:hunter2@host/db"},
        {"secret": [b"hunter2"]},
        {"metrics_token": [b"hunter2"]},
        {"broker_seal": "hunter2"},
        {"broker_seal": [b"hunter2"]},
    ):
        with pytest.raises(ConfigurationError) as caught:
            load({"shadow_url": URL} | wrong, environ={})
        assert "hunter2" not in str(caught.value)
    for url in ("postgresql://me:hunter2@h/d", "postgresql://h/d?password=hunter2&a=1"):
        settings = load(
            {
                "shadow_url": URL,
                "secret": "hunter2",
                "metrics_token": "hunter2",
                "store_url": url,
                "broker_url": "nats://me:an@hunter2@h:4222",
            },
            environ={},
        )
        assert "hunter2" not in repr(settings) + str(settings) + pretty_repr(settings)
        assert f"shadow_url='{URL}'" in repr(settings)


# --- the same settings from every place ----------------------------------------------------


def words(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=8)


NAMES = words("abcXYZ-")
PATHS = words("abc*,[]{}é 1").map("/".__add__)
SMALL = st.integers(1, 2**40)
SECONDS = st.floats(0.001, 1e6)
TARGETS = st.lists(
    st.fixed_dictionaries(
        {
            "url": words("abc").map("https://{}.test/base".format),
            "name": words("abcde"),
        },
        optional={"methods": st.just(["post"]), "concurrency": st.integers(0, 9)},
    ),
    max_size=3,
    unique_by=lambda target: target["name"],
)
RULES = st.lists(
    st.fixed_dictionaries(
        {"path": PATHS}, optional={"route": st.just("GET /a/**"), "name": NAMES}
    ),
    max_size=2,
)
PLAIN = st.fixed_dictionaries(
    {"shadow_url": st.sampled_from([URL, "https://[::1]:8443/v2/"])},
    optional={
        "targets": TARGETS,
        "rules": RULES,
        "enabled": st.booleans(),
        "methods": st.lists(st.sampled_from(["get", "POST", "Patch"]), min_size=1),
        "include": st.lists(PATHS, max_size=3),
        "exclude": st.lists(PATHS, max_size=3),
        "content_types": st.lists(st.sampled_from(["text/*", "Application/JSON"])),
        "rate": st.sampled_from([0, 0.0001, 0.25, 1]) | st.floats(0.0001, 1),
        "control_rate": st.just(0),
        "noise_rule": st.sampled_from(["test", "diffy"]),
        "value_shapes": st.lists(st.sampled_from(["UUID", "float", "timestamp"])),
        "version_header": st.just("X-Version"),
        "latency_ratio": st.sampled_from([0, 2, 3.5]),
        "key": st.sampled_from(["", "user", "header:X-User", "cookie:Sid"]),
        "keep_headers": st.lists(NAMES, max_size=3),
        "max_request_body": SMALL,
        "engine": st.sampled_from(["agent", "thread", "unix:/run/a b.sock"]),
        "total_timeout": SECONDS,
        "transport": st.sampled_from(["auto", "httpx", "my.module:make"]),
        "secret": words("s3cret,é\"'\\[]{} "),
        "redact_patterns": st.lists(st.sampled_from([r"\d{1,3}", "a,b", '["x"]'])),
        "store_url": st.sampled_from(["", "sqlite:///a.db", "postgresql://h/d"]),
    },
)
# A control has to get one of the methods that are mirrored.
CONTROLLED = st.fixed_dictionaries(
    {
        "control_url": st.just("http://copy-of-live"),
        "control_methods": st.just(["GET", "POST", "PATCH"]),
    },
    optional={"control_rate": st.sampled_from([0, 0.5, 1])},
)
VALID = st.builds(dict.__or__, PLAIN, st.just({}) | CONTROLLED)


@given(VALID)
def test_every_place_gives_equal_settings(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, Any]
) -> None:
    """Keywords, environment and TOML, written as each writes it, mean the same."""
    path = write(tmp_path_factory.mktemp("settings") / "shadow.toml", given)
    by_keyword = load(given, environ={})
    assert by_keyword == load(environ=environment(**given))
    assert by_keyword == load(config=path, environ={})
    assert hash(by_keyword) == hash(load(given, environ={}))


@given(VALID)
def test_settings_survive_the_wall(given: dict[str, Any]) -> None:
    """What the agent reads is what the live process wrote."""
    settings = load(given, environ={})
    assert settings == from_wire(to_wire(settings))


def test_functions_of_the_live_side_stay_there() -> None:
    """`skip` and a callable `key` never cross; everything else does."""
    settings = load(
        {"shadow_url": URL, "skip": bool, "key": Callable(), "rate": 0.5}, environ={}
    )
    assert load({"shadow_url": URL, "rate": 0.5}, environ={}) == from_wire(
        to_wire(settings)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([1]),
        msgspec.msgpack.encode({"no_such": 1}),
        msgspec.msgpack.encode({"rate": "x"}),
    ],
)
def test_bytes_that_are_no_settings_are_refused(data: bytes) -> None:
    """W58: decoding runs no code and accepts nothing else."""
    with pytest.raises(DecodeError):
        from_wire(data)


# --- each place ----------------------------------------------------------------------------


def test_the_keyword_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path,
) -> None:
    """Keyword, environment, file, default: the first that says something."""
    path = write(
        tmp_path / "s.toml",
        {"shadow_url": URL, "rate": 0.1, "concurrency": 1, "queue_count": 1},
    )
    settings = load(
        {"rate": 0.3},
        environ=environment(rate=0.2, concurrency=2),
        config=path,
    )
    assert (0.3, 2, 1, 64 * MIB) == (
        settings.rate,
        settings.concurrency,
        settings.queue_count,
        settings.queue_bytes,
    )


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("s.toml", ""),
        ("s.toml", "[shadow_middleware]"),
        ("s.toml", "[tool.shadow_middleware]"),
        ("pyproject.toml", "[project]\nname = 'mine'\n[tool.shadow_middleware]"),
    ],
)
def test_a_file_holds_settings_at_its_top_or_in_a_table(
    tmp_path: Path, name: str, table: str
) -> None:
    """Its own file, a file of the project, or pyproject.toml."""
    path = write(tmp_path / name, {"shadow_url": URL}, table)
    assert URL == load(config=path, environ={}).shadow_url
    assert URL == load({"config": str(path)}, environ={}).shadow_url
    assert URL == load(environ={"SHADOW_MIDDLEWARE_CONFIG": str(path)}).shadow_url


def test_arrays_of_tables_are_targets_and_rules(tmp_path: Path) -> None:
    """`[[targets]]` and `[[rules]]`, as people write TOML."""
    path = tmp_path / "s.toml"
    path.write_text(
        '[[targets]]\nurl = "http://a"\nname = "a"\n[[targets]]\nurl = "http://b"\n'
        'name = "b"\n[[rules]]\npath = "/id"\ntarget = "a"\n'
    )
    settings = load(config=path, environ={})
    assert (
        Target(url="http://a", name="a"),
        Target(url="http://b", name="b"),
    ) == settings.all_targets
    assert (Rule(path="/id", target="a"),) == settings.rules


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.toml", None, "cannot be read: No such file or directory"),
        ("s.toml", b"rate = ", "is not TOML: Invalid value"),
        ("s.toml", b"\xff", "is not TOML: 'utf-8'"),
        ("pyproject.toml", b"[project]", "has no [tool.shadow_middleware] table"),
        ("s.toml", b"[tool.other]\na = 1", "tool: unknown setting"),
        ("s.toml", b"rate = 2000-01-01", "is not a number (file "),
    ],
)
def test_a_file_that_does_not_do_is_named(
    tmp_path: Path, name: str, text: bytes | None, message: str
) -> None:
    """A path that was given is never passed over."""
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        load(config=path, environ={})
    assert message in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET", ("GET",)),
        ("get, post ,", ("GET", "POST")),
        ('["GET", "PUT"]', ("GET", "PUT")),
    ],
)
def test_a_list_in_a_variable_is_parted_by_commas_or_json(
    text: str, expected: tuple[str, ...]
) -> None:
    """JSON where a value holds a comma of its own."""
    assert (
        expected == load({"shadow_url": URL}, environ=environment(methods=text)).methods
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("TRUE", True), ("1", True), ("off", False), ("No", False)]
)
def test_a_boolean_in_a_variable_is_a_word(text: str, expected: bool) -> None:
    """The usual ones, in any case."""
    settings = load({"shadow_url": URL}, environ=environment(enabled=text))
    assert expected == settings.enabled


def test_variables_of_others_are_none_of_our_business() -> None:
    """Only our prefix is read."""
    assert load({"shadow_url": URL}, environ={}) == load(
        {"shadow_url": URL}, environ={"RATE": "2", "SHADOW_RATE": "2"}
    )


# --- normal forms --------------------------------------------------------------------------


def test_what_means_the_same_is_equal() -> None:
    """Equal settings share one runtime, however they were written."""
    one = load(
        {
            "shadow_url": URL,
            "methods": {"post", "GET"},
            "keep_headers": ["X-Key"],
            "key": "header:X-User",
            "content_types": ["Text/HTML"],
            "rate": 1,
            "targets": [{"url": "http://b", "name": "b", "methods": ["get"]}],
        },
        environ={},
    )
    other = load(
        {
            "shadow_url": URL,
            "methods": ["GET", "POST", "GET"],
            "keep_headers": ("x-key",),
            "key": "header:x-user",
            "content_types": ["text/html"],
            "rate": 1.0,
            "targets": [Target(url="http://b", name="b", methods=("GET",))],
        },
        environ={},
    )
    assert (one, hash(one)) == (other, hash(other))


def test_a_transport_may_be_a_function_that_can_be_imported() -> None:
    """It crosses the wall as its path."""
    settings = load({"shadow_url": URL, "transport": make_transport}, environ={})
    assert f"{__name__}:make_transport" == settings.transport


def test_a_transport_that_the_agent_cannot_import_is_refused() -> None:
    """Closures, methods of instances, and what stands elsewhere than it says."""

    def closure() -> None:
        """Known only here."""

    hidden = functools.partial(make_transport)
    for function, said in ((closure, "the closure"), (hidden, "cannot be imported")):
        with pytest.raises(ConfigurationError, match=said):
            load({"shadow_url": URL, "transport": function}, environ={})


def test_a_coroutine_function_on_the_live_side_is_refused() -> None:
    """Its answer would always be true, and every request skipped."""
    for wrong in ({"skip": Callable().later}, {"key": Callable().later}):
        with pytest.raises(ConfigurationError, match="is a coroutine function"):
            load({"shadow_url": URL} | wrong, environ={})


def test_a_function_that_cannot_be_hashed_is_refused() -> None:
    """Settings have to be comparable."""

    class Unhashable(Callable):
        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(ConfigurationError, match="not hashable"):
        load({"shadow_url": URL, "skip": Unhashable()}, environ={})


@pytest.mark.parametrize(
    ("live", "target", "same"),
    [
        ("http://localhost:8000", "http://127.0.0.1:8000", True),
        ("http://localhost:8000", "http://[::1]:8000/v2", True),
        ("http://0.0.0.0:8000", "http://app.localhost.:8000", True),
        ("http://[::ffff:127.0.0.1]", "http://127.0.0.9:80", True),
        ("https://live", "http://LIVE:443/", True),
        ("http://live/app", "http://live/app/v2", True),
        ("http://live/app", "http://live/app2", False),
        ("http://live:8000", "http://live:8001", False),
        ("http://live", "https://live", False),
        ("http://10.0.0.1", "http://10.0.0.2", False),
    ],
)
def test_a_target_that_is_the_app_itself_is_refused(
    live: str, target: str, same: bool
) -> None:
    """W17: by host, port and base path, with one name for the loopback."""
    given = {"shadow_url": target, "live_urls": [live]}
    if not same:
        assert target == load(given, environ={}).shadow_url
        return
    with pytest.raises(ConfigurationError, match="is the live app itself"):
        load(given, environ={})


def test_commands_that_send_nothing_need_no_target() -> None:
    """`report` wants the store, and nothing else."""
    assert Settings() == load(environ={}, require_target=False)
    assert not load({"enabled": False}, environ={}).enabled


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"GET", "HEAD", "OPTIONS"}),
        ({"methods": ["PUT"]}, {"PUT"}),
        ({"rate": 0}, set()),
        ({"enabled": False}, set()),
        (
            {"targets": [{"url": URL, "name": "b", "methods": ["POST"]}]},
            {"GET", "HEAD", "OPTIONS", "POST"},
        ),
    ],
)
def test_the_mirrored_methods_are_those_of_all_targets(
    given: dict[str, Any], expected: set[str]
) -> None:
    """A target may opt in to writes on its own."""
    settings = load({"shadow_url": URL} | given, environ={})
    assert expected == settings.mirrored_methods


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("127.0.0.1:9464", "127.0.0.1:9464"),
        ("localhost:1", "localhost:1"),
        ("[0:0:0:0:0:0:0:1]:9464", "[::1]:9464"),
        ("", ""),
    ],
)
def test_metrics_may_be_open_to_this_machine(given: str, expected: str) -> None:
    """Without a token only on the loopback, under whichever of its names."""
    assert (
        expected == load({"shadow_url": URL, "metrics_address": given}).metrics_address
    )


def test_metrics_for_others_need_a_token() -> None:
    """And with one they are allowed."""
    given = {"metrics_address": "0.0.0.0:9464", "metrics_token": "a-long-token"}

    assert "0.0.0.0:9464" == load({"shadow_url": URL, **given}).metrics_address


def test_variables_that_are_no_settings_are_left_to_whoever_reads_them() -> None:
    """The dashboard's token is in the environment of every command beside it."""
    environ = {
        "SHADOW_MIDDLEWARE_DASHBOARD_TOKEN": "a" * 32,
        "SHADOW_MIDDLEWARE_TARGETS_TOKEN": "a" * 32,
        "SHADOW_MIDDLEWARE_HTTP_CLIENT": "httpx",
    }

    assert load({}, environ={}, require_target=False) == load(
        {}, environ=environ, require_target=False
    )
