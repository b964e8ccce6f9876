"""Django's mail, whatever backend carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from shadow_middleware.isolation.context import is_shadow
from shadow_middleware.isolation.options import Http
from shadow_middleware.isolation.patching import Patches
from shadow_middleware.isolation.recording import note

__all__ = ["put"]


class _Recording(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        return sum(_recorded(message) for message in email_messages)


def put(patches: Patches, *, library: str | None, http: Http) -> None:
    """Stand in where messages are sent, and where connections are asked for."""

    def make_send(present: Any) -> Callable[..., Any]:
        def send(self: Any, *args: Any, **kw: Any) -> Any:
            return _recorded(self) if is_shadow() else present(self, *args, **kw)

        return send

    def make_connection(present: Any) -> Callable[..., Any]:
        def get_connection(*args: Any, **kw: Any) -> Any:
            return _Recording() if is_shadow() else present(*args, **kw)

        return get_connection

    patches.replace(EmailMessage, "send", make_send)
    patches.replace(mail, "get_connection", make_connection)


def _recorded(message: Any) -> int:
    to = message.recipients()
    if not to:
        return 0
    note("mail", f"{message.from_email} to {', '.join(to)}", str(message.message()))
    return 1
