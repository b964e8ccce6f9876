"""
What is kept of one sampled call on the caller's side. Nothing here ever raises.

Our own mistakes are counted by the live side, as a middleware's are; the caller sees
none of them, and a call that could not be captured is counted as skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shadow_middleware.capture import Capture
from shadow_middleware.exchange import CALL, Given
from shadow_middleware.experiment.arguments import Arguments
from shadow_middleware.experiment.call import JSON, RAISED, RETURNED
from shadow_middleware.experiment.values import Uncapturable, captured, captured_error
from shadow_middleware.live import LiveSide

__all__ = ["Sample"]


class Sample:
    """
    Control's side of a call: made before control runs, told of its end.

    Args:
        live: Where it goes, and where mistakes of ours are counted.
        name: The experiment's.
        key: What keeps order; None stands alone.
        arguments: How they are captured.
        args: Of the call.
        kwargs: Of the call.
    """

    def __init__(
        self,
        live: LiveSide,
        name: str,
        key: str | None,
        arguments: Arguments,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._live = live
        route = f"/{name}"
        odd: dict[str, object] | None = None if key is None else {"key": key}
        self._capture = Capture(live, CALL, route.encode(), b"", JSON, live.now(), odd)
        self._capture.route = route
        self.args: tuple[Any, ...] = ()
        """Copies for the candidate."""
        self.kwargs: dict[str, Any] = {}
        self._take(arguments, args, kwargs)
        self._capture.started = live.now()

    def _take(
        self, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            self._capture.request_chunk(arguments.captured(args, kwargs))
            self.args, self.kwargs = arguments.copied(args, kwargs)
        except Uncapturable as error:
            self._capture.note("skip", str(error))
        except Exception:  # noqa: BLE001 -- locks, sockets, whatever refuses a copy
            self._capture.note("skip", "uncopyable")

    @property
    def is_whole(self) -> bool:
        """Whether there is something for the candidate to be compared with."""
        odd = self._capture.odd
        return odd is None or "skip" not in odd

    def returned(self, result: Any) -> None:
        """Take note of what control returned, before its caller can change it."""
        self._capture.ended = self._live.now()
        self._answered(RETURNED, captured, result)

    def raised(self, error: BaseException) -> None:
        """Take note of what control raised."""
        self._capture.ended = self._live.now()
        self._answered(RAISED, captured_error, error)

    def _answered(self, status: int, take: Callable[[Any], bytes], value: Any) -> None:
        capture = self._capture
        capture.status, capture.response_headers = status, JSON
        if not self.is_whole:
            return
        try:
            capture.response_whole(take(value))
        except Uncapturable as error:
            capture.note("skip", str(error))
        except Exception as error:  # noqa: BLE001 -- the fence of the caller
            capture.broken("experiment", error)

    def finish(
        self, given: Given | None, deliver: Callable[[Capture], None] | None = None
    ) -> None:
        """Hand both ends over; None where the candidate was not asked."""
        capture = self._capture
        capture.done = True
        if given is not None:
            capture.note("given", given)
        (deliver or self._live.hand_over)(capture)
