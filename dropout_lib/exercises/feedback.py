"""What a learner reads after `check`: an outcome, a sentence or two, and perhaps the numbers."""

import html
import re
from dataclasses import dataclass

NOT_DONE_YET = "not done yet"
NOT_QUITE = "not quite"
CORRECT = "correct"

_SYMBOLS = {NOT_DONE_YET: "○", NOT_QUITE: "✗", CORRECT: "✓"}
# Each stands out from white and from black by 3 to 1 or more; the symbol and the word say it too.
_COLOURS = {NOT_DONE_YET: "#808080", NOT_QUITE: "#d55e00", CORRECT: "#009e73"}


@dataclass(frozen=True, repr=False)
class Feedback:
    """The result of `check`. It shows itself, as text or in a notebook as HTML.

    Attributes:
        outcome: "not done yet", "not quite" or "correct".
        message: what to think about, with code in `backticks`.
        details: lines of numbers that belong to it, or "".
    """

    outcome: str
    message: str
    details: str = ""

    @property
    def _headline(self) -> str:
        because = ", because …" if self.outcome == NOT_QUITE else ""
        return f"{_SYMBOLS[self.outcome]} {self.outcome}{because}"

    def __repr__(self) -> str:
        lines = [self._headline, self.message, *self.details.splitlines()]
        return "\n    ".join(lines)

    def _repr_html_(self) -> str:
        message = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(self.message))
        details = ""
        if self.details:
            style = "margin: .5em 0 0; color: inherit; background: none"
            details = f'<pre style="{style}">{html.escape(self.details)}</pre>'
        style = f"border-left: .3em solid {_COLOURS[self.outcome]}; padding: .2em .8em"
        return f'<div style="{style}"><strong>{self._headline}</strong><br>{message}{details}</div>'
