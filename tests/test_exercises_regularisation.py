"""The exercises of notebook 07: a solution of another kind is correct, and no answer is right by chance."""

from itertools import product

import numpy as np
import pytest

from dropout_lib.course.exercises import CORRECT, check, regularisation
from dropout_lib.experiments.ridge import expected_loss

EXERCISES = {exercise.name: exercise for exercise in regularisation.EXERCISES}

SOLUTIONS = {
    "dropout_penalty": lambda X, u, keep: expected_loss(X, X @ u, u, keep),
    "max_norm": lambda W, cap: W / np.maximum(1, np.linalg.norm(W, axis=0) / cap),
    "gaussian_dropout": lambda h, z, keep: h + h * z * np.sqrt(1 / keep - 1),
}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_correct(name):
    feedback = check(name, SOLUTIONS[name])
    assert (feedback.outcome, feedback.message) == (CORRECT, EXERCISES[name].lesson)


def test_no_case_is_at_one_half():
    for name in ("dropout_penalty", "gaussian_dropout"):
        for *_, keep in EXERCISES[name].cases:
            assert abs(keep - 0.5) >= 0.2


def test_the_penalty_is_the_mean_over_all_masks_less_the_loss_without():
    X, u, keep = EXERCISES["dropout_penalty"].cases[1]
    y = np.array([1.0, -2.0, 0.5])
    mean = 0.0
    for bits in product((0, 1), repeat=X.size):
        mask = np.reshape(bits, X.shape)
        chance = np.prod(np.where(mask == 1, keep, 1 - keep))
        mean += chance * np.sum((y - (X * mask / keep) @ u) ** 2)
    penalty = EXERCISES["dropout_penalty"].reference(X, u, keep)
    assert penalty == pytest.approx(mean - np.sum((y - X @ u) ** 2))


def test_in_each_case_of_the_cap_some_units_are_within_it_and_some_are_not():
    for W, cap in EXERCISES["max_norm"].cases:
        lengths = np.linalg.norm(W, axis=0)
        assert (lengths > cap).any()
        assert (lengths < cap).any()
        assert W.shape[0] != W.shape[1]


def test_gaussian_dropout_has_the_moments_of_inverted_dropout():
    h, z = np.full(200_000, 1.7), np.random.default_rng(0).normal(size=200_000)
    for *_, keep in EXERCISES["gaussian_dropout"].cases:
        noisy = EXERCISES["gaussian_dropout"].reference(h, z, keep)
        assert noisy.mean() == pytest.approx(1.7, rel=0.02)
        assert noisy.var() == pytest.approx(1.7**2 * (1 - keep) / keep, rel=0.02)
