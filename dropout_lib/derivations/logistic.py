"""The binary case: the geometric mean of logistic units is one logistic unit of the mean input.

Source: Baldi & Sadowski, "The dropout learning algorithm", Artificial Intelligence 210, 2014: the
normalised weighted geometric mean.
"""

from sympy import Eq, Expr, Rational, Sum, Symbol, exp

from dropout_lib._checks import check_count
from dropout_lib.derivations.compare import Comparison
from dropout_lib.derivations.notation import (
    HALF,
    MOST_UNITS,
    Keep,
    W,
    exact_keeps,
    geometric_mean,
    i,
    m,
    mask_values,
    mu,
    scaled_inputs,
    v,
    z,
)
from dropout_lib.derivations.step import Step

_b = Symbol("b", real=True)
_G_no = Symbol("G", positive=True)  # the geometric mean of 1 − P


def logistic_steps(n: int, keep: Keep = HALF) -> list[Step]:
    """Derive that the renormalised geometric mean of logistic units is logistic(Σ keep W v + b).

    The subnetwork of mask m is a logistic unit of the input z[m] = Σ W[i] mu[m, i] v[i] + b.

    Args:
        n: units that drop, 1 to 6.
        keep: as in `geometric_mean_steps`.
    Returns: five steps.
    """
    n = check_count(n, "n", 1, MOST_UNITS)
    each_keep = exact_keeps(keep, n)
    power = Rational(1, 2**n) if set(each_keep) == {HALF} else None
    values = {
        **mask_values(each_keep),
        "z": lambda mask: Sum(W[i] * mu[mask, i] * v[i], (i, 1, n)) + _b,
    }
    compare = Comparison(values)
    yes, no = exp(z[m]) / (1 + exp(z[m])), 1 / (1 + exp(z[m]))
    scaled = scaled_inputs(each_keep, lambda unit: W[unit]) + _b

    def mean(factor: Expr) -> Expr:
        return geometric_mean(factor, n, power)

    def equation(left: Expr, right: Expr) -> Eq:
        return Eq(left, right, evaluate=False)

    return [
        Step(
            "1: two ways to write a logistic unit",
            equation(1 / (1 + exp(-z[m])), yes),
            "Multiply above and below by exp(z).",
            compare.difference,
        ),
        Step(
            "2: the other outcome",
            equation(1 - yes, no),
            "Both outcomes have the same denominator.",
            compare.difference,
        ),
        Step(
            "3: the odds of the means",
            equation(mean(yes) / mean(no), mean(exp(z[m]))),
            "The mean of quotients is the quotient of the means, and the denominators cancel.",
            compare.log_ratio,
        ),
        Step(
            "4: count the masks",
            equation(mean(exp(z[m])), exp(scaled)),
            "A unit is there with probability keep, the bias always.",
            compare.log_ratio,
        ),
        Step(
            "5: renormalise",
            equation(exp(scaled) * _G_no / (exp(scaled) * _G_no + _G_no), 1 / (1 + exp(-scaled))),
            "G is the mean of 1 − P; by 3 and 4 the mean of P is exp(Σ keep W v + b) times that.",
            compare.difference,
        ),
    ]
