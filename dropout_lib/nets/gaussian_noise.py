"""Multiplicative noise that is not Bernoulli: each unit times a draw from N(1, (1 − keep)/keep).

Mean and variance are those of inverted dropout, whose gain is 0 or 1/keep.

Source: Srivastava et al., "Dropout", JMLR 15, 2014, §10.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_count, check_keep, check_rng
from dropout_lib.nets.mlp import MLP, LayerKeeps
from dropout_lib.nets.passes import Array, Gain


def sample_gaussian_gains(
    n_examples: int, n_units: int, keep: ArrayLike, rng: np.random.Generator
) -> Array:
    """Draw the Gaussian counterpart of inverted dropout's gains.

    Args:
        n_examples, n_units: shape of the result.
        keep: in (0, 1], one number or one per unit: the dropout that has the same mean and variance.
        rng: draws them.
    Returns: (n_examples, n_units), with mean 1 and variance (1 − keep)/keep. A gain may be negative.
    Raises: ValueError for a bad argument.
    """
    n_examples, n_units = check_count(n_examples, "n_examples"), check_count(n_units, "n_units")
    keep = check_keep(keep, n_units)
    return _gaussian(n_examples, n_units, keep, check_rng(rng), np.dtype(np.float64))


class GaussianMLP(MLP):
    """An `MLP` that trains with Gaussian noise in the place of masks; it predicts as `MLP` does."""

    def sample_gains(
        self, n_examples: int, keeps: LayerKeeps, rng: np.random.Generator, inverted: bool
    ) -> list[Gain]:
        """Draw Gaussian gains for each layer, in the convention of inverted dropout.

        Raises: ValueError if `inverted` is False: noise of mean 1 leaves nothing to scale.
        """
        if not inverted:
            raise ValueError(
                "inverted must be True: Gaussian noise has mean 1, so prediction needs no scale; "
                "got False"
            )
        return [
            None if np.all(keep == 1) else _gaussian(n_examples, n_units, keep, rng, self.dtype)
            for n_units, keep in zip(self.sizes[:-1], keeps, strict=True)
        ]


def _gaussian(
    n_examples: int,
    n_units: int,
    keep: float | NDArray[np.float64],
    rng: np.random.Generator,
    dtype: np.dtype,
) -> Array:
    gains = rng.standard_normal((n_examples, n_units), dtype=dtype)
    gains *= np.sqrt((1 - keep) / keep).astype(dtype)
    gains += 1
    return gains
