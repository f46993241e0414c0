"""A million subnetworks under a slider: all masks on the input of a softmax layer, by halves.

Run one by one, 2²⁰ subnetworks take seconds. But the logits of a softmax layer are a sum over its
inputs. Split the inputs into two halves: each mask is a pair (i, j) of masks of the halves, its
logits are a sum of two parts, and their exponentials a product. For mask (i, j) and class y:

    exp(logit)    =  A[i, y] · B[j, y]
    normaliser    Z[i, j] = Σ over y of A[i, y] B[j, y]:  the matrix product A Bᵀ holds all of them
    arithmetic    Σ over i, j of p(i) p(j) A[i, y] B[j, y] / Z[i, j]
                  = Σ over i of p(i) A[i, y] M[i, y]   with   M = (1/Z) (p(j) B),  a second product
    geometric     exp of  Σ over i of p(i) log A[i, y] + Σ over j of p(j) log B[j, y]
                          − Σ over i, j of p(i) p(j) log Z[i, j],  renormalised

That is two matrix products, a division and a logarithm, about two nanoseconds for each mask. The
mask probabilities come last, so for another keep Z need not be worked out again.

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016, equations 7.53 to 7.57. Baldi &
Sadowski, "The dropout learning algorithm", Artificial Intelligence 210, 2014 (any keep).
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib.exact import Array, ExactEnsemble, masks_from, renormalise
from dropout_lib.validation import check_array, check_flag, check_keep

#: Units up to which all subnetworks are added up: 2**40 take hours.
MOST_SOFTMAX_UNITS = 40

#: What an `ExactSoftmaxEnsemble` may remember, so that another keep costs less.
CACHE_BYTES = 128 * 2**20

_HALF_UNITS = 8  # in each half at most: Z is then half a MiB and stays in the second-level cache
_SMALLEST_NORMALISER = 2.0**-960  # below it terms of Z lost digits; its inverse is still finite
_LARGEST_LOGIT = 1e300  # the difference of two is still finite
_CHUNK_ENTRIES = 2**18  # of the arrays (masks, classes) for what is worked out mask by mask

Indices = NDArray[np.intp]
_NOWHERE = np.empty(0, np.intp)


class _Tile(NamedTuple):
    """What does not depend on keep, for all pairs of a row mask and a column mask."""

    row_logits: Array  # (rows, classes), shifted: the largest of each row is 0
    row_exps: Array  # (rows, classes), A
    inverses: Array  # (rows, columns), 1/Z, but 0 at the strays
    log_normalisers: Array  # (rows, columns), log Z, right everywhere
    strays: Indices  # where in Z, flattened, A Bᵀ is too small to be right


class ExactSoftmaxEnsemble:
    """All 2**n subnetworks of softmax(Wᵀ(μ ⊙ v) + b), ready to be averaged at any keep.

    What does not depend on keep is worked out once and remembered as far as it fits into
    `CACHE_BYTES`: with ten classes all of it up to n = 22, a third of it for n = 24. So memory
    stays bounded whatever n is. Units that reach no logit, because v or a row of W is 0 there, are
    left out: keeping or dropping them makes no difference.

    Args:
        W: (n, classes).
        b: (classes,).
        v: (n,), the units that drop: an input, or the last hidden layer of a net.
        remember: False saves the memory if only one keep will be asked for.
    Raises: ValueError also if more than `MOST_SOFTMAX_UNITS` units reach a logit.
    Source: Goodfellow et al. 2016, equation 7.57.
    """

    def __init__(self, W: ArrayLike, b: ArrayLike, v: ArrayLike, *, remember: bool = True) -> None:
        W = check_array(W, "W", (None, None)).astype(np.float64)
        b = check_array(b, "b", (W.shape[1],)).astype(np.float64)
        v = check_array(v, "v", (len(W),)).astype(np.float64)
        self._n_units = len(W)
        contributions = _contributions(W, b, v)
        self._active = np.flatnonzero(contributions.any(axis=1))
        n_active = len(self._active)
        if n_active > MOST_SOFTMAX_UNITS:
            raise ValueError(
                f"v must have at most {MOST_SOFTMAX_UNITS} units that reach a logit, because all "
                f"of their masks are added up; got {n_active}"
            )
        contributions = contributions[self._active]
        n_columns = min(_HALF_UNITS, (n_active + 1) // 2)
        n_rows = min(_HALF_UNITS, n_active - n_columns)
        n_outer = n_active - n_rows - n_columns  # for each of their masks there is one tile
        self._outer = slice(0, n_outer)
        self._rows = slice(n_outer, n_outer + n_rows)
        self._columns = slice(n_outer + n_rows, n_active)
        self._outer_contributions = contributions[self._outer]
        self._row_logits = b + _all_masks(n_rows) @ contributions[self._rows]
        column_logits = _all_masks(n_columns) @ contributions[self._columns]
        # Less the largest, of each row and of each column: the softmax is the same, and no
        # exponential exceeds 1.
        self._column_logits = column_logits - column_logits.max(axis=1, keepdims=True)
        self._column_exps = np.exp(self._column_logits)
        self._column_exps_transposed = np.ascontiguousarray(self._column_exps.T)
        # Each row of A has a 1, so Z is nowhere smaller than the smallest entry of B.
        self._may_stray = self._column_logits.min() < np.log(_SMALLEST_NORMALISER)
        self._remembered: dict[int, _Tile] = {}
        tile_bytes = 2 * self._row_logits.nbytes + 3 * 8 * 2 ** (n_rows + n_columns)  # if all stray
        self._n_to_remember = CACHE_BYTES // tile_bytes if check_flag(remember, "remember") else 0

    def at(self, keep: ArrayLike) -> ExactEnsemble:
        """Average all subnetworks at this keep, one number or (n,), in (0, 1]."""
        return deque(self.sweep(keep), maxlen=1).pop()[1]

    def sweep(self, keep: ArrayLike) -> Iterator[tuple[float, ExactEnsemble | None]]:
        """Do the same as `at` in small steps, so that it can be watched and stopped.

        Yields (fraction done, None), and at the end (1.0, the ensemble).
        """
        keeps = np.broadcast_to(check_keep(keep, self._n_units), self._n_units)[self._active]
        outer_keeps = keeps[self._outer]
        row_weights, column_weights = (
            _probabilities(_all_masks(len(half)), half)
            for half in (keeps[self._rows], keeps[self._columns])
        )
        weighted_exps = column_weights[:, None] * self._column_exps
        arithmetic = np.zeros(self._column_exps.shape[1])
        mean_log = column_weights @ self._column_logits
        n_tiles = 2 ** len(outer_keeps)
        scratch = np.empty((2, len(row_weights), len(column_weights)))
        for number, outer_logits, outer_weight in self._outer_masks(outer_keeps):
            tile = self._tile(number, outer_logits, scratch)
            means = tile.row_exps * (tile.inverses @ weighted_exps)
            arithmetic += outer_weight * (row_weights @ means)
            for _, rows, columns in self._chunks(tile.strays):
                log_p = tile.row_logits[rows] + self._column_logits[columns]
                log_p -= tile.log_normalisers[rows, columns, None]
                weights = row_weights[rows] * column_weights[columns]
                arithmetic += outer_weight * (weights @ np.exp(log_p))
            mean_log_normaliser = row_weights @ (tile.log_normalisers @ column_weights)
            mean_log += outer_weight * (row_weights @ tile.row_logits - mean_log_normaliser)
            if number + 1 < n_tiles:
                yield (number + 1) / n_tiles, None
        yield 1.0, ExactEnsemble(arithmetic, *renormalise(mean_log))

    def _outer_masks(self, keeps: Array) -> Iterator[tuple[int, Array, float]]:
        """Number, logits and probability of each mask of the units that are in neither half."""
        n_units = len(keeps)
        n_together = min(2**n_units, 2**_HALF_UNITS)
        for first in range(0, 2**n_units, n_together):
            masks = masks_from(first, n_together, n_units)
            weights = _probabilities(masks, keeps).tolist()
            yield from zip(
                range(first, first + n_together),
                masks @ self._outer_contributions,
                weights,
                strict=True,
            )

    def _tile(self, number: int, outer_logits: Array, scratch: Array) -> _Tile:
        """Return the tile of an outer mask, from memory or worked out, perhaps in `scratch`."""
        if number in self._remembered:
            return self._remembered[number]
        remember = len(self._remembered) < self._n_to_remember
        normalisers, log_normalisers = np.empty_like(scratch) if remember else scratch
        row_logits = self._row_logits + outer_logits
        row_logits -= row_logits.max(axis=1, keepdims=True)
        row_exps = np.exp(row_logits)
        np.matmul(row_exps, self._column_exps_transposed, out=normalisers)
        strays = _NOWHERE
        if self._may_stray:  # where the two halves favour different classes
            strays = np.flatnonzero(normalisers < _SMALLEST_NORMALISER)
            normalisers.reshape(-1)[strays] = np.inf  # so that the inverse is 0
        np.log(normalisers, out=log_normalisers)
        for chunk, rows, columns in self._chunks(strays):
            logits = row_logits[rows] + self._column_logits[columns]
            largest = logits.max(axis=1)
            total = np.exp(logits - largest[:, None]).sum(axis=1)
            log_normalisers.reshape(-1)[chunk] = largest + np.log(total)
        inverses = np.divide(1, normalisers, out=normalisers)
        tile = _Tile(row_logits, row_exps, inverses, log_normalisers, strays)
        if remember:
            self._remembered[number] = tile
        return tile

    def _chunks(self, strays: Indices) -> Iterator[tuple[Indices, Indices, Indices]]:
        """The strays, and their rows and columns, in portions of bounded memory."""
        n_columns, n_classes = self._column_exps.shape
        size = max(1, _CHUNK_ENTRIES // n_classes)
        for first in range(0, len(strays), size):
            chunk = strays[first : first + size]
            yield chunk, *np.divmod(chunk, n_columns)


def exact_softmax_ensemble(
    W: ArrayLike, b: ArrayLike, v: ArrayLike, keep: ArrayLike
) -> ExactEnsemble:
    """Average all 2**n subnetworks of softmax(Wᵀ(μ ⊙ v) + b) over the masks μ.

    To move keep for the same W, b and v, make one `ExactSoftmaxEnsemble` and ask it again.

    Args:
        W: (n, classes).
        b: (classes,).
        v: (n,), or (batch, n) for several examples.
        keep: one number or (n,), in (0, 1].
    Returns: arithmetic and geometric mean, (classes,) or (batch, classes), and the missing mass, a
        number or (batch,).
    """
    v = check_array(v, "v")
    if v.ndim != 2:
        return ExactSoftmaxEnsemble(W, b, v, remember=False).at(keep)
    ensembles = [ExactSoftmaxEnsemble(W, b, row, remember=False).at(keep) for row in v]
    return ExactEnsemble(*map(np.array, zip(*ensembles, strict=True)))


def _contributions(W: Array, b: Array, v: Array) -> Array:
    """What each unit adds to the logits if it is kept, (n, classes)."""
    with np.errstate(over="ignore"):  # reported below, in words
        contributions = v[:, None] * W
        largest = (np.abs(contributions).sum(axis=0) + np.abs(b)).max()
    if largest > _LARGEST_LOGIT:
        raise ValueError(
            f"W, b and v must give logits of at most {_LARGEST_LOGIT:g}; got entries up to "
            f"{np.abs(W).max():.3g}, {np.abs(b).max():.3g} and {np.abs(v).max():.3g}"
        )
    return contributions


def _all_masks(n_units: int) -> NDArray[np.int8]:
    return masks_from(0, 2**n_units, n_units)


def _probabilities(masks: NDArray[np.int8], keeps: Array) -> Array:
    """p(μ) of a few masks of a few units; of no units at all, 1."""
    return np.where(masks, keeps, 1 - keeps).prod(axis=1)
