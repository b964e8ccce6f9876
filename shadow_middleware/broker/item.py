"""One thing on its way to the broker."""

from __future__ import annotations

import msgspec

__all__ = ["Item"]


class Item(msgspec.Struct, array_like=True):
    """An exchange, or an ending, closed and ready to be published."""

    id: str
    """The broker stores it once, however often it is published."""
    token: str
    """What the stream divides by."""
    data: bytes
    key: str | None = None
    session: str = ""
    endpoint: str = "-"
    """What it counts under where it is lost."""
    partition: int = -1
    """Where an ending belongs; what is divided has none."""
    targets: tuple[str, ...] = ()
    at: float = 0.0
    """When live began to serve it, in seconds since the epoch."""
    tries: int = 0
    """How often the stream has refused it: parts of one try are not those of another."""

    @property
    def name(self) -> str:
        """Return what the parts of one try are known by."""
        return f"{self.id}~{self.tries}" if self.tries else self.id
