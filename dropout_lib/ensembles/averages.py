"""Combine the predictions of several members: arithmetic mean, geometric mean, majority vote.

Members stand on the first axis and classes on the last: `probs` is (members, ..., classes). Each of
the three returns (..., classes), again a distribution over the classes, so that `argmax(-1)` is the
answer of the ensemble. `weight_scaled_softmax` is the single pass that stands for all subnetworks.

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016, §7.11 and §7.12, equations 7.52 to
7.66. Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov, "Improving neural networks by
preventing co-adaptation of feature detectors", 2012 (the geometric mean of softmax layers). Baldi &
Sadowski, "The dropout learning algorithm", Artificial Intelligence 210, 2014 (any keep).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array, check_keep, check_weights, describe
from dropout_lib.nets.passes import softmax

_SUM_TOLERANCE = 1e-5  # float32 probabilities of a thousand classes add up to 1 within about 1e-6


def arithmetic_mean(probs: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.floating]:
    """Average the probabilities: Σ weight · p, with weights that add up to 1.

    Args:
        probs: (members, ..., classes); float32 stays float32.
        weights: (members,), at least 0, scaled to add up to 1; left out, all members count alike.
    Returns: (..., classes).
    Source: Goodfellow et al. 2016, equations 7.52 (equal weights) and 7.53 (p(μ) as weights).
    """
    probs, weights = _check_members(probs, weights)
    return np.tensordot(weights, probs, axes=1)


def geometric_mean(probs: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.floating]:
    """Multiply the probabilities, each to the power of its weight, and renormalise.

    Worked out as an average of logarithms: a product of a few hundred probabilities is already too
    small for a float64. A class to which one member (of a weight above 0) gives probability 0 has
    probability 0 in the mean, whatever the others say.

    Args:
        probs, weights: as in `arithmetic_mean`.
    Returns: (..., classes).
    Raises: ValueError also where every class has such a veto: there is nothing to renormalise.
    Source: Goodfellow et al. 2016, equations 7.54 and 7.55.
    """
    probs, weights = _check_members(probs, weights)
    mean_log = _mean_log(probs, weights)
    largest = mean_log.max(axis=-1, keepdims=True)
    if not np.isfinite(largest).all():
        where = np.argwhere(np.isinf(largest[..., 0]))[0].tolist()
        raise ValueError(
            f"probs must leave a class to which no member gives probability 0, or nothing is left "
            f"to renormalise; got a 0 for each class{f' at {where}' if where else ''}"
        )
    unnormalised = np.exp(mean_log - largest)
    return unnormalised / unnormalised.sum(axis=-1, keepdims=True)


def missing_mass(probs: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.floating]:
    """What the geometric mean lacks to 1 before it is renormalised: 1 − Σ over the classes.

    It is 0 if and only if all members (of a weight above 0) agree, and 1 if each class has a veto.

    Args:
        probs, weights: as in `arithmetic_mean`.
    Returns: (...), in [0, 1].
    Source: Goodfellow et al. 2016, equation 7.55, whose denominator is 1 minus this.
    """
    probs, weights = _check_members(probs, weights)
    total = np.exp(_mean_log(probs, weights)).sum(axis=-1)
    return np.maximum(1 - total, 0)  # rounding must not make it negative


def majority_vote(probs: ArrayLike) -> NDArray[np.floating]:
    """Let each member vote for its most probable class; one that has several splits its vote.

    Args:
        probs: (members, ..., classes).
    Returns: (..., classes), the share of the votes that each class gets.
    """
    probs, _ = _check_members(probs, None)
    is_top = probs == probs.max(axis=-1, keepdims=True)
    votes = is_top / is_top.sum(axis=-1, keepdims=True, dtype=probs.dtype)
    return votes.mean(axis=0)


def weight_scaled_softmax(
    W: ArrayLike, b: ArrayLike, v: ArrayLike, keep: ArrayLike
) -> NDArray[np.floating]:
    """One pass with every unit multiplied by its keep: softmax(Wᵀ(keep ⊙ v) + b).

    Args:
        W: (units, classes).
        b: (classes,); it is not scaled.
        v: (..., units).
        keep: one number or (units,), in (0, 1].
    Returns: (..., classes), always float64, to be compared with `exact_softmax_ensemble`.
    Source: Goodfellow et al. 2016, equation 7.66, where keep is ½.
    """
    W = check_array(W, "W", (None, None)).astype(np.float64)
    b = check_array(b, "b", (W.shape[1],))
    v = check_array(v, "v").astype(np.float64)
    if v.shape[-1] != len(W):
        raise ValueError(
            f"v must have {len(W)} units on its last axis, one for each row of W; got {describe(v)}"
        )
    return softmax((check_keep(keep, len(W)) * v) @ W + b)


def _mean_log(probs: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.floating]:
    """Σ weight · log p, (..., classes); −∞ where a member of a weight above 0 has a 0."""
    logs = np.log(probs, where=probs > 0, out=np.zeros_like(probs))
    mean_log = np.tensordot(weights, logs, axes=1)
    mean_log[(probs[weights > 0] == 0).any(axis=0)] = -np.inf
    return mean_log


def _check_members(
    probs: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """`probs` checked, and weights of the same type that add up to 1."""
    probs = check_array(probs, "probs")
    if probs.ndim < 2:
        raise ValueError(
            f"probs must have members on its first axis and classes on its last; got "
            f"{describe(probs)}"
        )
    if probs.min() < 0 or (np.abs(probs.sum(axis=-1) - 1) > _SUM_TOLERANCE).any():
        raise ValueError(
            f"probs must be probabilities of at least 0 that add up to 1 over the last axis; got "
            f"entries from {probs.min():.6g} and sums from {probs.sum(axis=-1).min():.6g} to "
            f"{probs.sum(axis=-1).max():.6g}"
        )
    return probs, check_weights(weights, len(probs)).astype(probs.dtype)
