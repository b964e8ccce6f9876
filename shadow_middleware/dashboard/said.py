"""What a page says after something was done: the URL names a sentence, never holds one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shadow_middleware.dashboard.screen import Visit

__all__ = ["said"]

_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "ignored": ("Ignored: it no longer counts.", "good"),
    "resolved": ("Resolved: seen again, it comes back as regressed.", "good"),
    "reopened": ("Open again: it counts.", "good"),
    "noise": ("Noise from now on, whatever is learned.", "good"),
    "signal": ("A divergence from now on, whatever is learned.", "good"),
    "learned": ("What the evidence says holds again.", "good"),
    "expected": ("The rule was added: the change is expected from now on.", "good"),
    "twice": ("A rule of that name is there already: nothing was added.", "warn"),
    "added": ("Added: it holds for every process on this store.", "good"),
    "removed": ("Removed.", "good"),
    "gone": ("There is none of that name any more.", "warn"),
    "refused": ("That is no rule that can be added: nothing was changed.", "bad"),
    "started": ("The samples are on their way to the shadow.", "good"),
    "target-added": ("Added: agents send to it within two seconds.", "good"),
    "target-set": ("Set: every agent follows within two seconds.", "good"),
    "target-removed": ("Forgotten: nothing is set of it any more.", "good"),
    "switched-off": ("All copies stop within two seconds, on every host.", "good"),
    "switched-on": ("Copies are made again, on every host.", "good"),
    "unset": (
        "No shadow is set here, so nothing can be sent to it. Start the dashboard with "
        "SHADOW_MIDDLEWARE_SHADOW_URL or --config, or run shadow-middleware recheck "
        "with --url.",
        "warn",
    ),
}


def said(visit: Visit) -> dict[str, Any]:
    """Return the values for what was done just before."""
    text, tone = _SENTENCES.get(visit.query.get("said", ""), ("", ""))
    return {"said": text, "said_tone": tone}
