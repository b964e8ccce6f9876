"""Everything that an agent process shows, by where it shows it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from shadow_middleware.metrics.figures import Figures, added
from shadow_middleware.metrics.otel import Instruments, instruments_of
from shadow_middleware.metrics.outlet import Outlet

__all__ = ["Board", "Place"]

logger = logging.getLogger("shadow_middleware.metrics")


class Place(msgspec.Struct, frozen=True):
    """Where one configuration wants its figures to be seen; empty is nowhere."""

    address: str = ""
    token: str = ""
    otel: str = ""

    def __bool__(self) -> bool:
        return bool(self.address or self.otel)


class Board:
    """Shows the sum of what each place is given. Starts nothing until it is."""

    def __init__(self) -> None:
        self._outlets: dict[str, Outlet] = {}
        self._otel: dict[str, Instruments | None] = {}

    def show(self, readings: Iterable[tuple[Place, Figures]]) -> None:
        """Show these from now on. Never waits, never raises."""
        addresses: dict[str, list[Figures]] = defaultdict(list)
        providers: dict[str, list[Figures]] = defaultdict(list)
        for place, figures in readings:
            if place.address:
                addresses[place.address].append(figures)
                if place.address not in self._outlets:
                    self._outlets[place.address] = Outlet(place.address, place.token)
            if place.otel:
                providers[place.otel].append(figures)
        for address, each in addresses.items():
            self._outlets[address].put(_one_agent(each))
        for provider, each in providers.items():
            instruments = self._instruments(provider)
            if instruments is not None:
                instruments.put(self, _one_agent(each))

    def close(self) -> None:
        """Stop listening; what was shown last is left to the other agents."""
        for outlet in self._outlets.values():
            outlet.close()
        for instruments in self._otel.values():
            if instruments is not None:
                instruments.leave(self)

    def _instruments(self, provider: str) -> Instruments | None:
        """Return them, or None where they cannot be made; that is said once."""
        if provider not in self._otel:
            try:
                self._otel[provider] = instruments_of(provider)
            except Exception as error:  # noqa: BLE001 -- the user's function may be anything
                logger.error("no OpenTelemetry metrics: %s", error)
                self._otel[provider] = None
        return self._otel[provider]


def _one_agent(each: list[Figures]) -> Figures:
    """Return the sum over the configurations of this one agent."""
    return {**added(each), ("agents", ()): 1}
