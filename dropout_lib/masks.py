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

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib.validation import (
    check_array,
    check_count,
    check_flag,
    check_keep,
    check_mask,
    check_rng,
    describe,
)

#: No array of masks larger than this is made: 512 MiB, what a small hosted machine can still hold.
MASK_BYTES_LIMIT = 512 * 2**20

_GIB = 2**30
_BLOCK_ENTRIES = 2**14  # 128 KiB of float64 uniforms: they stay in the second-level cache
_LARGEST_EXACT = 60  # units up to which an error message spells the number of masks out
_LARGEST_SHOWN = 10**12  # units from which its bound on the size stays the same


def sample_masks(
    n_masks: int, n_units: int, keep: ArrayLike, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Draw `n_masks` independent masks, each entry an independent Bernoulli(keep) draw.

    Args:
        n_masks, n_units: how many masks, and units in each.
        keep: probability that a unit is kept, in (0, 1]; one number or (n_units,).
        rng: the randomness; the masks equal `rng.random((n_masks, n_units)) < keep`.
    Returns: (n_masks, n_units) int8 array of 0 and 1.
    Raises: ValueError for bad arguments, or more than `MASK_BYTES_LIMIT` bytes.
    Source: Srivastava et al. 2014, §4: r ∼ Bernoulli(p) for every unit.
    """
    n_masks = check_count(n_masks, "n_masks")
    n_units = check_count(n_units, "n_units")
    if n_masks * n_units > MASK_BYTES_LIMIT:
        raise ValueError(
            f"n_masks times n_units must be at most {MASK_BYTES_LIMIT:,} (one byte each); "
            f"got n_masks = {describe(n_masks)} and n_units = {describe(n_units)}"
        )
    return _draw((n_masks, n_units), check_keep(keep, n_units), check_rng(rng))


def _draw(
    shape: tuple[int, ...], keep: float | NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Masks of any shape, units on the last axis: `rng.random(shape) < keep`, block by block.

    A uniform number is a multiple of 2⁻⁵³ in [0, 1): it is below `keep` with probability `keep`, to
    within 2⁻⁵³ for a `keep` below a half, and always if `keep` is 1. One small block of uniforms is
    filled again and again: it never leaves the cache.
    """
    masks = np.empty(shape, dtype=np.int8)
    keeps = np.atleast_1d(keep)  # with one keep for all, rows do not matter: one long column
    entries = masks.reshape(-1, len(keeps)).view(bool)
    uniforms = np.empty(min(_BLOCK_ENTRIES, entries.size))
    n_columns = min(len(keeps), _BLOCK_ENTRIES)
    n_rows = _BLOCK_ENTRIES // n_columns
    for row in range(0, len(entries), n_rows):
        for column in range(0, len(keeps), n_columns):
            block = entries[row : row + n_rows, column : column + n_columns]
            drawn = rng.random(out=uniforms[: block.size]).reshape(block.shape)
            np.less(drawn, keeps[column : column + n_columns], out=block)
    return masks


def enumerate_masks(n_units: int) -> NDArray[np.int8]:
    """List all 2**n_units masks in counting order: row r is r in binary, first unit first.

    Returns: (2**n_units, n_units) int8 array of 0 and 1; row 0 drops every unit, the last none.
    Raises: ValueError if they would take more than `MASK_BYTES_LIMIT` bytes.
    """
    n_units = check_count(n_units, "n_units")
    largest = _largest_enumeration()
    if n_units > largest:
        raise ValueError(
            f"n_units must be at most {largest}; got n_units = {describe(n_units)}: "
            f"{_enumeration_size(n_units)}, over the limit of {MASK_BYTES_LIMIT / _GIB:g} GiB. "
            f"Draw some of them with sample_masks"
        )
    masks = np.zeros((2**n_units, n_units), dtype=np.int8)
    n_done = 1
    for unit in reversed(range(n_units)):  # the last unit changes fastest
        masks[n_done : 2 * n_done] = masks[:n_done]  # the rows so far once more,
        masks[n_done : 2 * n_done, unit] = 1  # now with this unit kept
        n_done *= 2
    return masks


def _largest_enumeration() -> int:
    """The largest n_units whose 2**n_units masks of n_units bytes stay within the limit."""
    n_units = 1
    while (n_units + 1) * 2 ** (n_units + 1) <= MASK_BYTES_LIMIT:
        n_units += 1
    return n_units


def _enumeration_size(n_units: int) -> str:
    """How many masks there are and how many GiB they take; never raises 2 to a huge power."""
    if n_units <= _LARGEST_EXACT:
        n_bytes = n_units * 2**n_units
        return f"2**{n_units} = {2**n_units:,} masks take {n_bytes / _GIB:,.1f} GiB"
    # n 2**n / 2**30 > 10**(0.3 n − 9), because log10(2) > 0.3; a smaller n bounds a larger one
    power = 3 * min(n_units, _LARGEST_SHOWN) // 10 - 9
    return f"2**n_units masks take more than 10**{power} GiB"


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
    n_masks, n_units = masks.shape
    keep = np.broadcast_to(check_keep(keep, n_units), (n_units,))
    never_dropped = keep == 1
    log_keep = np.log(keep)
    log_drop = np.log1p(-np.where(never_dropped, 0.0, keep))  # log 0 is left out and seen to below
    probabilities = np.empty(n_masks)
    rows_per_block = max(1, _BLOCK_ENTRIES // n_units)
    for first_row in range(0, n_masks, rows_per_block):  # in blocks: no float64 copy of all masks
        rows = slice(first_row, first_row + rows_per_block)
        kept = masks[rows].astype(np.float64)
        probabilities[rows] = np.exp(kept @ log_keep + (1 - kept) @ log_drop)
        impossible = (kept[:, never_dropped] == 0).any(axis=1)
        probabilities[rows][impossible] = 0
    return probabilities


def dropout_forward(
    x: ArrayLike, keep: ArrayLike, rng: np.random.Generator, inverted: bool = True
) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
    """Drop units of `x` while training. Every example (row) gets a mask of its own.

    Args:
        x: (..., n_units) activations, finite; float32 and float64 keep their type.
        keep: one number or (n_units,), in (0, 1].
        rng: where the randomness comes from.
        inverted: True divides by `keep`, False does not (`dropout_predict` then has to scale).
    Returns: the dropped layer, shaped and typed like `x`, and its mask (int8, shaped like `x`).
    Source: Srivastava et al. 2014, §4; with `inverted`, §10.
    """
    x = check_array(x, "x")
    keep = check_keep(keep, x.shape[-1])
    inverted = check_flag(inverted, "inverted")
    mask = _draw(x.shape, keep, check_rng(rng))
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


def dropout_predict(x: ArrayLike, keep: ArrayLike, inverted: bool = True) -> NDArray[np.floating]:
    """The layer at test time: nothing is dropped, nothing is random.

    Args:
        x: (..., n_units) activations.
        keep, inverted: as in training.
    Returns: a new array shaped and typed like `x`: equal to `x` if `inverted`, else keep · x.
    Source: Srivastava et al. 2014, §4; it scales the outgoing weights by keep, which is the same.
    """
    x = check_array(x, "x")
    keep = check_keep(keep, x.shape[-1])
    out = x.copy()
    if not check_flag(inverted, "inverted"):
        out *= keep
    return out


def _apply(
    values: NDArray[np.floating], mask: NDArray, keep: float | NDArray, inverted: bool
) -> NDArray[np.floating]:
    """μ ⊙ values, divided by keep if `inverted`; float32 stays float32."""
    out = np.multiply(values, mask, dtype=values.dtype)
    if inverted:
        out /= keep
    return out
