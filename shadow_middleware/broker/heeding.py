"""What a relay does of what is known of targets: whose account is open, and whether to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shadow_middleware.accounting import Account
from shadow_middleware.following import Answer
from shadow_middleware.governing import rests
from shadow_middleware.settings import Settings
from shadow_middleware.targets import HealthEvent, TargetsState, holding

__all__ = ["Heeding"]


class Heeding:
    """
    Implements `following.Follower` where nothing is sent: how targets fare, workers see.

    Args:
        settings: The configuration.
        account: What each target was selected for.
        turned: Called when capture is to rest, and when it is to begin again.
    """

    has_news = False

    def __init__(
        self, settings: Settings, account: Account, turned: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._account = account
        self._turned = turned
        self._adopted = False
        self.targets = tuple(one.name for one in settings.all_targets)
        """Those that exchanges are counted for now."""
        self.resting = rests(settings, TargetsState())
        """Whether live is to capture nothing."""

    @property
    def added(self) -> tuple[str, ...]:
        """Those that the settings do not name."""
        own = {one.name for one in self._settings.all_targets}
        return tuple(name for name in self.targets if name not in own)

    def events(self) -> list[HealthEvent]:
        """Return nothing: nothing was sent."""
        return []

    def alone(self) -> None:
        """Go on by what is known."""

    def adopt(self, state: TargetsState, answers: Sequence[Answer]) -> None:
        """Let this hold from now on."""
        held = holding(self._settings, state)
        names = tuple(one.target.name for one in held if one.has_lane)
        for name in set(self.targets) - set(names):
            self._account.go(name)
        for name in names:
            if name not in self.targets:
                self._account.come(name, first=not self._adopted)
        self.targets, self._adopted = names, True
        resting = rests(self._settings, state)
        if resting != self.resting:
            self.resting = resting
            self._turned()
