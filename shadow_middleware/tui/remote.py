"""Evidence for the screens, from the API of a dashboard elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from shadow_middleware.errors import ApiError
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.knowledge import GroupState, NoiseRuling
from shadow_middleware.reading import Overview
from shadow_middleware.reading.knowing import GroupDetail
from shadow_middleware.reading.triage import Job
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise import NoiseRow
from shadow_middleware.targets import StoredTarget, Switch
from shadow_middleware.tui.client import ApiClient
from shadow_middleware.tui.source import (
    GroupQuery,
    GroupWindow,
    NoiseWindow,
    RouteRow,
    RouteWindow,
    TargetList,
)

__all__ = ["ApiSource"]

_BY: Final = "watch"

T = TypeVar("T")


class _Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list, as the API gives it."""

    items: tuple[T, ...]
    total: int


class _NoisePage(_Page[NoiseRow], frozen=True):
    """A part of what was learned of noise, as the API gives it."""

    compared: float


class _Added(msgspec.Struct, frozen=True):
    """How many rules were not there before."""

    added: int


class ApiSource:
    """
    A source over an API. What it holds of new fields is left out; of others it tells.

    Args:
        client: Who asks.
        since: Returns from when on evidence counts, in Unix seconds, or None.
    """

    def __init__(
        self, client: ApiClient, since: Callable[[], float | None] = lambda: None
    ) -> None:
        self._client = client
        self._since = since

    def overview(self) -> Overview:
        """Return the totals and the verdict."""
        return self._whole("/v1/overview", Overview, since=self._since())

    def groups(self, query: GroupQuery, limit: int, offset: int) -> GroupWindow:
        """Return the groups that fit, those with the most divergences first."""
        page = self._whole(
            "/v1/groups",
            _Page[GroupRow],
            state=",".join(query.states),
            route=query.route,
            find=_found(query.words),
            since=self._since(),
            limit=limit,
            offset=offset,
        )
        return GroupWindow(page.items, page.total)

    def group(self, fingerprint: str) -> GroupDetail | None:
        """Return one group; None where it is not there any more."""
        return self._client.read(f"/v1/groups/{fingerprint}", GroupDetail)

    def divergence(self, number: int) -> StoredDivergence | None:
        """Return one divergence; None where it is not kept any more."""
        return self._client.read(f"/v1/divergences/{number}", StoredDivergence)

    def routes(self, words: tuple[str, ...], limit: int, offset: int) -> RouteWindow:
        """Return the routes that fit, the busiest first."""
        page = self._whole(
            "/v1/routes",
            _Page[RouteRow],
            find=_found(words),
            since=self._since(),
            limit=limit,
            offset=offset,
        )
        return RouteWindow(page.items, page.total)

    def noise(self, words: tuple[str, ...], limit: int, offset: int) -> NoiseWindow:
        """Return what was learned of noise, by target, route and place."""
        page = self._whole(
            "/v1/noise", _NoisePage, find=_found(words), limit=limit, offset=offset
        )
        return NoiseWindow(page.items, page.total, page.compared)

    def targets(self) -> TargetList:
        """Return how every target stands, and the switch over all of them."""
        return self._whole("/v1/targets", TargetList)

    def enable(self, name: str, enabled: bool, note: str) -> None:
        """Have a target get its copies, or none."""
        body: dict[str, object] = {"enabled": enabled, "by": _BY}
        if note:
            body["note"] = note
        path = f"/v1/targets/{quote(name, safe='')}"
        self._client.write("PATCH", path, body, StoredTarget)

    def turn(self, on: bool, reason: str) -> None:
        """Turn the switch over all targets."""
        body = {"on": on, "reason": reason, "by": _BY}
        self._client.write("PUT", "/v1/switch", body, Switch)

    def decide(self, fingerprint: str, state: GroupState, note: str) -> bool:
        """Decide about a group; False where it is not there any more."""
        return self._told(fingerprint, state=state.value, note=note or None)

    def rule(self, fingerprint: str, ruling: NoiseRuling, note: str) -> bool:
        """Say whether a group is noise; False where it is not there any more."""
        return self._told(fingerprint, ruling=ruling.word, note=note or None)

    def add_rules(self, toml: str, note: str) -> int:
        """Add the rules of a TOML text; return how many were not there before."""
        body = {"toml": toml, "note": note}
        found = self._client.write("POST", "/v1/rules", body, _Added)
        return 0 if found is None else found.added

    def obstacle(self, target: str) -> str:
        """Return ''; the API says what hinders it when it is asked to send."""
        return ""

    def recheck(self, fingerprint: str) -> None:
        """Have the samples of a group sent to the shadow again, from where the API is."""
        path = f"/v1/groups/{fingerprint}/recheck"
        self._client.write("POST", path, {"resolve": True}, Job)

    def job(self, fingerprint: str) -> Job | None:
        """Return the last recheck of a group; None where nobody asked for one."""
        return self._client.read(f"/v1/groups/{fingerprint}/recheck", Job)

    def _whole(self, path: str, answer: type[T], **query: object) -> T:
        """Return what is always there."""
        found = self._client.read(path, answer, **query)
        if found is None:
            raise ApiError(
                f"{self._client.url} has no {path}: it is older than this shadow_middleware; "
                "use one version for both"
            )
        return found

    def _told(self, fingerprint: str, **decided: object) -> bool:
        path = f"/v1/groups/{fingerprint}"
        return self._client.write("PATCH", path, decided, GroupRow) is not None


def _found(words: tuple[str, ...]) -> str | None:
    return " ".join(words) or None
