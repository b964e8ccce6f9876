"""Refuse functions, classes, methods and properties that nothing uses."""

from __future__ import annotations

import sys

from vulture.core import Item, Vulture

KINDS = {"class", "function", "import", "method", "property", "unreachable_code"}
"""Fields of data are left out: a record is read by name, from outside as well."""

USED_FROM_OUTSIDE: dict[str, str] = {
    "connection_made": "asyncio, on a protocol",
    "connection_lost": "asyncio, on a protocol",
    "data_received": "asyncio, on a protocol",
    "pause_writing": "asyncio, on a protocol",
    "resume_writing": "asyncio, on a protocol",
    "_close_special": "SQLAlchemy, on a pooled connection",
    "send_messages": "Django, on a mail backend",
    "raw_path": "HTTP transports, on a URL",
    "log_message": "http.server, on a handler",
    "server_bind": "socketserver, on a server",
    "handle_error": "socketserver, on a server",
    "do_GET": "http.server, on a handler",
    "version_string": "http.server, on a handler",
    "first_byte_ms": "users, on the timing of an exchange",
    "process_exception": "Django, on a middleware",
    "make_app": "uvicorn, in the memory benchmark",
    "run_async": "users, on an experiment",
    "ready": "Django, on an app's configuration",
    "redirect_request": "urllib, on a handler",
    "handle_starttag": "html.parser, on a parser",
    "handle_endtag": "html.parser, on a parser",
    "handle_data": "html.parser, on a parser",
    "on_page_markdown": "MkDocs, on a hook",
    "on_message_begin": "httptools, on what it parses for",
    "on_header": "httptools, on what it parses for",
    "on_headers_complete": "httptools, on what it parses for",
    "on_body": "httptools, on what it parses for",
    "on_message_complete": "httptools, on what it parses for",
}
"""Names that others call: each with who does."""

FOR_USERS = "testing"
"""What it offers is called from the tests of others."""

SCREENS = "tui"
BY_NAME = ("action_", "compose", "on_")
"""What Textual finds by its name on screens and widgets: keys, content, messages."""


def _called_by_textual(item: Item) -> bool:
    return SCREENS in item.filename.parts and item.name.startswith(BY_NAME)


def main() -> int:
    """Print what is dead; return 1 if anything is."""
    vulture = Vulture(
        ignore_names=["__*__", *USED_FROM_OUTSIDE],
        ignore_decorators=[
            "@*.callback",
            "@*.command",
            "@app.*",
            "@register",
            "@receiver",
        ],
    )
    vulture.scavenge(
        ["shadow_middleware", "benchmarks", "scripts"], exclude=["*/migrations/*"]
    )
    dead = [
        item
        for item in vulture.get_unused_code()
        if item.typ in KINDS
        and FOR_USERS not in item.filename.parts
        and not _called_by_textual(item)
    ]
    for item in dead:
        print(f"{item.filename}:{item.first_lineno}: unused {item.typ} {item.name!r}")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
