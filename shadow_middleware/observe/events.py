"""The events of `shadow_middleware.signals`, built as it documents them."""

from __future__ import annotations

from typing import Any

from shadow_middleware.evidence import DivergenceRecord
from shadow_middleware.exchange import Difference, Replay

__all__ = ["divergence_event", "finished_event", "group_event"]


def divergence_event(record: DivergenceRecord) -> dict[str, Any]:
    """Return the event of `divergence_found`, all of it redacted already."""
    return {
        "exchange_id": record.exchange_id,
        "at": record.at,
        "target": record.target,
        "route": record.route,
        "method": record.method,
        "path": record.path,
        "live_status": record.live_status,
        "shadow_status": record.shadow_status,
        "live_ms": record.live_ms,
        "shadow_ms": record.shadow_ms,
        "differences": [
            {
                "part": one.part.value,
                "path": one.path,
                "kind": one.kind.value,
                "live": one.live,
                "shadow": one.shadow,
                "note": one.note,
                "group": one.group,
                "noise": one.noise,
            }
            for one in record.differences
        ],
        "cut": record.cut,
        "hint": record.hint,
        "groups": list(record.groups),
        "version": record.version,
    }


def group_event(
    record: DivergenceRecord, difference: Difference, state: str
) -> dict[str, Any]:
    """Return the event of `group_found`: what was seen for the first time, and where."""
    return {
        "group": difference.group,
        "state": state,
        "exchange_id": record.exchange_id,
        "at": record.at,
        "target": record.target,
        "route": record.route,
        "part": difference.part.value,
        "path": difference.shape or difference.path,
        "kind": difference.kind.value,
        "live": difference.live_is,
        "shadow": difference.shadow_is,
        "version": record.version,
    }


def finished_event(replay: Replay, route: str) -> dict[str, Any]:
    """Return the event of `replay_finished`; it holds nothing of either body."""
    exchange = replay.exchange
    return {
        "exchange_id": exchange.id,
        "at": exchange.at,
        "target": replay.target,
        "route": route,
        "method": exchange.request.method,
        "outcome": replay.outcome.value,
        "reason": replay.reason,
        "live_status": exchange.response.status if exchange.response else None,
        "shadow_status": replay.response.status if replay.response else None,
        "live_ms": exchange.timing.total_ms if exchange.response else None,
        "shadow_ms": replay.timing.total_ms if replay.timing else None,
        "version": replay.version,
    }
