"""All masks on the input of a softmax layer, by halves: a million subnetworks under a slider.

The logits are a sum over the units. Split the units into two halves: each mask is a pair (i, j) of
masks of the halves, and the exponential of its logit a product. For mask (i, j) and class y:

    exp(logit)  =  A[i, y] · B[j, y]
    normaliser     Z[i, j] = Σ over y of A[i, y] B[j, y]: one matrix product, A Bᵀ, holds them all
    arithmetic     Σ p(i) p(j) A[i, y] B[j, y] / Z[i, j]: a second product, (1/Z) (p(j) B)
    log geometric  Σ p(i) log A[i, y] + Σ p(j) log B[j, y] − Σ p(i) p(j) log Z[i, j]

The mask probabilities come last, so for another keep Z need not be worked out again.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_UNITS = 32  #: 2**32 subnetworks take a minute
_HALF = 8  # units in each half at most: Z is then half a MiB and stays in the second-level cache
_REMEMBERED = 64  # pairs of log Z and 1/Z, a MiB each: all of them up to n = 22
_SMALLEST_NORMALISER = 2.0**-960  # below it terms of Z lost digits; its inverse is still finite


def means_over_all_masks(W: Array, b: Array, v: Array, keeps: Array) -> tuple[Array, Array]:
    """Arithmetic mean of the softmax over all masks, and mean of its logarithm, (classes,) each.

    W is (units, classes), b (classes,), v and keeps (units,); at most `MOST_UNITS` contributions v W
    differ from 0. The same W, b and v with another keep cost a fraction of the first time.
    """
    arrays = [np.ascontiguousarray(array, np.float64) for array in (W, b, v)]
    return _prepared(*(array.tobytes() for array in arrays)).at(keeps)


@lru_cache(maxsize=1)
def _prepared(W: bytes, b: bytes, v: bytes) -> "_Halves":
    bias, units = np.frombuffer(b), np.frombuffer(v)
    return _Halves(units[:, None] * np.frombuffer(W).reshape(len(units), len(bias)), bias)


class _Halves:
    """Three groups of units: the rows and columns of Z, and the outer ones; for each of their masks one Z."""

    def __init__(self, contributions: Array, b: Array) -> None:
        self._active = np.flatnonzero(contributions.any(axis=1))  # the others make no difference
        contributions = contributions[self._active]
        n_columns = min(_HALF, (len(contributions) + 1) // 2)
        n_rows = min(_HALF, len(contributions) - n_columns)
        n_outer = len(contributions) - n_rows - n_columns
        self._groups = slice(n_outer), slice(n_outer, n_outer + n_rows), slice(n_outer + n_rows, None)
        outer, rows, columns = (contributions[group] for group in self._groups)
        self._outer_logits = b + _all_masks(n_outer) @ outer
        self._row_logits = _all_masks(n_rows) @ rows
        # Less the largest of each mask: the softmax is the same, and no exponential exceeds 1.
        self._column_logits = _less_largest(_all_masks(n_columns) @ columns)
        self._column_exps = np.exp(self._column_logits)
        self._tiles: dict[int, tuple[Array, Array, Array | None]] = {}

    def at(self, keeps: Array) -> tuple[Array, Array]:
        """Both means for these keeps, (units,)."""
        keeps = keeps[self._active]
        p_outer, p_rows, p_columns = (_probabilities(keeps[group]) for group in self._groups)
        weighted_exps = p_columns[:, None] * self._column_exps
        arithmetic, mean_log = np.zeros(self._column_exps.shape[1]), p_columns @ self._column_logits
        for number, weight in enumerate(p_outer):
            row_logits, log_normalisers, inverses = self._tile(number)
            if inverses is None:
                for p, logits, log_normaliser in zip(p_rows, row_logits, log_normalisers, strict=True):
                    log_p = logits + self._column_logits - log_normaliser[:, None]
                    arithmetic += weight * p * (p_columns @ np.exp(log_p))
            else:
                arithmetic += weight * (p_rows @ (np.exp(row_logits) * (inverses @ weighted_exps)))
            mean_log += weight * (p_rows @ row_logits - p_rows @ (log_normalisers @ p_columns))
        return arithmetic, mean_log

    def _tile(self, number: int) -> tuple[Array, Array, Array | None]:
        """Of one outer mask: row logits, log Z, and 1/Z, or None where A Bᵀ is too small to be right."""
        if number in self._tiles:
            return self._tiles[number]
        row_logits = _less_largest(self._outer_logits[number] + self._row_logits)
        normalisers = np.exp(row_logits) @ self._column_exps.T
        if normalisers.min() >= _SMALLEST_NORMALISER:
            tile = row_logits, np.log(normalisers), 1 / normalisers
        else:  # the two halves favour different classes
            direct = [_log_sum_exp(logits + self._column_logits) for logits in row_logits]
            tile = row_logits, np.array(direct), None
        if len(self._tiles) < _REMEMBERED:
            self._tiles[number] = tile
        return tile


def _all_masks(n_units: int) -> NDArray[np.int8]:
    """(2**n_units, n_units), in counting order; of no units, the empty one."""
    return (np.arange(2**n_units)[:, None] >> np.arange(n_units)[::-1] & 1).astype(np.int8)


def _probabilities(keeps: Array) -> Array:
    """p(μ) of all masks of a few units; of no units at all, 1."""
    return np.where(_all_masks(len(keeps)), keeps, 1 - keeps).prod(axis=1)


def _less_largest(logits: Array) -> Array:
    return logits - logits.max(axis=1, keepdims=True)


def _log_sum_exp(logits: Array) -> Array:
    largest = logits.max(axis=1)
    return largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
