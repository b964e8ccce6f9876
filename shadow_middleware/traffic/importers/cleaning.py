"""
What may rest of an imported exchange: the policy for credentials, and no other secrets.

As live does it: what the policy drops is in no file, and what is kept is masked before
it is written. Only who asks for it gets a file with secrets.
"""

from __future__ import annotations

import enum

import msgspec

from shadow_middleware.settings import Settings
from shadow_middleware.traffic.recorded import Recorded, bodies_among
from shadow_middleware.transform.credentials import Withheld, strip
from shadow_middleware.transform.masking import Marks, Masker

__all__ = ["Cleaner", "Credentials"]


class Credentials(enum.StrEnum):
    """What becomes of secrets in what is imported."""

    DROP = "drop"
    """Credential headers go, other secrets become marks."""
    MASK = "mask"
    """Every secret becomes a mark; equal secrets, equal marks."""
    KEEP = "keep"
    """All stays as it is."""


class Cleaner:
    """Takes out of records what may not rest. Call it with one."""

    def __init__(self, settings: Settings, policy: Credentials, key: bytes) -> None:
        """
        Be ready.

        Args:
            settings: Whose `redact_*` and `keep_headers` count.
            key: What marks are made with.
        """
        self._policy = policy
        self._withheld = Withheld(
            drop=policy is Credentials.DROP, keep=settings.keep_headers
        )
        self._mask = Masker(settings, Marks(key))

    def __call__(self, recorded: Recorded) -> Recorded:
        """Return the record as it may be written."""
        if self._policy is Credentials.KEEP:
            return recorded
        exchange = recorded.exchange
        request = exchange.request
        kept, gone = strip(request.headers, self._withheld)
        if gone:
            exchange = msgspec.structs.replace(
                exchange,
                request=msgspec.structs.replace(request, headers=kept),
                withheld=(*exchange.withheld, *gone),
            )
        masked = self._mask(exchange)
        return msgspec.structs.replace(
            recorded,
            exchange=masked.exchange,
            missing=recorded.missing | bodies_among(masked.left_out),
            masked=masked.changed,
        )
