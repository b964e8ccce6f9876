"""Waits until what is under way has ended: evidence comes some seconds after requests."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Annotated, Final

import typer

from shadow_middleware.cli.evidence import open_store
from shadow_middleware.cli.options import seconds_of
from shadow_middleware.errors import StoreError
from shadow_middleware.report.holdings import SILENT_AFTER
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader

__all__ = ["Wait", "is_still", "wait_for_evidence"]

STILL: Final = 2.0
"""Seconds without news of any session after which nothing is on its way any more."""
_EVERY: Final = 0.25

Wait = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="TIME",
        help="First wait until all that was selected has ended, up to so long: 30s, 5m. "
        "A store that is not there yet is waited for as well.",
    ),
]


def wait_for_evidence(settings: Settings, wait: str | None, run: str | None) -> None:
    """
    Return once all that was selected has ended and is counted, or the time is up.

    With `run`, what was selected of that run.

    Raises:
        BadParameter: `wait` is no length of time.
    """
    if wait is None:
        return
    deadline = monotonic() + seconds_of(wait, "--wait")
    while not _has_ended(settings, run) and monotonic() < deadline:
        sleep(_EVERY)


def _has_ended(settings: Settings, run: str | None) -> bool:
    try:
        with open_store(settings, run=run) as store:
            return is_still(store)
    except StoreError:  # not there yet; one that stays away is told after the wait
        return False


def is_still(reader: Reader) -> bool:
    """Whether something was selected, all of it has ended, and nothing is on its way."""
    now, sessions = reader.time(), reader.progress()
    alive = [one for one in sessions if now - one.at <= SILENT_AFTER]
    return bool(sessions) and all(
        one.ended >= one.selected and now - one.at >= STILL for one in alive
    )
