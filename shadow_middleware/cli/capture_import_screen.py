"""What `capture import` found, as people and as programs read it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from shadow_middleware.cli.capture_screen import many
from shadow_middleware.cli.screen import console, moment, print_json, table, visible
from shadow_middleware.report.figures import percent
from shadow_middleware.traffic.importers.account import MEANS, Account
from shadow_middleware.traffic.recorded import Missing

__all__ = ["print_account", "show_account"]

_LACKS = {
    Missing.REQUEST_HEADERS: "some request headers",
    Missing.REQUEST_BODY: "the request's body",
    Missing.RESPONSE: "the response",
    Missing.RESPONSE_HEADERS: "some response headers",
    Missing.RESPONSE_BODY: "the response's body",
    Missing.TIMING: "how long it took",
    Missing.EXACT_TARGET: "the exact target",
}
_MOST_NAMES = 6


def show_account(account: Account, output: str) -> None:
    """Print the summary; on standard error where the capture itself is on the other."""
    screen = Console(stderr=True, highlight=False) if output == "-" else console()
    _files(screen, account)
    if account.exchanges:
        _fidelity(screen, account)
        _secrets(screen, account)
    if account.bad:
        _bad(screen, account)
    screen.print(_ending(account, output))


def print_account(account: Account, output: str) -> None:
    """Print the summary as JSON."""
    print_json("capture-import", _document(account, output))


def _files(screen: Console, account: Account) -> None:
    made = table("file", "format", "exchanges", "bad lines", right=_NUMBERS)
    for source in account.sources:
        made.add_row(
            visible(source.name),
            source.format,
            f"{source.exchanges:,}",
            Text(f"{source.bad:,}", "yellow" if source.bad else ""),
        )
    screen.print(made)


_NUMBERS = ("exchanges", "bad lines", "of all")


def _fidelity(screen: Console, account: Account) -> None:
    if not account.missing:
        screen.print("Every exchange is whole: requests, responses, times.\n")
        return
    made = table("not known", "exchanges", "of all", "so", right=_NUMBERS)
    for lack in Missing:
        if count := account.missing[lack]:
            share = percent(count / account.exchanges)
            made.add_row(_LACKS[lack], f"{count:,}", share, MEANS[lack])
    screen.print(made)


def _secrets(screen: Console, account: Account) -> None:
    if account.withheld:
        names = [name for name, _ in account.withheld.most_common(_MOST_NAMES)]
        more = len(account.withheld) - len(names)
        told = ", ".join(names) + (f" and {more} more" if more else "")
        screen.print(visible(f"Credential headers left out: {told}"))
    if account.masked:
        screen.print(f"Exchanges with secrets that are masked: {account.masked:,}")
    if account.withheld or account.masked:
        screen.print()


def _bad(screen: Console, account: Account) -> None:
    lines = "1 bad line" if account.bad == 1 else f"{account.bad:,} bad lines"
    screen.print(Text(f"{lines}:", "yellow"))
    for reason, count in account.reasons.most_common(5):
        screen.print(visible(f"  {count:,}  {reason}"))
    screen.print()
    for bad in account.first_bad:
        told = visible(f"  {bad.place}  {bad.sample}")
        screen.print(told, no_wrap=True, overflow="ellipsis")
    if account.bad > len(account.first_bad):
        screen.print("  …   --bad-lines FILE writes all of them")
    screen.print()


def _ending(account: Account, output: str) -> Text:
    if not account.exchanges:
        return Text("No exchange was found, so nothing was written.", "red")
    where = "standard output" if output == "-" else output
    sessions = many(account.sessions, "session") if account.sessions else "no sessions"
    return visible(
        f"{many(account.exchanges, 'exchange')}, {sessions}, "
        f"{moment(account.begin or 0.0)} to {moment(account.end or 0.0)} UTC, in {where}"
    )


def _document(account: Account, output: str) -> dict[str, object]:
    return {
        "output": output,
        "exchanges": account.exchanges,
        "sessions": account.sessions,
        "begin": account.begin,
        "end": account.end,
        "sources": account.sources,
        "missing": {lack.value: account.missing[lack] for lack in Missing},
        "masked": account.masked,
        "withheld": dict(account.withheld),
        "bad": account.bad,
        "bad_reasons": dict(account.reasons),
        "first_bad": account.first_bad,
    }
