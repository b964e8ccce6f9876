"""smtplib: a copy connects to no server, and what it mails is recorded."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

from shadow_middleware.isolation.context import is_shadow
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]

_DONE = (250, b"OK")


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in for every way to speak to a server that smtplib has."""
    for owner in (smtplib.SMTP, smtplib.LMTP):
        patches.replace(owner, "connect", _instead((220, b"not connected: a copy")))
    for name, answer in (
        ("ehlo", _DONE),
        ("helo", _DONE),
        ("login", (235, b"OK")),
        ("quit", (221, b"bye")),
        ("send", None),
        ("starttls", (220, b"OK")),
        ("getreply", _DONE),
    ):
        patches.replace(smtplib.SMTP, name, _instead(answer))
    patches.replace(smtplib.SMTP, "data", _data)
    patches.replace(smtplib.SMTP, "docmd", _docmd)
    patches.replace(smtplib.SMTP, "sendmail", _sendmail)
    patches.replace(smtplib.SMTP, "has_extn", _has_extension)


def _instead(answer: Any) -> Callable[[Any], Callable[..., Any]]:
    def make(present: Any) -> Callable[..., Any]:
        def stub(self: Any, *args: Any, **kw: Any) -> Any:
            return answer if is_shadow() else present(self, *args, **kw)

        return stub

    return make


def _docmd(present: Any) -> Callable[..., Any]:
    def docmd(self: Any, cmd: str, args: str = "") -> Any:
        if not is_shadow():
            return present(self, cmd, args)
        return (221, b"bye") if cmd.upper() == "QUIT" else _DONE

    return docmd


def _sendmail(present: Any) -> Callable[..., Any]:
    def sendmail(
        self: Any, from_addr: str, to_addrs: Any, msg: Any, *more: Any, **kw: Any
    ) -> Any:
        if not is_shadow():
            return present(self, from_addr, to_addrs, msg, *more, **kw)
        to = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        text = msg.decode("utf-8", "replace") if isinstance(msg, bytes) else msg
        note("mail", f"{from_addr} to {', '.join(to)}", text)
        return {}

    return sendmail


def _data(present: Any) -> Callable[..., Any]:
    def data(self: Any, msg: Any) -> Any:
        if not is_shadow():
            return present(self, msg)
        note("mail", "(by DATA)", msg)
        return _DONE

    return data


def _has_extension(present: Any) -> Callable[..., Any]:
    def has_extn(self: Any, opt: str) -> Any:
        # A server that takes everything: nothing is sent in another form for it.
        return True if is_shadow() else present(self, opt)

    return has_extn
