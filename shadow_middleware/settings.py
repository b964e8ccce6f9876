"""
Every setting, typed, with its default and unit, and the one validator for all
the places they come from: keyword arguments, environment, TOML file, Django.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any, Literal

import msgspec

from shadow_middleware.coherence import SAFE_METHODS, check_rule, check_together
from shadow_middleware.configuration import (
    CONFIG_VARIABLE,
    Checks,
    Place,
    build,
    build_one,
    read_environment,
    read_tables,
    read_toml,
)
from shadow_middleware.errors import DecodeError
from shadow_middleware.rule import VALUE_SHAPES, Rule
from shadow_middleware.target import Patterns, Target
from shadow_middleware.transformation import Transform
from shadow_middleware.validation import (
    RULE_CHECKS,
    SETTINGS_CHECKS,
    TARGET_CHECKS,
    TRANSFORM_CHECKS,
)

__all__ = [
    "MIB",
    "SAFE_METHODS",
    "VALUE_SHAPES",
    "Rule",
    "Settings",
    "Target",
    "Transform",
    "from_wire",
    "load",
    "to_wire",
]

MIB = 1024 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    All settings. Immutable and comparable: equal settings share one runtime.

    Names are the same everywhere: `rate` as keyword argument, `rate = 0.1` in
    TOML, `SHADOW_MIDDLEWARE_RATE=0.1` in the environment, `{"rate": 0.1}` in
    Django's `SHADOW_MIDDLEWARE`.
    """

    # --- what and whereto -----------------------------------------------------
    shadow_url: str = ""
    """The one shadow, named `shadow`; for several use `targets`."""
    targets: tuple[Target, ...] = ()
    """Named shadows; each gets its own copy and its own outcomes."""
    enabled: bool = True
    """False passes every request straight through."""
    live_urls: tuple[str, ...] = ()
    """Addresses of the live app itself; a target among them is refused at start-up."""
    target_allow: tuple[str, ...] = ()
    """What addresses targets that are added at run time may have: `host`, `host:port`,
    `https://*.staging.example.com/base`; empty admits none but the settings' own. They
    are added in the store, so there has to be one."""

    # --- selection (live side, before any byte is kept) --------------------------
    methods: tuple[str, ...] = SAFE_METHODS
    """Methods to mirror. To mirror writes, name them."""
    include: Patterns = ()
    """Paths to mirror; empty is every path."""
    exclude: Patterns = ()
    """Paths not to mirror; wins over `include`."""
    include_routes: tuple[str, ...] = ()
    """Route templates to mirror, as globs; empty is every route."""
    exclude_routes: tuple[str, ...] = ()
    """Route templates not to mirror, as globs; wins over `include_routes`."""
    content_types: tuple[str, ...] = ()
    """Response types to mirror (`application/json`, `text/*`); empty is all but
    `text/event-stream`."""
    skip: Callable[..., bool] | None = None
    """Called with the ASGI scope or WSGI environ; true leaves the request alone."""
    rate: float = 1.0
    """Share of keys (or, without `key`, of requests) to mirror, 0 to 1; steps of 0.0001."""
    key: str | Callable[..., str | bytes | None] = ""
    """Sticky sampling and order: `header:NAME`, `cookie:NAME`, `user`, `jwt:CLAIM` of
    the bearer token, or a callable."""

    # --- capture ------------------------------------------------------------------
    max_request_body: int = MIB
    """Bytes kept of a request body; beyond them only length and digest."""
    max_response_body: int = MIB
    """Bytes kept of a live response body; beyond them only length and digest."""

    # --- the wall -----------------------------------------------------------------
    engine: str = "agent"
    """`agent`, `thread`, `unix:PATH` for an agent shared by the host, or `file`: an
    agent that only writes a capture and sends nothing."""
    agent_nice: int = 10
    """Numbers of steps of `nice` by which an agent that live starts is below live, 0 to
    19: live gets the processor first. 0: the same. A thread has no priority of its own."""
    buffer_bytes: int = 16 * MIB
    """Bytes held in the live process while the agent is behind; then drops."""
    buffer_count: int = 20_000
    """Exchanges held in the live process while the agent is behind; then drops."""
    drain_timeout: float = 10.0
    """Seconds that what is under way may take at shutdown; the rest is dropped."""
    signal_rate: float = 100.0
    """Events a second that cross back to signals in the live process."""

    # --- the broker -----------------------------------------------------------------
    broker_url: str = ""
    """A NATS server with JetStream, `nats://user:password@host:4222` or `tls://…`,
    several with commas: the agent publishes exchanges there, and `shadow-middleware
    worker` replays them. Empty: the agent replays by itself."""
    broker_stream: str = "SHADOW"
    """The stream, which is made where it is missing."""
    broker_partitions: int = 16
    """Numbers of parts, which go to workers whole; a stream that is there keeps its own."""
    broker_bytes: int = 1024 * MIB
    """Bytes that may wait at the broker; then it refuses, and the agent holds on."""
    broker_age: float = 86_400.0
    """Seconds after which what waited is not replayed any more but counted as dropped."""
    broker_replicas: int = 1
    """Numbers of servers in a cluster that keep each message."""
    broker_window: int = 1024
    """Exchanges that may be published without being confirmed."""
    broker_spool: str = ""
    """A directory for what waits while the broker is away, beyond `queue_count` and
    `queue_bytes` in memory; empty drops it."""
    broker_spool_bytes: int = 1024 * MIB
    """Bytes that may wait there, for each live process; then drops."""
    broker_credentials: str = ""
    """A file with a NATS user's token (.creds), or with the seed of an nkey."""
    broker_ca: str = ""
    """A file with the authorities that the broker's certificate is checked by."""
    broker_certificate: str = ""
    """A file with the certificate that we show to the broker."""
    broker_certificate_key: str = ""
    """A file with its key, where the certificate's file has none."""
    broker_seal: tuple[str, ...] = ()
    """Keys of 32 bytes in base64: the first seals what crosses the broker, each of them
    opens it."""
    broker_lease: float = 10.0
    """Seconds without a sign of life after which another worker takes over."""

    # --- capture files ------------------------------------------------------------
    capture_to: str = ""
    """A directory for capture files: every mirrored exchange is written there too."""
    capture_coding: Literal["zstd", "gzip"] = "zstd"
    """How capture files are compressed."""
    capture_rotate_bytes: int = 64 * MIB
    """Bytes on disk after which the next capture file begins; 0: no such bound."""
    capture_rotate_seconds: float = 3600.0
    """Seconds after which the next capture file begins; 0: no such bound."""
    capture_keep_bytes: int = 1024 * MIB
    """Bytes of capture files to keep; then the oldest go. 0 keeps all."""
    capture_keep_files: int = 0
    """Numbers of capture files to keep; then the oldest go. 0 keeps all."""

    # --- replay -------------------------------------------------------------------
    credentials: Literal["drop", "pass"] = "drop"
    """Whether Authorization, Cookie and API-key-like headers go to the shadow."""
    keep_headers: tuple[str, ...] = ()
    """Credential headers to send all the same, by name."""
    host: Literal["target", "preserve"] = "target"
    """The Host header that the shadow sees."""
    trace: Literal["new", "child", "drop"] = "new"
    """The trace that a replay is in: its own, linked to live's by `X-Shadow-Trace`;
    live's with a span of its own; or none. Never live's own span."""
    secret: str = ""
    """Signs the marker header; with it, an unsigned marker has no effect."""
    transport: str = "auto"
    """`auto` (our own), `httpx`, or `module:factory` that returns an httpx transport."""
    connect_timeout: float = 2.0
    """Seconds until a connection stands."""
    read_timeout: float = 10.0
    """Seconds without a byte."""
    total_timeout: float = 10.0
    """Seconds from start to last byte."""
    concurrency: int = 32
    """Replays in flight for each target."""
    queue_count: int = 10_000
    """Exchanges waiting in the agent; then drops."""
    queue_bytes: int = 64 * MIB
    """Bytes waiting in the agent; then drops."""
    max_shadow_body: int = 4 * MIB
    """Bytes read of a shadow's body before the connection is closed."""
    max_expanded_body: int = 16 * MIB
    """Bytes that a compressed body may expand to; beyond it stays compressed."""
    breaker_failures: int = 10
    """Failures in a row that open a target's circuit breaker; 0 never opens it."""
    breaker_retry_after: float = 60.0
    """Seconds that an open breaker waits before one probe, give or take a tenth."""
    breaker_fail_after: float = 1800.0
    """Seconds of failing after which a target is gone: it gets no probe either, until
    somebody enables it. 0: never."""
    breaker_ramp_up: float = 30.0
    """Seconds from recovery until a target gets all of its copies again; 0: at once."""

    transform: tuple[Transform, ...] = ()
    """Steps that change each copy before it is sent, in this order; see `Transform`."""
    transform_timeout: float = 1.0
    """Seconds that a step's function may take; then that replay is skipped."""
    user: str = ""
    """Whose token a replay gets: `header:NAME`, `cookie:NAME`, or `jwt:CLAIM` of the
    bearer token, read on the live side before it is dropped; '' is the key."""

    # --- sessions --------------------------------------------------------------------
    sessions: Literal["off", "cookies", "rebind"] = "off"
    """What a session (the exchanges of one `key`) keeps of the shadow's own answers:
    nothing; its cookies; or also the ids, slugs and tokens that it issues, which then
    stand in later requests of that session. Never of another."""
    session_count: int = 10_000
    """Numbers of sessions that an agent keeps for each target; the oldest are forgotten."""
    session_bytes: int = 64 * MIB
    """Bytes that they may hold together, for each target."""
    session_idle: float = 3600.0
    """Seconds after which a session that sends nothing is forgotten."""

    # --- comparison ---------------------------------------------------------------
    rules: tuple[Rule, ...] = ()
    """What to ignore and what to tolerate; see `Rule`."""
    ignore_headers: tuple[str, ...] = ()
    """Header names or globs to ignore, besides the defaults."""
    ignore_paths: tuple[str, ...] = ()
    """JSON-pointer globs to ignore in bodies."""
    default_ignores: bool = True
    """Whether Date, Server and their like are ignored."""
    max_differences: int = 50
    """Differences described for one replay; more are counted as cut."""
    compare_budget: float = 0.25
    """Seconds of a processor for one comparison; then it is cut."""
    rules_file: str = ""
    """A TOML file with more `[[rules]]`, for review in a pull request; it is read once,
    at start-up, and a relative path is one from the working directory."""

    # --- judgement ----------------------------------------------------------------
    control_url: str = ""
    """A second copy of the live version; what differs there as well is noise."""
    control_rate: float = 1.0
    """Share of the mirrored exchanges that go to the control too, 0 to 1."""
    control_methods: tuple[str, ...] = SAFE_METHODS
    """Methods that go to the control. Name writes only where it has a database of its
    own: a control on live's database would write everything twice."""
    self_probe: float = 0.0
    """Share of safe exchanges that are sent to the shadow twice, 0 to 1; what differs
    between its two answers is noise. Writes never are."""
    noise_rule: Literal["test", "diffy"] = "test"
    """How learned noise is told from a divergence: see the docs on noise."""
    noise_half_life: float = 3.0
    """Days after which what was learned counts half."""
    noise_cells: int = 20_000
    """Fields whose noise is told apart, in each agent; beyond, none is learned."""
    value_shapes: tuple[str, ...] = VALUE_SHAPES
    """What two values may both be to differ without being a divergence."""
    timestamp_tolerance: float = 5.0
    """Seconds that two times, each taken from its own request, may be apart."""
    float_tolerance: float = 1e-9
    """Share of the larger one that two fractions may be apart."""
    version_header: str = ""
    """Response header that names the build, on both sides: keeps evidence of different
    versions apart."""
    latency_ratio: float = 0.0
    """A replay this many times slower than live is a divergence; 0: latency is none."""
    latency_floor: float = 50.0
    """Milliseconds that it must be slower by, as well."""

    # --- out ----------------------------------------------------------------------
    store_url: str = "sqlite:///shadow_middleware.db"
    """SQLAlchemy URL of SQLite or Postgres; empty keeps nothing."""
    store_buffer: int = 10_000
    """Divergences held while the store is away; then counted as lost."""
    store_keep_days: float = 30.0
    """Days that divergences, and counts by the minute, are kept; 0 is no bound."""
    store_keep_rows: int = 1_000_000
    """Divergences to keep, then the oldest go; 0 is no bound. Each run has as many."""
    store_keep_bytes: int = 8 * 1024 * MIB
    """Bytes of divergences to keep, then the oldest go; 0 is no bound. Runs likewise."""
    store_keep_sums_days: float = 400.0
    """Days that all else is kept: hours and days of counts, noise, groups, runs."""
    max_stored_body: int = 16 * 1024
    """Bytes of each body that are stored with a divergence, after redaction."""
    redact_headers: tuple[str, ...] = ()
    """Header names or globs to redact, besides the defaults."""
    redact_paths: tuple[str, ...] = ()
    """JSON-pointer globs whose values are redacted."""
    redact_patterns: tuple[str, ...] = ()
    """RE2 patterns whose matches are redacted anywhere, besides the defaults."""
    log_format: Literal["text", "json"] = "text"
    """How the agent writes its log to standard error: for people, or a JSON object in
    each line."""
    access_log: str = ""
    """A file that gets a line for each replay that was sent, `url live_ms shadow_ms
    delta_ms live_status shadow_status`; empty writes none."""
    metrics_address: str = ""
    """`host:port` at which the agent answers `GET /metrics`; empty listens nowhere."""
    metrics_token: str = ""
    """What a scrape has to bring as bearer token; needed beyond the loopback."""
    metrics_routes: int = 100
    """Numbers of routes told apart in metrics; the rest is `(other)`."""
    otel_metrics: str = ""
    """`global`, or `module:function` that returns an OpenTelemetry `MeterProvider`;
    empty has no such instruments."""

    @property
    def all_targets(self) -> tuple[Target, ...]:
        """`targets`, with `shadow_url` in front as the target named `shadow`."""
        if not self.shadow_url:
            return self.targets
        return (Target(url=self.shadow_url), *self.targets)

    @property
    def follows_sessions(self) -> bool:
        """Whether anybody asks which exchanges are one session, login and all."""
        return self.sessions != "off" or bool(self.capture_to and self.key)

    @property
    def key_words(self) -> str:
        """`key` in words; '' where it is a function, which stays on the live side."""
        return "" if callable(self.key) else self.key

    @property
    def mirrored_methods(self) -> frozenset[str]:
        """Every method that some target may mirror; empty where nothing is mirrored."""
        targets = self.all_targets
        somewhere = targets or self.capture_to or self.target_allow
        if not (self.enabled and somewhere and self.rate > 0):
            return frozenset()
        return frozenset(self.methods).union(*(target.methods for target in targets))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"Settings({fields})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return what was set, with every secret masked."""
        return [
            (field.name, _masked(field.name, value))
            for field in msgspec.structs.fields(self)
            if (value := getattr(self, field.name)) != field.default
        ]


def _masked(name: str, value: Any) -> Any:
    if name in ("secret", "metrics_token", "broker_seal"):
        return "***"
    if name == "broker_url":
        return re.sub(r"(\w+://)[^/,]*@", r"\1***@", value)
    if name == "store_url":
        value = re.sub(r"(://[^/@:]*:).*@", r"\1***@", value)
        return re.sub(r"(?i)(password=)[^&]*", r"\1***", value)
    return value


def load(
    overrides: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    config: str | PathLike[str] | None = None,
    source: str = "keyword argument",
    require_target: bool = True,
) -> Settings:
    """
    Return validated settings from all their places.

    What is in `overrides` wins over the environment, and that over the TOML file
    at `config` (or `overrides["config"]`, or SHADOW_MIDDLEWARE_CONFIG). `source`
    is what errors call the overrides. Commands that send nothing need no target.

    Raises:
        ConfigurationError: naming the key, the value and the nearest right one.
    """
    keywords = dict(overrides or {})
    config = config or keywords.pop("config", None) or environ.get(CONFIG_VARIABLE)
    keywords.pop("config", None)
    given = read_toml(config) if config else {}
    given |= read_environment(Settings, environ)
    given |= {name: (value, Place(name, source)) for name, value in keywords.items()}
    settings = build(Settings, given, _CHECKS)
    places = {name: place for name, (_, place) in given.items()}
    check_together(settings, places, source, require_target)
    if not settings.rules_file:
        return settings
    more = _rules_of_file(settings, places["rules_file"])
    return msgspec.structs.replace(settings, rules=(*settings.rules, *more))


def _rules_of_file(settings: Settings, place: Place) -> Iterator[Rule]:
    for table, there in read_tables(settings.rules_file, "rules", place):
        rule = build_one(Rule, table, there, _CHECKS)
        check_rule(settings, rule, there)
        yield rule


_CHECKS: Checks = {
    Settings: SETTINGS_CHECKS,
    Target: TARGET_CHECKS,
    Rule: RULE_CHECKS,
    Transform: TRANSFORM_CHECKS,
}


def to_wire(settings: Settings) -> bytes:
    """Return the settings as the agent reads them; functions of the live side stay."""
    plain = msgspec.structs.replace(settings, skip=None, key=settings.key_words)
    return msgspec.msgpack.encode(plain)


def from_wire(data: bytes) -> Settings:
    """
    Return the settings that `to_wire` wrote, without checking them again.

    Raises:
        DecodeError: if the bytes are not settings of this version.
    """
    try:
        values = msgspec.msgpack.decode(data, type=dict[str, Any])
        known = {name: _WIRE_KINDS[name] for name in values}
        return Settings(
            **{name: msgspec.convert(values[name], known[name]) for name in values}
        )
    except (msgspec.MsgspecError, KeyError) as error:
        raise DecodeError(f"these bytes are not settings: {error}") from None


_WIRE_KINDS: dict[str, Any] = {
    field.name: field.type for field in msgspec.structs.fields(Settings)
} | {"skip": None, "key": str}
