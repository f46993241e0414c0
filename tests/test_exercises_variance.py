"""The exercises of notebook 05: a solution of another kind is correct, and no answer is right by chance."""

import numpy as np
import pytest

from dropout_lib.course.exercises import CORRECT, check, variance
from dropout_lib.ensembles.error import ensemble_error, sample_errors

EXERCISES = {exercise.name: exercise for exercise in variance.EXERCISES}


def moments_by_matrix(errors):
    matrix = errors @ errors.T / errors.shape[1]
    k = len(errors)
    return np.trace(matrix) / k, (matrix.sum() - np.trace(matrix)) / (k * (k - 1))


SOLUTIONS = {
    "ensemble_error": lambda v, c, k: v / k + (k - 1) / k * c,
    "moments_of_errors": moments_by_matrix,
    "error_floor": lambda bias, variance, correlation: bias * bias + variance * correlation,
}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_correct(name):
    feedback = check(name, SOLUTIONS[name])
    assert (feedback.outcome, feedback.message) == (CORRECT, EXERCISES[name].lesson)


def test_the_cases_of_the_formula_are_admissible():
    for v, c, k in EXERCISES["ensemble_error"].cases:
        np.testing.assert_allclose(
            EXERCISES["ensemble_error"].reference(v, c, k), ensemble_error(v, c, k)
        )


def test_in_the_cases_of_the_moments_there_is_a_bias_and_something_shared():
    for (errors,) in EXERCISES["moments_of_errors"].cases:
        v, c = moments_by_matrix(errors)
        assert abs(errors.mean()) > 0.3
        assert 0.1 * v < c < 0.9 * v


@pytest.mark.parametrize("case", EXERCISES["error_floor"].cases)
def test_the_floor_is_where_many_simulated_members_end(case):
    bias, spread, correlation = case
    members, draws = 400, 5000
    errors = bias + sample_errors(
        spread, correlation * spread, members, draws, np.random.default_rng(0)
    )
    squared = errors.mean(axis=0) ** 2
    wanted = EXERCISES["error_floor"].reference(*case) + (1 - correlation) * spread / members
    assert abs(squared.mean() - wanted) < 6 * squared.std() / np.sqrt(draws)
