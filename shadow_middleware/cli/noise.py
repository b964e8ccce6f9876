"""`shadow-middleware noise`: what is learned of each field, and a person's word above it."""

from __future__ import annotations

import enum
import json
import time
from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.naming import one_group
from shadow_middleware.cli.noise_screen import show_noise, why_text
from shadow_middleware.cli.options import (
    ConfigFile,
    GroupName,
    JsonOutput,
    Note,
    OneRoute,
    OneTarget,
    StoreUrl,
)
from shadow_middleware.cli.rule_files import read_source
from shadow_middleware.cli.screen import console, print_json, visible
from shadow_middleware.errors import DecodeError
from shadow_middleware.judge import Policy
from shadow_middleware.knowledge import RULINGS, Decision, GroupState
from shadow_middleware.reading.learned import Learned, judged_at, learned_of
from shadow_middleware.report.noise import (
    NoiseRow,
    known_of,
    noise_summary,
    profile_of,
)
from shadow_middleware.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    help="What is learned of noise: rates, what is held of each field, and why.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

FromFile = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Read a profile that `noise export` wrote, not the store; - is stdin.",
    ),
]


class Held(enum.StrEnum):
    """What a person can say of a group."""

    NOISE = "noise"
    SIGNAL = "signal"
    LEARNED = "learned"


@app.command(
    "list",
    epilog=(
        "Examples:\n\n  shadow-middleware noise list\n\n"
        '  shadow-middleware noise list --route "GET /users/{id}" --held noise\n\n'
        "  shadow-middleware noise list --from profile.json"
    ),
)
def list_noise(
    store: StoreUrl = None,
    config: ConfigFile = None,
    target: OneTarget = None,
    route: OneRoute = None,
    held: Annotated[
        str | None,
        typer.Option(
            "--held", metavar="WHAT", help="Only what is held as `noise` or `signal`."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 50,
    offset: Annotated[
        int, typer.Option("--offset", min=0, help="Leave out so many before.")
    ] = 0,
    source: FromFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    List what was learned, by route and place: how often it differs, and between whom.

    The shadow's rate is how often live and the shadow differ there. The control's is
    how often live differs from its own second copy, and `itself` how often the shadow
    differs from itself. What two answers of one version show as often is noise.
    """
    if held not in (None, Held.NOISE, Held.SIGNAL):
        raise typer.BadParameter(
            f"{held!r} is neither 'noise' nor 'signal'", param_hint="--held"
        )
    settings = settings_of(store, config)
    learned = (
        _recorded(settings, target, route)
        if source is None
        else _read(source, settings)
    )
    summary = noise_summary(learned.known, learned.numbers_of())
    rows = [row for row in summary.rows if _fits(row, target, route, held)]
    page = rows[offset : offset + limit]
    if as_json:
        data = {
            "total": len(rows),
            "compared": summary.compared,
            "overflow": summary.overflow,
            "noise": [_as_json(row) for row in page],
        }
        print_json("noise", data)
    else:
        show_noise(console(), summary, page, len(rows))


@app.command("show", epilog="Example:\n\n  shadow-middleware noise show 3f2a")
def show(
    group: GroupName,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """Show why one group is noise, or is none, with the numbers that say so."""
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        found = one_group(opened, group)
        learned = learned_of(opened, settings)
    rows = noise_summary(learned.known, learned.numbers_of()).rows
    row = next((one for one in rows if one.fingerprint == found.fingerprint), None)
    if as_json:
        evidence = None if row is None else _as_json(row)
        print_json("noise-of", {"group": found.fingerprint, "evidence": evidence})
        return
    screen = console()
    screen.print(visible(f"{found.key.route}  on {found.key.target}", "bold"))
    if row is not None:
        screen.print(visible(row.what))
    screen.print(why_text(row))


@app.command(
    "export", epilog="Example:\n\n  shadow-middleware noise export > profile.json"
)
def export(store: StoreUrl = None, config: ConfigFile = None) -> None:
    """
    Print the whole profile as JSON: counts by day, as they add up.

    `noise list --from FILE` reads it again, wherever the store is by then.
    """
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        learned = learned_of(opened, settings)
    print_json("noise-profile", {"at": learned.at, **profile_of(learned.known)})


@app.command(
    "set",
    epilog=(
        "Examples:\n\n  shadow-middleware noise set 3f2a noise "
        '--note "a random banner"\n\n  shadow-middleware noise set 3f2a learned'
    ),
)
def set_noise(
    group: GroupName,
    held: Annotated[
        Held,
        typer.Argument(
            metavar="noise|signal|learned",
            help="noise: never a divergence; signal: always one; "
            "learned: as the evidence says.",
        ),
    ],
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Say what a group is, above all that is learned; every agent follows.

    A ruling is about this kind of difference alone: another type, a null or a missing
    field at the same place is another group, and stays a divergence.
    """
    ruling = RULINGS[held.value]
    with open_store(settings_of(store, config)) as opened:
        found = one_group(opened, group)
        opened.decide(
            Decision(group=found.fingerprint, at=time.time(), ruling=ruling, note=note)
        )
        now = one_group(opened, found.fingerprint)
    if as_json:
        data = {"group": now.fingerprint, "ruling": now.ruling.value, "note": now.note}
        print_json("noise-set", data)
        return
    typer.echo(f"{now.fingerprint} is {_SAID[held]}.")
    if held is Held.SIGNAL and now.state is GroupState.IGNORED:
        typer.echo("It is ignored as well, so it does not count: groups reopen.")


_SAID = {
    Held.NOISE: "noise from now on, whatever is learned",
    Held.SIGNAL: "a divergence from now on, whatever is learned",
    Held.LEARNED: "what the evidence says again",
}


def _recorded(settings: Settings, target: str | None, route: str | None) -> Learned:
    """Return the profile of the store; refuse names that it never saw."""
    with open_store(settings) as opened:
        if target or route:
            check_names(opened.totals(), target, route)
        return learned_of(opened, settings)


def _read(source: str, settings: Settings) -> Learned:
    """Return a profile as it counted when it was exported."""
    text, name = read_source(source)
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DecodeError(f"{name} is no JSON: {error}") from None
    profile, at = known_of(document)
    return judged_at(profile, Policy.of(settings), at)


def _fits(
    row: NoiseRow, target: str | None, route: str | None, held: str | None
) -> bool:
    return (
        target in (None, row.key.target)
        and route in (None, row.key.route)
        and held in (None, Held.NOISE if row.noise else Held.SIGNAL)
    )


def _as_json(row: NoiseRow) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(row)
    key = data.pop("key")
    return {"group": data.pop("fingerprint"), **key, **data}
