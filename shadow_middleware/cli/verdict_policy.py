"""The policy of a verdict: the file's `[verdict]` table, and options above it."""

from __future__ import annotations

import os
from typing import Any

from shadow_middleware.configuration import CONFIG_VARIABLE, Place, read_verdict
from shadow_middleware.report.policy import Policy, policy_from

__all__ = ["policy_of"]


def policy_of(
    file: str | None, config: str | None, options: dict[str, tuple[str, Any]]
) -> Policy:
    """
    Return the policy that the command was given.

    Args:
        file: `--policy`; left out, the `[verdict]` table of the settings file holds.
        config: `--config`; left out, SHADOW_MIDDLEWARE_CONFIG.
        options: What options say, by the policy's name for it, with the option's own;
            None was left out.

    Raises:
        ConfigurationError: naming the key, the value and the nearest right one.
    """
    given = {
        name: (value, Place(option, "option"))
        for name, (option, value) in options.items()
        if value is not None
    }
    if file is not None:
        return policy_from(read_verdict(file, Place("--policy", "option")), given)
    settings = config or os.environ.get(CONFIG_VARIABLE)
    if not settings:
        return policy_from(given)
    place = Place("config", "settings file")
    return policy_from(read_verdict(settings, place, required=False), given)
