"""`shadow-middleware rules`: every rule in one list; added, removed, checked, exported."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
import typer

from shadow_middleware.cli.evidence import open_store, settings_of
from shadow_middleware.cli.options import ConfigFile, JsonOutput, Note, StoreUrl
from shadow_middleware.cli.rule_files import read_source, rule_of, rules_in
from shadow_middleware.cli.rules_screen import show_checked, show_rules
from shadow_middleware.cli.rules_suggest import EPILOG, suggest_rules
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.configuration import Place
from shadow_middleware.errors import ConfigurationError
from shadow_middleware.knowledge import SharedRule
from shadow_middleware.reading.knowing import origins_known, rules_known
from shadow_middleware.report.rule_list import (
    Origin,
    RuleRow,
    name_of,
    rule_rows,
)
from shadow_middleware.report.rule_text import rule_toml
from shadow_middleware.rule import Rule, stated
from shadow_middleware.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    help="Rules: what is ignored, tolerated or expected, and what each really hides.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command("suggest", epilog=EPILOG)(suggest_rules)


@app.command("list", epilog="Example:\n\n  shadow-middleware rules list")
def list_rules(
    store: StoreUrl = None, config: ConfigFile = None, as_json: JsonOutput = False
) -> None:
    """
    List every rule: where it was stated, how often it fired, what it took away.

    Rules come from the settings, from their `rules_file`, and from the store, where
    `rules add` puts them. One that hides more than it says is flagged.
    """
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        rows = rules_known(opened, settings)
    if as_json:
        print_json("rules", {"total": len(rows), "rules": [_as_json(r) for r in rows]})
    else:
        show_rules(console(), rows)


@app.command(
    "add",
    epilog=(
        "Examples:\n\n  shadow-middleware rules add --path '/**/id' --kind changed "
        "--shape uuid\n\n  shadow-middleware rules add --action expect --path /version "
        "--live 1 --shadow 2\n\n  shadow-middleware rules add --toml - < rule.toml"
    ),
)
def add(
    store: StoreUrl = None,
    config: ConfigFile = None,
    toml: Annotated[
        str | None,
        typer.Option(
            "--toml",
            metavar="FILE",
            help="Rules as TOML: [[rules]] tables, or the fields of one; - is stdin.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What reports call it.")
    ] = None,
    action: Annotated[
        str | None,
        typer.Option("--action", help="ignore (the default), tolerate or expect."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Glob over targets.")
    ] = None,
    route: Annotated[
        str | None,
        typer.Option("--route", help='Glob over routes: "GET /users/{id}", "/a/**".'),
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="status, header or body.")
    ] = None,
    path: Annotated[
        str | None,
        typer.Option("--path", help="JSON pointer with globs, or name of a header."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="Only missing, added, changed, type or order; any if left out.",
        ),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option("--shape", help="What both values are: uuid, timestamp, hash…"),
    ] = None,
    matches: Annotated[
        str | None, typer.Option("--matches", help="RE2 pattern for both values whole.")
    ] = None,
    absolute: Annotated[
        float | None, typer.Option("--absolute", help="Numbers this close are equal.")
    ] = None,
    relative: Annotated[
        float | None,
        typer.Option("--relative", help="Numbers within this share are equal."),
    ] = None,
    unordered: Annotated[
        bool, typer.Option("--unordered", help="The list's order is no matter.")
    ] = False,
    keyed_by: Annotated[
        str | None,
        typer.Option("--keyed-by", help="The list's rows are found by this member."),
    ] = None,
    status: Annotated[
        list[int] | None,
        typer.Option("--status", help="Statuses that count as the same; repeat it."),
    ] = None,
    live: Annotated[
        str | None, typer.Option("--live", help="Of expect: RE2 for live's value.")
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option("--shadow", help="Of expect: RE2 for the shadow's value."),
    ] = None,
    note: Note = None,
    as_json: JsonOutput = False,
) -> None:
    """
    Add a rule to the store: every process follows it within seconds.

    Rules that should be reviewed belong into the settings' `rules_file` instead.
    """
    options = {
        "name": name, "action": action, "target": target, "route": route,
        "part": part, "path": path, "kind": kind, "shape": shape,
        "matches": matches, "absolute": absolute, "relative": relative,
        "unordered": unordered or None, "keyed_by": keyed_by,
        "statuses": status or None, "live": live, "shadow": shadow,
    }  # fmt: skip
    given = {field: value for field, value in options.items() if value is not None}
    settings = settings_of(store, config)
    rules = _stated(given, toml, settings)
    with open_store(settings, create=True) as opened:
        _refuse_known(rules, origins_known(opened, settings))
        now = time.time()
        for rule in rules:
            opened.add_rule(SharedRule(rule, now, note or ""))
    if as_json:
        print_json("rules-added", {"rules": [stated(rule) for rule in rules]})
        return
    for rule in rules:
        typer.echo(f"Added {rule.name!r}. To take it back: rules remove {rule.name!r}")


@app.command(
    "remove", epilog="Example:\n\n  shadow-middleware rules remove 'ignore body /**/id'"
)
def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The rule's name in `rules list`.")
    ],
    store: StoreUrl = None,
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """Remove a rule that was added at run time; what it hid before stays counted."""
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        if not opened.remove_rule(name):
            raise _not_there(name, origins_known(opened, settings))
    if as_json:
        print_json("rules-removed", {"name": name})
    else:
        typer.echo(f"Removed {name!r}.")


@app.command(
    "check",
    epilog=(
        "Examples:\n\n  shadow-middleware rules check shadow-rules.toml\n\n"
        "  shadow-middleware rules check - < rule.toml"
    ),
)
def check(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A TOML file with rules; - is stdin.")
    ],
    config: ConfigFile = None,
    as_json: JsonOutput = False,
) -> None:
    """Check a file of rules as the middleware would at start-up; exit 2 if it is wrong."""
    settings = settings_of(None, config)
    text, source = read_source(file)
    rules = rules_in(text, source, settings)
    rows = rule_rows([Origin(rule, name_of(rule), source) for rule in rules], [])
    if as_json:
        print_json("rules-checked", {"rules": [_as_json(row) for row in rows]})
    else:
        show_checked(console(), rows, source)


@app.command(
    "export", epilog="Example:\n\n  shadow-middleware rules export > shadow-rules.toml"
)
def export(
    store: StoreUrl = None,
    config: ConfigFile = None,
    only_store: Annotated[
        bool,
        typer.Option("--only-store", help="Only those that were added at run time."),
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """Print every rule as TOML that a `rules_file` can hold."""
    settings = settings_of(store, config)
    with open_store(settings) as opened:
        origins = origins_known(opened, settings)
    rules = [
        msgspec.structs.replace(origin.rule, name=origin.name)
        for origin in origins
        if origin.source == "store" or not only_store
    ]
    if as_json:
        print_json("rules-export", {"rules": [stated(rule) for rule in rules]})
    else:
        typer.echo("\n".join(map(rule_toml, rules)), nl=False)


def _stated(given: dict[str, Any], toml: str | None, settings: Settings) -> list[Rule]:
    """Return the rules that the options or the TOML state, each with its name."""
    if toml is not None and given:
        raise typer.BadParameter("give the rule as --toml or by its fields, not both")
    if toml is not None:
        text, source = read_source(toml)
        rules = rules_in(text, source, settings)
    elif given:
        rules = [rule_of(given, Place("rule", "command line"), settings)]
    else:
        rules = []
    if not rules:
        raise typer.BadParameter(
            "say what the rule is: --path, --kind…, or --toml FILE"
        )
    return [msgspec.structs.replace(rule, name=name_of(rule)) for rule in rules]


def _refuse_known(rules: Iterable[Rule], origins: Iterable[Origin]) -> None:
    sources = {origin.name: origin.source for origin in origins}
    for rule in rules:
        source = sources.setdefault(rule.name, "")
        if source:
            raise ConfigurationError(
                f"a rule named {rule.name!r} is there already ({source}); "
                "give this one another --name, or remove that one"
            )


def _not_there(name: str, origins: Iterable[Origin]) -> typer.BadParameter:
    source = next((one.source for one in origins if one.name == name), "")
    problem = (
        f"{name!r} is stated in the {source}: remove it there"
        if source
        else f"no rule is named {name!r}; see: shadow-middleware rules list"
    )
    return typer.BadParameter(problem, param_hint="NAME")


def _as_json(row: RuleRow) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(row)
    data["rule"] = None if row.rule is None else stated(row.rule)
    return data
