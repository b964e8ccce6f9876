"""What was asked of a run, as it is kept with it: enough to go on with it later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from shadow_middleware.addresses import covers
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.offline.replay import Plan
from shadow_middleware.offline.survey import Survey
from shadow_middleware.settings import Settings

__all__ = ["Asked", "Source", "check", "check_unchanged", "sources_of"]

_HEAD: Final = 64 * 1024
"""Bytes by which a file is known again."""


class Source(msgspec.Struct, frozen=True):
    """One file, and how to know it again."""

    path: str
    size: int
    head: str
    """Digest of how it begins."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """All that makes a run what it is."""

    sources: tuple[Source, ...]
    target: str
    """Its address."""
    control: str = ""
    methods: tuple[str, ...] = ()
    workers: int = 0
    """Replays in flight; 0 as the settings say."""
    sessions: str = ""
    """As the setting; '' as the settings say."""
    config: str | None = None
    plan: Plan = Plan()
    allow_live_host: bool = False

    @property
    def files(self) -> list[str]:
        """Where the files are."""
        return [one.path for one in self.sources]


def sources_of(files: Iterable[str]) -> tuple[Source, ...]:
    """
    Return how the files can be known again.

    Raises:
        ConfigurationError: one cannot be read.
    """
    return tuple(_source_of(os.path.abspath(path)) for path in files)


def _source_of(path: str) -> Source:
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    return Source(path, size, hashlib.sha256(head).hexdigest())


def check_unchanged(run: str, sources: Sequence[Source]) -> None:
    """
    Refuse to go on with a run whose files are others by now; one may have grown.

    Raises:
        ConfigurationError: naming the file.
    """
    for before in sources:
        now = _source_of(before.path)
        same_head = now.head == before.head or before.size < _HEAD <= now.size
        if now.size < before.size or not same_head:
            raise ConfigurationError(
                f"{before.path} is another file than when run {run} began, so nobody "
                "knows where to go on; begin a new run"
            )


def check(asked: Asked, found: Survey, settings: Settings) -> None:
    """
    Refuse what would send nothing, compare nothing, or reach live.

    Raises:
        ConfigurationError: saying what to do instead.
    """
    if not found.picked:
        raise ConfigurationError(_nothing(found))
    if found.unanswered and not settings.control_url:
        some = "none" if found.unanswered == found.picked else "not all"
        raise ConfigurationError(
            f"{found.unanswered:,} of {found.picked:,} exchanges have no recorded "
            f"answer to compare with ({some} of the file has); name a second address "
            "that answers in its place with --control URL, or take only those with an "
            "answer: --status 2xx,3xx,4xx,5xx"
        )
    [target] = settings.all_targets
    live = next((host for host in found.hosts if covers(host, target.address)), None)
    if live is not None and not asked.allow_live_host:
        raise ConfigurationError(
            f"the target {target.url} is where this traffic was recorded, so it would "
            "be sent to live again; if that is meant, say --allow-live-host"
        )


def _nothing(found: Survey) -> str:
    if found.bad and found.bad == found.read:
        first = found.bad_ones[0]
        return (
            f"no exchange can be read: {first.place}: {first.reason}; to read access "
            "logs, HAR and others, run: shadow-middleware capture import"
        )
    if found.filtered:
        return (
            f"nothing is left to replay: all {found.filtered:,} exchanges are left out "
            "by the filters"
        )
    return "nothing to replay: there is no exchange in these files"
