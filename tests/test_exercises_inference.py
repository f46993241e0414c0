"""The exercises of notebook 06: a solution of another kind is correct, and no answer is right by chance."""

import math

import numpy as np
import pytest

from dropout_lib.exercises import CORRECT, check, inference

EXERCISES = {exercise.name: exercise for exercise in inference.EXERCISES}


def average(logits):
    total = np.zeros(logits.shape[1:])
    for one in logits:
        for image, z in enumerate(one):
            scores = [math.exp(value) for value in z]
            total[image] += np.array(scores) / sum(scores)
    return total / len(logits)


def needed(sigma, wanted):
    k = 1
    while sigma / math.sqrt(k) > wanted:
        k += 1
    return k


def left_on(probs, y):
    wrong = [
        list(p).index(max(p)) != label for one in probs for p, label in zip(one, y, strict=True)
    ]
    return sum(wrong) / len(wrong)


SOLUTIONS = {"monte_carlo_average": average, "passes_needed": needed, "error_left_on": left_on}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_correct(name):
    feedback = check(name, SOLUTIONS[name])
    assert (feedback.outcome, feedback.message) == (CORRECT, EXERCISES[name].lesson)


def test_the_cases_tell_rounding_and_a_single_pass():
    ratios = [(sigma / wanted) ** 2 for sigma, wanted in EXERCISES["passes_needed"].cases]
    assert all(abs(ratio - round(ratio)) > 0.05 for ratio in ratios)
    assert min(ratios) < 1 < max(ratios)


def test_in_the_cases_some_passes_err_and_their_average_does_better():
    for probs, y in EXERCISES["error_left_on"].cases:
        assert 0 < np.mean(probs.mean(axis=0).argmax(axis=-1) != y) < left_on(probs, y) < 0.7
        np.testing.assert_allclose(probs.sum(axis=-1), 1)
