"""Feedback on exercise cells: `check("inverted_dropout", inverted_dropout)`.

Three outcomes: not done yet (a `...` still stands there), not quite (and why), correct. Each
notebook's exercises stand in a module of their own; a new module is added to `EXERCISES` below.
"""

from dropout_lib.course.exercises import (
    bagging,
    co_adaptation,
    inference,
    masks,
    regularisation,
    softmax,
    start,
    variance,
)
from dropout_lib.course.exercises.exercise import (
    CORRECT,
    NOT_DONE_YET,
    NOT_QUITE,
    Exercise,
    Feedback,
    Pitfall,
)

__all__ = [
    "CORRECT",
    "EXERCISES",
    "NOT_DONE_YET",
    "NOT_QUITE",
    "Exercise",
    "Feedback",
    "Pitfall",
    "check",
]

_MODULES = (start, co_adaptation, masks, bagging, softmax, variance, inference, regularisation)

#: Every exercise by its name.
EXERCISES = {exercise.name: exercise for module in _MODULES for exercise in module.EXERCISES}


def check(name: str, answer: object) -> Feedback:
    """Look at an answer: a function, number, array or SymPy expression, as the exercise asks.

    Args:
        name: the exercise's name.
        answer: what you made; `...` means not done yet.
    Returns: a `Feedback` with `.outcome` and `.message`; a notebook shows it below the cell.
    Raises: ValueError for a name that no exercise has.
    """
    if name not in EXERCISES:
        raise ValueError(f"name must be one of {', '.join(EXERCISES)}; got {name!r}")
    return EXERCISES[name].check(answer)
