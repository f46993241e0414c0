"""The error of a mean of k members, for any k: equations 7.50 and 7.51, and slips that are often made.

The members' errors are e[1] … e[k], and E(…) is the mean over the data. All that is known of them is
E(e[i]²) = v and, for two different members, E(e[i] e[j]) = c.

Source: Goodfellow, Bengio & Courville, "Deep Learning", 2016, §7.11.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import permutations

import sympy
from sympy import (
    Add,
    Eq,
    Expr,
    Function,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Mul,
    Pow,
    Sum,
    Symbol,
)
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

from dropout_lib._checks import check_choice
from dropout_lib.derivations.compare import Compare
from dropout_lib.derivations.step import Step

#: The derivation as it is, and four slips that are often seen in its place.
ERROR_VARIANTS = (
    "correct",
    "cross terms dropped",
    "divided by k once",
    "each pair counted once",
    "a member paired with itself",
)

k = Symbol("k", integer=True, positive=True)
v, c = Symbol("v", nonnegative=True), Symbol("c", real=True)
e = IndexedBase("e", real=True)
i, j = sympy.symbols("i j", integer=True)
E = Function("E")
_SAME = KroneckerDelta(i, j)  #: 1 if i = j, else 0
_MEMBERS, _OTHERS = (i, 1, k), (j, 1, k)
_NAMES = (i, j)


def ensemble_error_steps(variant: str = "correct") -> list[Step]:
    """Derive E[(1/k Σ eᵢ)²] = v/k + (k − 1) c/k, the number of members k being a symbol.

    Each step is checked by rules that hold for every k: a sum of sums is the sum of each; δ picks the
    one term with i = j; a sum over an index that does not occur is k times its term; E is linear.

    Args:
        variant: one of `ERROR_VARIANTS`. Each but "correct" holds one slip, which fails the check of
            the step in which it is made; the later steps go on from there.
    Returns: seven steps; the right side of each is the left side of the next.
    """
    variant = check_choice(variant, "variant", ERROR_VARIANTS)
    divisor = k if variant == "divided by k once" else k**2
    crossed = Integer(0 if variant == "cross terms dropped" else 1)
    n_pairs = {
        "each pair counted once": k * (k - 1) / 2,
        "a member paired with itself": k**2,
    }.get(variant, k * (k - 1))

    def double_sum(term: Expr) -> Expr:
        return Sum(term, _OTHERS, _MEMBERS)

    alike = double_sum(_SAME * e[i] * e[j])
    different = crossed * double_sum((1 - _SAME) * e[i] * e[j])
    square = E((Sum(e[i], _MEMBERS) / k) ** 2)
    expanded = E((double_sum(e[i] * e[j]) if crossed else alike) / divisor)
    split = E((alike + different) / divisor)
    collected = E((Sum(e[i] ** 2, _MEMBERS) + different) / divisor)
    mean_of_pairs = crossed * double_sum((1 - _SAME) * E(e[i] * e[j]))
    means = (Sum(E(e[i] ** 2), _MEMBERS) + mean_of_pairs) / divisor
    put_in = (Sum(v, _MEMBERS) + crossed * double_sum((1 - _SAME) * c)) / divisor
    counted = (k * v + crossed * n_pairs * c) / divisor
    final = v * sympy.cancel(k / divisor) + crossed * sympy.cancel(n_pairs / divisor) * c
    return [
        _step(
            "1: expand the square",
            square,
            expanded,
            "A sum times itself: every member meets every member, itself too.",
        ),
        _step(
            "2: split i = j from i ≠ j",
            expanded,
            split,
            "δ is 1 for i = j and 0 otherwise, so each term goes to one side.",
        ),
        _step(
            "3: the terms with i = j (7.50)",
            split,
            collected,
            "In each row of the square there is one of them.",
        ),
        _step(
            "4: take the mean",
            collected,
            means,
            "The mean of a sum is the sum of the means.",
        ),
        _step(
            "5: put in v and c",
            means,
            put_in,
            "By definition: v for one member, c for two different ones.",
            _difference_of_moments,
        ),
        _step(
            "6: count the pairs",
            put_in,
            counted,
            "k have i = j. Each member has k − 1 others.",
        ),
        _step("7: arrive (7.51)", counted, final, "Divide."),
    ]


class _ErrorStep(Step):
    """A step whose sums stand one behind the other in LaTeX: Matplotlib cannot stack their limits."""

    @property
    def latex(self) -> str:
        return _latex(self.equation)


@lru_cache(maxsize=64)  # a slider over a derivation asks for the same few again and again
def _latex(equation: Eq) -> str:
    return _Printer().doprint(equation)


class _Printer(LatexPrinter):
    def _print_Sum(self, expr: Sum) -> str:
        signs = [rf"\sum_{{{index}=1}}^{{k}}" for index in reversed(expr.variables)]
        body = self._print(expr.function)
        return " ".join(signs) + (rf" \left({body}\right)" if expr.function.is_Add else f" {body}")

    def _print_Function(self, expr: Expr, exp: str | None = None) -> str:
        if not isinstance(expr, AppliedUndef):
            return super()._print_Function(expr, exp)
        return rf"\mathrm{{E}}\left[{self._print(expr.args[0])}\right]"


def _difference(left: Expr, right: Expr) -> Expr:
    """left − right as a sum of sums that cannot be shortened; 0 if the two are equal for every k."""
    totals: dict[int, Expr] = {}
    for term, indices in _spread(left - right):
        for addend in Add.make_args(sympy.expand(term)):
            short, left_over = _shorten(addend, indices)
            totals[left_over] = totals.get(left_over, Integer(0)) + short
    return Add(*[_sum_over(sympy.expand(total), n) for n, total in totals.items()])


def _difference_of_moments(left: Expr, right: Expr) -> Expr:
    """The same after putting in what v and c stand for."""
    return _difference(left.replace(E, _moment), right.replace(E, _moment))


def _moment(product: Expr) -> Expr:
    """E(e[a] e[b]): c, or v where a = b."""
    powers = product.as_powers_dict().items()
    first, second = (factor.indices[0] for factor, power in powers for _ in range(power))
    return c + (v - c) * KroneckerDelta(first, second)


def _step(title: str, left: Expr, right: Expr, reason: str, compare: Compare = _difference) -> Step:
    return _ErrorStep(title, Eq(left, right, evaluate=False), reason, compare)


#: A term, and the indices over which it is summed, each from 1 to k.
_Summed = tuple[Expr, tuple[Symbol, ...]]


def _spread(expression: Expr) -> list[_Summed]:
    """Write an expression as a list of terms without sums; each sum gets indices of its own."""
    if isinstance(expression, Sum):
        renamed = {index: sympy.Dummy(integer=True) for index in expression.variables}
        inner = _spread(expression.function.xreplace(renamed))
        return [(term, (*indices, *renamed.values())) for term, indices in inner]
    if isinstance(expression, Add):
        return [part for addend in expression.args for part in _spread(addend)]
    if isinstance(expression, Mul):
        return _product(map(_spread, expression.args))
    if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0:
        return _product(_spread(expression.base) for _ in range(int(expression.exp)))
    if isinstance(expression, AppliedUndef):  # E is linear
        return [(_mean(term), indices) for term, indices in _spread(expression.args[0])]
    return [(expression, ())]


def _product(factors: Iterable[list[_Summed]]) -> list[_Summed]:
    product: list[_Summed] = [(Integer(1), ())]
    for parts in factors:
        product = [(a * b, (*over, *more)) for a, over in product for b, more in parts]
    return product


def _mean(term: Expr) -> Expr:
    """E(term), what is not random moved out of it."""
    means = Integer(0)
    for addend in Add.make_args(sympy.expand(term)):
        fixed, random = addend.as_independent(sympy.Indexed, as_Add=False)
        means += fixed * E(random)
    return means


def _shorten(term: Expr, indices: tuple[Symbol, ...]) -> tuple[Expr, int]:
    """The same sum with as few indices as possible, named i, j, …, and how many they are."""
    over = list(indices)
    while deltas := [d for d in term.atoms(KroneckerDelta) if set(d.args) <= set(over)]:
        kept, dropped = deltas[0].args
        term = term.xreplace({dropped: kept})  # the one term in which the two are equal
        over.remove(dropped)
    idle = [index for index in over if index not in term.free_symbols]
    term *= k ** len(idle)
    over = [index for index in over if index not in idle]
    names = [dict(zip(order, _NAMES, strict=False)) for order in permutations(over)]
    named = [term.xreplace(name) for name in names]
    return min(named, key=sympy.default_sort_key), len(over)


def _sum_over(term: Expr, n: int) -> Expr:
    return Sum(term, *((index, 1, k) for index in _NAMES[:n])) if n and term != 0 else term
