"""Masks: draw them, list them all, weigh them, and apply them to a layer in both conventions.

A mask μ holds one 0 or 1 per unit: 1 keeps the unit, 0 drops it. `keep` is the probability of a 1,
one number or one per unit. Masks are int8 arrays with the units on the last axis.

Two conventions set the scale (h is the layer, ⊙ the product entry by entry):

                 while training        at test time
    standard     h′ = μ ⊙ h            h′ = keep · h
    inverted     h′ = μ ⊙ h / keep     h′ = h

Sources: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: a simple way to
prevent neural networks from overfitting", JMLR 15, 2014: §4 (the mask, and weights times keep at
test time), §5.1 (the backward pass), §10 (1/keep while training instead). Goodfellow, Bengio &
Courville, "Deep Learning", 2016, §7.12.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import (
    check_array,
    check_count,
    check_flag,
    check_keep,
    check_mask,
    check_rng,
)

#: No more entries are drawn at once: their uniform numbers take 512 MiB, what a small machine can hold.
MOST_ENTRIES = 2**26
_MOST_UNITS = 24  # all 2²⁴ masks of 24 units take 384 MiB, those of 25 units 800


def sample_masks(
    n_masks: int, n_units: int, keep: ArrayLike, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Draw `n_masks` independent masks, each entry an independent Bernoulli(keep) draw.

    Args:
        n_masks, n_units: how many masks, and units in each; at most `MOST_ENTRIES` together.
        keep: probability that a unit is kept, in (0, 1]; one number or (n_units,).
        rng: the randomness.
    Returns: (n_masks, n_units) int8 array of 0 and 1.
    Source: Srivastava et al. 2014, §4: r ∼ Bernoulli(p) for every unit.
    """
    n_units = check_count(n_units, "n_units", 1, MOST_ENTRIES)
    n_masks = check_count(n_masks, "n_masks", 1, MOST_ENTRIES // n_units)
    keep = check_keep(keep, n_units)
    return (check_rng(rng).random((n_masks, n_units)) < keep).astype(np.int8)


def enumerate_masks(n_units: int) -> NDArray[np.int8]:
    """List all 2**n_units masks in counting order: row r is r in binary, first unit first.

    Returns: (2**n_units, n_units) int8 array of 0 and 1; row 0 drops every unit, the last none.
    Raises: ValueError for more than 24 units, whose masks would not fit; draw some of them instead.
    """
    n_units = check_count(n_units, "n_units", 1, _MOST_UNITS)
    masks = np.zeros((2**n_units, n_units), dtype=np.int8)
    for unit in range(n_units):
        period = 2 ** (n_units - unit)  # the last unit changes fastest
        masks.reshape(-1, period, n_units)[:, period // 2 :, unit] = 1
    return masks


def mask_probabilities(masks: ArrayLike, keep: ArrayLike) -> NDArray[np.float64]:
    """Probability of each mask, p(μ) = ∏ keep^μ (1 − keep)^(1 − μ), worked out in logarithms.

    Args:
        masks: (n_masks, n_units) of 0 and 1.
        keep: one number or (n_units,). Where it is 1, a mask that drops the unit has probability 0.
    Returns: (n_masks,) float64; they sum to 1 over a full enumeration. What is too small for a
        float64 (with keep = 0.5, masks of more than 1,074 units) is 0.
    Source: p(μ) of Goodfellow et al. 2016, equation 7.53.
    """
    masks = check_mask(masks, "masks", (None, None))
    keeps = np.broadcast_to(check_keep(keep, masks.shape[1]), masks.shape[1])
    log_p = np.zeros(len(masks))
    for entries, kept in zip(masks.T, keeps.tolist(), strict=True):
        log_drop = math.log1p(-kept) if kept < 1 else -math.inf
        log_p += np.where(entries == 1, math.log(kept), log_drop)
    return np.exp(log_p)


def dropout_forward(
    x: ArrayLike, keep: ArrayLike, rng: np.random.Generator, inverted: bool = True
) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
    """Drop units of `x` while training. Every example (row) gets a mask of its own.

    Args:
        x: (..., n_units) activations, finite; float32 and float64 keep their type.
        keep: one number or (n_units,), in (0, 1].
        rng: where the randomness comes from.
        inverted: True divides by `keep`; False does not, and the layer is multiplied by `keep` at
            test time.
    Returns: the dropped layer, shaped and typed like `x`, and its mask (int8, shaped like `x`).
    Source: Srivastava et al. 2014, §4; with `inverted`, §10.
    """
    x = check_array(x, "x")
    keep = check_keep(keep, x.shape[-1])
    inverted = check_flag(inverted, "inverted")
    mask = (check_rng(rng).random(x.shape) < keep).astype(np.int8)
    return _apply(x, mask, keep, inverted), mask


def dropout_backward(
    grad_out: ArrayLike, mask: ArrayLike, keep: ArrayLike, inverted: bool = True
) -> NDArray[np.floating]:
    """Gradient with respect to `x` of `dropout_forward`: the same mask and the same scale again.

    Args:
        grad_out: (..., n_units) gradient with respect to the dropped layer.
        mask: the mask that `dropout_forward` returned, same shape; any other is a wrong gradient.
        keep, inverted: as in the forward pass.
    Returns: the gradient, shaped and typed like `grad_out`.
    Source: Srivastava et al. 2014, §5.1.
    """
    grad_out = check_array(grad_out, "grad_out")
    mask = check_mask(mask, "mask", grad_out.shape)
    keep = check_keep(keep, grad_out.shape[-1])
    return _apply(grad_out, mask, keep, check_flag(inverted, "inverted"))


def _apply(
    values: NDArray[np.floating], mask: NDArray, keep: float | NDArray, inverted: bool
) -> NDArray[np.floating]:
    """μ ⊙ values, divided by keep if `inverted`; float32 stays float32."""
    out = np.multiply(values, mask, dtype=values.dtype)
    if inverted:
        out /= keep
    return out
