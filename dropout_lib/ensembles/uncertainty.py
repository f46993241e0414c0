"""How unsure several members are, and digits to be unsure about: rotated ones and blends of two.

Entropies are in nats (natural logarithms): members that know nothing of ten classes have log 10 = 2.30.

Sources: Gal & Ghahramani, "Dropout as a Bayesian approximation", 2016 (the spread of the samples as
an uncertainty). Houlsby, Huszár, Ghahramani & Lengyel, "Bayesian active learning for classification
and preference learning", 2011, equation 2 (mutual information as one entropy less another).
"""

import numbers

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array, check_fraction, describe
from dropout_lib.data import IMAGE_SHAPE
from dropout_lib.ensembles.averages import arithmetic_mean

Array = NDArray[np.floating]


def entropy(p: ArrayLike) -> Array:
    """−Σ p log p over the last axis, in nats; a class of probability 0 counts 0.

    Args:
        p: (..., classes), probabilities.
    Returns: (...), from 0 to log(classes).
    """
    p = check_array(p, "p")
    if p.min() < 0 or p.max() > 1:
        raise ValueError(
            f"p must be probabilities from 0 to 1; got entries from {p.min():.6g} to {p.max():.6g}"
        )
    logs = np.log(p, where=p > 0, out=np.zeros_like(p))
    return np.maximum(-(p * logs).sum(axis=-1), 0)  # rounding must not make it negative


def predictive_entropy(probs: ArrayLike) -> Array:
    """Entropy of the members' average: how unsure they are together, for whatever reason.

    Args:
        probs: (members, ..., classes).
    Returns: (...), in nats.
    """
    return entropy(np.clip(arithmetic_mean(probs), 0, 1))


def mutual_information(probs: ArrayLike) -> Array:
    """What of the predictive entropy comes from the members' disagreement.

    It is the entropy of the average less the average of the entropies: 0 if and only if all members say
    the same, however unsure each of them is.

    Args:
        probs: (members, ..., classes).
    Returns: (...), in nats, from 0 to the predictive entropy.
    Source: Houlsby et al. 2011, equation 2.
    """
    together = predictive_entropy(probs)
    return np.maximum(together - entropy(np.clip(probs, 0, 1)).mean(axis=0), 0)


def rotate(images: ArrayLike, angle: float) -> Array:
    """Turn pictures about their middle, anticlockwise as they are shown, with bilinear interpolation.

    Each new pixel takes the weighted average of the four old pixels around the place it comes from.
    Outside the picture there is background, 0.

    Args:
        images: (..., 64) or (..., 8, 8), row 0 at the top.
        angle: in degrees, any finite number.
    Returns: a new array of the same shape.
    """
    images = check_array(images, "images")
    n_pixels = IMAGE_SHAPE[0] * IMAGE_SHAPE[1]
    if images.shape[-1] != n_pixels and images.shape[-2:] != IMAGE_SHAPE:
        raise ValueError(f"images must be (..., 64) or (..., 8, 8); got {describe(images)}")
    if isinstance(angle, bool) or not isinstance(angle, numbers.Real) or not np.isfinite(angle):
        raise ValueError(f"angle must be a finite number of degrees; got {describe(angle)}")
    flat = images.reshape(-1, n_pixels)
    return (flat @ _rotation(float(angle)).astype(images.dtype)).reshape(images.shape)


def blend(first: ArrayLike, second: ArrayLike, share: float) -> Array:
    """Lay two pictures over each other: (1 − share) · first + share · second.

    Args:
        first, second: pictures of one shape.
        share: of the second, in [0, 1].
    Returns: the same shape.
    """
    first = check_array(first, "first")
    second = check_array(second, "second", first.shape)
    share = check_fraction(share, "share")
    return (1 - share) * first + share * second


def _rotation(angle: float) -> NDArray[np.float64]:
    """The rotation as a matrix (old pixels, new pixels): `flat @ matrix` turns pictures in rows."""
    height, width = IMAGE_SHAPE
    row, column = np.indices(IMAGE_SHAPE)
    down, right = row - (height - 1) / 2, column - (width - 1) / 2
    # whole quarter turns are exact, so that they only move pixels about
    turn = np.deg2rad(angle % 360)
    cos, sin = (np.round(f(turn), 15) for f in (np.cos, np.sin))
    from_row = cos * down + sin * right + (height - 1) / 2
    from_column = -sin * down + cos * right + (width - 1) / 2
    matrix = np.zeros((height * width, height * width))
    new = np.arange(height * width)
    for row_step in (0, 1):
        for column_step in (0, 1):
            old_row = np.floor(from_row).astype(int) + row_step
            old_column = np.floor(from_column).astype(int) + column_step
            share = (1 - abs(from_row - old_row)) * (1 - abs(from_column - old_column))
            inside = (old_row >= 0) & (old_row < height) & (old_column >= 0) & (old_column < width)
            old = (old_row * width + old_column)[inside]
            matrix[old, new[inside.ravel()]] += share[inside]
    return matrix
