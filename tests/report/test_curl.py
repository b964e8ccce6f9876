"""A request as a command: what a shell makes of it is what was sent, and nothing else."""

from __future__ import annotations

import subprocess
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware.report.curl import MASK, command_of
from shadow_middleware.transform.secrets import REDACTED
from tests.report.records import record

SENT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def arguments(text: str) -> list[str]:
    """Return what bash makes of a command that begins with `curl`."""
    script = text.replace("curl", "printf '%s\\0'", 1)
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode().split("\0")[:-1]


def text_of(**fields: Any) -> str:
    """Return the command of a record with these fields."""
    command = command_of(record("a-1", **fields), "http://127.0.0.1:9")
    return "".join(part.text for part in command.parts)


def test_a_plain_request_reads_plain() -> None:
    """No method, no quotes where none are needed."""
    text = text_of(request_headers=[("Accept", "*/*"), ("Host", "x"), ("X-Empty", "")])

    assert (
        "curl --globoff --path-as-is 'http://127.0.0.1:9/a?page=1' \\\n"
        "  --header 'Accept: */*' \\\n  --header 'X-Empty;'"
    ) == text


@settings(max_examples=40)
@given(SENT, SENT)
def test_the_shell_hands_on_what_was_sent(body: str, value: str) -> None:
    """Quotes, dollars, line breaks and control characters are data."""
    text = text_of(
        method="POST",
        request_body=f"@{body}",
        request_headers=[("X-Value", f"v{value}"), ("@/etc/passwd", "read me")],
    )

    assert [
        "--globoff",
        "--path-as-is",
        "http://127.0.0.1:9/a?page=1",
        "--request",
        "POST",
        "--header",
        f"X-Value: v{value}",
        "--data-raw",
        f"@{body}",
    ] == arguments(text)


def test_a_path_cannot_become_an_option_or_another_host() -> None:
    """It always stands behind the address and a slash."""
    text = text_of(path="@evil.example/ --output=/tmp/x", request_headers=[])

    assert "http://127.0.0.1:9/@evil.example/ --output=/tmp/x" == arguments(text)[2]


def test_head_and_compressed_are_said_in_curls_own_way() -> None:
    """`--request HEAD` would wait for a body that never comes."""
    text = text_of(method="HEAD", request_headers=[("Accept-Encoding", "br")])

    assert ["--head", "--compressed"] == arguments(text)[3:]


def test_what_was_masked_is_marked() -> None:
    """Whoever runs it has to put the secret in."""
    stored = record("a-1", request_headers=[("Authorization", "Bearer [redacted]")])
    command = command_of(stored, "http://127.0.0.1:9")

    assert MASK == REDACTED
    assert [MASK] == [part.text for part in command.parts if part.masked]
    assert command.masked
    assert not command.whole


def test_only_a_request_that_was_stored_whole_is_called_whole() -> None:
    """A body that was cut, or holds what no command line can, is not what was sent."""
    address = "http://127.0.0.1:9"

    assert command_of(record("a-1", replayable=True), address).whole
    assert not command_of(record("a-1", replayable=False), address).whole
    nul = record("a-1", replayable=True, request_body="\0")
    assert not command_of(nul, address).whole
