"""The port behind which what was counted of noise is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shadow_middleware.knowledge import NoiseBase, NoiseCount, Weighed

__all__ = ["NoiseReader"]


class NoiseReader(Protocol):
    """
    What was counted of noise; safe on any thread.

    Every method raises StoreError where the store cannot be read.
    """

    def noise(
        self,
        since_day: int | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseCount]:
        """Return what was counted of noise, each day apart."""
        ...

    def weighed(self, worth: Mapping[int, float]) -> Weighed:
        """
        Return what is known of noise, the days added up, in one reading.

        Args:
            worth: What a count of each day is worth. Days before the first of them do
                not count, days after the last count in full.
        """
        ...

    def eras(self, since_day: int) -> dict[str, str]:
        """Return the live version of each target that was seen most on its last day."""
        ...

    def cells_tested(
        self, worth: Mapping[int, float], target: str, least: float
    ) -> int:
        """
        Return how many cells of a target two answers of one version have shown.

        Args:
            worth: As for `weighed`.
            target: Its name.
            least: How often they must have shown it, weighed.
        """
        ...

    def noise_bases(
        self,
        since_day: int | None = None,
        target: str | None = None,
        route: str | None = None,
    ) -> list[NoiseBase]:
        """Return what the counts of noise are shares of, each day apart."""
        ...
