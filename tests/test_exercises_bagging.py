"""The exercises of notebook 03: a solution of another kind is correct, and no answer is right by chance."""

import numpy as np
import pytest

from dropout_lib.course.exercises import CORRECT, bagging, check

EXERCISES = {exercise.name: exercise for exercise in bagging.EXERCISES}

SOLUTIONS = {
    "mask_weights": lambda masks, keep: keep ** masks.sum(1) * (1 - keep) ** (1 - masks).sum(1),
    "out_of_bag": lambda probs, samples: np.array(
        [
            np.mean([p[i] for p, s in zip(probs, samples, strict=True) if i not in set(s)], axis=0)
            for i in range(probs.shape[1])
        ]
    ),
    "distinct_masks": lambda n_units, keep, n_draws: sum(
        1
        - (1 - keep ** bin(mask).count("1") * (1 - keep) ** (n_units - bin(mask).count("1")))
        ** n_draws
        for mask in range(2**n_units)
    ),
}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_is_correct(name):
    feedback = check(name, SOLUTIONS[name])
    assert (feedback.outcome, feedback.message) == (CORRECT, EXERCISES[name].lesson)


def test_no_case_is_at_one_half_or_too_small_to_tell():
    for name in ("mask_weights", "distinct_masks"):
        for case in EXERCISES[name].cases:
            (keep,) = [value for value in case if isinstance(value, float)]
            assert abs(keep - 0.5) >= 0.2
    for masks, _ in EXERCISES["mask_weights"].cases:
        assert masks.shape[1] >= 3
    assert all(n_units >= 3 for n_units, _, _ in EXERCISES["distinct_masks"].cases)
    draws = [n_draws > 2**n_units for n_units, _, n_draws in EXERCISES["distinct_masks"].cases]
    assert set(draws) == {True, False}


def test_in_the_cases_of_the_bag_every_example_is_missed_by_some_but_not_by_equally_many():
    for probs, samples in EXERCISES["out_of_bag"].cases:
        n_examples = probs.shape[1]
        missed = [sum(row not in sample for sample in samples) for row in range(n_examples)]
        assert 1 <= min(missed) < max(missed) < len(samples)
        np.testing.assert_allclose(probs.sum(axis=-1), 1)


def test_the_weights_of_all_masks_add_up_to_one():
    masks, keep = EXERCISES["mask_weights"].cases[1]
    assert SOLUTIONS["mask_weights"](masks, keep).sum() == pytest.approx(1)


def test_the_number_of_distinct_masks_is_what_drawing_gives():
    rng = np.random.default_rng(0)
    for n_units, keep, n_draws in EXERCISES["distinct_masks"].cases:
        drawn = rng.random((4000, n_draws, n_units)) < keep
        numbers = drawn @ (1 << np.arange(n_units))
        counts = [len(set(row)) for row in numbers.tolist()]
        wanted = EXERCISES["distinct_masks"].reference(n_units, keep, n_draws)
        assert np.mean(counts) == pytest.approx(wanted, abs=5 * np.std(counts) / np.sqrt(4000) + 1e-9)
