"""What stands in for the world while a copy is served: the options of the stubs."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from shadow_middleware.errors import ConfigurationError

__all__ = ["Answer", "Http", "Stubs"]

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True)
class Answer:
    """What an outgoing request is answered with, in the place of whom it was for."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json"}
    )


@dataclass(frozen=True)
class Http:
    """
    What becomes of outgoing HTTP requests.

        Http(
            allow=["catalogue.internal"],
            answers={"POST https://api.pay.test/v1/*": Answer(201, b'{"id": "x"}')},
            otherwise="raise",
        )

    Raises:
        ConfigurationError: a pattern or a word is none that is understood.
    """

    allow: Sequence[str] = ()
    """Hosts, as globs, that are spoken to all the same: those that a copy cannot harm."""
    safe_methods: Literal["stub", "pass"] = "stub"
    """`pass` lets GET, HEAD, OPTIONS and TRACE through to every host."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """`METHOD URL`, both as globs, and what is answered; the first that fits."""
    otherwise: Answer | Literal["raise"] = field(default_factory=Answer)
    """The answer where none of those fits; `raise` fails as a refused connection does."""

    def __post_init__(self) -> None:
        if isinstance(self.allow, str):
            raise ConfigurationError(f"Http.allow is a list of hosts: [{self.allow!r}]")
        if self.safe_methods not in ("stub", "pass"):
            raise ConfigurationError(
                f"Http.safe_methods is 'stub' or 'pass', not {self.safe_methods!r}"
            )
        for pattern in self.answers:
            if len(pattern.split(" ")) != 2:
                raise ConfigurationError(
                    f"Http.answers is keyed by 'METHOD URL', as 'POST https://pay.test/*',"
                    f" not {pattern!r}"
                )
        if not isinstance(self.otherwise, Answer) and self.otherwise != "raise":
            raise ConfigurationError(
                f"Http.otherwise is an Answer or 'raise', not {self.otherwise!r}"
            )

    def passes(self, method: str, host: str) -> bool:
        """Whether the request goes out as it is."""
        if self.safe_methods == "pass" and method.upper() in _SAFE:
            return True
        return any(fnmatch.fnmatch(host.lower(), each.lower()) for each in self.allow)

    def answer(self, method: str, url: str) -> Answer | None:
        """Return what is answered in their place, or None to fail."""
        for pattern, answer in self.answers.items():
            verb, _, place = pattern.partition(" ")
            if fnmatch.fnmatchcase(method.upper(), verb) and fnmatch.fnmatch(
                url, place
            ):
                return answer
        return self.otherwise if isinstance(self.otherwise, Answer) else None


@dataclass(frozen=True)
class Stubs:
    """
    What stands in for whom; a library that is not installed needs none.

    Raises:
        ConfigurationError: a value is none that is understood.
    """

    http: Http | bool = True
    """httpx, httpx2, requests, urllib3, urllib, http.client and aiohttp; aiohttp and
    http.client are refused rather than answered."""
    mail: bool = True
    """smtplib, and Django's mail whatever its backend."""
    tasks: bool = True
    """Celery and Django tasks: nothing is enqueued."""
    files: bool = True
    """Django's storages: what a copy saves, that copy alone can read."""
    caches: bool = True
    """Django's caches: what a copy sets, that copy alone sees."""
    redis: bool = True
    """redis-py: commands that write are answered with what they usually are."""
    threads: bool = True
    """Threads and thread pools know that they work for a copy."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, bool) and not (
                name == "http" and isinstance(value, Http)
            ):
                raise ConfigurationError(
                    f"Stubs.{name} is True or False"
                    f"{' or Http(...)' if name == 'http' else ''}, not {value!r}"
                )
