"""The screens that number keys open: overview, groups, routes, noise."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from shadow_middleware.evidence import NO_ROUTE
from shadow_middleware.report.groups import GroupRow
from shadow_middleware.report.noise import NoiseRow, Sightings
from shadow_middleware.report.noise_words import why_noise
from shadow_middleware.tui.deciding import CHOICES
from shadow_middleware.tui.desk import Desk
from shadow_middleware.tui.finding import GroupPage
from shadow_middleware.tui.group_text import STATE_STYLES
from shadow_middleware.tui.listing import WINDOW, Listing, Window
from shadow_middleware.tui.overview_text import overview_text
from shadow_middleware.tui.page import TextPage
from shadow_middleware.tui.query import group_query, words_of
from shadow_middleware.tui.source import Overview, RouteRow
from shadow_middleware.tui.words import HEAD, ms, one_line, share, shown

__all__ = ["GroupsPage", "NoisePage", "OverviewPage", "RoutesPage"]


class OverviewPage(TextPage):
    """The verdict, the totals and the latency of every target."""

    TAB = "Overview"
    KEYS = "Enter groups  1-5 pages  j k scroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "app.page('Groups')", show=False)
    ]
    _data: Overview | None = None

    def read(self) -> Overview:
        """Return the totals and the verdict."""
        return self.desk.source.overview()

    def question(self) -> Hashable:
        """Return that it is the overview."""
        return self.TAB

    def draw(self, data: Overview) -> None:
        """Show them for the width that there is."""
        self._data = data
        self.write(overview_text(data, self.app.size.width - 4))

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for the new width."""
        if self._data is not None:
            self.write(overview_text(self._data, event.size.width - 4))


class GroupsPage(Listing):
    """What differs, one line for each sort of difference."""

    TAB = "Groups"
    HEADS = ("state", "count", "share", "where and what changed")
    TALL = 2
    EMPTY = "No group counts against the shadow. Others: / and state:all"
    HINT = "words, or state:all, state:ignored,resolved"

    def __init__(
        self, desk: Desk, filter_text: str = "", route: str | None = None
    ) -> None:
        super().__init__(desk, filter_text)
        self._route = route

    def read_window(self, offset: int) -> Window:
        """Return the groups that the filter means."""
        query = group_query(self.filter_text, self._route)
        found = self.desk.source.groups(query, WINDOW, offset)
        note = "" if "state:" in self.filter_text else "(those that count)"
        note += f" of {self._route}" if self._route else ""
        return Window(offset, found.rows, found.total, note)

    def question(self) -> Hashable:
        """Return the list, and of which route."""
        return super().question(), self._route

    def cells(self, row: GroupRow) -> Sequence[Text]:
        """Return one group."""
        where = one_line(row.key.route, HEAD)
        where.append_text(one_line(f"  on {row.key.target}", "not bold"))
        return (
            Text(row.state, STATE_STYLES.get(row.state, "")),
            Text(f"{row.count:,}", justify="right"),
            Text(share(row.share), justify="right"),
            Text("\n").join([where, one_line(row.what)]),
        )

    def key(self, row: GroupRow) -> str:
        """Return its fingerprint."""
        return row.fingerprint

    def open(self, row: GroupRow) -> None:
        """Open the group."""
        self.app.push_screen(GroupPage(self.desk, row.fingerprint))


class RoutesPage(Listing):
    """How each route fares, the busiest first."""

    TAB = "Routes"
    HEADS = ("count", "agree", "live p95", "shadow p95", "route")
    EMPTY = "No route was mirrored yet."

    def read_window(self, offset: int) -> Window:
        """Return the routes that the filter means."""
        words = words_of(self.filter_text)
        found = self.desk.source.routes(words, WINDOW, offset)
        return Window(offset, found.rows, found.total, "times in ms")

    def cells(self, row: RouteRow) -> Sequence[Text]:
        """Return one route."""
        one = row.summary
        times = one.latency
        live, shadow = (
            (ms(times.live_ms.p95), ms(times.shadow_ms.p95)) if times else ("-", "-")
        )
        figures = (f"{one.count:,}", share(one.match_rate), live, shadow)
        route = "(no route)" if one.route == NO_ROUTE else one.route
        name = one_line(route, HEAD) + one_line(f"  on {row.target}", "not bold")
        return (*(Text(figure, justify="right") for figure in figures), name)

    def key(self, row: RouteRow) -> tuple[str, str]:
        """Return target and route."""
        return row.target, row.summary.route

    def open(self, row: RouteRow) -> None:
        """Open the groups of the route, whatever their state."""
        page = GroupsPage(self.desk, "state:all", row.summary.route)
        self.app.push_screen(page)


class NoisePage(Listing):
    """What was learned of noise, and what is held of it."""

    TAB = "Noise"
    KEYS = "Enter open  / filter  n noise  s counts  l as learned"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "decide('noise')", "Noise", show=False),
        Binding("s", "decide('signal')", "Counts", show=False),
        Binding("l", "decide('learned')", "As learned", show=False),
    ]
    HEADS = ("held as", "shadow", "control", "itself", "where and what")
    TALL = 2
    EMPTY = "Nothing is learned yet."

    def read_window(self, offset: int) -> Window:
        """Return the rows that the filter means."""
        words = words_of(self.filter_text)
        found = self.desk.source.noise(words, WINDOW, offset)
        note = f"rates over {found.compared:,.0f} answers"
        return Window(offset, found.rows, found.total, note)

    def cells(self, row: NoiseRow) -> Sequence[Text]:
        """Return one row."""
        where = one_line(row.key.route, HEAD)
        where.append_text(one_line(f"  on {row.key.target}", "not bold"))
        why = why_noise(row)
        what = f"{row.what} ({why})" if why else row.what
        return (
            Text("noise" if row.noise else "counts", "green" if row.noise else "red"),
            *(_rate(seen) for seen in (row.raw, row.control, row.probe)),
            Text("\n").join([where, one_line(what)]),
        )

    def key(self, row: NoiseRow) -> str:
        """Return its fingerprint."""
        return row.fingerprint

    def open(self, row: NoiseRow) -> None:
        """Open the group."""
        self.app.push_screen(GroupPage(self.desk, row.fingerprint))

    def action_decide(self, name: str) -> None:
        """Rule by hand what the cursor is on, above all that is learned."""
        row = self.selected()
        if row is not None:
            choice = CHOICES[name]
            take = functools.partial(choice.take, self.desk.source, row.fingerprint)
            about = f"{row.key.route}\n{row.what}"
            self.ask(choice.question, shown(about), take)


def _rate(seen: Sightings) -> Text:
    return Text(share(seen.rate), justify="right")
