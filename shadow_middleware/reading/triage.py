"""What a person decides, written for every process on the store to follow."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from shadow_middleware.errors import ConfigurationError, ShadowMiddlewareError
from shadow_middleware.knowledge import (
    Decision,
    GroupFilter,
    GroupState,
    NoiseRuling,
    SharedRule,
)
from shadow_middleware.reading.knowing import origins_known
from shadow_middleware.reading.learned import learned_of
from shadow_middleware.reading.stated import rules_in
from shadow_middleware.report.rule_list import name_of
from shadow_middleware.settings import SAFE_METHODS, Settings
from shadow_middleware.store.base import Curator, Reader, Targets
from shadow_middleware.targets import holding

__all__ = ["Archive", "Job", "Triage"]

_KEPT = 200
"""Rechecks that are remembered, the newest."""
_AT_ONCE = 2
"""Rechecks that send; more of them wait, so that a shadow is not stormed."""


class Archive(Reader, Curator, Targets, Protocol):
    """A store that is read and decided in."""


class Job(msgspec.Struct, frozen=True):
    """A recheck of one group: under way, done or failed."""

    running: bool
    fate: str = ""
    """`fixed`, `still diverging` or `cannot tell`; '' while it runs or where it failed."""
    reasons: Sequence[tuple[str, int]] = ()
    """Why samples cannot be told or diverge, with how many."""
    resolved: bool = False
    problem: str = ""


class Triage:
    """
    Writes decisions, and rechecks groups on a thread of its own.

    Args:
        store: Where decisions are kept. It stays the caller's to close.
        settings: Where targets are, and how answers are compared.
        now: The clock.
    """

    def __init__(
        self,
        store: Archive,
        settings: Settings | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings or Settings()
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(_AT_ONCE)

    def decide(
        self,
        group: str,
        *,
        state: GroupState | None = None,
        ruling: NoiseRuling | None = None,
        note: str | None = None,
    ) -> bool:
        """Note a decision about a group; False where no such group is known."""
        decision = Decision(
            group=group, at=self._now(), state=state, ruling=ruling, note=note
        )
        return self._store.decide(decision)

    def add_rules(self, toml: str, *, note: str = "") -> int:
        """
        Add the rules of a TOML text; return how many were not there before.

        Raises:
            ConfigurationError: naming what is wrong and what would be right; nothing
                was added.
        """
        rules = rules_in(toml, "request", self._settings)
        known = {one.name for one in origins_known(self._store, self._settings)}
        added = 0
        for rule in rules:
            named = msgspec.structs.replace(rule, name=name_of(rule))
            if named.name not in known:
                added += self._store.add_rule(SharedRule(named, self._now(), note))
        return added

    def remove_rule(self, name: str) -> bool:
        """Remove a rule that was added at run time; False where there is none."""
        return self._store.remove_rule(name)

    def job(self, group: str) -> Job | None:
        """Return the last recheck of a group since this process began."""
        return self._jobs.get(group)

    def obstacle(self, target: str) -> str:
        """Return why nothing of a target can be sent again from here; '' if it can."""
        names = [one.name for one in self._known().targets]
        if target in names:
            return ""
        if not names:
            return "no shadow is set here: name it with shadow_url"
        return f"the settings here name no target {target!r}"

    def recheck(self, group: str, *, resolve: bool = False) -> None:
        """
        Begin to send the samples of a group to the shadow again, by safe methods only.

        One that is under way already goes on, and no second one begins.

        Raises:
            ConfigurationError: the settings name no shadow.
        """
        if not self._known().targets:
            raise ConfigurationError("no shadow is set: name it with shadow_url")
        with self._lock:
            known = self._jobs.get(group)
            if known is not None and known.running:
                return
            self._jobs.pop(group, None)
            self._jobs[group] = Job(running=True)
            while len(self._jobs) > _KEPT:
                del self._jobs[next(iter(self._jobs))]
        threading.Thread(
            target=self._work, args=(group, resolve), name="recheck", daemon=True
        ).start()

    def _known(self) -> Settings:
        """Return the settings, with targets as they hold now."""
        held = holding(self._settings, self._store.targets_state())
        targets = tuple(one.target for one in held if one.has_lane)
        return msgspec.structs.replace(self._settings, shadow_url="", targets=targets)

    def _work(self, group: str, resolve: bool) -> None:
        try:
            with self._turn:
                done = self._rechecked(group, resolve)
        except ShadowMiddlewareError as error:
            done = Job(running=False, problem=str(error))
        except Exception as error:  # noqa: BLE001 -- nobody else would hear of it
            done = Job(running=False, problem=f"a mistake of ours: {error!r}")
        with self._lock:
            self._jobs[group] = done

    def _rechecked(self, group: str, resolve: bool) -> Job:
        # Only a recheck pays for the HTTP client.
        from shadow_middleware.recheck import Fate, Recheck, Rejudge
        from shadow_middleware.replay.http import HttpSender

        where = GroupFilter(fingerprint=group, with_noise=True)
        found = [one for one in self._store.groups(where) if one.fingerprint == group]
        asked = [(one, self._store.samples(group)) for one in found]
        known = learned_of(self._store, self._settings).known
        settings = self._known()
        work = Recheck(
            settings,
            Rejudge(settings, known, self._now()),
            lambda target: HttpSender(target, settings),
            methods=frozenset(SAFE_METHODS),
        )
        results = asyncio.run(work.run(asked))
        if not results:
            return Job(running=False, problem="there is no such group any more")
        fixed = results[0].fate is Fate.FIXED
        resolved = resolve and fixed
        if resolved:
            self.decide(group, state=GroupState.RESOLVED, note="rechecked")
        return Job(
            running=False,
            fate=results[0].fate.value,
            reasons=tuple(results[0].reasons.items()),
            resolved=resolved,
        )
