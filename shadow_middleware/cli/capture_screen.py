"""Capture files for people: what they hold, what is wrong, and single exchanges."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from shadow_middleware.cli.screen import bullets, moment, ms, share_text, table, visible
from shadow_middleware.exchange import Body, Exchange, Headers
from shadow_middleware.traffic.recorded import Recorded
from shadow_middleware.traffic.survey import FileFacts, Sizes, Survey

__all__ = ["many", "show_exchange", "show_line", "show_survey", "show_verdicts"]

_STATES = {"ok": "green", "damaged": "red"}
_MEANS = {
    "buffer_full": "the live process's buffer was full (buffer_bytes, buffer_count)",
    "paused": "the live process's buffer had just been full",
    "queue_full": "the agent's queue was full (queue_count, queue_bytes)",
    "no_space": "the disk was full",
    "not_writable": "the directory could not be written",
    "removed": "the file was removed while it was written",
    "shutdown": "the agent ended before",
    "unwritable": "they could not be put into JSON",
}


def show_survey(screen: Console, survey: Survey, top: int) -> None:
    """Print what all the files hold together."""
    screen.print(_head(survey))
    if survey.exchanges:
        screen.print()
        screen.print(_routes(survey, top))
        screen.print(_facts(survey))
    notes = [*_account(survey), *_lacks(survey), *_damage(survey)]
    if notes:
        screen.print()
        screen.print(bullets(*notes))


def show_verdicts(screen: Console, survey: Survey) -> None:
    """Print for each file whether it is whole, and where it is not."""
    made = table("file", "state", "exchanges", "damage", right=("exchanges", "damage"))
    for file in survey.files:
        state = Text(file.state, _STATES.get(file.state, "yellow"))
        made.add_row(visible(file.path), state, f"{file.records:,}", f"{file.bad:,}")
    screen.print(made)
    for file in survey.files:
        _show_bad(screen, file)
    damaged = sum(file.state == "damaged" for file in survey.files)
    if damaged:
        verdict = Text(f"{damaged} of {len(survey.files)} damaged", "red")
        verdict.append("; every command reads what is whole of them", "default")
    else:
        verdict = Text("all that was written is there", "green")
    screen.print(verdict)


def _show_bad(screen: Console, file: FileFacts) -> None:
    for bad in file.shown:
        screen.print(visible(f"{bad.place}: {bad.reason}"), style="red")
        if bad.sample:
            screen.print(visible(f"    {bad.sample}"), style="bright_black")
    if file.bad > len(file.shown):
        screen.print(f"    and {file.bad - len(file.shown)} more")
    if file.lost:
        screen.print(
            f"{file.path}: it once held {many(file.lost, 'exchange')} more, by its accounts"
        )


def _head(survey: Survey) -> Text:
    size = sum(file.size or 0 for file in survey.files)
    files = many(len(survey.files), "file")
    text = Text(many(survey.exchanges, "exchange"), "bold")
    text.append(f" in {files}, {decimal(size)}", "not bold")
    if survey.first is not None and survey.last is not None:
        text.append(
            f"\n{moment(survey.first)} to {moment(survey.last)} UTC, "
            f"{_span(survey.last - survey.first)}",
            "not bold",
        )
    return text


def many(count: int, thing: str) -> str:
    """Return a number of things, as people write it."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def _routes(survey: Survey, top: int) -> Table:
    made = table("route", "exchanges", "of all", right=("exchanges", "of all"))
    for route, count in survey.routes.most_common(top):
        share = share_text(count / survey.exchanges)
        made.add_row(visible(route), f"{count:,}", share)
    rest = len(survey.routes) - top
    if rest > 0:
        made.add_row(Text(f"and {rest} more; see --top", "bright_black"), "", "")
    return made


def _facts(survey: Survey) -> Table:
    made = Table.grid(padding=(0, 2))
    made.add_row("methods", visible(_counts(survey.methods)))
    made.add_row("statuses", visible(_counts(survey.statuses)))
    made.add_row("request bodies", _sizes(survey.requests))
    made.add_row("answers", _sizes(survey.responses))
    sessions = f"{survey.sessions:,}"
    if survey.with_session < survey.exchanges:
        alone = survey.exchanges - survey.with_session
        sessions += f"; {many(alone, 'exchange')} without one"
    made.add_row("sessions", sessions)
    return made


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common(12))


def _sizes(sizes: Sizes) -> str:
    if not sizes.count:
        return "none"
    mean = decimal(sizes.total // sizes.count)
    return f"{sizes.count:,}, mean {mean}, largest {decimal(sizes.largest)}"


def _account(survey: Survey) -> list[Text]:
    if not survey.not_written:
        return []
    lost = survey.not_written.total()
    told = [
        Text.assemble(
            (
                f"{lost:,} of {survey.sampled:,} sampled exchanges were not written",
                "yellow",
            )
        )
    ]
    told += [
        visible(f"{count:,} {reason}: {_MEANS.get(reason, 'see the docs on outcomes')}")
        for reason, count in survey.not_written.most_common()
    ]
    return told


def _lacks(survey: Survey) -> list[Text]:
    notes = []
    if survey.missing:
        notes.append(visible(f"not recorded: {_counts(survey.missing)}"))
    cut = survey.requests.cut + survey.responses.cut
    if cut:
        notes.append(
            Text(f"{cut:,} bodies are cut (max_request_body, max_response_body)")
        )
    if survey.withheld:
        notes.append(
            visible(f"headers withheld by the live side: {_counts(survey.withheld)}")
        )
    if survey.masked:
        notes.append(visible(f"secrets are masked in: {_counts(survey.masked)}"))
    if survey.live_errors:
        notes.append(Text(f"in {survey.live_errors:,} the live app raised"))
    if survey.exchanges and not survey.with_session:
        notes.append(
            Text("no exchange names its session; with the setting `key`, order is kept")
        )
    return notes


def _damage(survey: Survey) -> list[Text]:
    notes = []
    states = Counter(file.state for file in survey.files)
    if survey.bad and not survey.exchanges:
        notes.append(
            Text(
                "nothing of it can be read; access logs, HAR and others become capture "
                "files with: shadow-middleware capture import"
            )
        )
    if survey.bad or survey.lost:
        notes.append(
            Text(
                f"{many(states['damaged'], 'damaged file')}, "
                f"{many(survey.bad, 'bad record')}; "
                "see: shadow-middleware capture verify",
                "red",
            )
        )
    if states["not closed"]:
        notes.append(
            Text(
                f"{many(states['not closed'], 'file')} not closed: the writer was killed, "
                "and its last half second may be missing"
            )
        )
    if states["being written"]:
        notes.append(Text(f"{many(states['being written'], 'file')} being written now"))
    return notes


# --- exchanges ----------------------------------------------------------------------


def show_line(screen: Console, record: Recorded) -> None:
    """Print an exchange in one line."""
    screen.print(_line(record.exchange), overflow="ellipsis", no_wrap=True)


def _line(exchange: Exchange) -> Text:
    response = exchange.response
    status = "-" if response is None else str(response.status)
    colour = {"2": "green", "3": "cyan", "4": "yellow"}.get(status[:1], "red")
    text = Text(
        f"{moment(exchange.at)}.{int(exchange.at % 1 * 1000):03d}  ", "bright_black"
    )
    text.append(status, colour)
    took = exchange.timing.total_ms if exchange.timing.ended else None
    text.append(f"  {ms(took):>7} ms  ", "default")
    text.append(f"{exchange.request.method:<6} ", "bold")
    text.append_text(visible(_target(exchange)))
    return text


def _target(exchange: Exchange) -> str:
    return exchange.request.path_and_query.decode("utf-8", "replace")


def show_exchange(screen: Console, record: Recorded) -> None:
    """Print an exchange whole."""
    exchange = record.exchange
    screen.print(_line(exchange))
    about = f"id {exchange.id}  route {exchange.route}  session {exchange.key or '-'}"
    screen.print(visible(about), style="bright_black")
    screen.print()
    request, response = exchange.request, exchange.response
    first = f"{request.method} {_target(exchange)} HTTP/{request.http_version}"
    screen.print(visible(first), style="bold")
    _message(screen, request.headers, request.body)
    if exchange.withheld:
        names = ", ".join(exchange.withheld)
        screen.print(visible(f"withheld: {names}"), style="bright_black")
    if response is None:
        why = f": {exchange.live_error}" if exchange.live_error else ""
        screen.print(visible(f"no answer{why}"), style="red")
    else:
        screen.print(f"{response.status}", style="bold")
        _message(screen, response.headers, response.body)
    screen.rule(style="bright_black")


def _message(screen: Console, headers: Headers, body: Body) -> None:
    for name, value in headers:
        field = f"{name.decode('utf-8', 'replace')}: {value.decode('utf-8', 'replace')}"
        screen.print(visible(field))
    screen.print()
    if body.data:
        screen.print(visible(_shown(body.data)))
    if not body.complete:
        screen.print(f"[{len(body.data)} of {body.length} bytes]", style="bright_black")
    if body.length:
        screen.print()


def _shown(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"[{len(data)} bytes]"
