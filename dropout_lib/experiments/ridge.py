"""Dropout on the inputs of a linear regression: a penalty that depends on the data.

The inverted convention: each entry of X is multiplied by r/keep, r a mask entry of its own, so the
weights are those used for prediction. The mean of the squared loss over all masks is

    ‖y − Xw‖² + ((1 − keep)/keep) ‖Γw‖²,   Γ = diag(XᵀX)^½ ,

a ridge penalty in which each weight counts by the length γ of its feature's column. With columns of
equal length it is plain ridge regression.

Source: Srivastava et al., "Dropout", JMLR 15, 2014, §9.1. No intercept is fitted: centre X and y.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import (
    check_array,
    check_count,
    check_keep,
    check_positive,
    check_rng,
    describe,
)

Array = NDArray[np.float64]


def standardise(X: ArrayLike) -> Array:
    """Shift and scale each column to mean 0 and variance 1.

    Args:
        X: (examples, features).
    Returns: a new (examples, features) array; its columns have the length √examples.
    Raises: ValueError if a column is constant.
    """
    X = _features(X)
    spread = X.std(axis=0)
    if not spread.all():
        column = int(np.argmin(spread))
        raise ValueError(
            f"X must have columns that vary; column {column} is {describe(X[0, column].item())} "
            "throughout"
        )
    return (X - X.mean(axis=0)) / spread


def column_lengths(X: ArrayLike) -> Array:
    """γ, the Euclidean length of each column of X (examples, features): (features,)."""
    return np.linalg.norm(_features(X), axis=0)


def expected_loss(X: ArrayLike, y: ArrayLike, w: ArrayLike, keep: ArrayLike) -> float:
    """The mean over all masks of the squared loss Σ (y − Σ r x w / keep)², in closed form.

    Args:
        X: (examples, features).
        y: (examples,).
        w: (features,), as used for prediction.
        keep: in (0, 1], one number or one per feature.
    Returns: ‖y − Xw‖² + Σ ((1 − keep)/keep) γ² w².
    Source: Srivastava et al. 2014, §9.1.
    """
    X, y = _problem(X, y)
    w = check_array(w, "w", (X.shape[1],)).astype(np.float64)
    residual = y - X @ w
    return float(residual @ residual + _penalties(X, keep) @ w**2)


def dropout_weights(X: ArrayLike, y: ArrayLike, keep: ArrayLike) -> Array:
    """The weights with the smallest `expected_loss`: (XᵀX + ((1 − keep)/keep) Γ²)⁻¹ Xᵀy.

    Args and source: as `expected_loss`.
    Returns: (features,).
    Raises: ValueError if the minimum is not unique: keep = 1 and dependent columns, or a column of
        zeros.
    """
    X, y = _problem(X, y)
    return _solve(X, y, _penalties(X, keep))


def ridge_weights(X: ArrayLike, y: ArrayLike, strength: float) -> Array:
    """The weights of plain ridge regression: (XᵀX + strength · I)⁻¹ Xᵀy.

    Args:
        X: (examples, features).
        y: (examples,).
        strength: of the penalty strength · ‖w‖² beside ‖y − Xw‖², at least 0.
    Returns: (features,).
    Raises: ValueError if strength is 0 and columns of X depend on each other.
    """
    X, y = _problem(X, y)
    strength = check_positive(strength, "strength", or_zero=True)
    return _solve(X, y, np.full(X.shape[1], strength))


def equal_strength(X: ArrayLike, keep: float) -> float:
    """The strength of plain ridge with which dropout agrees if all columns are equally long.

    Args:
        X: (examples, features).
        keep: in (0, 1].
    Returns: ((1 − keep)/keep) times the mean of γ²; for standardised features that is
        examples · (1 − keep)/keep.
    """
    return float(_penalties(_features(X), keep).mean())


def dropout_training(
    X: ArrayLike,
    y: ArrayLike,
    keep: ArrayLike,
    *,
    steps: int,
    rng: np.random.Generator,
    runs: int = 1,
    rate: float = 0.1,
) -> Iterator[Array]:
    """Linear regression by gradient descent, with new masks at each step.

    Each step uses all examples, and a mask entry for each entry of X. The step of a weight is
    rate · keep / γ² times its gradient, so that features in any units are learnt alike fast. A
    step's mask is independent of the weights it meets, and the gradient is linear in them: so the
    mean over runs goes exactly to `dropout_weights`, while a single run keeps jittering around it.

    Args:
        X, y, keep: as in `expected_loss`.
        steps: how many.
        rng: draws the masks.
        runs: how many trainings side by side, each with masks of its own.
        rate: in (0, 1); a step of rate 1 would go to the best value of one weight alone.
    Yields: after each step the weights, (runs, features), a new array.
    Raises: ValueError for a bad argument, at the first step.
    """
    X, y = _problem(X, y)
    steps, runs = check_count(steps, "steps"), check_count(runs, "runs")
    keep = check_keep(keep, X.shape[1])
    rate = check_positive(rate, "rate") * keep / column_lengths(X) ** 2
    check_rng(rng)
    w = np.zeros((runs, X.shape[1]))
    for _ in range(steps):
        noisy = X * (rng.random((runs, *X.shape)) < keep) / keep
        residual = y - np.einsum("rnd,rd->rn", noisy, w)
        w = w + rate * np.einsum("rnd,rn->rd", noisy, residual)
        yield w


def _features(X: ArrayLike) -> Array:
    return check_array(X, "X", (None, None)).astype(np.float64, copy=False)


def _problem(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    X = _features(X)
    return X, check_array(y, "y", (len(X),)).astype(np.float64, copy=False)


def _penalties(X: Array, keep: ArrayLike) -> Array:
    """What w² of each feature is multiplied by: (1 − keep)/keep · γ²."""
    keep = check_keep(keep, X.shape[1])
    return (1 - keep) / keep * (X**2).sum(axis=0)


def _solve(X: Array, y: Array, penalties: Array) -> Array:
    A = X.T @ X + np.diag(penalties)
    scale = np.sqrt(np.diag(A))  # features in any units: compare them in units of their own
    if not scale.all() or np.linalg.matrix_rank(A / np.outer(scale, scale)) < len(A):
        raise ValueError(
            "X must have independent columns if nothing is penalised, and no column of zeros; got "
            f"{describe(X)}"
        )
    return np.linalg.solve(A / np.outer(scale, scale), X.T @ y / scale) / scale
