"""The exercises of notebook 05: the error of an ensemble, its two moments, and what is left in the end.

Where wrong formulas give right numbers, at c = v, v = 1 or a bias of 0 or 1, a case stands only beside
others that tell them apart.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall

ENSEMBLE_ERROR = Exercise(
    name="ensemble_error",
    reference=lambda v, c, k: (v + (k - 1) * c) / k,
    cases=(
        (0.8, 0.3, 5),
        (2.0, -0.1, np.array([1, 2, 3, 10])),
        (np.sqrt(2), 0.7345, np.array([7, 1, 23])),
        (1.2, -0.3, 5),  # the members' errors cancel
    ),
    pitfalls=(
        Pitfall(
            lambda v, c, k: v / k + 0 * c,
            "that is right for `c` = 0 only. Two members err together, too: the pairs are missing.",
        ),
        Pitfall(
            lambda v, c, k: v / k + c,
            "almost: there are k (k − 1) pairs of *different* members, not k². You paired each member "
            "with itself a second time.",
        ),
        Pitfall(
            lambda v, c, k: v / k + (k - 1) * c,
            "the pairs are divided once too little. There are k (k − 1) of them, over k².",
        ),
        Pitfall(
            lambda v, c, k: v / k + (k - 1) / (2 * k) * c,
            "you counted each pair once. In the square of a sum the product of two different terms comes "
            "twice.",
        ),
        Pitfall(
            lambda v, c, k: v + (k - 1) * c,
            "you divided by k once; the average is squared, so it is k².",
        ),
        Pitfall(
            lambda v, c, k: (v + (k - 1) * c) / k**2,
            "divided once too often: k members have k² products, k of which are v.",
        ),
        Pitfall(
            lambda v, c, k: c / k + (k - 1) / k * v,
            "you swapped v and c: each member meets itself once, and k − 1 others.",
        ),
        Pitfall(
            lambda v, c, k: (v + c) / k,
            "the part with c does not shrink to 0: it goes to c as k grows.",
        ),
        Pitfall(
            lambda v, c, k: v + 0 * c * k,
            "that is the error of a single member.",
        ),
    ),
    hint="Of the terms of the square k are v, k (k − 1) are c, and all of it is divided by k².",
    lesson="For k = 1 it is v, and for many members it is c.",
)


def _pair_products(errors: NDArray) -> list[float]:
    """E[eᵢ eⱼ] of every pair of different members."""
    return [float(np.mean(one * other)) for one, other in combinations(errors, 2)]


def _covariances(errors: NDArray) -> NDArray:
    """Variances and covariances of the members: here the means are subtracted."""
    return np.cov(errors, bias=True)


def _off_diagonal(matrix: NDArray) -> float:
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean())


def _errors(seed: int, members: int, examples: int, bias: float) -> NDArray:
    """Errors that have something in common, and a mean."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=examples)
    return bias + 0.6 * shared + rng.normal(size=(members, examples))


MOMENTS_OF_ERRORS = Exercise(
    name="moments_of_errors",
    reference=lambda errors: (np.mean(errors**2), np.mean(_pair_products(errors))),
    results=("v", "c"),
    cases=((_errors(1, 3, 8, 0.7),), (_errors(2, 5, 11, -1.2),), (_errors(5, 2, 6, 1.4),)),
    pitfalls=(
        Pitfall(
            lambda errors: (
                float(np.diag(_covariances(errors)).mean()),
                _off_diagonal(_covariances(errors)),
            ),
            "you subtracted the means: those are variance and covariance. A bias belongs to the error, "
            "and no average takes it away.",
        ),
        Pitfall(
            lambda errors: (
                float(np.diag(np.cov(errors)).mean()),
                _off_diagonal(np.cov(errors)),
            ),
            "`np.cov` subtracts the means (and divides by one less): those are variance and covariance. "
            "A bias belongs to the error.",
            also=(
                lambda errors: (np.cov(errors)[0, 0], np.cov(errors)[0, 1]),
                lambda errors: (np.trace(np.cov(errors)) / len(errors), np.cov(errors).mean()),
            ),
        ),
        Pitfall(
            lambda errors: (np.mean(errors**2), _off_diagonal(np.cov(errors))),
            "`v` is right. For `c` you subtracted the means, as `np.cov` does: the mean product of the "
            "errors is wanted as they are.",
            also=(
                lambda errors: (np.mean(errors**2), _off_diagonal(_covariances(errors))),
                lambda errors: (np.mean(errors**2), np.cov(errors)[0, 1]),
                lambda errors: (np.mean(errors**2), np.cov(errors).mean()),
            ),
        ),
        Pitfall(
            lambda errors: (np.mean(errors**2), _off_diagonal(np.corrcoef(errors))),
            "`v` is right. For `c` you took the correlation, which is without the means and has no unit.",
        ),
        Pitfall(
            lambda errors: (np.var(errors), np.mean(_pair_products(errors))),
            "`c` is right. For `v` you subtracted the mean; the square of the errors is wanted as they are.",
            also=(
                lambda errors: (np.var(errors, axis=1).mean(), np.mean(_pair_products(errors))),
                lambda errors: (np.var(errors, axis=1, ddof=1).mean(), np.mean(_pair_products(errors))),
            ),
        ),
        Pitfall(
            lambda errors: (np.mean(errors**2), np.mean(errors.mean(axis=0) ** 2)),
            "your `c` is the error of the average of all members. In its square each member also meets "
            "itself: take those terms out.",
        ),
        Pitfall(
            lambda errors: (np.mean(errors**2), np.sum(_pair_products(errors))),
            "`v` is right. For `c` divide by the number of pairs.",
        ),
        Pitfall(
            lambda errors: (
                np.mean(errors**2),
                np.sum(_pair_products(errors)) / (len(errors) * (len(errors) - 1)),
            ),
            "`c` is half of what it should be: either count each pair twice, or divide by "
            "k (k − 1)/2.",
        ),
        Pitfall(
            lambda errors: (np.mean(errors.T**2), np.mean(_pair_products(errors.T))),
            "you paired the examples. The members stand in rows.",
        ),
        Pitfall(
            lambda errors: (np.mean(_pair_products(errors)), np.mean(errors**2)),
            "you swapped the two.",
        ),
        Pitfall(
            lambda errors: (np.mean(errors**2), np.mean(_pair_products(errors[:2]))),
            "that is the `c` of the first two members. Average over all pairs.",
        ),
    ),
    hint="`v` is the mean of all squares, `c` the mean product of two different members.",
    lesson="Nothing is subtracted, so the formula is exact for these very members.",
)

ERROR_FLOOR = Exercise(
    name="error_floor",
    reference=lambda bias, variance, correlation: bias**2 + correlation * variance,
    cases=((0.5, 2.0, 0.3), (-1.5, 0.7, 0.1), (np.sqrt(3), 1.2345, 0.6789), (0.0, 0.9, 0.8), (0.4, 2.0, 0.0)),
    pitfalls=(
        Pitfall(
            lambda _bias, variance, correlation: correlation * variance,
            "you left out the bias. It is in every member, and so it is in their average.",
        ),
        Pitfall(
            lambda bias, _variance, _correlation: bias**2,
            "that would be all if the errors were uncorrelated. What else do the members have in common?",
        ),
        Pitfall(
            lambda bias, variance, correlation: bias + correlation * variance,
            "a *squared* error is asked for: the bias counts with its square.",
        ),
        Pitfall(
            lambda bias, variance, correlation: correlation * (variance + bias**2),
            "the correlation is about what is left without the mean; the bias is shared entirely.",
        ),
        Pitfall(
            lambda bias, variance, _correlation: variance + bias**2,
            "that is v, the error of one member. Only c is left when there are many.",
        ),
        Pitfall(
            lambda _bias, _variance, correlation: correlation,
            "a correlation has no unit. Times the variance, it is the covariance.",
        ),
        Pitfall(
            lambda bias, variance, correlation: (bias + np.sqrt(correlation * variance)) ** 2,
            "the mean and the deviation from it do not add up to a sum: their squares do.",
        ),
        Pitfall(
            lambda bias, variance, correlation: 0.0 * bias * variance * correlation,
            "what the members have in common does not average out.",
        ),
    ),
    hint="As k grows, v/k + (k − 1) c/k goes to c. Which c do these errors have?",
    lesson="More members cannot help here; members that differ more, or a smaller bias, can.",
)

EXERCISES = (ENSEMBLE_ERROR, MOMENTS_OF_ERRORS, ERROR_FLOOR)
