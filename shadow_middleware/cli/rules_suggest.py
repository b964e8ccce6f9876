"""`shadow-middleware rules suggest`: the fewest rules that explain the noise, as a diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from shadow_middleware.cli.evidence import check_names, open_store, settings_of
from shadow_middleware.cli.options import (
    ConfigFile,
    JsonOutput,
    OneTarget,
    StoreUrl,
)
from shadow_middleware.cli.rule_files import replace_file, rules_in, text_of
from shadow_middleware.cli.rules_screen import show_suggestion
from shadow_middleware.cli.screen import console, print_json
from shadow_middleware.exchange import Part
from shadow_middleware.reading.knowing import suggestion
from shadow_middleware.report.coverings import Cell, named_path
from shadow_middleware.report.rule_text import (
    added_to,
    difference_of,
    rule_toml,
)
from shadow_middleware.report.suggest import Proposal, Suggestion
from shadow_middleware.report.wording import what_changed
from shadow_middleware.rule import Rule, stated
from shadow_middleware.settings import Settings

__all__ = ["DEFAULT_FILE", "EPILOG", "suggest_rules"]

DEFAULT_FILE = "shadow-rules.toml"
EPILOG = (
    "Examples:\n\n  shadow-middleware rules suggest\n\n"
    "  shadow-middleware rules suggest --file shadow-rules.toml --write"
)


def suggest_rules(
    store: StoreUrl = None,
    config: ConfigFile = None,
    target: OneTarget = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="The rules file to change. Left out: the settings' rules_file, "
            f"or {DEFAULT_FILE}.",
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Change the file, not only show how.")
    ] = False,
    as_json: JsonOutput = False,
) -> None:
    """
    Suggest the fewest rules that explain the noise seen so far, as a diff to a file.

    Each rule is as narrow as it can be, and none could hide a divergence that was
    seen. What is learned as noise needs no rule; a rule makes it a decision that can
    be read and reviewed.
    """
    settings = settings_of(store, config)
    path = Path(file or settings.rules_file or DEFAULT_FILE)
    before = text_of(path) if path.exists() else None
    also: list[Rule] = []
    if before is not None and str(path) != settings.rules_file:
        also = rules_in(before, f"file {path}", settings)
    with open_store(settings) as opened:
        if target:
            check_names(opened.totals(), target)
        found = suggestion(opened, settings, target, also)
    blocks = [rule_toml(one.rule, _comment(one)) for one in found.proposals]
    after = added_to(before or "", blocks) if blocks else before or ""
    diff = difference_of(before or "", after, str(path), is_new=before is None)
    written = write and bool(blocks)
    if written:
        rules_in(after, f"file {path}", settings)  # what is written can be read again
        replace_file(path, after)
    if as_json:
        print_json("rules-suggested", _as_json(found, path, diff, written))
    else:
        show_suggestion(console(), found, diff, path, written=written)
        _say_where(settings, path, written)


def _comment(proposal: Proposal) -> str:
    places = sorted(
        {
            f"{one.cell.key.route}  {what_changed(one.cell.key)}"
            for one in proposal.cells
        }
    )
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    if any(_is_wider(proposal, one.cell) for one in proposal.cells):
        more += "\nwide: any other change of a line there is hidden as well"
    # A line break in what came from traffic must not end the comment.
    shown = places[0].encode("unicode_escape").decode("ascii")
    return f"{proposal.count:,.0f} times: {shown}{more}"


def _is_wider(proposal: Proposal, cell: Cell) -> bool:
    """Whether the rule speaks of whole lines where only a value in one is noise."""
    key = cell.key
    within = key.part is Part.BODY and named_path(key) != key.path
    return within and not proposal.rule.shape


def _say_where(settings: Settings, path: Path, written: bool) -> None:
    if written and settings.rules_file != str(path):
        typer.echo(f'To have it read: set rules_file = "{path}" in the settings.')


def _as_json(
    found: Suggestion, path: Path, diff: str, written: bool
) -> dict[str, object]:
    return {
        "file": str(path),
        "written": written,
        "already": found.already,
        "diff": diff,
        "rules": [
            {
                **stated(one.rule),
                "count": one.count,
                "groups": sorted({cell.cell.key.fingerprint for cell in one.cells}),
            }
            for one in found.proposals
        ],
        "left": [
            {
                "group": one.noisy.cell.key.fingerprint,
                **msgspec.to_builtins(one.noisy.cell.key),
                "reason": one.reason,
            }
            for one in found.left
        ],
    }
