"""What five seeds tell about a sixth: a mean and how far it can be off."""

import numpy as np
from numpy.typing import ArrayLike

from dropout_lib._checks import check_array, check_count

#: Student's t: 97.5 % lie below, by degrees of freedom from 1 on.
_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
)  # fmt: skip


class Interval:
    """The 95 % interval of a mean over seeds; `f"{Interval(errors):.1f} %"` reads ``8.2 ± 1.3 %``.

    Each seed splits the same images anew, so the training sets of two seeds overlap, and the five
    values are more alike than five values from new images would be. The usual interval is then too
    narrow for a statement about new images: the variance of the mean is not s²/k but about
    s² (1/k + n_test/n_train).

    Args:
        values: (k,) one number for each seed, 2 ≤ k ≤ 20; differences in pairs if two nets are compared.
        n_train, n_test: images in the training and the test part of each split; the collection's
            own split unless told otherwise. `n_test=0` is for values that share no data.
    Attributes:
        mean, half: the interval is mean ± half.
        certain: True if 0 lies outside.
    Source: Nadeau & Bengio, "Inference for the generalization error", Machine Learning 52, 2003, §3.
    """

    def __init__(self, values: ArrayLike, n_train: int = 1000, n_test: int = 797) -> None:
        numbers = check_array(values, "values", (None,)).astype(np.float64)
        k = check_count(len(numbers), "the number of values", 2, len(_T_975) + 1)
        overlap = check_count(n_test, "n_test", 0) / check_count(n_train, "n_train")
        self.mean = float(numbers.mean())
        self.half = float(_T_975[k - 2] * numbers.std(ddof=1) * np.sqrt(1 / k + overlap))

    @property
    def certain(self) -> bool:
        """True if 0 lies outside the interval."""
        return abs(self.mean) > self.half

    def __format__(self, spec: str) -> str:
        spec = spec or ".3g"
        return f"{self.mean:{spec}} ± {self.half:{spec.lstrip('+')}}"

    def __repr__(self) -> str:
        return f"Interval({self})"
