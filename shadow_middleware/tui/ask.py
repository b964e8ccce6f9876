"""What stands above a screen: a question before something is decided, and the help."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from shadow_middleware.tui.words import DIM

__all__ = ["Ask", "Help"]

_LONGEST = 500
"""Characters of a note."""
_HELP = """\
1 to 5     overview, groups, routes, noise, targets
j k        down, up; the arrows as well
PgDn PgUp  a screen further, or back; space as well
g G        the first, the last; Home and End as well
Enter      opens what the cursor is on
Esc b      goes back
/          filters a list; for groups also state:all
i r o      on a group: ignore, resolve, reopen
n s l      on a group or noise: noise, counts, as learned
x          on a group: expect it from now on, by a rule
c          on a group: send its samples again (recheck)
e X        on targets: enable or disable one; stop all
v          on a divergence: side by side, or unified
f          on a divergence: unfolds the equal lines
Ctrl-L     reads now
?          this help
q          quits
"""


class Ask(ModalScreen[str | None]):
    """
    Asks whether a decision is meant. Its result is the note, or None for no.

    Args:
        question: What is decided.
        about: What it is decided about.
        reason: Whether a reason is asked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "No", show=False),
        Binding("enter", "yes", "Yes", show=False),
    ]

    def __init__(self, question: str, about: Text, *, reason: bool = True) -> None:
        super().__init__()
        self._question = question
        self._about = about
        self._reason = reason

    def compose(self) -> ComposeResult:
        """Compose the question and a field for the reason."""
        with Vertical(id="box"):
            yield Static(Text(self._question, "bold"))
            yield Static(self._about)
            if self._reason:
                yield Input(placeholder="why, if you like to say", max_length=_LONGEST)
            yield Static(Text("Enter: yes   Esc: no", DIM))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it for a yes."""
        self.dismiss(event.value.strip())

    def action_yes(self) -> None:
        """Take it for a yes, where no reason is asked for."""
        self.dismiss("")

    def action_no(self) -> None:
        """Decide nothing."""
        self.dismiss(None)


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,b,enter,question_mark", "close", "Close", show=False),
        Binding("q", "app.quit", "Quit", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Compose the list of keys."""
        with Vertical(id="box"):
            yield Static(Text("Keys", "bold"))
            yield Static(Text(_HELP))

    def action_close(self) -> None:
        """Return to the screen below."""
        self.dismiss(None)
