"""The symbols of the derivations, the same in each of them and in the notebooks.

Units are i = 1 … n, classes y = 1 … classes, masks m = 0 … 2ⁿ − 1. Mask number m is m in binary,
the first unit first, as `masks.enumerate_masks` lists them.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

import sympy
from sympy import Expr, IndexedBase, Integer, Mul, Product, Rational, Sum, Symbol

from dropout_lib._checks import describe

W, v, b = (IndexedBase(name, real=True) for name in ("W", "v", "b"))
mu = IndexedBase("mu", real=True)  #: mu[m, i] is 1 if mask m keeps unit i, else 0
p = IndexedBase("p", real=True)  #: p[m], the probability of mask m
keeps = IndexedBase("keep", real=True)  #: keep[i], the probability that unit i is kept
P = IndexedBase("P", positive=True)  #: P[m, y], what the subnetwork of mask m says about class y
z = IndexedBase("z", real=True)  #: z[m, y], the logit of class y under mask m; P = exp(z) / Z
Z = IndexedBase("Z", positive=True)  #: Z[m], the normaliser of mask m
i, j, m, y = sympy.symbols("i j m y", integer=True)
y_other = Symbol("y'", integer=True)

HALF = Rational(1, 2)
MOST_UNITS = 6  #: 64 masks, each with a normaliser of its own, take some seconds

#: One keep for all units, or one for each.
Keep = Expr | float | str | Fraction | Sequence


def mask_values(each_keep: Sequence[Expr]) -> dict[str, Callable[..., Expr]]:
    """What `mu`, `p` and `keep` stand for, with units of these keeps."""
    n = len(each_keep)

    def entry(mask: Expr, unit: Expr) -> Expr:
        """Bit number `unit` of the mask's number, counted from the left."""
        if not (mask.is_Integer and unit.is_Integer):
            return mu[mask, unit]
        return Integer(int(mask) >> (n - int(unit)) & 1)

    def probability(mask: Expr) -> Expr:
        """The product over the units of keep or 1 − keep."""
        if not mask.is_Integer:
            return p[mask]
        units = zip(range(1, n + 1), each_keep, strict=True)
        return Mul(*[k if entry(mask, Integer(unit)) else 1 - k for unit, k in units])

    def keep(unit: Expr) -> Expr:
        return each_keep[int(unit) - 1] if unit.is_Integer else keeps[unit]

    return {"mu": entry, "p": probability, "keep": keep}


def geometric_mean(factor: Expr, n: int, power: Expr | None = None) -> Expr:
    """The product of a factor over all masks m of n units, to a power; left out, each to p[m]."""
    masks = (m, 0, 2**n - 1)
    if power is None:
        return Product(factor ** p[m], masks)
    return Product(factor, masks) ** power


def scaled_inputs(each_keep: Sequence[Expr], weight: Callable[[Symbol], Expr]) -> Expr:
    """Σ over the units of keep · weight · v, the keep in front if it is the same for all."""
    units = (i, 1, len(each_keep))
    if len(set(each_keep)) == 1:
        return each_keep[0] * Sum(weight(i) * v[i], units)
    return Sum(keeps[i] * weight(i) * v[i], units)


def exact_keeps(keep: Keep, n: int) -> tuple[Expr, ...]:
    """Check `keep` and return it for each of n units, exactly: 0.3 becomes 3/10.

    A SymPy expression without a value, such as a symbol, stands for any keep.
    """
    has_entries = hasattr(keep, "__len__") and getattr(keep, "ndim", 1) > 0
    if isinstance(keep, str) or not has_entries:
        return (_exact(keep, "keep"),) * n
    if len(keep) != n:
        raise ValueError(f"keep must be one number, or {n}, one per unit; got {describe(keep)}")
    return tuple(_exact(entry, f"keep[{unit}]") for unit, entry in enumerate(keep))


def _exact(keep: Expr | float | str | Fraction, name: str) -> Expr:
    wanted = "a number in (0, 1], the probability of keeping a unit, or a SymPy expression"
    problem = f"{name} must be {wanted}; got {describe(keep)}"
    if isinstance(keep, Expr) and not keep.is_number:
        return keep
    if isinstance(keep, bool):
        raise ValueError(problem)
    try:
        value = Rational(str(keep))  # the decimal fraction that a float shows is what is meant
    except (TypeError, ValueError) as error:
        raise ValueError(problem) from error
    if not 0 < value <= 1:
        raise ValueError(problem)
    return value
