"""The exercises of notebook 06: a solution of another kind is correct, and no answer is right by chance."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from dropout_lib.course.exercises import CORRECT, check, inference

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
    cases = EXERCISES["passes_needed"].cases
    ratios = [(sigma / wanted) ** 2 for sigma, wanted in cases]
    exact = [Fraction(sigma) ** 2 / Fraction(wanted) ** 2 for sigma, wanted in cases]
    whole = [ratio.denominator == 1 for ratio in exact]
    assert any(whole)
    for ratio, is_whole in zip(ratios, whole, strict=True):
        assert is_whole or abs(ratio - round(ratio)) > 0.05
    assert min(ratios) < 1 < max(ratios)
    parts = [ratio % 1 for ratio in ratios if ratio > 1]
    assert any(0 < part < 0.5 for part in parts)
    assert any(part > 0.5 for part in parts)


def test_the_passes_are_exact_in_decimals():
    reference = EXERCISES["passes_needed"].reference
    for sigma, wanted in product(range(1, 101), repeat=2):
        exact = max(1, math.ceil(Fraction(sigma, wanted) ** 2))
        assert reference(sigma / 100, wanted / 100) == exact


@pytest.mark.parametrize(
    "answer",
    [
        lambda sigma, wanted: max(1, math.ceil((sigma / wanted) ** 2)),
        lambda sigma, wanted: max(1, math.ceil(sigma**2 / wanted**2)),
        lambda sigma, wanted: max(1, int(np.ceil(round((sigma / wanted) ** 2, 9)))),
        lambda sigma, wanted: max(1.0, np.ceil(sigma**2 / wanted**2)),
        lambda sigma, wanted: max(1, -int(-((sigma / wanted) ** 2) // 1)),
    ],
)
def test_the_passes_may_be_rounded_up_in_any_way(answer):
    assert check("passes_needed", answer).outcome == CORRECT


def test_rounding_to_the_nearest_is_not_called_rounding_down():
    message = check("passes_needed", lambda sigma, wanted: round((sigma / wanted) ** 2)).message
    assert "to the nearest" in message


def test_in_the_cases_some_passes_err_and_their_average_does_better():
    for probs, y in EXERCISES["error_left_on"].cases:
        assert 0 < np.mean(probs.mean(axis=0).argmax(axis=-1) != y) < left_on(probs, y) < 0.7
        np.testing.assert_allclose(probs.sum(axis=-1), 1)
