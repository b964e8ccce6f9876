"""Work after the answer: one thread per process, started when first needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from examples.django_app.shop.models import OutgoingMail

__all__ = ["send_mail_later"]

_post_office = ThreadPoolExecutor(max_workers=1, thread_name_prefix="post-office")


def send_mail_later(message: str) -> None:
    """Send a mail, which here is a row in a table."""
    _post_office.submit(_send, message)


def _send(message: str) -> None:
    try:
        OutgoingMail.objects.create(message=message)
    finally:
        connection.close()
