"""An exercise, and how an answer to it is looked at.

An exercise holds a reference, the cases it is tried on, and the typical wrong answers, each as a
function with a hint of its own. An answer that does on every case what a typical wrong one does
gets that one's hint.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dropout_lib.exercises import wording
from dropout_lib.exercises.comparing import has_gap, same
from dropout_lib.exercises.feedback import CORRECT, NOT_DONE_YET, NOT_QUITE, Feedback

_STILL_A_GAP = Feedback(NOT_DONE_YET, "A `...` still stands where your answer goes.")


@dataclass(frozen=True)
class Pitfall:
    """A typical wrong answer, taking the reference's arguments, and the hint for it."""

    wrong: Callable[..., Any]
    hint: str


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
        return self._judge(outputs)

    def _run(self, function: Callable[..., Any]) -> list[Any]:
        return [function(*copy.deepcopy(case)) for case in self.cases]

    def _outputs(self, answer: Any) -> list[Any] | Feedback:
        """What the learner's function returns for each case, or why there is nothing to look at."""
        call = f"({', '.join(self.arguments)})"
        if not callable(answer):
            asked = f"a function of `{call}` is asked for: give its name, without calling it."
            return Feedback(NOT_QUITE, asked)
        if words := wording.wrong_arguments(answer, self.arguments):
            return Feedback(NOT_QUITE, words)
        try:
            return self._run(answer)
        except Exception as error:  # noqa: BLE001 (a learner's code may raise anything; it is told)
            if isinstance(error, TypeError) and "ellipsis" in str(error):
                return _STILL_A_GAP  # a ... inside a formula
            return Feedback(NOT_QUITE, wording.stopped(error, answer))

    def _judge(self, outputs: list[Any]) -> Feedback:
        expected = self._run(self.reference)
        right = list(map(same, outputs, expected))
        if all(right):
            return Feedback(CORRECT, self.lesson)
        for pitfall in self.pitfalls:
            if all(map(same, outputs, self._run(pitfall.wrong))):
                return Feedback(NOT_QUITE, pitfall.hint)
        first = right.index(False)
        if words := wording.wrong_kind(outputs[first], expected[first], self.results):
            return Feedback(NOT_QUITE, words)
        if not self.arguments:  # to show the expected value would be to tell the solution
            return Feedback(NOT_QUITE, f"these are not the right values. {self.hint}")
        wrong = f"{right.count(False)} of {len(right)} trials went wrong, the first one below."
        inputs = wording.inputs(dict(zip(self.arguments, self.cases[first], strict=True)))
        values = wording.both_values(outputs[first], expected[first], self.results)
        return Feedback(NOT_QUITE, f"{wrong} {self.hint}", f"{inputs}\n{values}")
