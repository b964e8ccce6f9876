"""What `replay --explain` tells of sessions, beside what they substituted."""

from __future__ import annotations

import io

from rich.console import Console

from shadow_middleware.cli.replay_screen import Explained, show_explained
from shadow_middleware.exchange import Outcome, Replay, Substitution
from tests.broker.staging import exchange


def test_what_could_mean_several_things_is_shown_as_left_alone() -> None:
    """Nothing is substituted by guess, and whoever asks is told where that was."""
    explained = Explained()
    done = Substitution("path segment 2", "17", "42", "POST /items")
    doubt = "query user: several things (order, user)"
    for number, left in ((1, ()), (2, (doubt,))):
        explained(
            Replay(
                exchange(number),
                "shadow",
                Outcome.MATCH,
                rebound=(done,),
                ambiguous=left,
            )
        )
    screen = Console(file=io.StringIO(), width=120)

    show_explained(screen, explained)

    assert [{"exchange": "abc-2", "where": doubt}] == explained.left_alone
    assert isinstance(screen.file, io.StringIO)
    told = screen.file.getvalue()
    assert doubt in told
    assert "path segment 2" in told
