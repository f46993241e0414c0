"""The average over ALL subnetworks that dropout leaves of a net: each is run, none is drawn.

With n units that drop there are 2ⁿ masks μ, each with its probability p(μ). That is feasible for a
dozen or two. Where the units that drop feed a softmax directly, `halves` does a million at a time.

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016, equations 7.53 (arithmetic mean),
7.54 and 7.55 (geometric mean). Baldi & Sadowski, "The dropout learning algorithm", Artificial
Intelligence 210, 2014 (the geometric mean weighted by p(μ), which for keep = ½ is 7.54).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib.layers import log_softmax
from dropout_lib.masks import mask_probabilities
from dropout_lib.validation import check_array, check_count, check_keep, describe

Array = NDArray[np.float64]

#: Units up to which every subnetwork of a net is run: 2**24 of them take a minute or more.
MOST_NETWORK_UNITS = 24

_MASKS_PER_CALL = 2**12


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
        masks = masks_from(first, min(2**n_units - first, _MASKS_PER_CALL), n_units)
        logits = check_array(forward(masks), "what forward returns").astype(np.float64)
        if logits.ndim < 2 or len(logits) != len(masks):
            raise ValueError(
                f"what forward returns must be logits ({len(masks)}, ..., classes), one row for "
                f"each mask; got {describe(logits)}"
            )
        log_probabilities = log_softmax(logits)
        weights = mask_probabilities(masks, keep)
        arithmetic += np.tensordot(weights, np.exp(log_probabilities), axes=1)
        mean_log += np.tensordot(weights, log_probabilities, axes=1)
    return ExactEnsemble(arithmetic, *renormalise(mean_log))


def renormalise(mean_log: Array) -> tuple[Array, Array]:
    """Turn mean log-probabilities (..., classes) into the geometric mean and its missing mass."""
    largest = mean_log.max(axis=-1, keepdims=True)
    relative = np.exp(mean_log - largest)
    total = relative.sum(axis=-1, keepdims=True)
    missing = -np.expm1((largest + np.log(total))[..., 0])
    return relative / total, np.maximum(missing, 0)  # rounding must not make it negative


def masks_from(first: int, n_masks: int, n_units: int) -> NDArray[np.int8]:
    """Masks number `first`, first + 1, … of `masks.enumerate_masks`; of no units, the empty one."""
    numbers = np.arange(first, first + n_masks)[:, None]
    return (numbers >> np.arange(n_units)[::-1] & 1).astype(np.int8)
