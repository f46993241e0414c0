"""One logit of a softmax layer as a SymPy expression, with a coefficient for each unit and for the bias."""

from collections.abc import Iterable, Sequence

import sympy
from sympy import Expr


def combined_logit(n: int, parts: Iterable[tuple[Expr, Sequence[Expr], Expr]]) -> Expr:
    """Return Σ weight · (Σ W[i] unit[i] v[i] + bias · b), expanded.

    Args:
        n: the number of units; the symbols are W0, v0, … and b.
        parts: (weight, (n,) unit coefficients, bias coefficient); numbers are taken exactly.
    """
    W, v, b = sympy.symbols(f"W:{n}"), sympy.symbols(f"v:{n}"), sympy.Symbol("b")
    total = sympy.Integer(0)
    for weight, units, bias in parts:
        products = (w * sympy.sympify(unit) * x for w, unit, x in zip(W, units, v, strict=True))
        total += sympy.sympify(weight) * (sum(products) + sympy.sympify(bias) * b)
    return sympy.expand(total)
