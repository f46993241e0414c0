"""The exercises of notebook 01: how alike units are, and silencing some of them."""

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall


def _correlation(a: NDArray, b: NDArray) -> float:
    """Pearson's correlation, from its definition."""
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def _pairs(h: NDArray) -> list[float]:
    """The correlation of every pair of different columns."""
    columns = range(h.shape[1])
    return [_correlation(h[:, i], h[:, j]) for i in columns for j in columns if i != j]


_ACTIVATIONS = tuple(
    (np.random.default_rng(seed).normal(size=shape) + np.arange(shape[0])[:, None] * tilt,)
    for seed, shape, tilt in ((1, (9, 4), 0.2), (2, (12, 5), -0.1), (3, (4, 6), 0.0), (4, (5, 2), 0.3))
)


def _with_a_copy() -> NDArray:
    """A layer in which one unit is another's copy: a correlation of 1 off the diagonal."""
    h = np.random.default_rng(5).normal(size=(8, 3))
    return h[:, [0, 1, 0, 2]]


MEAN_ABSOLUTE_CORRELATION = Exercise(
    name="mean_absolute_correlation",
    reference=lambda h: np.mean(np.abs(_pairs(h))),
    cases=(*_ACTIVATIONS, (_with_a_copy(),)),
    pitfalls=(
        Pitfall(
            lambda h: np.abs(np.corrcoef(h.T)).mean(),
            "you counted each unit with itself. That is always 1 and says nothing: leave the diagonal out.",
        ),
        Pitfall(
            lambda h: np.mean(_pairs(h)),
            "you left out the absolute value: units that say the opposite of each other are as closely "
            "related as units that say the same, and the two cancel.",
        ),
        Pitfall(
            lambda h: np.mean(np.abs(_pairs(h.T))),
            "you correlated the examples. `np.corrcoef` takes its variables in rows; the units stand in "
            "columns.",
        ),
        Pitfall(
            lambda h: np.abs(np.corrcoef(h)).mean(),
            "you correlated the examples, and each with itself too. `np.corrcoef` takes its variables in "
            "rows; the units stand in columns.",
        ),
        Pitfall(
            lambda h: abs(np.mean(_pairs(h))),
            "the absolute value comes too late: take it of each correlation, then the mean.",
        ),
        Pitfall(
            lambda h: np.sum(np.abs(_pairs(h))),
            "that is the sum. Divide by the number of pairs, so that layers of any width can be compared.",
        ),
    ),
    hint="`np.corrcoef(h.T)` has a row and a column for each unit; average what is off its diagonal.",
    lesson="Only pairs of different units count, and opposite is as closely related as equal.",
)

SURVIVORS = Exercise(
    name="survivors",
    reference=lambda h, mask: h * mask * (len(mask) / np.count_nonzero(mask)),
    cases=(
        (np.array([[0.5, -1.0, 2.0, 0.3, 1.1], [1.0, 0.2, -0.4, 0.7, 0.6]]), np.array([1, 0, 1, 1, 0])),
        (np.array([[1.5, 0.4, -0.9, 0.8]]), np.array([0, 0, 1, 0])),
        (np.random.default_rng(6).normal(size=(3, 7)), np.array([1, 1, 0, 0, 0, 1, 0])),
        (np.array([[0.0, -0.7, 1.3]]), np.array([1, 1, 1])),  # nobody is silent
    ),
    pitfalls=(
        Pitfall(
            lambda h, mask: h * mask,
            "the right units are silent, but nothing makes up for them: the next layer gets less than it "
            "was trained on.",
        ),
        Pitfall(
            lambda h, mask: h * mask * mask.mean(),
            "you made the survivors weaker. With fewer of them, each has to count for more.",
        ),
        Pitfall(
            lambda h, mask: h * mask / (1 - mask.mean()),
            "you divided by the share that is silent. Divide by the share that still speaks.",
        ),
        Pitfall(
            lambda h, mask: h * mask / mask.sum(),
            "you divided by the number of survivors. It is their share, number / length, that counts.",
        ),
        Pitfall(
            lambda h, mask: h / mask.mean(),
            "the scale is right, but nobody is silent: `mask` multiplies the layer.",
        ),
        Pitfall(
            lambda h, mask: h * mask * 2,
            "twice is right if half of the units are silent. In these masks it is another share: "
            "work the factor out from `mask`, from how many speak of how many there are.",
        ),
    ),
    hint="If half of the units are silent, the others count twice; if only a third still speaks, three times.",
    lesson="This is inverted dropout with the share that was in fact kept in the place of keep.",
)

EXERCISES = (MEAN_ABSOLUTE_CORRELATION, SURVIVORS)
