"""What a person sets of targets at run time, checked at the door and written for all hosts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol
from urllib.parse import urlsplit

from shadow_middleware.addresses import is_app
from shadow_middleware.configuration import Place
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.knowledge import CONTROL
from shadow_middleware.settings import Settings
from shadow_middleware.store.base import Reader, Targets
from shadow_middleware.targets import (
    Held,
    StoredTarget,
    Switch,
    TargetChange,
    change_of,
    holding,
    refusal_of,
)

__all__ = ["Register", "Steering", "name_for"]

_LONGEST = 64


class Register(Reader, Targets, Protocol):
    """A store that knows targets, and evidence of them."""


class Steering:
    """
    Changes targets for every process on the store. Every method may raise StoreError.

    Args:
        store: Where targets are kept. It stays the caller's to close.
        settings: Which targets there are, and which addresses may be added.
        now: The clock.
    """

    def __init__(
        self,
        store: Register,
        settings: Settings | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._now = now

    def check(self, table: Mapping[str, Any], *, by: str, source: str) -> TargetChange:
        """
        Return the change that a table states, without making it.

        Args:
            table: `name`, and what is to be different; None follows the settings.
            by: Who asks, in their own words.
            source: Where it was stated, for errors.

        Raises:
            ConfigurationError: naming what is wrong and what would be right.
        """
        place = Place("target", source)
        change = change_of(table, place, self._settings, by=by, at=self._now())
        if not isinstance(change.url, str):
            self._must_be_known(change.name, place)
        return change

    def make(self, changes: Iterable[TargetChange]) -> list[StoredTarget]:
        """Make changes that were checked; every agent follows within seconds."""
        return [self._store.change_target(one) for one in changes]

    def change(
        self, table: Mapping[str, Any], *, by: str, source: str = "request"
    ) -> StoredTarget:
        """Check and make one change; see `check`."""
        (changed,) = self.make([self.check(table, by=by, source=source)])
        return changed

    def remove(self, name: str) -> bool:
        """
        Forget what was set of a target; False where nothing was.

        One that was added is no more; one of the settings is as they say again.
        """
        return self._store.remove_target(name)

    def turn(self, *, on: bool, reason: str, by: str) -> Switch:
        """Turn the switch over all targets; off, no copy is made anywhere."""
        switch = Switch(on=on, reason=reason, by=by, at=self._now())
        self._store.turn_switch(switch)
        return switch

    def held(self) -> list[Held]:
        """Return every target as it holds by the settings here."""
        return holding(self._settings, self._store.targets_state())

    def refusal(self, url: str) -> str:
        """Return why no target may be at an address; '' where one may."""
        return refusal_of(self._settings, url)

    def names(self) -> list[str]:
        """Return the names of all targets that are known anywhere."""
        found = {one.name for one in self._settings.all_targets}
        found |= {one.name for one in self._store.targets_state().targets}
        found |= {one.target for one in self._store.progress()}
        found |= {one.target for one in self._store.versions()}
        return sorted(found - {CONTROL})

    def _must_be_known(self, name: str, place: Place) -> None:
        names = self.names()
        if name in names:
            return
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        known = f"there are {', '.join(names)}" if names else "there is none yet"
        advice = f"did you mean {near[0]!r}?" if near else known
        raise ConfigurationError(
            f"no target is named {name!r} ({place.source}; to add one, give its url); "
            f"{advice}"
        )


def name_for(url: str, taken: Sequence[str]) -> str:
    """
    Return a name for the target at an address: `v2-internal-8000`, and another if taken.

    Of ASCII letters, digits and `-`, which names of targets may have.
    """
    if is_app(url):
        told = url.partition(":")[2]
    else:
        parts = urlsplit(url)
        told = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
    kept = "".join(one if one.isascii() and one.isalnum() else "-" for one in told)
    name = "-".join(filter(None, kept.split("-")))[: _LONGEST - 4] or "target"
    free = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in free if one not in taken)
