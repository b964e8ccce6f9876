"""`shadow-middleware recheck`: stored samples sent to the shadow again, after a mend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.naming import one_group, one_run
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    OneRun,
    OneTarget,
    StoreUrl,
    methods_of,
)
from shadow_middleware.cli.progress import bar_of
from shadow_middleware.cli.recheck_screen import show_results
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.evidence import StoredDivergence
from shadow_middleware.judge import Ruling
from shadow_middleware.knowledge import (
    Decision,
    Group,
    GroupFilter,
    GroupState,
    Known,
)
from shadow_middleware.reading.learned import all_groups, learned_of
from shadow_middleware.recheck.result import Fate, GroupResult
from shadow_middleware.report.groups import COUNTED, state_of
from shadow_middleware.report.wording import what_changed
from shadow_middleware.settings import SAFE_METHODS, Settings
from shadow_middleware.store.base import Curator, Reader

__all__ = ["EPILOG", "recheck"]

EPILOG = (
    "Examples:\n\n  shadow-middleware recheck --all --resolve\n\n"
    "  shadow-middleware recheck 3f2a --url http://127.0.0.1:9000"
    "\n\n"
    "Exit codes: 0 all fixed · 1 something still diverges · 2 usage, configuration or "
    "store · 3 cannot tell"
)
_EXIT = {Fate.DIVERGING: 1, Fate.UNKNOWN: 3}

_Asked = list[tuple[Group, list[StoredDivergence]]]


def recheck(
    groups: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GROUP",
            help="Ids of groups in `groups list`, or their beginnings.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every group that counts, open or regressed.")
    ] = False,
    store: StoreUrl = None,
    config: ConfigFile = None,
    target: OneTarget = None,
    run: OneRun = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Where the shadow is. Left out: as the settings say, or as --run did.",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="LIST",
            help="Methods to send, as GET,POST. Left out: GET,HEAD,OPTIONS.",
        ),
    ] = None,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Mark groups that are fixed as resolved.")
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """
    Send stored samples to the shadow again, and say of each group whether it is fixed.

    The answers are compared with those of live that were stored: live is not asked.
    Only requests that were stored whole are sent, and only by safe methods unless
    `--methods` names others. Nothing is counted as new evidence.
    """
    if bool(groups) == every:
        raise typer.BadParameter("name groups, or say --all")
    settings = _settings(store, config, target, url, run)
    wanted = frozenset(SAFE_METHODS if methods is None else methods_of(methods))
    with open_store(settings, run=run) as opened:
        learned = learned_of(opened, settings)
        asked: _Asked = [
            (group, opened.samples(group.fingerprint))
            for group in _chosen(opened, groups or [], target, learned.rulings)
        ]
        if every and not asked:
            check_names(opened.totals(), target)
        samples = len({one.id for _, each in asked for one in each})
        with bar_of(samples) as advance:
            results = asyncio.run(_run(settings, learned.known, wanted, asked, advance))
        if resolve:
            _resolve(opened, results)
    if as_json:
        print_json("recheck", {"groups": [_as_json(one, resolve) for one in results]})
    else:
        show_results(console(), results, resolved=resolve)
    raise typer.Exit(_exit_code(results))


async def _run(
    settings: Settings,
    known: Known,
    methods: frozenset[str],
    asked: _Asked,
    told: Callable[[], None],
) -> list[GroupResult]:
    # Only this command pays for the HTTP client.
    from shadow_middleware.recheck import Recheck, Rejudge
    from shadow_middleware.replay.http import HttpSender

    work = Recheck(
        settings,
        Rejudge(settings, known, time.time()),
        lambda target: HttpSender(target, settings),
        methods=methods,
        told=told,
    )
    return await work.run(asked)


def _settings(
    store: str | None,
    config: str | None,
    target: str | None,
    url: str | None,
    run: str | None,
) -> Settings:
    """Return the settings, with `--url`, or where the run went, in place of theirs."""
    settings = settings_of(store, config)
    if url is None and run is not None:
        with open_store(settings) as opened:
            found = one_run(opened, run)
        return moved(settings, found.target, found.address)
    if url is None:
        if not settings.all_targets:
            raise ConfigurationError(
                "no shadow is set: name it with --url URL, SHADOW_MIDDLEWARE_SHADOW_URL "
                "or --config FILE"
            )
        return settings
    return moved(settings, target, url)


def moved(
    settings: Settings, target: str | None, url: str, option: str = "--url"
) -> Settings:
    """
    Return settings in which a target is at another address, and no other one.

    Args:
        settings: As they were.
        target: Which one; it may be left out where there is no more than one.
        url: The address.
        option: What the address was given with.

    Raises:
        ConfigurationError: it is no address, or it is not said which target is meant.
    """
    from shadow_middleware.addresses import check_url
    from shadow_middleware.configuration import Place
    from shadow_middleware.settings import Target

    address = check_url(Place(option, "command line"), url)
    known = {one.name: one for one in settings.all_targets}
    if target is None and len(known) > 1:
        raise ConfigurationError(
            f"--url could be any of {', '.join(known)}: say which with --target"
        )
    name = target or next(iter(known), "shadow")
    one = msgspec.structs.replace(
        known.get(name, Target(url=url)), name=name, url=address
    )
    return msgspec.structs.replace(settings, shadow_url="", targets=(one,))


def _chosen(
    reader: Reader,
    names: Sequence[str],
    target: str | None,
    rulings: Mapping[str, Ruling],
) -> list[Group]:
    """Return the groups that are named, or every one that counts."""
    if names:
        named = [one_group(reader, name) for name in names]
        # Two beginnings can name one group.
        return list({one.fingerprint: one for one in named}.values())
    return [
        group
        for group in all_groups(reader, GroupFilter(target=target))
        if state_of(group, _why(rulings.get(group.fingerprint))) in COUNTED
    ]


def _why(ruling: Ruling | None) -> str:
    return ruling.why if ruling is not None and ruling.noise else ""


def _resolve(curator: Curator, results: Sequence[GroupResult]) -> None:
    for result in results:
        if result.fate is Fate.FIXED:
            decision = Decision(
                group=result.group.fingerprint,
                at=time.time(),
                state=GroupState.RESOLVED,
                note="rechecked",
            )
            curator.decide(decision)


def _exit_code(results: Sequence[GroupResult]) -> int:
    fates = {result.fate for result in results}
    return next((code for fate, code in _EXIT.items() if fate in fates), 0)


def _as_json(result: GroupResult, resolve: bool) -> dict[str, Any]:
    group = result.group
    return {
        "group": group.fingerprint,
        **msgspec.to_builtins(group.key),
        "what": what_changed(group.key),
        "fate": result.fate.value,
        "counts": result.counts,
        "reasons": result.reasons,
        "resolved": resolve and result.fate is Fate.FIXED,
        "samples": [msgspec.to_builtins(one) for one in result.samples],
    }
