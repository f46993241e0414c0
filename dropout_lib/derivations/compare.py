"""Compare the two sides of an equation, exactly.

The sides are written as in a book, with Σ and ∏ over named indices. To compare them, every sum and
product with a known number of terms is written out, and every indexed symbol of which the value is
known gets it (such as `mu[m, i]`, the entry of mask number m for unit i). What remains is brought
to a form in which equal sides are the same expression, so that their difference is 0.
"""

from collections.abc import Callable, Mapping
from functools import cache

import sympy
from sympy import Add, Expr, Indexed, Integer, Mul, Pow, Product, Sum, Symbol, exp, log

#: name of an indexed symbol -> its value as a function of its indices
Values = Mapping[str, Callable[..., Expr]]
#: (left side, right side) -> residual, 0 if they are equal
Compare = Callable[[Expr, Expr], Expr]


class Comparison:
    """Three ways to compare two sides, given what their indexed symbols stand for."""

    def __init__(self, values: Values | None = None) -> None:
        self._values = values or {}
        # All steps of a derivation are made of the same few parts.
        self._write_out = cache(self._write_out_anew)
        self._log = cache(self._log_anew)

    def difference(self, left: Expr, right: Expr) -> Expr:
        """left − right, simplified."""
        return sympy.simplify(self._write_out(left) - self._write_out(right))

    def log_ratio(self, left: Expr, right: Expr) -> Expr:
        """log(left) − log(right), for positive sides.

        Products become sums, and powers factors: a product over all masks is never multiplied out.
        """
        residual = self._log(left) - self._log(right)
        return sympy.expand(residual, log=False, power_exp=False, power_base=False)

    def distribution(self, y: Symbol, n_classes: int) -> Compare:
        """For positive functions of the class y = 1 … n_classes that should add up to 1.

        If one of them does not, its sum less 1 is the residual. If both do, they are equal exactly
        if the ratio of any two classes is. Then the residual is log(left ratio / right ratio), with
        a symbol for each of the two classes: it stands for all pairs of them at once.
        """
        other = Symbol(f"{y.name}''", integer=True)

        def compare(left: Expr, right: Expr) -> Expr:
            for side in (left, right):
                written = _write_out_sums(side)
                classes = [written.xreplace({y: Integer(c)}) for c in range(1, n_classes + 1)]
                excess = sympy.powsimp(sympy.together(Add(*classes))) - 1
                if excess != 0:
                    return excess
            # In these ratios the sums over the classes cancel: there is no y in them.
            return self.log_ratio(*(side / side.xreplace({y: other}) for side in (left, right)))

        return compare

    def _value(self, symbol: Indexed) -> Expr:
        """What is known of an indexed symbol, or the symbol itself."""
        known = self._values.get(str(symbol.base))
        return symbol if known is None else known(*symbol.indices)

    def _write_out_anew(self, expression: Expr) -> Expr:
        """Put in all values, and write out sums and products of known length."""
        if isinstance(expression, (Sum, Product)):
            terms = _terms(expression)
            if terms is not None:
                combine = Add if isinstance(expression, Sum) else Mul
                return combine(*map(self._write_out, terms))
        if isinstance(expression, Indexed):
            value = self._value(expression)
            return value if value == expression else self._write_out(value)
        if not expression.args:
            return expression
        return expression.func(*map(self._write_out, expression.args))

    def _log_anew(self, expression: Expr) -> Expr:
        """The logarithm of a positive expression, as a sum as far as that is a product."""
        if isinstance(expression, Product):
            terms = _terms(expression)
            if terms is not None:
                return Add(*map(self._log, terms))
        if isinstance(expression, Mul):
            return Add(*map(self._log, expression.args))
        if isinstance(expression, exp):
            return self._write_out(expression.args[0])
        if isinstance(expression, Pow):
            return self._write_out(expression.exp) * self._log(expression.base)
        if isinstance(expression, Indexed) and self._value(expression) != expression:
            return self._log(self._value(expression))
        return log(self._write_out(expression))


def finite_sums(known: Mapping[Expr, Expr] | None = None) -> Compare:
    """Compare by left − right, sums of any length, after putting in the sums that are `known`.

    Three rules are enough: a sum of sums is the sum of each, a factor may stand before or inside a
    sum, and finite sums may change places.
    """

    def compare(left: Expr, right: Expr) -> Expr:
        residual = []
        for limits, term in _spread((left - right).xreplace(dict(known or {}))).items():
            term = sympy.expand(term)
            if term != 0:
                residual.append(Sum(term, *limits) if limits else term)
        return Add(*residual)

    return compare


def _terms(expression: Sum | Product) -> list[Expr] | None:
    """The terms of a sum or a product, or None if their number is not known."""
    *inner, (index, low, high) = expression.limits
    if not (low.is_Integer and high.is_Integer):
        return None
    body = expression.func(expression.function, *inner) if inner else expression.function
    return [body.xreplace({index: Integer(i)}) for i in range(int(low), int(high) + 1)]


def _write_out_sums(expression: Expr) -> Expr:
    """Write out sums of known length, and leave products as they are."""
    return expression.replace(
        lambda part: isinstance(part, Sum) and _terms(part) is not None,
        lambda part: Add(*_terms(part)),
    )


def _spread(expression: Expr) -> dict[tuple[sympy.Tuple, ...], Expr]:
    """Write an expression as Σ of sums: a term for each set of limits, () where there is no sum."""
    if isinstance(expression, Sum):
        inner, outer = _spread(expression.function), expression.limits
        return {_sorted(limits + outer): term for limits, term in inner.items()}
    parts: dict[tuple[sympy.Tuple, ...], Expr] = {}
    if isinstance(expression, Add):
        for addend in expression.args:
            for limits, term in _spread(addend).items():
                parts[limits] = parts.get(limits, Integer(0)) + term
        return parts
    if isinstance(expression, Mul) and not _share_an_index(expression.args):
        parts = {(): Integer(1)}
        for factor in expression.args:
            old, parts = parts, {}
            for limits, term in _spread(factor).items():
                for old_limits, old_term in old.items():
                    both = _sorted(old_limits + limits)
                    parts[both] = parts.get(both, Integer(0)) + old_term * term
        return parts
    return {(): expression}


def _share_an_index(factors: tuple[Expr, ...]) -> bool:
    """Whether an index of a sum in one factor also stands in another one, for something else."""
    for factor in factors:
        indices = {index for total in factor.atoms(Sum) for index in total.variables}
        others = Mul(*[other for other in factors if other is not factor])
        if indices & others.atoms(Symbol):
            return True
    return False


def _sorted(limits: tuple[sympy.Tuple, ...]) -> tuple[sympy.Tuple, ...]:
    return tuple(sorted(limits, key=sympy.default_sort_key))
