"""
Joins ports to drivers: which sender, which store, for one configuration.

The only file that knows them all. The web process never imports it, unless it runs
the agent on a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from shadow_middleware.broker.relay import Relay
from shadow_middleware.compare import Comparer
from shadow_middleware.exchange import CALL_URL, CONTROL
from shadow_middleware.following import Known
from shadow_middleware.judge import Policy, Profile
from shadow_middleware.learning import Learning, Source
from shadow_middleware.pipeline import Ends, Lane, Lanes, Roads
from shadow_middleware.replay.base import Sender
from shadow_middleware.replay.control import Control, Tell
from shadow_middleware.replay.given import NoSender
from shadow_middleware.retention import Keep
from shadow_middleware.service import Bench, Equipment
from shadow_middleware.settings import Settings, Target, from_wire
from shadow_middleware.store.base import Store
from shadow_middleware.store.housekeeper import Housekeeper
from shadow_middleware.store.writer import Writer
from shadow_middleware.traffic.writer import CaptureWriter
from shadow_middleware.transform.continuity import Continuity
from shadow_middleware.transform.redact import Redactor

if TYPE_CHECKING:
    from shadow_middleware.store.sql import SqlStore

__all__ = ["open_bench", "open_works"]

Around = Callable[[Sender], Sender]
"""Returns what stands between a lane and its sender."""


def open_works(wire: bytes, store: Store | None = None) -> Bench | Relay:
    """
    Return what an agent works with: a bench, or a relay where there is a broker.

    Args:
        wire: What `settings.to_wire` made.
        store: Where evidence goes; left out, the settings' `store_url`.

    Raises:
        ConfigurationError: a rule, pattern or transport cannot be used.
    """
    settings = from_wire(wire)
    if not settings.broker_url:
        return open_bench(wire, store)
    return Relay(
        settings,
        Redactor(settings),
        _writer(settings, store),
        _capture(settings),
        _continuity(settings),
        _known(settings, store),
    )


def open_bench(
    wire: bytes,
    store: Store | None = None,
    around: Around | None = None,
    *,
    governed: bool = True,
) -> Bench:
    """
    Return everything that works under the settings that came over the wire.

    Args:
        wire: What `settings.to_wire` made.
        store: Where evidence goes; left out, the settings' `store_url`.
        around: Stands between lanes and their senders.
        governed: Whether it follows what is set of targets at run time, as live does;
            a run is of what it was asked for, and gives up on no target.

    Raises:
        ConfigurationError: a rule, pattern or transport cannot be used.
    """
    settings = from_wire(wire)
    if not governed:
        settings = _of_a_run(settings)
    comparer = Comparer(settings)
    writer = _writer(settings, store)
    learning = Learning(
        Profile(Policy.of(settings)),
        comparer,
        _source(settings, store),
        writer.flush if writer is not None else None,
    )
    return Bench(
        settings,
        Redactor(settings),
        Equipment(
            _lanes(settings, around or _itself),
            comparer,
            learning,
            _capture(settings),
            _continuity(settings),
            _known(settings, store) if governed else None,
        ),
        writer,
    )


LONGEST_PAUSE: Final = 10.0
"""Seconds: a run has an end, so it waits no longer for a probe."""


def _of_a_run(settings: Settings) -> Settings:
    """Return the settings for a run: each target gets all that was picked for it."""
    return msgspec.structs.replace(
        settings,
        shadow_url="",
        targets=tuple(
            msgspec.structs.replace(one, enabled=True, rate=1.0)
            for one in settings.all_targets
        ),
        breaker_retry_after=min(settings.breaker_retry_after, LONGEST_PAUSE),
        breaker_fail_after=0.0,
        breaker_ramp_up=0.0,
    )


def _itself(sender: Sender) -> Sender:
    return sender


def _capture(settings: Settings) -> CaptureWriter | None:
    return CaptureWriter(settings) if settings.capture_to else None


def _continuity(settings: Settings) -> Continuity | None:
    return Continuity(settings.key_words) if settings.follows_sessions else None


def _lanes(settings: Settings, around: Around) -> Lanes:
    def lanes(ends: Ends, tell: Tell) -> Roads:
        control = _control(settings, tell, around)

        def open_lane(target: Target) -> Lane:
            sender = around(_sender(target, settings))
            return Lane(target, settings, sender, ends, control)

        own = [open_lane(target) for target in settings.all_targets]
        return Roads(own, control, open_lane)

    return lanes


def _sender(target: Target, settings: Settings) -> Sender:
    return NoSender() if target.url == CALL_URL else _http(target, settings)


def _http(target: Target, settings: Settings) -> Sender:
    # An agent with a broker sends nothing, and is to publish soon after its start.
    from shadow_middleware.replay.http import HttpSender

    return HttpSender(target, settings)


def _control(settings: Settings, tell: Tell, around: Around) -> Control | None:
    if not settings.control_url:
        return None
    target = Target(url=settings.control_url, name=CONTROL)
    return Control(settings, around(_http(target, settings)), tell)


def _source(settings: Settings, store: Store | None) -> Callable[[], Source] | None:
    if store is not None:
        return (lambda: store) if isinstance(store, Source) else None
    url = _store_url(settings)
    return (lambda: _opened(url)) if url else None


def _known(settings: Settings, store: Store | None) -> Callable[[], Known] | None:
    if store is not None:
        return (lambda: store) if isinstance(store, Known) else None
    url = _store_url(settings)
    return (lambda: _opened(url)) if url else None


def _opened(url: str, *, create: bool = True) -> SqlStore:
    # What speaks to databases takes as long to load as all the rest of an agent. So that
    # is done on the threads that open them, beside the first exchanges.
    from shadow_middleware.store.sql import SqlStore

    return SqlStore(url, create=create)


def _store_url(settings: Settings) -> str:
    """Return where evidence goes; an agent that only captures has none."""
    return "" if settings.engine == "file" else settings.store_url


def _writer(settings: Settings, store: Store | None) -> Writer | None:
    if store is not None:
        return Writer(lambda: store, buffer=settings.store_buffer)
    url = _store_url(settings)
    if not url:
        return None
    return Writer(
        lambda: _opened(url),
        buffer=settings.store_buffer,
        housekeeper=Housekeeper(lambda: _opened(url, create=False), Keep.of(settings)),
    )
