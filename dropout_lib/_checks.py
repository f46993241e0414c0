"""Checks of arguments, in one place, so that bad input always fails early and in the same words.

Every function returns its argument in the form the caller computes with, or raises a `ValueError`
that names the argument, says what would be right and shows what came. None of them changes what it
is given.
"""

import numbers
import operator
import reprlib
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The smallest probability that the 53 random bits of a uniform float64 can decide.
SMALLEST_KEEP = 2.0**-53

_KEEP_WANTED = "a number in (0, 1], the probability of keeping a unit, or one such number per unit"
_SHORT_ARRAY = 6  # entries: an array up to this size is shown whole in an error message
_SHORT_INTEGER_BITS = 128  # a longer integer is described by its length, not printed


def describe(value: object) -> str:
    """Say in a few words what `value` is, however large it is: for error messages."""
    if isinstance(value, np.ndarray):
        if value.size <= _SHORT_ARRAY:
            return f"{value.tolist()!r}, an array of shape {value.shape}"
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, int) and value.bit_length() > _SHORT_INTEGER_BITS:
        return f"an integer of {value.bit_length():,} bits"  # printing it could take minutes
    if isinstance(value, numbers.Number):
        return str(value) if not isinstance(value, bool) else f"{value} (bool)"
    return f"{reprlib.repr(value)} ({type(value).__name__})"


def _refuse(name: str, wanted: str, value: object) -> NoReturn:
    raise ValueError(f"{name} must be {wanted}; got {describe(value)}")


def _as_array(value: ArrayLike, name: str, wanted: str) -> NDArray[Any]:
    """`value` as an ndarray; refuses ragged lists, and masked arrays, whose mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        _refuse(name, f"{wanted}, without masked entries (fill or leave them out first)", value)
    try:
        return np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} must be {wanted}; got {describe(value)}") from error


def check_keep(
    keep: ArrayLike, n_units: int | None = None, *, name: str = "keep"
) -> float | NDArray[np.float64]:
    """Return `keep` as a float, or as a (n_units,) float64 array if one value per unit is given.

    Every value must lie in (0, 1] and be at least `SMALLEST_KEEP`, below which no mask could be
    drawn. With `n_units` an array must have exactly that length. `True` is refused: a flag is no
    probability.
    """
    values = _as_array(keep, name, _KEEP_WANTED)
    if values.dtype.kind not in "iuf" or values.ndim > 1 or values.size == 0:
        _refuse(name, _KEEP_WANTED, keep)
    if values.ndim == 1 and n_units is not None and len(values) != n_units:
        _refuse(name, f"one number, or {n_units} numbers, one per unit", keep)
    if not (values.min() >= SMALLEST_KEEP and values.max() <= 1):  # also if there is a NaN
        position = int(np.argmin((values >= SMALLEST_KEEP) & (values <= 1)))
        culprit = values.flat[position].item()
        at = f"{name}[{position}]" if values.ndim == 1 else name
        if 0 < culprit < SMALLEST_KEEP:
            _refuse(at, f"at least {SMALLEST_KEEP:.3g}, the finest that masks are drawn", culprit)
        _refuse(at, _KEEP_WANTED if values.ndim == 0 else "a number in (0, 1]", culprit)
    return float(values) if values.ndim == 0 else values.astype(np.float64, copy=False)


def check_count(value: int, name: str, minimum: int = 1, maximum: int | None = None) -> int:
    """Return `value` as an int from `minimum` to `maximum`; 5.0, "5" and True are refused."""
    span = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    wanted = f"a whole number {span}"
    if isinstance(value, (bool, np.bool_)):
        _refuse(name, wanted, value)
    try:
        count = operator.index(value)
    except TypeError as error:
        raise ValueError(f"{name} must be {wanted}; got {describe(value)}") from error
    if count < minimum or (maximum is not None and count > maximum):
        _refuse(name, wanted, count)
    return count


def check_fraction(value: float, name: str) -> float:
    """Return `value` as a float in [0, 1]."""
    wanted = "a number in [0, 1]"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        _refuse(name, wanted, value)
    if not 0 <= value <= 1:  # also refuses NaN
        _refuse(name, wanted, value)
    return float(value)


def check_flag(value: bool, name: str) -> bool:
    """Return `value` if it is True or False; a word like "standard" would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        _refuse(name, "True or False", value)
    return bool(value)


def check_rng(rng: np.random.Generator, name: str = "rng") -> np.random.Generator:
    """Return `rng` if it is a `numpy.random.Generator`; a seed gets the line that makes one."""
    if isinstance(rng, np.random.Generator):
        return rng
    is_seed = isinstance(rng, (int, np.integer)) and not isinstance(rng, bool)
    seed = describe(rng) if is_seed else "seed"
    _refuse(name, f"a numpy.random.Generator, made by numpy.random.default_rng({seed})", rng)


def _shape_in_words(shape: tuple[int | None, ...]) -> str:
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _check_shape(array: NDArray[Any], name: str, shape: tuple[int | None, ...] | None) -> None:
    """`shape` lists the sizes, None where any will do; without it one axis or more."""
    if array.ndim == 0 or array.size == 0:
        _refuse(name, "an array with at least one entry", array)
    if shape is None:
        return
    fits = array.ndim == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
    )
    if not fits:
        _refuse(name, f"an array of shape {_shape_in_words(shape)}", array)


def check_array(
    value: ArrayLike,
    name: str,
    shape: tuple[int | None, ...] | None = None,
    *,
    or_number: bool = False,
) -> NDArray[np.floating]:
    """Return `value` as a finite float array: float32 stays, other real types become float64.

    `shape` lists the sizes wanted, None where any will do; left out, any shape with at least one
    entry is right; with `or_number` also a single number. NaN is refused because a mask would not
    hide it: 0 times NaN is NaN.
    """
    wanted = "an array of real numbers"
    array = _as_array(value, name, wanted)
    if array.dtype.kind not in "biuf":
        _refuse(name, wanted, value)
    if not (or_number and array.ndim == 0):
        _check_shape(array, name, shape)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        _refuse(name, f"finite: entry {where}" if where else "finite", array[where].item())
    return array


def check_mask(
    value: ArrayLike, name: str = "mask", shape: tuple[int | None, ...] | None = None
) -> NDArray[Any]:
    """Return `value` as an array of 0 (dropped) and 1 (kept), of any real type or bool."""
    wanted = "an array of 0 (dropped) and 1 (kept)"
    array = _as_array(value, name, wanted)
    if array.dtype.kind not in "biuf":
        _refuse(name, wanted, value)
    _check_shape(array, name, shape)
    if array.dtype.kind == "f":
        binary = bool(((array == 0) | (array == 1)).all())  # False for NaN and for 0.5
    else:  # two sweeps and no second array: an enumeration may have hundreds of megabytes
        binary = bool(array.min() >= 0 and array.max() <= 1)
    if not binary:
        where = tuple(int(i) for i in np.argwhere((array != 0) & (array != 1))[0])
        _refuse(name, f"{wanted}: entry {where}", array[where].item())
    return array


def check_labels(
    value: ArrayLike, name: str, n_examples: int | None = None, n_classes: int | None = None
) -> NDArray[np.int64]:
    """Return `value` as a new (n_examples,) int64 array of class numbers, 0 … n_classes − 1."""
    wanted = "a one-dimensional array of class numbers 0, 1, 2, …"
    array = _as_array(value, name, wanted)
    if array.dtype.kind not in "iu":
        _refuse(name, wanted, value)
    _check_shape(array, name, (n_examples,))
    if array.min() < 0:
        _refuse(name, wanted, array.min().item())
    if n_classes is not None and array.max() >= n_classes:
        _refuse(name, f"class numbers below n_classes = {n_classes}", array.max().item())
    return array.astype(np.int64)


def check_positive(value: float, name: str, *, or_zero: bool = False) -> float:
    """Return `value` as a finite float above 0, or of at least 0 with `or_zero`."""
    wanted = "a finite number of at least 0" if or_zero else "a finite number above 0"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        _refuse(name, wanted, value)
    if not (0 <= value < np.inf) or (value == 0 and not or_zero):  # also refuses NaN
        _refuse(name, wanted, value)
    return float(value)


def check_choice(value: str, name: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`."""
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        _refuse(name, "one of " + ", ".join(map(repr, choices)), value)
    return value


def check_weights(weights: ArrayLike | None, n_members: int) -> NDArray[np.float64]:
    """Return (n_members,) weights of at least 0, scaled to add up to 1; all alike for None."""
    if weights is None:
        return np.full(n_members, 1 / n_members)
    array = check_array(weights, "weights", (n_members,)).astype(np.float64)
    if array.min() < 0 or array.max() == 0:
        _refuse("weights", "at least 0, and one of them above 0", array)
    array = array / array.max()  # so that no sum of large ones overflows
    return array / array.sum()
