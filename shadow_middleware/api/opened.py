"""A store that faces look at: opened at the first look, and tried again while it is away."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.reading import Reading, Steering, Triage
from shadow_middleware.reading.remembering import forget, relax
from shadow_middleware.report.policy import Policy
from shadow_middleware.settings import Settings, load

if TYPE_CHECKING:
    from shadow_middleware.store.sql import SqlStore

__all__ = ["Opened"]


class Opened:
    """
    What is read and decided by, once somebody looks.

    Args:
        settings: Where the store is, and how noise is told.
        policy: What is asked of a shadow.
        resting: Seconds that answers may be behind after nobody looked; see `relax`.

    Raises:
        ConfigurationError: the settings name no store.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Policy | None = None,
        *,
        resting: float = 0.0,
    ) -> None:
        if not settings.store_url:
            raise ConfigurationError(
                "store_url is empty, so there is nothing to show; name the store that "
                "the middleware writes to"
            )
        self._settings = settings
        self._policy = policy
        self._resting = resting
        self._lock = threading.Lock()
        self._store: SqlStore | None = None
        self._found: tuple[Reading, Triage, Steering] | None = None

    @classmethod
    def of(
        cls,
        given: Mapping[str, Any],
        config: str | None,
        policy: Policy | None,
        source: str,
    ) -> Opened:
        """
        Return it for settings as a host gives them; `source` is who asks, for errors.

        Raises:
            ConfigurationError: a setting is wrong, or no store is named.
        """
        settings = load(given, config=config, source=source, require_target=False)
        return cls(settings, policy)

    @property
    def reading(self) -> Reading:
        """What is read from; raises StoreError while the store is away."""
        return self._open()[0]

    @property
    def triage(self) -> Triage:
        """What is written to; raises StoreError while the store is away."""
        return self._open()[1]

    @property
    def steering(self) -> Steering:
        """What targets are changed by; raises StoreError while the store is away."""
        return self._open()[2]

    def close(self) -> None:
        """Close the store, if anybody looked. Whoever looks again opens it anew."""
        with self._lock:
            store, self._store, self._found = self._store, None, None
        if store is not None:
            forget(store)
            store.close()

    def _open(self) -> tuple[Reading, Triage, Steering]:
        # A host that only mounts it need not pay for the database at its start.
        from shadow_middleware.store.sql import SqlStore

        with self._lock:
            if self._found is None:
                self._store = SqlStore(self._settings.store_url)
                relax(self._store, resting=self._resting)
                self._found = (
                    Reading(self._store, self._settings, self._policy),
                    Triage(self._store, self._settings),
                    Steering(self._store, self._settings),
                )
            return self._found
