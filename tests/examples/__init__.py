"""The example apps: both versions as documented, then both end to end."""

from __future__ import annotations
