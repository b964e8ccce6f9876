"""`shadow-middleware targets add`, `set`, `enable`, `disable`, `remove`: at run time."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput, Note, StoreUrl
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.cli.targets_screen import show_targets
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.reading import Reading, Steering
from shadow_middleware.reading.steering import name_for
from shadow_middleware.targets import FOLLOWED

__all__ = ["EPILOGS", "add", "change", "disable", "enable", "remove", "who"]

EPILOGS: Final = {
    "add": (
        "Examples:\n\n  shadow-middleware targets add http://v2.internal:8000\n\n"
        "  shadow-middleware targets add http://v2.internal:8000 --name v2 --rate 0.1"
    ),
    "set": (
        "Examples:\n\n  shadow-middleware targets set v2 --rate 0.5\n\n"
        '  shadow-middleware targets set v2 --include "/api/**" --rate-limit 50\n\n'
        "  shadow-middleware targets set v2 --follow rate"
    ),
    "enable": "Example:\n\n  shadow-middleware targets enable v2",
    "disable": 'Example:\n\n  shadow-middleware targets disable v2 --note "too slow"',
    "remove": "Example:\n\n  shadow-middleware targets remove v2",
}

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in `targets list`.")]
Names = Annotated[
    list[str], typer.Argument(metavar="NAME…", help="One or more of `targets list`.")
]
NamedAs = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="NAME", help="What to call it. Left out: made of the URL."
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate", metavar="SHARE", help="Share of what is mirrored, 0 to 1; sticky."
    ),
]
RateLimit = Annotated[
    float | None,
    typer.Option(
        "--rate-limit", metavar="NUMBER", help="Replays a second at most; 0: any."
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency", metavar="NUMBER", help="Replays at once; 0: as the settings."
    ),
]
Methods = Annotated[
    str | None,
    typer.Option(
        "--methods", metavar="LIST", help="Methods to send it, as GET,HEAD,POST."
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Paths to send it; repeat it."),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Paths not to send it; repeat it."),
]
Persistent = Annotated[
    bool | None,
    typer.Option(
        "--persistent/--not-persistent", help="Probe it for ever, however it fails."
    ),
]
Disabled = Annotated[
    bool, typer.Option("--disabled", help="Send it nothing until it is enabled.")
]
NewUrl = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Where it is, from now on."),
]
Follow = Annotated[
    list[str] | None,
    typer.Option(
        "--follow",
        metavar="FIELD",
        help="Follow the settings in this again; repeat it.",
    ),
]


def who() -> str:
    """Return who asks, as the machine knows them; '' where it does not."""
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def add(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="`http://HOST:PORT/BASE`, `https://…`, `asgi:MODULE:APP`.",
        ),
    ],
    name: NamedAs = None,
    rate: Rate = None,
    rate_limit: RateLimit = None,
    concurrency: Concurrency = None,
    methods: Methods = None,
    include: Include = None,
    exclude: Exclude = None,
    persistent: Persistent = None,
    disabled: Disabled = False,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Add a target at run time: every agent on the store sends to it within two seconds.

    Its URL has to fit `target_allow`, here and in the settings of every agent. Its
    account begins when it comes: nothing from before is sent to it.
    """
    table = _said(
        url=url,
        rate=rate,
        rate_limit=rate_limit,
        concurrency=concurrency,
        methods=methods,
        include=include,
        exclude=exclude,
        persistent=persistent,
        enabled=False if disabled else None,
        note=note,
    )

    def work(steering: Steering) -> list[str]:
        taken = steering.names()
        called = name or name_for(url, taken)
        if called in taken:
            raise ConfigurationError(
                f"there is a target named {called!r}; to change it, run: "
                f"shadow-middleware targets set {called} --url {url}"
            )
        return [steering.change({"name": called, **table}, by=who(), source="add").name]

    _done(work, store, config, as_json=as_json)


def change(
    name: Name,
    url: NewUrl = None,
    rate: Rate = None,
    rate_limit: RateLimit = None,
    concurrency: Concurrency = None,
    methods: Methods = None,
    include: Include = None,
    exclude: Exclude = None,
    persistent: Persistent = None,
    follow: Follow = None,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Change single fields of a target at run time; what is not named stays.

    `--follow FIELD` takes back what was set, so that the settings hold again.
    """
    table: dict[str, Any] = dict.fromkeys(map(_field, follow or ()))
    table |= _said(
        url=url,
        rate=rate,
        rate_limit=rate_limit,
        concurrency=concurrency,
        methods=methods,
        include=include,
        exclude=exclude,
        persistent=persistent,
        note=note,
    )
    if not table:
        raise typer.BadParameter("say what is to be different, as --rate 0.1")
    _change_each([name], table, "set", store, config, as_json=as_json)


def enable(
    names: Names,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Have targets get their copies again, those too that have failed or are gone.
    """
    table = _said(enabled=True, note=note)
    _change_each(names, table, "enable", store, config, as_json=as_json)


def disable(
    names: Names,
    note: Note = None,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Send targets nothing until they are enabled. What is under way still ends.
    """
    table = _said(enabled=False, note=note)
    _change_each(names, table, "disable", store, config, as_json=as_json)


def remove(
    names: Names,
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Forget what was set of targets: one that was added is no more.

    A target of the settings is as they say again; to stop its copies, disable it. What
    was recorded of a target stays.
    """
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        steering = Steering(opened, settings)
        were_set = {row.name for row in opened.targets_state().targets}
        for name in names:
            if name not in were_set:
                raise ConfigurationError(
                    f"nothing was set of a target named {name!r}, so nothing is removed; "
                    "to stop its copies, run: shadow-middleware targets disable"
                )
        for name in names:
            steering.remove(name)
    if as_json:
        print_json("targets-removed", {"removed": names})
    else:
        console().print(f"Removed: {', '.join(names)}")


def _said(**given: Any) -> dict[str, Any]:
    """Return what was said of a target; a list as the settings have it."""
    said = {name: value for name, value in given.items() if value is not None}
    if "methods" in said:
        said["methods"] = [one.strip() for one in said["methods"].split(",")]
    return said


def _field(word: str) -> str:
    field = word.strip().replace("-", "_")
    if field not in FOLLOWED:
        known = ", ".join(FOLLOWED)
        raise typer.BadParameter(f"{word!r} is none of: {known}", param_hint="--follow")
    return field


def _change_each(
    names: Sequence[str],
    table: dict[str, Any],
    source: str,
    store: str | None,
    config: str | None,
    *,
    as_json: bool,
) -> None:
    def work(steering: Steering) -> list[str]:
        by = who()
        # All are checked before any is changed.
        changes = [
            steering.check({"name": name, **table}, by=by, source=source)
            for name in names
        ]
        return [one.name for one in steering.make(changes)]

    _done(work, store, config, as_json=as_json)


def _done(
    work: Callable[[Steering], list[str]],
    store: str | None,
    config: str | None,
    *,
    as_json: bool,
) -> None:
    """Do the work, and show the targets that it was about."""
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        names = work(Steering(opened, settings))
        reading = Reading(opened, settings)
        found = [one for one in reading.targets() if one.target in names]
        switch = reading.switch()
    if as_json:
        print_json("targets", {"targets": found, "switch": switch})
    else:
        show_targets(console(), found, switch)
