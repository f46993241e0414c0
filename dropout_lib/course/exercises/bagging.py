"""The exercises of notebook 03: p(μ) by hand, the out-of-bag average, and how many masks are seen.

No case has keep = 0.5, where all masks weigh the same and keep and 1 − keep look alike.
"""

from collections.abc import Callable
from math import comb

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall
from dropout_lib.masks import enumerate_masks

_SOME_MASKS = np.array([[1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]])


def _weight(mask: NDArray, keep: float) -> float:
    """p(μ) of one mask, unit by unit."""
    weight = 1.0
    for kept in mask:
        weight *= keep if kept else 1 - keep
    return weight


def _by_number_kept(
    rule: Callable[[int, int, float], float],
) -> Callable[[NDArray, float], NDArray]:
    """Weights that a rule makes of (units kept, units, keep)."""
    return lambda masks, keep: np.array(
        [rule(int(mask.sum()), len(mask), keep) for mask in masks], dtype=float
    )


MASK_WEIGHTS = Exercise(
    name="mask_weights",
    reference=lambda masks, keep: np.array([_weight(mask, keep) for mask in masks]),
    cases=(
        (_SOME_MASKS, 0.8),
        (enumerate_masks(4), 0.3),
        (np.random.default_rng(3).integers(2, size=(6, 5)), 0.7345),
        (_SOME_MASKS[[1, 1, 2]], 1.0),  # a mask twice, and nothing is ever dropped
    ),
    pitfalls=(
        Pitfall(
            _by_number_kept(lambda kept, _n, keep: keep**kept),
            "you counted the kept units only. That the others are dropped is just as much part of "
            "the mask: each of them brings a factor `1 - keep`.",
        ),
        Pitfall(
            _by_number_kept(lambda kept, n, keep: keep ** (n - kept) * (1 - keep) ** kept),
            "you swapped the two: in the mask 1 means kept, with probability `keep`.",
        ),
        Pitfall(
            _by_number_kept(
                lambda kept, n, keep: comb(n, kept) * keep**kept * (1 - keep) ** (n - kept)
            ),
            "that is the probability of keeping so *many* units, whichever they are. A mask says "
            "which ones: leave the number of ways out.",
        ),
        Pitfall(
            _by_number_kept(lambda _kept, n, _keep: 0.5**n),
            "you gave every mask the same weight. That is right for a `keep` of one half only.",
        ),
        Pitfall(
            lambda masks, _keep: np.full(len(masks), 1 / len(masks)),
            "you gave every mask the same weight. Which ones are likely depends on `keep`.",
        ),
        Pitfall(
            lambda masks, keep: np.where(masks == 1, keep, 1 - keep),
            "those are the factors of the single units. A mask needs all of them at once: multiply "
            "along its row.",
        ),
        Pitfall(
            lambda masks, keep: np.where(masks == 1, keep, 1 - keep).sum(axis=1),
            "you added the units' probabilities. They are independent tosses: multiply.",
        ),
        Pitfall(
            lambda masks, keep: np.where(masks == 1, keep, 1 - keep).prod(axis=0),
            "you multiplied down the columns. A mask is a row.",
        ),
    ),
    hint="Each unit brings one factor: `keep` if it is kept, `1 - keep` if not.",
    lesson="Over all masks these weights add up to 1, so the sum in 7.53 is a true average.",
)


def _sitting_out(samples: NDArray, n_examples: int) -> NDArray:
    """(members, examples): True where the member's sample lacks the example."""
    return np.array([[row not in sample for row in range(n_examples)] for sample in samples])


def _out_of_bag(probs: NDArray, samples: NDArray) -> NDArray:
    out = _sitting_out(samples, probs.shape[1])
    return np.array([probs[out[:, row], row].mean(axis=0) for row in range(probs.shape[1])])


def _in_bag(probs: NDArray, samples: NDArray) -> NDArray:
    saw = ~_sitting_out(samples, probs.shape[1])
    return np.array([probs[saw[:, row], row].mean(axis=0) for row in range(probs.shape[1])])


def _in_sample_order(probs: NDArray, samples: NDArray) -> NDArray:
    said = np.array([member[sample] for member, sample in zip(probs, samples, strict=True)])
    return said.mean(axis=0)


def _bag_case(seed: int, samples: NDArray) -> tuple[NDArray, NDArray]:
    """(probs, samples): three classes; each example is seen by a member and missed by another."""
    scores = np.random.default_rng(seed).random((*samples.shape, 3))
    return scores / scores.sum(axis=-1, keepdims=True), samples


OUT_OF_BAG = Exercise(
    name="out_of_bag",
    reference=_out_of_bag,
    cases=(
        _bag_case(1, np.array([[0, 0, 2, 3], [1, 1, 1, 3], [2, 0, 2, 0]])),
        _bag_case(
            2, np.array([[4, 1, 1, 4, 0], [2, 2, 3, 0, 0], [3, 1, 4, 4, 2], [0, 1, 0, 1, 3]])
        ),
        # a member that met one example only, and three members to average: more than a median needs
        _bag_case(
            3,
            np.array([[3, 3, 3, 3], [0, 1, 2, 0], [1, 1, 2, 2], [3, 3, 2, 2], [0, 0, 3, 3]]),
        ),
    ),
    pitfalls=(
        Pitfall(
            lambda probs, _samples: probs.mean(axis=0),
            "you averaged over all members. The ones that were trained on an example know its "
            "label by heart: leave them out for that example.",
        ),
        Pitfall(
            _in_bag,
            "the other way round: you kept exactly those members that were trained on the example.",
        ),
        Pitfall(
            lambda probs, samples: (_sitting_out(samples, probs.shape[1])[:, :, None] * probs).mean(
                axis=0
            ),
            "you left the right members out, but still divided by the number of all members. Divide "
            "by how many of them sat out, which differs from example to example.",
        ),
        Pitfall(
            lambda probs, samples: (_sitting_out(samples, probs.shape[1])[:, :, None] * probs).sum(
                axis=0
            ),
            "that is a sum. Divide by how many members sat out.",
        ),
        Pitfall(
            _in_sample_order,
            "`samples` lists which rows a member was trained on; it is no order for `probs`, whose "
            "rows are the examples as they stand.",
        ),
    ),
    hint="For each example, average over those members whose sample does not contain it.",
    lesson="It is an honest estimate of the test error that needs no test set.",
)


def _mask_probabilities(n_units: int, keep: float) -> NDArray:
    return np.array([_weight(mask, keep) for mask in enumerate_masks(n_units)])


DISTINCT_MASKS = Exercise(
    name="distinct_masks",
    reference=lambda n_units, keep, n_draws: np.sum(
        1 - (1 - _mask_probabilities(n_units, keep)) ** n_draws
    ),
    cases=((3, 0.8, 6), (4, 0.3, 20), (5, 0.7345, 13), (3, 0.75, 1), (3, 1.0, 5)),
    pitfalls=(
        Pitfall(
            lambda n_units, _keep, n_draws: 2**n_units * (1 - (1 - 0.5**n_units) ** n_draws),
            "you took all masks to be equally likely. Away from one half, a few likely masks are "
            "drawn again and again.",
        ),
        Pitfall(
            lambda n_units, keep, n_draws: np.mean(
                1 - (1 - _mask_probabilities(n_units, keep)) ** n_draws
            ),
            "that is the share of all masks. How many is it of the 2ⁿ?",
        ),
        Pitfall(
            lambda n_units, keep, n_draws: np.sum(
                (1 - _mask_probabilities(n_units, keep)) ** n_draws
            ),
            "those are the masks that were never drawn.",
        ),
        Pitfall(
            lambda n_units, _keep, n_draws: min(n_draws, 2**n_units),
            "that would be right if no mask could come twice.",
        ),
        Pitfall(
            lambda n_units, keep, n_draws: n_draws * np.sum(_mask_probabilities(n_units, keep)),
            "draws that bring the same mask again count once only.",
        ),
        Pitfall(
            lambda n_units, keep, n_draws: np.sum(
                1 - _mask_probabilities(n_units, keep) ** n_draws
            ),
            "p to the power of the draws is the probability that *every* draw brings the mask. That "
            "*none* does has another probability.",
        ),
        Pitfall(
            lambda n_units, _keep, _n_draws: 2**n_units,
            "that is how many masks there are. How many of them are drawn at least once?",
        ),
    ),
    hint="A mask of probability p is missed by all draws with probability (1 − p) to that power.",
    lesson="The same thought as for the bootstrap sample, with unequal probabilities.",
)

EXERCISES = (MASK_WEIGHTS, OUT_OF_BAG, DISTINCT_MASKS)
