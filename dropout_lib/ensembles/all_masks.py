"""The average over ALL subnetworks that dropout leaves of a net: none is left out, none is drawn.

With n units that drop there are 2ⁿ masks μ, each with its probability p(μ). To run them all is
feasible for a dozen or two; where the units that drop feed a softmax directly, the sums factorise,
and a million take milliseconds (`_all_masks_fast`).

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016, equations 7.53 (arithmetic mean),
7.54 and 7.55 (geometric mean), 7.57 (the subnetworks of a softmax layer). Baldi & Sadowski, "The
dropout learning algorithm", Artificial Intelligence 210, 2014 (the geometric mean weighted by p(μ),
which for keep = ½ is 7.54).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array, check_count, check_keep, describe
from dropout_lib.ensembles._all_masks_fast import MOST_UNITS, means_over_all_masks
from dropout_lib.masks import mask_probabilities
from dropout_lib.nets import log_softmax

Array = NDArray[np.float64]

#: Units up to which every subnetwork of a net is run: 2**24 of them take a minute or more.
MOST_NETWORK_UNITS = 24

_MASKS_PER_CALL = 2**12
_LARGEST_LOGIT = 1e300  # the difference of two is still finite


class ExactEnsemble(NamedTuple):
    """What all subnetworks say together, weighted by the probabilities of their masks."""

    arithmetic: Array  #: (..., classes), Σ p(μ) P(y; μ)
    geometric: Array  #: (..., classes), ∏ P(y; μ)^p(μ), renormalised
    missing_mass: Array  #: (...), 1 − Σ over the classes of ∏ P(y; μ)^p(μ)


def exact_network_ensemble(
    forward: Callable[[NDArray[np.int8]], ArrayLike], n_units: int, keep: ArrayLike
) -> ExactEnsemble:
    """Average all 2**n_units subnetworks of any net, by running each of them.

    Args:
        forward: turns masks (n_masks, n_units) of 0 and 1 into logits (n_masks, ..., classes). It
            decides what the masks multiply: the input, a hidden layer, or some columns the one and
            the others the other. It is called with a few thousand masks at a time.
        n_units: how many units drop in all, at most `MOST_NETWORK_UNITS`.
        keep: one number or (n_units,), in (0, 1].
    Returns: the two means (..., classes) and the missing mass (...).
    Source: Goodfellow et al. 2016, equations 7.53 to 7.55.
    """
    n_units = check_count(n_units, "n_units", 1, MOST_NETWORK_UNITS)
    keep = check_keep(keep, n_units)
    arithmetic = mean_log = 0.0
    for first in range(0, 2**n_units, _MASKS_PER_CALL):
        numbers = np.arange(first, min(first + _MASKS_PER_CALL, 2**n_units))
        masks = (numbers[:, None] >> np.arange(n_units)[::-1] & 1).astype(np.int8)  # in binary
        logits = check_array(forward(masks), "what forward returns").astype(np.float64)
        if logits.ndim < 2 or len(logits) != len(masks):
            raise ValueError(
                f"what forward returns must be logits ({len(masks)}, ..., classes), one row for "
                f"each mask; got {describe(logits)}"
            )
        weights, log_probabilities = mask_probabilities(masks, keep), log_softmax(logits)
        arithmetic += np.tensordot(weights, np.exp(log_probabilities), axes=1)
        mean_log += np.tensordot(weights, log_probabilities, axes=1)
    return ExactEnsemble(arithmetic, *_renormalise(mean_log))


def exact_softmax_ensemble(
    W: ArrayLike, b: ArrayLike, v: ArrayLike, keep: ArrayLike
) -> ExactEnsemble:
    """Average all 2**n subnetworks of softmax(Wᵀ(μ ⊙ v) + b) over the masks μ.

    The last W, b and v are remembered: another keep for them costs a fraction of the first.

    Args:
        W: (n, classes).
        b: (classes,).
        v: (n,), the units that drop: an input, or the last hidden layer of a net; or (batch, n).
        keep: one number or (n,), in (0, 1].
    Returns: arithmetic and geometric mean, (classes,) or (batch, classes), and the missing mass, a
        number or (batch,).
    Raises: ValueError also if more than `MOST_UNITS` units reach a logit.
    Source: Goodfellow et al. 2016, equation 7.57.
    """
    W = check_array(W, "W", (None, None)).astype(np.float64)
    b = check_array(b, "b", (W.shape[1],)).astype(np.float64)
    v = check_array(v, "v")
    if v.ndim == 2:
        rows = [exact_softmax_ensemble(W, b, row, keep) for row in v]
        return ExactEnsemble(*map(np.array, zip(*rows, strict=True)))
    v = check_array(v, "v", (len(W),)).astype(np.float64)
    keeps = np.broadcast_to(check_keep(keep, len(v)), len(v))
    n_active = int(np.count_nonzero((W != 0).any(axis=1) & (v != 0)))
    if n_active > MOST_UNITS:
        raise ValueError(
            f"v must have at most {MOST_UNITS} units that reach a logit, because all of their masks "
            f"are added up; got {n_active}"
        )
    with np.errstate(over="ignore"):  # reported in words
        largest = (np.abs(v[:, None] * W).sum(axis=0) + np.abs(b)).max()
    if largest > _LARGEST_LOGIT:
        raise ValueError(
            f"W, b and v must give logits of at most {_LARGEST_LOGIT:g}; got entries up to "
            f"{np.abs(W).max():.3g}, {np.abs(b).max():.3g} and {np.abs(v).max():.3g}"
        )
    arithmetic, mean_log = means_over_all_masks(W, b, v, keeps)
    return ExactEnsemble(arithmetic, *_renormalise(mean_log))


def _renormalise(mean_log: Array) -> tuple[Array, Array]:
    """Turn mean log-probabilities (..., classes) into the geometric mean and its missing mass."""
    largest = mean_log.max(axis=-1, keepdims=True)
    relative = np.exp(mean_log - largest)
    total = relative.sum(axis=-1, keepdims=True)
    missing = -np.expm1((largest + np.log(total))[..., 0])
    return relative / total, np.maximum(missing, 0)  # rounding must not make it negative
