"""Rules as a person reads them: the list with what each hides, and what is suggested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.screen import bullets, moment, table, visible
from shadow_middleware.report.rule_list import GONE, RuleRow
from shadow_middleware.report.suggest import Suggestion
from shadow_middleware.report.wording import what_changed
from shadow_middleware.rule import Rule, stated

__all__ = ["show_checked", "show_rules", "show_suggestion"]

_GREY = "bright_black"
_FEW = 8
_WIDE = 100
_ELSEWHERE = (
    "Rules that are not known here were removed, or are an app's own: its settings can "
    "be read with --config."
)
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show_rules(console: Console, rows: Sequence[RuleRow]) -> None:
    """Print every rule with what it took away, and below what should be looked at."""
    if not rows:
        console.print(
            "There is no rule. Divergences that are meant or do not matter can be "
            "stated: shadow-middleware rules add --help"
        )
        return
    wide = console.width >= _WIDE
    heads = ["rule", "from", "hits", "what it took away"]
    if wide:
        heads.append("last fired (UTC)")
    made = table(*heads, right=("hits",))
    for row in rows:
        cells: list[str | Text] = [
            _rule(row),
            visible(row.source, _GREY if row.source == GONE else ""),
            f"{row.hits:,}" if row.hits else "-",
            _hidden(row, with_time=not wide),
        ]
        if wide:
            cells.append("-" if row.last_at is None else moment(row.last_at))
        made.add_row(*cells)
    console.print(made)
    if any(row.source == GONE for row in rows):
        console.print(Text(_ELSEWHERE, style=_GREY))
    _show_flags(console, rows)


def _rule(row: RuleRow) -> Text:
    name = visible(row.name, "bold")
    if row.rule is not None:
        name = Text.assemble(name, "\n", visible(in_words(row.rule), _GREY))
    if row.note:
        name = Text.assemble(name, "\n", visible(row.note, "italic"))
    return Text.assemble(name, " ", ("⚑", "yellow")) if row.flags else name


def in_words(rule: Rule) -> str:
    """Return the fields of a rule but its name, as short as they are clear."""
    fields = stated(rule)
    fields.pop("name", None)
    action = fields.pop("action", "ignore")
    words = [f"{name}={_value(value)}" for name, value in fields.items()]
    return " ".join([action, *words])


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "yes" if value is True else str(value)


def _hidden(row: RuleRow, *, with_time: bool) -> Text:
    if not row.hidden:
        return Text("never fired", style=_GREY)
    sums: dict[str, int] = {}
    for one in row.hidden:
        sums[one.hid] = sums.get(one.hid, 0) + one.count
    text = Text("\n").join(visible(f"{hid} {n:,}") for hid, n in sums.items())
    if with_time and row.last_at is not None:
        text.append(f"\nlast {moment(row.last_at)}", style=_GREY)
    return text


def _show_flags(console: Console, rows: Sequence[RuleRow]) -> None:
    flags = [(row.name, flag) for row in rows for flag in row.flags]
    if not flags:
        return
    console.print(Text("⚑ Look at these", style="bold yellow"))
    console.print(
        bullets(
            *(
                Text.assemble(visible(name, "bold"), ": ", visible(flag))
                for name, flag in flags
            )
        )
    )


def show_checked(console: Console, rows: Sequence[RuleRow], source: str) -> None:
    """Say that the rules can do what they say, and which are wide."""
    number = "One rule" if len(rows) == 1 else f"{len(rows):,} rules"
    console.print(visible(f"{number} in {source}: sound.", "green"))
    for row in rows:
        if row.rule is not None:
            console.print(visible(f"  {row.name}: {in_words(row.rule)}"))
    _show_flags(console, rows)


def show_suggestion(
    console: Console, found: Suggestion, diff: str, path: Path, *, written: bool
) -> None:
    """Print the diff as it is, and beside it what it leaves out and why."""
    if not found.proposals:
        console.print(_nothing(found))
    for line in diff.splitlines():
        # A diff is for `patch` as well: no line is folded.
        console.print(visible(line, _STYLES.get(line[:1], "")), soft_wrap=True)
    if found.proposals:
        console.print()
        console.print(_done(found, path, written))
    if found.left:
        console.print(_left(found))


def _nothing(found: Suggestion) -> str:
    if found.already:
        return (
            f"Nothing to add: today's rules explain all {found.already:,} noisy places."
        )
    if found.left:
        return "Nothing can be added without harm."
    return "No noise was seen so far, so there is nothing to explain."


def _done(found: Suggestion, path: Path, written: bool) -> str:
    rules = (
        "1 rule explains"
        if len(found.proposals) == 1
        else (f"{len(found.proposals):,} rules explain")
    )
    cells = len({cell for one in found.proposals for cell in one.cells})
    places = "1 noisy place" if cells == 1 else f"{cells:,} noisy places"
    already = f"; {found.already:,} more are explained by now" if found.already else ""
    end = f"Written to {path}." if written else "To apply it: --write"
    return f"{rules} {places}{already}. {end}"


def _left(found: Suggestion) -> Text:
    lines = list(
        dict.fromkeys(
            f"  {one.noisy.cell.key.route}  {what_changed(one.noisy.cell.key)}: {one.reason}"
            for one in found.left
        )
    )
    if len(lines) > _FEW:
        lines[_FEW:] = [f"  and {len(lines) - _FEW:,} more: --json"]
    return visible("\n".join(["Left to what is learned:", *lines]), _GREY)
