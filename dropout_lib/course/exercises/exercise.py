"""An exercise, how an answer to it is looked at, and what a learner reads then.

An exercise holds a reference, the cases it is tried on, and the typical wrong answers, each as a
function with a hint of its own. An answer that does on every case what a typical wrong one does
gets that one's hint.
"""

import copy
import html
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_lib.course.exercises import answers
from dropout_lib.course.exercises.answers import has_gap, plain, same

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
        message: what to think about, with code in `backticks` and a *stressed* word.
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
        lines = [self._headline, _stressing(self.message, r"\1"), *self.details.splitlines()]
        return "\n    ".join(lines)

    def _repr_html_(self) -> str:
        message = _stressing(html.escape(self.message), r"<em>\1</em>")
        message = re.sub("`([^`]+)`", r"<code>\1</code>", message)
        details = ""
        if self.details:
            style = "margin: .5em 0 0; color: inherit; background: none"
            details = f'<pre style="{style}">{html.escape(self.details)}</pre>'
        style = f"border-left: .3em solid {_COLOURS[self.outcome]}; padding: .2em .8em"
        return f'<div style="{style}"><strong>{self._headline}</strong><br>{message}{details}</div>'


def _stressing(text: str, pattern: str) -> str:
    """The text with each *stressed* word outside of code put as the pattern says."""
    pieces = re.split("(`[^`]+`)", text)
    pieces[::2] = [re.sub(r"(?<![\w*])\*(\w+)\*(?![\w*])", pattern, piece) for piece in pieces[::2]]
    return "".join(pieces)


_STILL_A_GAP = Feedback(NOT_DONE_YET, "A `...` still stands where your answer goes.")


@dataclass(frozen=True)
class Pitfall:
    """A typical wrong answer, taking the reference's arguments, the hint for it, and its variants."""

    wrong: Callable[..., Any]
    hint: str
    also: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        name: what `check` calls it.
        reference: gives the right result for the arguments of a case. If it takes arguments, the
            exercise asks for a function; if not, for a value: a number, array or expression.
        pitfalls: the typical wrong answers.
        hint: what to think about if the answer is none of them; a sentence.
        lesson: what a correct answer shows.
        cases: the arguments to try, chosen so that no wrong answer is right by chance.
        results: names of the results, if the reference returns a tuple.
    """

    name: str
    reference: Callable[..., Any]
    pitfalls: tuple[Pitfall, ...]
    hint: str
    lesson: str
    cases: tuple[tuple[Any, ...], ...] = ((),)
    results: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments of the function that is asked for; none if a value is."""
        return tuple(inspect.signature(self.reference).parameters)

    def check(self, answer: Any) -> Feedback:
        """Look at `answer` and say what to think about; the cases reach it as copies."""
        if has_gap(answer):
            return _STILL_A_GAP
        outputs = self._outputs(answer) if self.arguments else [answer]
        if isinstance(outputs, Feedback):
            return outputs
        if any(map(has_gap, outputs)):
            return _STILL_A_GAP
        if any(output is None for output in outputs):
            forgotten = "did you forget `return`?" if self.arguments else "was it never set?"
            return Feedback(NOT_QUITE, f"your answer is None: {forgotten}")
        return self._judge([plain(output, len(self.results)) for output in outputs])

    def _run(self, function: Callable[..., Any]) -> list[Any]:
        """What a function returns for each case. What is not finite is told, not warned of."""
        with np.errstate(all="ignore"):
            return [function(*copy.deepcopy(case)) for case in self.cases]

    def _outputs(self, answer: Any) -> list[Any] | Feedback:
        """What the learner's function returns for each case, or why there is nothing to look at."""
        call = f"({', '.join(self.arguments)})"
        if not callable(answer):
            asked = f"a function of `{call}` is asked for: give its name, without calling it."
            return Feedback(NOT_QUITE, asked)
        if words := answers.wrong_arguments(answer, self.arguments):
            return Feedback(NOT_QUITE, words)
        try:
            return self._run(answer)
        except Exception as error:  # noqa: BLE001 (a learner's code may raise anything; it is told)
            if "ellipsis" in answers.in_words(error).lower():  # a ... that the code tripped over
                return _STILL_A_GAP
            return Feedback(NOT_QUITE, answers.stopped(error, answer))

    def _plainly(self, function: Callable[..., Any]) -> list[Any]:
        return [plain(output, len(self.results)) for output in self._run(function)]

    def _judge(self, outputs: list[Any]) -> Feedback:
        expected = self._plainly(self.reference)
        right = list(map(same, outputs, expected))
        if all(right):
            return Feedback(CORRECT, self.lesson)
        for pitfall in self.pitfalls:
            for wrong in (pitfall.wrong, *pitfall.also):
                if all(map(same, outputs, self._plainly(wrong))):
                    return Feedback(NOT_QUITE, pitfall.hint)
        first = right.index(False)
        if words := answers.wrong_kind(outputs[first], expected[first], self.results):
            return Feedback(NOT_QUITE, words)
        hint = self.hint + answers.cautions(outputs[first])
        if not self.arguments:  # to show the expected value would be to tell the solution
            return Feedback(NOT_QUITE, f"these are not the right values. {hint}")
        wrong = f"{right.count(False)} of {len(right)} trials went wrong, the first one below."
        inputs = answers.inputs(dict(zip(self.arguments, self.cases[first], strict=True)))
        values = answers.both_values(outputs[first], expected[first], self.results)
        return Feedback(NOT_QUITE, f"{wrong} {hint}", f"{inputs}\n{values}")
