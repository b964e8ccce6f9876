"""
The blinker signals, fired in the live process whichever engine runs.

Connect to them as to any blinker signal::

    from shadow_middleware.signals import divergence_found

    @divergence_found.connect
    def alert(sender, *, event):
        print(event["route"], event["differences"])

The sender is the target's name; `event` is a plain dict whose keys each signal
documents. Everything in it is redacted. Receivers run on a thread of their own,
after the fact: one that raises is logged and counted, one that hangs delays only
other receivers. At most `signal_rate` events a second cross to the live process;
what is held back is counted, and the next event says so as `suppressed`.
"""

from __future__ import annotations

from typing import Final

from blinker import Namespace

__all__ = [
    "ALL",
    "breaker_changed",
    "divergence_found",
    "exchange_dropped",
    "group_found",
    "replay_finished",
    "target_gone",
]

_namespace = Namespace()

divergence_found = _namespace.signal(
    "shadow_middleware.divergence_found",
    doc="""
    A replay differs from its live response in a way that nothing explains.

    `event`: `exchange_id`, `at` (Unix seconds), `target`, `route`, `method`, `path`,
    `live_status`, `shadow_status`, `live_ms`, `shadow_ms`, `differences` (a list of
    `part`, `path`, `kind`, `live`, `shadow`, `note`, `group`, and `noise` where that
    one alone is noise), `cut`, `hint`, `groups` (the fingerprints of what it belongs
    to), `version` (of the shadow), `suppressed`.
    """,
)
group_found = _namespace.signal(
    "shadow_middleware.group_found",
    doc="""
    A group of divergences was seen for the first time: by this agent, and not known in
    the store when the agent last looked. A resolved group that comes back is announced
    again. Each agent remembers 20,000 groups; beyond them it announces no new ones.

    `event`: `group` (its fingerprint), `state` (`open` or `regressed`), `exchange_id`
    (of the first divergence), `at`, `target`, `route`, `part`, `path` (list indexes and
    map keys as `*`), `kind`, `live` and `shadow` (what sort of value each side has),
    `version`, `suppressed`.
    """,
)
replay_finished = _namespace.signal(
    "shadow_middleware.replay_finished",
    doc="""
    A replay ended, in any outcome.

    `event`: `exchange_id`, `at`, `target`, `route`, `method`, `outcome`, `reason`,
    `live_status`, `shadow_status`, `live_ms`, `shadow_ms`, `version`, `suppressed`;
    statuses and times are None where there was no answer.
    """,
)
exchange_dropped = _namespace.signal(
    "shadow_middleware.exchange_dropped",
    doc="""
    Exchanges were dropped; at most one event a second for each reason.

    `event`: `target` ('' for all), `reason`, `count` since the last event.
    """,
)
breaker_changed = _namespace.signal(
    "shadow_middleware.breaker_changed",
    doc="""
    A target's circuit breaker opened, is trying again, or closed. Agents on one store
    share what they find, so each of them says so, within a second or two.

    `event`: `target`, `state` (`closed`, `open`, `half_open`, `gone`), `previous`,
    `reason`.
    """,
)
target_gone = _namespace.signal(
    "shadow_middleware.target_gone",
    doc="""
    A target has failed for `breaker_fail_after` seconds: it gets no copies and no probe
    until somebody enables it. Each live process hears of it.

    `event`: `target`, `reason` (of the last failure).
    """,
)

ALL: Final = {
    "divergence_found": divergence_found,
    "group_found": group_found,
    "replay_finished": replay_finished,
    "exchange_dropped": exchange_dropped,
    "breaker_changed": breaker_changed,
    "target_gone": target_gone,
}
"""Every signal by the short name that events carry across the wall."""
