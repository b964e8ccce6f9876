"""
What is kept of each session with one target: its cookies, and what is called what.

One `Sessions` for each target, so nothing of one target reaches another; one `Session`
for each key, so nothing of one user reaches another. There is no table that two share.
A session has one replay in flight at a time, which is what keeps its state in order.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from shadow_middleware.addresses import is_loopback
from shadow_middleware.exchange import (
    Exchange,
    Headers,
    Request,
    Response,
    Substitution,
)
from shadow_middleware.settings import SAFE_METHODS, Settings, Target
from shadow_middleware.transform.cookies import Jar, Visit
from shadow_middleware.transform.credentials import withheld_names
from shadow_middleware.transform.letter import Letter
from shadow_middleware.transform.outgoing import host_of
from shadow_middleware.transform.rebind.learn import Answers, pairs_of, side_of
from shadow_middleware.transform.rebind.restate import restated
from shadow_middleware.transform.rebind.substitute import substituted
from shadow_middleware.transform.rebind.table import Binding, Pair, Table

__all__ = ["Prepared", "Sessions"]

MAX_PAIRS: Final = 2_000
"""Names of one session and target; the ones not used for longest are forgotten."""
MAX_SESSION_BYTES: Final = 512 * 1024
_INLINE: Final = 16 * 1024
"""Bytes of two bodies that are looked into on the loop; larger ones on a thread."""


class Session:
    """What is known of one session with one target."""

    __slots__ = ("at", "jar", "size", "stale", "table")

    def __init__(self, at: float) -> None:
        self.jar = Jar()
        self.table = Table(MAX_PAIRS, MAX_SESSION_BYTES)
        self.at = at
        self.stale = False
        """Whether a request that may have changed it never reached the target."""
        self.size = 0


class Prepared(NamedTuple):
    """A request as one session sends it, and what is to be known of it."""

    request: Request
    session: Session | None = None
    visit: Visit | None = None
    uses: tuple[Substitution, ...] = ()
    bindings: tuple[Binding, ...] = ()
    """Those that were used."""
    asked: tuple[Pair, ...] = ()
    """Names that went out as they are, since nothing else is known of them."""
    ambiguous: tuple[str, ...] = ()
    planted: tuple[str, ...] = ()


class Sessions:
    """The sessions with one target, bounded in number, bytes and age."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Know of no session.

        Args:
            target: Whose cookies and names they are.
            settings: What is kept, and how much of it.
            clock: Unix seconds.
        """
        url = urlsplit(target.address)
        self._host = (url.hostname or "").lower()
        self._secure = url.scheme == "https" or is_loopback(self._host)
        self._rebinds = settings.sessions == "rebind"
        self._withheld = withheld_names(settings, target)
        self._most, self._most_bytes = settings.session_count, settings.session_bytes
        self._idle = settings.session_idle
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._sessions)

    # --- bookkeeping --------------------------------------------------------------------

    def _open(self, key: str, now: float) -> Session:
        session = self._sessions.get(key)
        if session is not None and now - session.at > self._idle:
            self._close(key)
            session = None
        if session is None:
            session = self._sessions[key] = Session(now)
        session.at = now
        session.table.expire(now - self._idle)
        self._sessions.move_to_end(key)
        while len(self._sessions) > self._most or self._bytes > self._most_bytes:
            oldest = next(iter(self._sessions))
            if oldest == key:
                break
            self._close(oldest)
        return session

    def _close(self, key: str) -> None:
        self._bytes -= self._sessions.pop(key).size

    def _weigh(self, session: Session) -> None:
        size = session.jar.bytes + session.table.bytes
        self._bytes += size - session.size
        session.size = size

    def is_stale(self, key: str | None) -> bool:
        """Whether the session has missed a request that may have changed it."""
        session = self._sessions.get(key) if key is not None else None
        return session is not None and session.stale

    def missed(self, exchange: Exchange) -> None:
        """Take note that a request did not reach the target, or nobody knows."""
        if exchange.key is not None and exchange.request.method not in SAFE_METHODS:
            self._open(exchange.key, self._clock()).stale = True

    # --- before it is sent --------------------------------------------------------------

    def prepare(self, exchange: Exchange, request: Request) -> Prepared:
        """Return the request with this session's own cookies and names in it."""
        if exchange.key is None:
            return Prepared(request)
        now = self._clock()
        session = self._open(exchange.key, now)
        visit = self._visit(exchange, request, now)
        letter = Letter(
            exchange, self._kept_back(exchange), session.jar, session.table, visit
        )
        request = letter.with_credentials(request)
        if self._rebinds:
            request = substituted(request, exchange.route, letter.rename)
        return Prepared(
            request,
            session,
            visit,
            tuple(letter.uses),
            tuple(letter.bindings),
            tuple(letter.asked),
            tuple(letter.ambiguous),
            tuple(letter.planted),
        )

    def _kept_back(self, exchange: Exchange) -> dict[str, bytes]:
        # What live let pass the wall may still be kept from this target: another one
        # gets it, or a capture that holds it is replayed by other settings.
        return {
            name.lower().decode("latin-1"): value
            for name, value in exchange.request.headers
            if self._withheld[name]
        }

    def _visit(self, exchange: Exchange, request: Request, now: float) -> Visit:
        hosts = tuple(filter(None, (self._host, _bare(host_of(exchange.request)))))
        paths = tuple(
            path.decode("latin-1")
            for path in {exchange.request.path: 0, request.path: 0}
        )
        secure = self._secure or _is_secure(exchange.request)
        return Visit(hosts, paths, secure, now)

    # --- after it was answered ----------------------------------------------------------

    async def heard(
        self, exchange: Exchange, sent: Prepared, response: Response
    ) -> Response | None:
        """Keep what the answer says; return it in live's names, if it has others."""
        session, visit, live = sent.session, sent.visit, exchange.response
        if session is None or visit is None:
            return None
        session.jar.take(response.headers, visit)
        told = None
        if self._rebinds and live is not None:
            if live.body.length + response.body.length > _INLINE:
                told = await asyncio.to_thread(
                    _learn, exchange, sent, session, response
                )
            else:
                told = _learn(exchange, sent, session, response)
        if self._sessions.get(exchange.key or "") is session:
            self._weigh(session)
        return told


def _learn(
    exchange: Exchange, sent: Prepared, session: Session, response: Response
) -> Response | None:
    live, table, now = exchange.response, session.table, session.at
    assert live is not None
    if live.status // 100 != response.status // 100:
        return None
    answers = Answers(
        exchange.endpoint,
        exchange.route,
        exchange.request.method not in SAFE_METHODS,
        live,
        response,
    )
    if live.status < 400:
        for binding in sent.bindings:
            table.trust(binding)
        for pair in sent.asked:
            table.learn(pair, now)
    ours, theirs = side_of(live), side_of(response)
    pairs = [*pairs_of(answers, ours, theirs)]
    # What names itself first: it confirms what others say of it.
    for pair in sorted(pairs, key=lambda pair: not pair.issued):
        table.learn(pair, now)
    return restated(answers, ours, theirs, table)


def _bare(authority: str) -> str:
    """Return a Host header's host without its port, in lower case."""
    host, _, port = authority.lower().rpartition(":")
    return host if host and port.isdecimal() else authority.lower()


def _is_secure(request: Request) -> bool:
    if request.scheme == "https":
        return True
    headers: Headers = request.headers
    return any(
        name.lower() == b"x-forwarded-proto" and value.strip().lower() == b"https"
        for name, value in headers
    )
