"""How ensembles err: the squared error of a mean of k members, predicted from two numbers.

v = E[eᵢ²] is a member's own mean squared error, and c = E[eᵢ eⱼ], i ≠ j, says how much two members
err together. Both are *second moments*: they are the variance and the covariance only of errors with
mean zero, and a bias that all members share adds its square to both. Errors are (members, …), as
predictions are in `ensembles`; everything but the first axis is what is averaged over.

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016, §7.11, equations 7.50 and 7.51 (v and
c). Krogh & Vedelsby, "Neural network ensembles, cross validation, and active learning", 1995 (the
ensemble's error is the members' error minus their ambiguity, here called diversity).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import (
    check_array,
    check_count,
    check_positive,
    check_rng,
    check_weights,
    describe,
)

Array = NDArray[np.float64]

#: By so much of v may c lie outside its bounds: moments measured at the bound come with rounding.
_ROUNDING = 1e-9


class Moments(NamedTuple):
    """Second moments of the errors of several members."""

    v: float  #: E[eᵢ²], the mean squared error of a member
    c: float  #: E[eᵢ eⱼ] for i ≠ j; NaN if there is one member only


class Decomposition(NamedTuple):
    """The parts of the squared error of an ensemble: `ensemble` = `members` − `diversity`."""

    ensemble: Array  #: (…), squared error of the mean prediction
    members: Array  #: (…), mean of the members' squared errors
    diversity: Array  #: (…), mean squared distance of the members from their mean


def ensemble_error(v: ArrayLike, c: ArrayLike, k: ArrayLike) -> Array | float:
    """Mean squared error of the mean of k members: v/k + (k − 1) c/k.

    Args:
        v: second moment E[eᵢ²] of a member's error, at least 0.
        c: second moment E[eᵢ eⱼ] of the errors of two members, from −v/(k − 1) to v. For k = 1 there
            are no two, and c has no effect.
        k: how many members, whole numbers of at least 1. The three are broadcast together.
    Returns: a float, or an array if one of the three is an array.
    Raises: ValueError for numbers that no errors can have.
    Source: Goodfellow et al. 2016, equation 7.51.
    """
    k_array = check_array(k, "k", or_number=True)
    if np.asarray(k).dtype.kind not in "iu" or k_array.min() < 1:
        raise ValueError(f"k must be whole numbers of at least 1; got {describe(k)}")
    v_array, c_array, k_array = np.broadcast_arrays(
        _real(v, "v"), _real(c, "c"), k_array
    )
    _check_moments(v_array, c_array, k_array)
    error = v_array / k_array + (k_array - 1) / k_array * c_array
    error = np.maximum(error, 0)  # at the lower bound of c, rounding must not make it negative
    return float(error) if error.ndim == 0 else error


def smallest_c(v: float, k: int) -> float:
    """The least that c can be with k members: −v/(k − 1), at which their errors always add up to 0.

    The matrix of all second moments, v on its diagonal and c elsewhere, has the eigenvalues v − c
    and v + (k − 1) c. No eigenvalue of such a matrix is negative.

    Args:
        v: second moment of a member's error, at least 0.
        k: how many members, at least 2.
    """
    return -check_positive(v, "v", or_zero=True) / (check_count(k, "k", 2) - 1)


def error_moments(errors: ArrayLike) -> Moments:
    """Measure v and c of real errors.

    v is the mean of all squared errors, c the mean of the products of all pairs of different members.
    Neither subtracts a mean. They are added up in float64 from two parts that do not cancel: the
    square of the members' mean error, and their spread around it. So float32 input is as good as its
    entries, and the pairs need no array.

    Args:
        errors: (members, …), prediction less truth, or the other way round for all.
    Returns: (v, c); c is NaN for a single member.
    """
    errors = check_array(errors, "errors")
    k = len(errors)
    mean = errors.mean(axis=0, dtype=np.float64)
    together = float(np.mean(mean**2))
    if k == 1:
        return Moments(together, float("nan"))
    apart = float(np.sum((errors - mean) ** 2)) / (mean.size * (k - 1))  # v − c
    return Moments(together + apart * (k - 1) / k, together - apart / k)


def error_curve(errors: ArrayLike) -> tuple[Array, Array]:
    """Measure the squared error of the mean of the first 1, 2, … k members.

    Args:
        errors: (members, …).
    Returns: (members,) mean squared errors, and their standard errors if all entries along the other
        axes are independent draws; those are NaN where there is one entry only.
    """
    errors = check_array(errors, "errors").reshape(len(errors), -1)
    k = np.arange(1, len(errors) + 1)[:, None]
    squared = (np.cumsum(errors, axis=0, dtype=np.float64) / k) ** 2
    n = squared.shape[1]
    if n == 1:
        return squared[:, 0], np.full(len(errors), np.nan)
    return squared.mean(axis=1), squared.std(axis=1, ddof=1) / np.sqrt(n)


def sample_errors(v: float, c: float, k: int, n: int, rng: np.random.Generator) -> Array:
    """Draw Gaussian errors of mean zero with second moments v and c, n times for each of k members.

    Independent numbers are split into what all members have in common, their mean, and the rest. The
    rest is scaled to variance v − c, and the mean to (v + (k − 1) c)/k: these are the eigenvalues of
    the matrix of moments, so every c that is possible can be drawn, the two ends included.
    To give all members a bias, add it: both moments grow by its square.

    Args:
        v: E[eᵢ²], at least 0.
        c: E[eᵢ eⱼ], from −v/(k − 1) to v.
        k: how many members.
        n: how many draws of each.
        rng: the randomness.
    Returns: (k, n).
    Raises: ValueError, with the bound, for a c that no k members can have.
    """
    v = check_positive(v, "v", or_zero=True)
    k, n = check_count(k, "k"), check_count(n, "n")
    (c,) = np.atleast_1d(_real(c, "c", single=True))
    _check_moments(np.float64(v), c, np.float64(k))
    own = check_rng(rng).standard_normal((k, n))
    mean = own.mean(axis=0)
    if k == 1:
        return np.sqrt(v) * own
    alone = np.sqrt(max(v - c, 0))  # rounding must not make them negative
    together = np.sqrt(max(v + (k - 1) * c, 0))
    return alone * (own - mean) + together * mean


def decompose(
    predictions: ArrayLike, target: ArrayLike, weights: ArrayLike | None = None
) -> Decomposition:
    """Split the squared error of a mean of members into their mean error and their diversity.

    Args:
        predictions: (members, …).
        target: (…), or anything that broadcasts to it.
        weights: (members,), at least 0, scaled to add up to 1; left out, all members count alike.
    Returns: three float64 arrays (…); ensemble = members − diversity holds entry by entry.
    Source: Krogh & Vedelsby 1995, E = Ē − Ā.
    """
    predictions = check_array(predictions, "predictions").astype(np.float64)
    target = check_array(target, "target", or_number=True).astype(np.float64)
    shape = predictions.shape[1:]
    try:
        target = np.broadcast_to(target, shape)
    except ValueError as error:
        raise ValueError(
            f"target must fit predictions of shape {shape}; got {describe(target)}"
        ) from error
    weights = check_weights(weights, len(predictions))
    mean = np.tensordot(weights, predictions, axes=1)
    return Decomposition(
        (mean - target) ** 2,
        np.tensordot(weights, (predictions - target) ** 2, axes=1),
        np.tensordot(weights, (predictions - mean) ** 2, axes=1),
    )


def _real(value: ArrayLike, name: str, *, single: bool = False) -> Array:
    """A number, or an array of them, as finite float64."""
    array = check_array(value, name, or_number=True).astype(np.float64)
    if single and array.ndim != 0:
        raise ValueError(f"{name} must be one number; got {describe(value)}")
    return array


def _check_moments(v: Array, c: Array, k: Array) -> None:
    """Refuse moments that no k members can have; c has no meaning for one."""
    if np.any(v < 0):
        raise ValueError(f"v must be at least 0; got {v[v < 0].flat[0] if v.ndim else v}")
    several = k > 1
    lowest = -v / np.maximum(k - 1, 1)
    wrong = np.atleast_1d(several & ((c < lowest - _ROUNDING * v) | (c > v + _ROUNDING * v)))
    if wrong.any():
        at = int(np.argmax(wrong))
        given, members = np.ravel(c)[at], np.ravel(k)[at]
        raise ValueError(
            f"c must lie from −v/(k − 1) = {np.ravel(lowest)[at]:.6g} to v = {np.ravel(v)[at]:.6g} "
            f"for k = {members:.0f} members; got {given:.6g}"
        )
