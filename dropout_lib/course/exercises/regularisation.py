"""The exercises of notebook 07: dropout's penalty, max-norm, and Gaussian noise.

No case has keep = 0.5, where keep and 1 − keep look alike and (1 − keep)/keep is 1.
"""

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall


def _random(seed: int, *shapes: tuple[int, ...]) -> list[NDArray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


_X = np.array([[1.0, 4.0, -0.5], [-2.0, 0.5, 1.5], [0.5, 3.0, 2.0], [1.5, -1.0, 0.2]])


def _penalty(X: NDArray, u: NDArray, keep: float) -> float:
    """The sum, entry by entry, of the variance that the masks give to x · u."""
    variance = (1 - keep) / keep
    return float(
        sum(variance * (x * weight) ** 2 for row in X for x, weight in zip(row, u, strict=True))
    )


DROPOUT_PENALTY = Exercise(
    name="dropout_penalty",
    reference=_penalty,
    cases=(
        (_X, np.array([0.8, -0.6, 1.2]), 0.8),
        (_X[:3], np.array([-0.3, 0.9, 0.5]), 0.3),
        (*_random(3, (5, 4), (4,)), 0.7345),
        (_X * [1, 0, 1], np.array([0.8, -0.6, 1.2]), 0.75),  # a feature that is 0 in all examples
        (_X, np.array([0.8, -0.6, 1.2]), np.float64(1)),  # of NumPy: divided by 0 it is inf, no error
    ),
    pitfalls=(
        Pitfall(
            lambda X, u, keep: keep * (1 - keep) * np.sum((X * u) ** 2),
            "`keep (1 - keep)` belongs to weights that are not scaled yet. In terms of u = keep · w "
            "divide it by keep².",
        ),
        Pitfall(
            lambda X, u, keep: keep / (1 - keep) * np.sum((X * u) ** 2),
            "upside down: at keep = 1 nothing is dropped, and there should be no penalty.",
        ),
        Pitfall(
            lambda _X, u, keep: (1 - keep) / keep * np.sum(u**2),
            "that is plain ridge, with one price for all. Here each weight pays by the length of its "
            "own column.",
        ),
        Pitfall(
            lambda X, u, keep: len(X) * (1 - keep) / keep * np.sum(u**2),
            "that is right for standardised features only, whose columns all have the length √n.",
        ),
        Pitfall(
            lambda X, u, keep: (1 - keep) / keep * np.sum(np.sqrt((X**2).sum(axis=0)) * u**2),
            "γ has to be squared, like the weight that it multiplies.",
        ),
        Pitfall(
            lambda X, u, keep: (1 - keep) / keep * np.sum((X @ u) ** 2),
            "you squared the predictions. The masks of two features are independent, so each "
            "feature counts on its own: square first, then sum.",
        ),
        Pitfall(
            lambda X, u, keep: (1 - keep) / keep * np.sum(X.sum(axis=0) ** 2 * u**2),
            "γ² is the sum of the squares of a column, not the square of its sum.",
        ),
        Pitfall(
            lambda X, u, keep: (1 - keep) * np.sum((X * u) ** 2),
            "that is the share dropped. The variance of a gain that is 0 or 1/keep is (1 − keep)/keep.",
        ),
        Pitfall(
            lambda X, u, keep: (1 - keep) / keep * (X**2).sum(axis=0) * u**2,
            "those are the prices of the single weights. Add them up.",
        ),
    ),
    hint="The penalty is (1 − keep)/keep times the sum of γ² u², where γ is the length of a column of X.",
    lesson="Long columns are expensive: that is what the units of a feature cancel against.",
)


def _capped(W: NDArray, cap: float) -> NDArray:
    lengths = [np.sqrt(sum(weight**2 for weight in unit)) for unit in W.T]
    return np.array(
        [
            unit * (cap / length if length > cap else 1)
            for unit, length in zip(W.T, lengths, strict=True)
        ]
    ).T


MAX_NORM = Exercise(
    name="max_norm",
    reference=_capped,
    cases=(
        (np.array([[3.0, 0.5, -1.0, 0.1], [4.0, -0.2, 2.0, 0.3], [0.5, 0.3, 2.5, -0.4]]), 2.0),
        (np.array([[0.6, -1.5], [0.2, 0.9], [1.9, 0.1]]), 1.8),
        (*_random(4, (4, 6)), 1.7345),
        (np.array([[3.0, 0.0, 3.0], [4.0, 0.0, -5.0]]), 5.0),  # at the cap, of length 0, above
    ),
    pitfalls=(
        Pitfall(
            lambda W, cap: W * np.minimum(1, cap / np.sqrt((W**2).sum(axis=1, keepdims=True))),
            "you capped the rows: the weights that *leave* an input. Those that enter a unit stand "
            "in a column.",
        ),
        Pitfall(
            lambda W, cap: W * cap / np.sqrt((W**2).sum(axis=0)),
            "you also stretched the units that are shorter than the cap. They should stay as they are.",
        ),
        Pitfall(
            lambda W, cap: np.clip(W, -cap, cap),
            "you capped single weights. The cap is on the length of a whole column.",
        ),
        Pitfall(
            lambda W, cap: W * min(1, cap / np.sqrt((W**2).sum(axis=0).max())),
            "you made all units smaller because one of them is too long. Each has its own factor.",
        ),
        Pitfall(
            lambda W, cap: W * min(1, cap / np.sqrt((W**2).sum())),
            "that caps the length of the whole matrix. Each unit, a column, is capped on its own.",
        ),
        Pitfall(
            lambda W, cap: W * np.minimum(1, cap / (W**2).sum(axis=0)),
            "the root is missing: the length of a column is √(Σ w²).",
        ),
        Pitfall(
            lambda W, cap: W * np.minimum(1, cap / np.abs(W).sum(axis=0)),
            "you summed absolute values. The length here is Euclidean: √(Σ w²).",
        ),
        Pitfall(
            lambda W, cap: W * np.maximum(1, cap / np.sqrt((W**2).sum(axis=0))),
            "the wrong way round: you stretched the short ones and left the long ones.",
        ),
    ),
    hint="Multiply each column by cap / its length, but only where that is below 1.",
    lesson="It is a projection: done twice it changes nothing more.",
)

_H = np.array([0.5, -1.0, 2.0, 0.3, 1.4])
_Z = np.array([1.1, -0.7, 0.4, -2.0, 0.9])

GAUSSIAN_DROPOUT = Exercise(
    name="gaussian_dropout",
    reference=lambda h, z, keep: h * (1 + z * ((1 - keep) / keep) ** 0.5),
    cases=(
        (_H, _Z, 0.8),
        (_H[::-1].copy(), _Z, 0.3),
        (*_random(5, (3, 4), (3, 4)), 0.7345),
        (_H * [0, 1, 1, 1, 1], _Z, np.float64(1)),  # no noise, and a unit that is 0
    ),
    pitfalls=(
        Pitfall(
            lambda h, z, keep: h * (1 + (1 - keep) / keep * z),
            "(1 − keep)/keep is the variance. What z is multiplied by is its root.",
        ),
        Pitfall(
            lambda h, z, keep: h * (1 + np.sqrt(keep / (1 - keep)) * z),
            "upside down: at keep = 1 there should be no noise.",
        ),
        Pitfall(
            lambda h, z, keep: h * np.sqrt((1 - keep) / keep) * z,
            "your noise has mean 0, so the unit itself is gone. The mean should be 1.",
        ),
        Pitfall(
            lambda h, z, keep: h + np.sqrt((1 - keep) / keep) * z,
            "you added the noise. It multiplies the unit, as a mask does: a large unit gets more.",
        ),
        Pitfall(
            lambda h, z, keep: h * (1 + np.sqrt(keep * (1 - keep)) * z),
            "keep (1 − keep) is the variance of the mask itself. Inverted dropout divides by keep, and "
            "the variance by keep².",
        ),
        Pitfall(
            lambda h, z, keep: h * (keep + np.sqrt(keep * (1 - keep)) * z),
            "those are mean and variance of *standard* dropout. Inverted dropout has mean 1.",
        ),
        Pitfall(
            lambda h, z, keep: h * (1 + np.sqrt((1 - keep) / keep) * z) / keep,
            "the mean is 1 already: nothing is left to be divided by keep.",
        ),
    ),
    hint="Each unit is multiplied by 1 + s · z, where s² is the variance that the noise should have.",
    lesson="At prediction time there is nothing to do: the mean is 1.",
)

EXERCISES = (DROPOUT_PENALTY, MAX_NORM, GAUSSIAN_DROPOUT)
