"""`shadow-middleware groups`: divergences folded into findings, and what is decided of them."""

from __future__ import annotations

import time
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.groups_screen import (
    GroupDetail,
    decided,
    show_group,
    show_groups,
)
from shadow_middleware.cli.naming import one_group
from shadow_middleware.cli.options import (
    ConfigFile,
    GroupName,
    JsonOutput,
    Note,
    OneRoute,
    OneRun,
    OneTarget,
    Since,
    States,
    StoreUrl,
    since_of,
    states_of,
)
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.exchange import Part
from shadow_middleware.knowledge import Decision, GroupFilter, GroupState
from shadow_middleware.reading.learned import all_groups, learned_of, rows_of
from shadow_middleware.report.groups import STATES, GroupRow
from shadow_middleware.report.noise import noise_summary

__all__ = ["app"]

app = typer.Typer(
    help="Divergences folded into findings: list them, look at one, decide.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

GroupNames = Annotated[
    list[str],
    typer.Argument(
        metavar="GROUP...", help="Ids of groups in `groups list`, or their beginnings."
    ),
]


@app.command(
    "list",
    epilog=(
        "Examples:\n\n  shadow-middleware groups list\n\n"
        '  shadow-middleware groups list --state all --route "GET /users/{id}"'
    ),
)
def list_groups(
    store: StoreUrl = None,
    config: ConfigFile = None,
    state: States = None,
    target: OneTarget = None,
    route: OneRoute = None,
    run: OneRun = None,
    part: Annotated[
        Part | None,
        typer.Option("--part", help="Only this part of the answer."),
    ] = None,
    since: Since = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    offset: Annotated[
        int, typer.Option("--offset", min=0, help="Leave out so many before.")
    ] = 0,
    as_json: JsonOutput = False,
) -> None:
    """
    List what differs, folded into groups: one line for each sort of difference.

    A group shares target, route, place, kind and sorts of value. Its share is that of
    the route's compared answers. Only groups that count against the shadow are listed,
    unless `--state` asks for others.
    """
    wanted = states_of(state)
    settings = settings_of(store, config)
    with open_store(settings, run=run) as opened:
        where = GroupFilter(
            target=target,
            route=route,
            part=part,
            since=since_of(since, opened.time()),
            with_noise=True,
        )
        learned = learned_of(opened, settings)
        rows = rows_of(opened, all_groups(opened, where), learned)
        if not rows:
            check_names(opened.totals(), target, route)
    fitting = [row for row in rows if row.state in wanted]
    states = {name: sum(row.state == name for row in rows) for name in STATES}
    page = fitting[offset : offset + limit]
    if as_json:
        shown = [_as_json(row) for row in page]
        data = {"total": len(fitting), "states": states, "groups": shown}
        print_json("groups", data)
    else:
        show_groups(console(), page, len(fitting), offset, states, wanted)


@app.command(
    "show",
    epilog=(
        "Examples:\n\n  shadow-middleware groups show 3f2a\n\n"
        "  shadow-middleware groups show 3f2a --json"
    ),
)
def show(
    group: GroupName,
    store: StoreUrl = None,
    config: ConfigFile = None,
    run: OneRun = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Show one group: what changed, how often, whether it is noise, samples, what to do.

    Samples are stored divergences that stand for it, few and unlike each other.
    """
    settings = settings_of(store, config)
    with open_store(settings, run=run) as opened:
        found = one_group(opened, group)
        learned = learned_of(opened, settings)
        row = rows_of(opened, [found], learned)[0]
        samples = opened.samples(found.fingerprint)
    noise = noise_summary(learned.known, learned.numbers_of()).rows
    evidence = next((one for one in noise if one.fingerprint == row.fingerprint), None)
    if as_json:
        data = _as_json(row)
        data["evidence"] = evidence and msgspec.to_builtins(evidence)
        data["samples"] = [
            {"id": one.id, **msgspec.structs.asdict(one.record)} for one in samples
        ]
        print_json("group", data)
    else:
        show_group(console(), GroupDetail(row, evidence, tuple(samples), run or ""))


@app.command(
    "ignore",
    epilog='Example:\n\n  shadow-middleware groups ignore 3f2a --note "a known typo"',
)
def ignore(
    groups: GroupNames,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    run: OneRun = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Decide that groups do not count: reports and the verdict leave them out.

    What is stored stays, so `groups reopen` takes it back.
    """
    _decide(groups, GroupState.IGNORED, note, _Where(store, config, run), as_json)


@app.command(
    "resolve",
    epilog="Example:\n\n  shadow-middleware groups resolve 3f2a --note 'fixed in 1.4.2'",
)
def resolve(
    groups: GroupNames,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    run: OneRun = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Say that groups are mended; one that is seen again comes back as `regressed`.

    To find out first whether they are: `shadow-middleware recheck`.
    """
    _decide(groups, GroupState.RESOLVED, note, _Where(store, config, run), as_json)


@app.command("reopen", epilog="Example:\n\n  shadow-middleware groups reopen 3f2a")
def reopen(
    groups: GroupNames,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    run: OneRun = None,
    as_json: JsonOutput = False,
) -> None:
    """Take a decision back: the groups count again."""
    _decide(groups, GroupState.OPEN, note, _Where(store, config, run), as_json)


class _Where(NamedTuple):
    """In which store a decision is made, and by what run its groups are known."""

    store: str | None
    config: str | None
    run: str | None


def _decide(
    names: list[str],
    state: GroupState,
    note: str | None,
    where: _Where,
    as_json: bool,
) -> None:
    """Decide about every group that is named, or about none where one is not known."""
    settings = settings_of(where.store, where.config)
    with open_store(settings, run=where.run) as opened:
        found = {one_group(opened, name).fingerprint: None for name in names}
        now = time.time()
        for fingerprint in found:
            opened.decide(Decision(group=fingerprint, at=now, state=state, note=note))
        groups = [one_group(opened, fingerprint) for fingerprint in found]
        rows = rows_of(opened, groups, learned_of(opened, settings))
    if as_json:
        print_json("groups-decided", {"groups": [_as_json(row) for row in rows]})
    else:
        decided(console(), rows, state)


def _as_json(row: GroupRow) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(row)
    key = data.pop("key")
    return {"group": data.pop("fingerprint"), **key, **data}
