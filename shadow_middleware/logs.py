"""
Log lines for machines: a formatter that writes one JSON object for each record.

A plain `logging.Formatter`, so it goes wherever one goes: Django's `LOGGING`,
`logging.config.dictConfig`, uvicorn's `--log-config`, structlog's `ProcessorFormatter`
side by side. Agents use it where `log_format="json"` says so.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["JsonFormatter"]

_PLAIN: Final = frozenset(
    {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
)
"""What every record has; all else came in as `extra`."""
_LONGEST: Final = 10_000
"""Characters of a text. A trace of a deep stack may be long, but not endless."""
_DEEPEST: Final = 6


class JsonFormatter(logging.Formatter):
    """
    Formats each record as one line of JSON.

    `timestamp` (RFC 3339, UTC), `level`, `logger` and `event` come first, then every
    value given as `extra`, then `exception` where there is one. The record's own
    message is `message`; `event` is the short word of our own records, such as
    `divergence`, or the message.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end. Never raises for what a value is."""
        given = {
            name: value for name, value in vars(record).items() if name not in _PLAIN
        }
        message = _message(record)
        line: dict[str, Any] = {
            "timestamp": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": given.pop("event", message),
            "message": message,
            **given,
        }
        if record.exc_info:
            line["exception"] = _bounded(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = _bounded(self.formatStack(record.stack_info))
        return json.dumps({name: _plain(value) for name, value in line.items()})


def _message(record: logging.LogRecord) -> str:
    try:
        return _bounded(record.getMessage())
    except Exception:  # noqa: BLE001 -- arguments that do not fit their text
        return _bounded(str(record.msg))


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any, depth: int = _DEEPEST) -> Any:
    """Return the value as JSON may hold it; what it does not know becomes a text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return _bounded(value)
    if depth and isinstance(value, Mapping):
        return {str(name): _plain(one, depth - 1) for name, one in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_plain(one, depth - 1) for one in value]
    try:
        return _bounded(str(value))
    except Exception:  # noqa: BLE001 -- an object of whomever
        return f"<{type(value).__name__}>"


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
