"""
One request as one session sends it: the shadow's own cookies, tokens and names in it.

Pure. What was put where is noted, so that every substitution can be explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import msgspec

from shadow_middleware.compare.names import meaning_of
from shadow_middleware.exchange import Exchange, Request, Substitution
from shadow_middleware.transform.continuity import TOKEN_MEMBERS
from shadow_middleware.transform.cookies import Jar, Visit, pairs_of
from shadow_middleware.transform.rebind.links import Place
from shadow_middleware.transform.rebind.nouns import is_opaque, singular
from shadow_middleware.transform.rebind.substitute import renamed
from shadow_middleware.transform.rebind.table import Ambiguous, Binding, Pair, Table

__all__ = ["Letter"]

_NOTED: Final = 50
"""Substitutions of one request that are told."""
_TOKENS: Final = frozenset(map(singular, TOKEN_MEMBERS))
_BY_WORD: Final = frozenset({"key", "auth_token"})
"""Members by which Django REST framework hands out what follows the word `Token`."""


class Letter:
    """One request on its way, and the notes that are taken of it."""

    def __init__(
        self,
        exchange: Exchange,
        kept_back: Mapping[str, bytes],
        jar: Jar,
        table: Table,
        visit: Visit,
    ) -> None:
        """
        Begin a letter.

        Args:
            exchange: What live's client asked.
            kept_back: Headers of it that the target does not get, by names in lower
                case; what live withheld is not known here and not among them.
            jar: The session's cookies.
            table: What the session knows of names.
            visit: Whom the request is for, and when.
        """
        self._withheld = tuple(sorted({*exchange.withheld, *kept_back}))
        self._kept_back = kept_back
        self._route = exchange.route
        self._jar = jar
        self._table = table
        self._visit = visit
        self.uses: list[Substitution] = []
        self.bindings: list[Binding] = []
        self.asked: list[Pair] = []
        self.ambiguous: list[str] = []
        self.planted: list[str] = []

    # --- names --------------------------------------------------------------------------

    def rename(self, value: str, place: Place) -> str | None:
        """Return what the shadow calls it; None where that is the same or not known."""
        found = self._table.find(value, place.nouns, place.role, self._visit.now)
        if isinstance(found, Ambiguous):
            if place.role != "plain" and len(self.ambiguous) < _NOTED:
                things = ", ".join(filter(None, found.nouns))
                self.ambiguous.append(f"{place.where}: several things ({things})")
            return None
        if found is None:
            if (
                place.role in ("self", "ref")
                and place.nouns
                and len(self.asked) < _NOTED
            ):
                self.asked.append(
                    Pair(place.nouns, value, value, "self", "asked for", issued=True)
                )
            return None
        if found.shadow == value:
            return None
        self._note(place.where, value, found)
        return found.shadow

    def _note(self, where: str, value: str, found: Binding) -> None:
        self.bindings.append(found)
        if len(self.uses) < _NOTED:
            live, shadow = _shown(value, found.noun), _shown(found.shadow, found.noun)
            self.uses.append(Substitution(where, live, shadow, found.where))
        if _is_secret(found.shadow, found.noun):
            self.planted.append(found.shadow)

    # --- cookies and other credentials --------------------------------------------------

    def with_credentials(self, request: Request) -> Request:
        """Return the request with the cookies that the shadow itself has set."""
        headers: list[tuple[bytes, bytes]] = []
        for name, value in request.headers:
            if name.lower() != b"cookie":
                headers.append((name, value))
            elif merged := self._merged(value.decode("latin-1")):
                headers.append((name, merged.encode("latin-1", "replace")))
        if "cookie" in self._withheld and (cookies := self._cookies()):
            headers.append((b"Cookie", cookies.encode("latin-1", "replace")))
        for withheld in self._withheld:
            if restored := self._renamed(withheld) or self._restored(withheld):
                field = (
                    withheld.encode("latin-1"),
                    restored.encode("latin-1", "replace"),
                )
                headers.append(field)
        if headers == [*request.headers]:
            return request
        return msgspec.structs.replace(request, headers=headers)

    def _cookies(self) -> str:
        """Return what a client that knows the shadow alone would send."""
        found = self._jar.cookies(self._visit)
        for cookie in found:
            self._plant(
                f"cookie {cookie.name}", cookie.value, "Set-Cookie of the shadow"
            )
        for name in self._jar.held_back(self._visit):
            self.ambiguous.append(f"cookie {name}: Secure, and neither leg is")
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in found)

    def _merged(self, header: str) -> str:
        """Return a Cookie header of live's client with the shadow's values in it."""
        jar = self._jar
        ours = {c.name: c.value for c in reversed(jar.cookies(self._visit))}
        pairs = []
        for name, value in pairs_of(header):
            if name in ours:
                if ours[name] != value:
                    self._plant(
                        f"cookie {name}", ours[name], "Set-Cookie of the shadow"
                    )
                pairs.append(f"{name}={ours[name]}")
            elif not jar.ended(name):
                pairs.append(f"{name}={value}")
        return "; ".join(pairs)

    def _renamed(self, name: str) -> str:
        """Return the shadow's name for what is known of live's header; '' if none."""
        value = self._kept_back.get(name, b"")
        new = renamed(name.encode("latin-1"), value, self._route, self.rename)
        return new.decode("latin-1") if new != value else ""

    def _restored(self, name: str) -> str:
        """Return the shadow's own value of a header that was kept at home; '' if none."""
        if meaning_of(name).csrf:
            return self._csrf(name)
        if name != "authorization":
            return ""
        found = self._table.latest(lambda noun: noun in _TOKENS)
        if found is None:
            return ""
        self._note(f"header {name}", "", found)
        word = "Token" if found.noun in _BY_WORD else "Bearer"
        return f"{word} {found.shadow}"

    def _csrf(self, name: str) -> str:
        for cookie in self._jar.cookies(self._visit):
            if meaning_of(cookie.name).csrf:
                # A script that copies a cookie into a header takes its escapes off.
                value = unquote(cookie.value)
                self._plant(
                    f"header {name}", value, f"cookie {cookie.name} of the shadow"
                )
                return value
        found = self._table.latest(lambda noun: meaning_of(noun).csrf)
        if found is None:
            return ""
        self._note(f"header {name}", "", found)
        return found.shadow

    def _plant(self, where: str, value: str, learned: str) -> None:
        self.planted.append(value)
        if len(self.uses) < _NOTED:
            self.uses.append(Substitution(where, "…", _shown(value, "token"), learned))


def _is_secret(value: str, noun: str) -> bool:
    meaning = meaning_of(noun)
    secret = meaning.csrf or meaning.secret or noun in _TOKENS or noun[:7] == "cookie "
    return secret or is_opaque(value)


def _shown(value: str, noun: str) -> str:
    """Return a value as people may see it."""
    if not value:
        return "…"
    return f"{value[:4]}…" if _is_secret(value, noun) else value[:80]
