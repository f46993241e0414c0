"""The digits: load them, replace some labels at random, split them into training and test part.

The images are the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin and
C. Kaynak, UCI Machine Learning Repository, 1998, CC BY 4.0), the same 1,797 that scikit-learn
ships; see `digits.txt`. No function here changes the arrays it is given.
"""

from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import (
    check_array,
    check_count,
    check_fraction,
    check_labels,
    check_rng,
)

IMAGE_SHAPE = (8, 8)
N_CLASSES = 10
N_WRITERS = 13  #: people who wrote the digits (those of the set's test part)
_DARKEST = 16  # a pixel counts the inked points of a block of 4 × 4
_MOST_CLASSES = np.iinfo(np.int64).max  # labels are int64


class Digits(NamedTuple):
    """Digits in rows and their labels; `x, y = digits` unpacks them."""

    x: NDArray[np.floating]  #: (n, 64) pixels, 0 (background) … 1 (ink)
    y: NDArray[np.int64]  #: (n,) labels, 0 … 9

    @property
    def images(self) -> NDArray[np.floating]:
        """The same pixels as (n, 8, 8) pictures."""
        return self.x.reshape(-1, *IMAGE_SHAPE)


def load_digits() -> Digits:
    """All 1,797 digits, in new arrays: `x` (1797, 64) float32 in [0, 1], `y` (1797,) int64."""
    with files("dropout_lib").joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        x = stored["pixels"].astype(np.float32)
        y = stored["labels"].astype(np.int64)
    x /= _DARKEST
    return Digits(x, y)


def corrupt_labels(
    y: ArrayLike, fraction: float, rng: np.random.Generator, n_classes: int = N_CLASSES
) -> NDArray[np.int64]:
    """Replace a fraction of the labels by labels drawn at random.

    Exactly round(fraction · n) examples are chosen. Each gets a label drawn evenly from all
    classes, its true one included: so on average a share of fraction · (1 − 1/n_classes) becomes
    wrong (30 % replaced of ten classes: 27 % wrong). `noisy != y` says which became wrong.

    Args:
        y: (n,) labels, 0 … n_classes − 1.
        fraction: how many to replace, in [0, 1].
    Returns: (n,) int64, a new array.
    """
    n_classes = check_count(n_classes, "n_classes", 2, _MOST_CLASSES)
    noisy = check_labels(y, "y", n_classes=n_classes)  # a new array
    n_replaced = round(check_fraction(fraction, "fraction") * len(noisy))
    chosen = check_rng(rng).permutation(len(noisy))[:n_replaced]
    noisy[chosen] = rng.integers(n_classes, size=n_replaced)
    return noisy


def split(
    x: ArrayLike, y: ArrayLike, n_train: int, rng: np.random.Generator
) -> tuple[Digits, Digits]:
    """Split at random into `n_train` training examples and the rest for testing, in random order.

    The split is stratified: each class has its share of the training part to within one example.
    The two parts have no example in common and leave none out.

    Args:
        x: (n, features) examples in rows.
        y: (n,) labels.
        n_train: size of the training part, 1 … n − 1.
    Returns: the training part and the test part, new arrays.
    """
    x = check_array(x, "x", (None, None))
    y = check_labels(y, "y", n_examples=len(x))
    n_train = check_count(n_train, "n_train", 1, len(y) - 1)
    order = check_rng(rng).permutation(len(y))
    in_training = np.zeros(len(y), dtype=bool)
    classes, sizes = np.unique(y, return_counts=True)
    for label, quota in zip(classes, _quotas(sizes, n_train), strict=True):
        members = order[y[order] == label]
        in_training[members[:quota]] = True
    train, test = order[in_training[order]], order[~in_training[order]]
    return Digits(x[train], y[train]), Digits(x[test], y[test])


def split_by_writer(
    x: ArrayLike, y: ArrayLike, n_train: int, rng: np.random.Generator
) -> tuple[Digits, Digits]:
    """Split so that no hand is on both sides: whole writers train, the other writers test.

    The digits of one writer stand together in the file, and 13 people wrote the 1,797. Where one
    ends and the next begins is not recorded, so the rows are cut into 13 blocks of (nearly) equal
    size. As many blocks as are needed, in random order, give the `n_train` training examples, drawn
    at random from their rows; all other blocks are for testing.

    Args:
        x: (n, features) examples in rows, in the order of `load_digits`.
        y: (n,) labels.
        n_train: size of the training part, at least 1, and such that a block is left for testing.
    Returns: the training part and the test part, new arrays, in random order.
    """
    x = check_array(x, "x", (None, None))
    y = check_labels(y, "y", n_examples=len(x))
    check_count(len(y), "the number of examples", N_WRITERS)
    most = len(y) - -(-len(y) // N_WRITERS)  # the largest block may be the one that is left
    n_train = check_count(n_train, "n_train", 1, most)
    blocks = [np.array_split(np.arange(len(y)), N_WRITERS)[b] for b in check_rng(rng).permutation(N_WRITERS)]
    n_blocks = 1 + int(np.searchsorted(np.cumsum([len(block) for block in blocks]), n_train))
    train = rng.permutation(np.concatenate(blocks[:n_blocks]))[:n_train]
    test = rng.permutation(np.concatenate(blocks[n_blocks:]))
    return Digits(x[train], y[train]), Digits(x[test], y[test])


def _quotas(sizes: NDArray[np.integer], n_train: int) -> NDArray[np.integer]:
    """Share `n_train` out in proportion to `sizes`: the largest remainders are rounded up."""
    n = sizes.sum()
    quotas, remainders = np.divmod(sizes * n_train, n)
    most_owed = np.argsort(-remainders, kind="stable")
    quotas[most_owed[: n_train - quotas.sum()]] += 1
    return quotas
