"""The same for any number of units, by linearity of expectation.

Listing 2ⁿ masks proves a theorem for one n. For symbolic n nothing can be listed. But all that is
needed of the masks is that their probabilities add up to 1, and that they keep unit i with
probability keep[i]. So the result holds for every distribution of masks with these means, even if
the units do not drop independently.

Source: Baldi & Sadowski, "The dropout learning algorithm", Artificial Intelligence 210, 2014.
"""

from sympy import Eq, Expr, IndexedBase, Integer, Product, Sum, Symbol, log, symbols

from dropout_lib.derivations.compare import Compare, Comparison, finite_sums
from dropout_lib.derivations.notation import W, Z, b, i, j, keeps, m, mu, p, v, y, y_other, z
from dropout_lib.derivations.step import Step

_n = Symbol("n", integer=True, positive=True)
_s, _t = symbols("s t", integer=True)  # what happens to one unit: 1 kept, 0 dropped
_g = IndexedBase("g", real=True)  # g[i, t], anything that depends on one unit and its outcome
_MASKS = (m, 0, 2**_n - 1)
_OUTCOMES = (_t, 0, 1)


def linearity_steps() -> list[Step]:
    """Derive weight scaling for a symbolic number of units n and one keep per unit.

    Steps 1 to 4 find the mean of one mask entry over all 2**n masks, by induction over n. Steps 5
    to 8 use nothing else about the masks.
    Returns: eight steps.
    """
    compare = Comparison()
    factor = Sum(_g[i, _t], _OUTCOMES)
    chance = keeps[i] ** _t * (1 - keeps[i]) ** (1 - _t)
    total = Sum(chance, _OUTCOMES)
    kept = Sum(_t * chance, _OUTCOMES).xreplace({i: j})
    mean_entry = Sum(p[m] * mu[m, i], _MASKS)
    logit = _inputs(y, mu[m, i]) + b[y]
    by_linearity = _inputs(y, mean_entry) + b[y] * Sum(p[m], _MASKS)
    entries = {Sum(p[m], _MASKS): Integer(1), mean_entry: keeps[i]}
    logits = {_mean(z[m, label]): _scaled(label) for label in (y, y_other)}
    return [
        _step(
            "1: a sum over the masks of one unit",
            Sum(_g[1, _t], _OUTCOMES),
            Product(factor, (i, 1, 1)),
            "One unit has two masks. Start of an induction: the sum over all masks is a product.",
            compare.difference,
        ),
        _step(
            "2: a sum over the masks of one unit more",
            Sum(Product(factor, (i, 1, _n)) * _g[_n + 1, _s], (_s, 0, 1)),
            Product(factor, (i, 1, _n + 1)),
            "A mask of n + 1 units is one of n units (a product, by induction) and one more entry.",
            lambda left, right: compare.difference(left, _split_last(right)),
        ),
        _step(
            "3: the probabilities of all masks",
            Product(total, (i, 1, _n)),
            Integer(1),
            "By 1 and 2, with g the probability of the outcome: each factor is keep + (1 − keep).",
            compare.difference,
        ),
        _step(
            "4: the mean of the entry of unit j",
            Product(total, (i, 1, j - 1)) * kept * Product(total, (i, j + 1, _n)),
            keeps[j],
            "By 1 and 2, with one g times the entry: the other units add up to 1.",
            compare.difference,
        ),
        _step(
            "5: linearity",
            _mean(logit),
            by_linearity,
            "A mean of sums is a sum of means, and what does not depend on the mask moves out.",
            finite_sums(),
        ),
        _step(
            "6: put in the means",
            by_linearity,
            _scaled(y),
            "By 3 and 4. The bias meets the sum of all probabilities, which is 1: it stays whole.",
            finite_sums(entries),
        ),
        _step(
            "7: the normaliser cancels",
            _mean(z[m, y] - log(Z[m])) - _mean(z[m, y_other] - log(Z[m])),
            _mean(z[m, y]) - _mean(z[m, y_other]),
            "The geometric mean averages log P = z − log Z, and Z is the same for two classes.",
            finite_sums(),
        ),
        _step(
            "8: the odds of weight scaling",
            _mean(z[m, y]) - _mean(z[m, y_other]),
            _scaled(y) - _scaled(y_other),
            "By 5 and 6. Renormalised, two distributions with the same odds are the same.",
            finite_sums(logits),
        ),
    ]


def _step(title: str, left: Expr, right: Expr, reason: str, compare: Compare) -> Step:
    return Step(title, Eq(left, right, evaluate=False), reason, compare)


def _mean(term: Expr) -> Expr:
    """The mean of a term over the masks m."""
    return Sum(p[m] * term, _MASKS)


def _inputs(label: Symbol, entry: Expr) -> Expr:
    return Sum(W[i, label] * entry * v[i], (i, 1, _n))


def _scaled(label: Symbol) -> Expr:
    return _inputs(label, keeps[i]) + b[label]


def _split_last(product: Expr) -> Expr:
    """The same product with its last factor beside it."""
    if not isinstance(product, Product):
        return product
    [(index, low, high)] = product.limits
    last = product.function.xreplace({index: high})
    return Product(product.function, (index, low, high - 1)) * last
