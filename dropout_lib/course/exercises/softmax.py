"""The exercises of notebook 04: a step of the derivation in SymPy, and a slip in a wrong one.

SymPy comes in through `derivations` when an answer is looked at: importing the exercises must not load it.
"""

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall
from dropout_lib.masks import enumerate_masks, mask_probabilities

_Mask = tuple[int, ...]


def _kept(mask: _Mask) -> _Mask:
    return mask


def _dropped(mask: _Mask) -> _Mask:
    return tuple(1 - entry for entry in mask)


def _all(mask: _Mask) -> _Mask:
    return (1,) * len(mask)


def _probability(mask: _Mask, keep: float) -> Any:
    return prod(keep if entry else 1 - keep for entry in mask)


def _equal(mask: _Mask, _keep: float) -> Any:
    return 0.5 ** len(mask)


def _no_weight(_mask: _Mask, _keep: float) -> Any:
    return 1


def _root_2n(mask: _Mask, _keep: float) -> Any:
    return 1 / (2 * len(mask))


def _mean_logit(
    weight: Callable[[_Mask, float], Any] = _probability,
    entries: Callable[[_Mask], _Mask] = _kept,
    biases: Callable[[_Mask], Any] = lambda _: 1,
) -> Callable[[int, float], Any]:
    """Σ over the masks of weight · (Σ W[i] entry[i] v[i] + biases · b), as a SymPy expression."""

    def mean_logit(n: int, keep: float) -> Any:
        masks = product((0, 1), repeat=n)
        return _logit(n, [(weight(mask, keep), entries(mask), biases(mask)) for mask in masks])

    return mean_logit


def _checked_mean_logit(n: int, keep: float) -> Any:
    """keep · Σ W[i] v[i] + b: what the sum over all masks has to come to."""
    return _logit(n, [(1, (keep,) * n, 1)])


def _logit(n: int, parts: list[tuple[Any, Any, Any]]) -> Any:
    from dropout_lib.derivations.logit import combined_logit  # not at the top: it loads SymPy

    return combined_logit(n, parts)


MEAN_LOGIT = Exercise(
    name="mean_logit",
    reference=_checked_mean_logit,
    # keep as a float: SymPy takes it, and so does the library, if the masks' weights come from there
    cases=((3, 0.3), (4, 0.8), (2, 0.7182818), (1, 0.6)),
    pitfalls=(
        Pitfall(
            _mean_logit(_no_weight),
            "you added the logits of all masks up, and each counts in full. In a mean each counts "
            "with the probability of its mask.",
        ),
        Pitfall(
            _mean_logit(_equal),
            "you counted all masks alike. That is right for `keep` = 1/2 only: otherwise masks "
            "that keep many units are more likely, or less, than those that keep few.",
        ),
        Pitfall(
            _mean_logit(_root_2n),
            "you divided by 2n. There are 2 to the power n masks, and they are alike only for "
            "`keep` = 1/2.",
        ),
        Pitfall(
            _mean_logit(entries=_all),
            "the mask is missing: each subnetwork of yours has all units, so nothing was dropped.",
        ),
        Pitfall(
            _mean_logit(entries=_dropped),
            "your weights come out scaled by `1 - keep`: you added up what the masks drop, or gave "
            "each mask the probability of its opposite. In a mask 1 means kept.",
        ),
        Pitfall(
            _mean_logit(biases=lambda _: 0),
            "the bias is missing. It belongs to every subnetwork, whatever is dropped.",
        ),
        Pitfall(
            _mean_logit(biases=len),
            "the bias is in there once for each unit: it stands outside the sum over the units.",
        ),
        Pitfall(
            _mean_logit(biases=sum),
            "you dropped the bias with the units. It has no mask: it is there in every subnetwork.",
        ),
    ),
    hint="For each mask: its probability times (the sum of W[i] · mask[i] · v[i], plus b).",
    lesson="The weights come out scaled by `keep`, the bias whole: the probabilities add up to 1.",
)


def _checked_missing_mass(z: NDArray, p: NDArray) -> float:
    """1 − Σ over the classes of ∏ P^p, mask by mask."""
    members = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return float(1 - np.prod(members ** p[:, None], axis=0).sum())


def _log_normalisers(z: NDArray) -> NDArray:
    return np.log(np.exp(z).sum(axis=1))


def _slip(z: NDArray, p: NDArray) -> float:
    """The logarithm of the mean normaliser instead of the mean of the logarithms."""
    return float(1 - np.exp(p @ z - np.log(p @ np.exp(z).sum(axis=1))).sum())


def _with_equal_weights(z: NDArray, _p: NDArray) -> float:
    return _checked_missing_mass(z, np.full(len(z), 1 / len(z)))


MISSING_MASS_SLIP = Exercise(
    name="missing_mass_slip",
    reference=_checked_missing_mass,
    cases=tuple(
        (np.random.default_rng(n).normal(size=(2**n, 3)), probabilities)
        for n, probabilities in (
            (n, mask_probabilities(enumerate_masks(n), keep))
            for n, keep in ((3, 0.7), (4, 0.3), (1, 0.6543), (2, 1.0))
        )
    ),
    pitfalls=(
        Pitfall(
            _slip,
            "the slip is still there. The geometric mean averages the logarithm of each member's "
            "`P = exp(z) / Z`. In which line is an average taken before the logarithm?",
        ),
        Pitfall(
            _with_equal_weights,
            "the slip is gone, but now all masks count alike: that is right for `keep` = 1/2 only.",
        ),
        Pitfall(
            lambda z, p: 1 - _checked_missing_mass(z, p),
            "that is the sum over the classes. What it lacks to 1 is asked for.",
        ),
        Pitfall(
            lambda z, p: 1 - np.exp(p @ z).sum(),
            "the normaliser is missing now. It may be dropped if you renormalise afterwards; here "
            "the sum before that is asked for.",
        ),
        Pitfall(
            lambda z, p: 1 - np.exp(p @ z - p @ np.exp(z).sum(axis=1)).sum(),
            "you averaged the normalisers Z themselves; their logarithms belong to the average of "
            "the logits.",
        ),
        Pitfall(
            lambda z, p: 1 - np.exp(p @ z - _log_normalisers(z).sum()).sum(),
            "you added the logarithms of the normalisers up, each in full. Each counts with the "
            "probability of its mask, as its logits do.",
        ),
        Pitfall(
            lambda _z, _p: 0.0,
            "nothing is missing in yours: that is so after renormalising, or in the arithmetic "
            "mean. Before renormalising the geometric mean lacks some.",
        ),
    ),
    hint="Average log P = z − log Z over the masks, with p as weights; only then take exp.",
    lesson="The mean of log Z, not the log of the mean of Z. Renormalised, both give the same "
    "prediction: that is why such a slip stays unnoticed.",
)

EXERCISES = (MEAN_LOGIT, MISSING_MASS_SLIP)
