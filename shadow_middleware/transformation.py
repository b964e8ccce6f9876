"""
What a person may have done to the copies before they are sent, as data: one step.

Below the settings, so that whatever reads or checks a step needs no more than this.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["ACTIONS", "Transform"]

Action = Literal[
    "call",
    "drop_cookie",
    "drop_field",
    "drop_header",
    "drop_query",
    "remove_json",
    "rename_header",
    "replace_json",
    "rewrite_path",
    "set_cookie",
    "set_field",
    "set_header",
    "set_host",
    "set_json",
    "set_query",
    "shift_time",
    "token",
    "token_by_user",
]


class Transform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One step of what is done to a copy of a request, after the wall and before the shadow.

    Steps run in the order in which they stand. Live's own request is never touched.
    """

    action: Action = "call"
    """What to do; the other fields say with what."""
    name: str = ""
    """Which header, cookie, query field or form field; of a body, a JSON pointer."""
    value: Any = None
    """What is written there: text, or any JSON value for `set_json` and `replace_json`;
    of `rename_header` the new name, of `rewrite_path` what takes the place of `pattern`."""
    pattern: str = ""
    """Of `rewrite_path`: RE2 pattern; `\\\\1` in `value` is its first group."""
    function: str = ""
    """`module:function`, called with the request and what is known of the exchange;
    of `token_by_user`, called with the user."""
    file: str = ""
    """Of `token_by_user`: a TOML or JSON file of tokens by user."""
    scheme: str = "Bearer"
    """Of tokens: the word before them; empty writes the token alone."""
    seconds: float = 0.0
    """Of `shift_time`: seconds to add to the time; 0 moves it by the exchange's age."""
    route: str = "**"
    """Glob over `/users/{id}`, or over `GET /users/{id}` where it has a method."""

    def __repr__(self) -> str:
        """Name the step without its value, which may be a token."""
        shown = (self.action, self.name or self.function or self.file, self.route)
        return f"Transform({', '.join(map(repr, filter(None, shown)))})"

    @staticmethod
    def from_short(value: Any) -> Any:
        """Return the table that a function, or its import path, stands for."""
        short = isinstance(value, str) or callable(value)
        return {"function": value} if short else value


ACTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "call": (("function",), ()),
    "drop_cookie": (("name",), ()),
    "drop_field": (("name",), ()),
    "drop_header": (("name",), ()),
    "drop_query": (("name",), ()),
    "remove_json": (("name",), ()),
    "rename_header": (("name", "value"), ()),
    "replace_json": (("name", "value"), ()),
    "rewrite_path": (("pattern", "value"), ()),
    "set_cookie": (("name", "value"), ()),
    "set_field": (("name", "value"), ()),
    "set_header": (("name", "value"), ()),
    "set_host": (("value",), ()),
    "set_json": (("name", "value"), ()),
    "set_query": (("name", "value"), ()),
    "shift_time": (("name",), ("seconds",)),
    "token": (("value",), ("name", "scheme")),
    "token_by_user": ((), ("function", "file", "name", "scheme")),
}
"""What each action needs, and what else it may have."""
