"""The exercises of notebook 06: each typical wrong answer has its hint, and no answer is right by chance."""

import math

import numpy as np
import pytest

from dropout_lib.exercises import CORRECT, NOT_DONE_YET, NOT_QUITE, check, inference

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
PITFALLS = [
    pytest.param(exercise, pitfall, id=f"{exercise.name}-{number}")
    for exercise in EXERCISES.values()
    for number, pitfall in enumerate(exercise.pitfalls)
]


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_correct_and_a_stub_is_not_done(name):
    feedback = check(name, SOLUTIONS[name])
    assert (feedback.outcome, feedback.message) == (CORRECT, EXERCISES[name].lesson)
    assert check(name, lambda *_case: ...).outcome == NOT_DONE_YET
    assert check(name, ...).outcome == NOT_DONE_YET


@pytest.mark.parametrize(("exercise", "pitfall"), PITFALLS)
def test_a_typical_wrong_answer_gets_its_own_hint(exercise, pitfall):
    feedback = exercise.check(pitfall.wrong)
    assert (feedback.outcome, feedback.message) == (NOT_QUITE, pitfall.hint)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_two_hints_are_the_same(exercise):
    hints = [exercise.hint, exercise.lesson, *(pitfall.hint for pitfall in exercise.pitfalls)]
    assert len(set(hints)) == len(hints)


def test_the_cases_tell_rounding_and_a_single_pass():
    ratios = [(sigma / wanted) ** 2 for sigma, wanted in EXERCISES["passes_needed"].cases]
    assert all(abs(ratio - round(ratio)) > 0.05 for ratio in ratios)
    assert min(ratios) < 1 < max(ratios)


def test_in_the_cases_some_passes_err_and_their_average_does_better():
    for probs, y in EXERCISES["error_left_on"].cases:
        assert 0 < np.mean(probs.mean(axis=0).argmax(axis=-1) != y) < left_on(probs, y) < 0.7
        np.testing.assert_allclose(probs.sum(axis=-1), 1)
