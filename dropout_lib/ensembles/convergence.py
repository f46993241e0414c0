"""How the average of k random members approaches the average of all: running means, and what is expected.

The members are independent draws, so the arithmetic mean of k of them misses that of all by a standard
deviation of σ/√k, where σ is that of a single member. For the renormalised geometric mean the same holds
to first order, with another σ (the delta method).

Source: Casella & Berger, "Statistical inference", 2nd edition 2002, theorem 5.2.6 (variance of a mean)
and §5.5.4 (the delta method).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array, check_choice, check_weights
from dropout_lib.ensembles.averages import arithmetic_mean, geometric_mean
from dropout_lib.nets.passes import softmax

AVERAGES = {"arithmetic": arithmetic_mean, "geometric": geometric_mean}


def running_averages(probs: ArrayLike, average: str = "arithmetic") -> NDArray[np.float64]:
    """The average of the first 1, 2, …, k members, without starting over for each.

    Args:
        probs: (k, ..., classes); for "geometric" none may be 0.
        average: "arithmetic" or "geometric".
    Returns: (k, ..., classes); entry j − 1 is the average of the first j members.
    """
    probs, average = _check(probs, average)
    count = np.arange(1.0, len(probs) + 1).reshape(-1, *[1] * (probs.ndim - 1))
    if average == "arithmetic":
        return np.cumsum(probs, axis=0) / count
    return softmax(np.cumsum(np.log(probs), axis=0) / count)


def member_deviation(
    probs: ArrayLike, weights: ArrayLike | None = None, average: str = "arithmetic"
) -> NDArray[np.float64]:
    """The σ of σ/√k: by how much the average of k draws among these members misses that of all.

    Args:
        probs: (members, ..., classes), all that can be drawn; for "geometric" none may be 0.
        weights: (members,), how likely each is drawn; left out, all alike.
        average: "arithmetic", for which σ/√k is exact, or "geometric", for which it is so in the limit.
    Returns: (..., classes), the standard deviation of each class for k = 1.
    """
    probs, average = _check(probs, average)
    weights = check_weights(weights, len(probs))
    values = probs
    if average == "geometric":  # ∂p̃(y)/∂(mean log p(j)) is p̃(y) · ([y = j] − p̃(j))
        together = geometric_mean(probs, weights)
        logs = np.log(probs)
        values = together * (logs - (together * logs).sum(axis=-1, keepdims=True))
    centred = values - np.tensordot(weights, values, axes=1)
    return np.sqrt(np.tensordot(weights, centred**2, axes=1))


def _check(probs: ArrayLike, average: str) -> tuple[NDArray[np.float64], str]:
    probs = check_array(probs, "probs").astype(np.float64)
    average = check_choice(average, "average", AVERAGES)
    if average == "geometric" and probs.min() <= 0:
        raise ValueError(
            f"probs must be above 0 for a geometric mean; got entries from {probs.min():.6g}"
        )
    return probs, average
