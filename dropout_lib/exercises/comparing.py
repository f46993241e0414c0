"""Does an answer equal the expected result?

A result is a number, an array, a SymPy expression, or a tuple of those. SymPy is used only if it
has been imported already: without it no answer can be an expression.
"""

import numbers
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RELATIVE = 1e-5  # generous enough for float32 and for finite differences, …
_ABSOLUTE = 1e-8  # … and for what should be zero


def is_symbolic(value: object) -> bool:
    """Whether `value` is a SymPy object."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Basic)


def has_gap(value: object) -> bool:
    """Whether a `...` still stands in an answer, alone or in a tuple or list."""
    return value is ... or (isinstance(value, (tuple, list)) and any(map(has_gap, value)))


def as_numbers(answer: Any) -> NDArray[Any] | None:
    """`answer` as an array of real numbers, or None if it is none."""
    if is_symbolic(answer):
        return np.asarray(float(answer)) if answer.is_number and answer.is_real else None
    try:
        array = np.asarray(answer)
    except ValueError:  # rows of different lengths
        return None
    return array if array.dtype.kind in "biuf" else None


def same(answer: Any, expected: Any) -> bool:
    """Whether `answer` equals `expected`: the same shape, and the same values up to rounding."""
    if isinstance(expected, tuple):
        return (
            isinstance(answer, (tuple, list))
            and len(answer) == len(expected)
            and all(map(same, answer, expected))
        )
    if is_symbolic(expected):
        return _same_expression(answer, expected)
    values, wanted = as_numbers(answer), np.asarray(expected)
    return (
        values is not None
        and values.shape == wanted.shape
        and np.allclose(values, wanted, rtol=_RELATIVE, atol=_ABSOLUTE)
    )


def _same_expression(answer: Any, expected: Any) -> bool:
    sympy = sys.modules["sympy"]
    if not is_symbolic(answer) and not isinstance(answer, numbers.Number):
        return False
    answer = sympy.sympify(answer)
    if not (isinstance(answer, sympy.Expr) and isinstance(expected, sympy.Expr)):
        return answer == expected  # an equation, a truth value
    by_name = {symbol.name: symbol for symbol in expected.free_symbols}
    renamed = {  # Symbol("k") and Symbol("k", positive=True) differ for SymPy, not for a reader
        symbol: by_name[symbol.name] for symbol in answer.free_symbols if symbol.name in by_name
    }
    return sympy.simplify(answer.subs(renamed) - expected) == 0


def common_factor(answer: Any, expected: Any) -> float | None:
    """The factor, if every entry of `answer` is the same multiple of the expected one; else None.

    A hint at a scale forgotten or applied twice. Needs two or more entries, of the right shape.
    """
    values, wanted = as_numbers(answer), as_numbers(expected)
    if values is None or wanted is None or values.shape != wanted.shape:
        return None
    nonzero = wanted != 0
    if nonzero.sum() < 2:
        return None
    ratios = values[nonzero] / wanted[nonzero]
    factor = float(np.median(ratios))
    return factor if factor != 0 and same(values, wanted * factor) else None
