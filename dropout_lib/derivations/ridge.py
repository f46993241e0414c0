"""Why dropout on linear regression is a ridge penalty that depends on the data.

Every entry of X has a mask entry of its own. The squared loss is averaged over ALL masks, each with
its probability; X, y and w stay symbols, so nothing depends on the numbers in them.

Source: Srivastava et al., "Dropout", JMLR 15, 2014, §9.1.
"""

from dataclasses import dataclass
from itertools import product

import sympy
from sympy import Derivative, Eq, Expr, IndexedBase, Integer, KroneckerDelta, Sum, Symbol, sqrt

from dropout_lib._checks import check_choice, check_count
from dropout_lib.derivations.compare import Compare, Comparison, Values
from dropout_lib.derivations.notation import Keep, exact_keeps, m, mask_values, p
from dropout_lib.derivations.step import Step

#: The derivation as it is, and slips that are often seen in its place.
RIDGE_VARIANTS = ("correct", "keep forgotten", "strength 1 − keep", "plain ridge", "keep swapped")
MOST_ENTRIES = 6  #: of X: with six there are 64 masks, which take some seconds

X, y, w, u, gamma = (IndexedBase(name, real=True) for name in ("X", "y", "w", "u", "gamma"))
mu = IndexedBase("mu", real=True)  #: mu[m, i, j] is 1 if mask m keeps feature j of example i
KEEP = Symbol("keep", positive=True)  #: stands for any keep
_i, _j, _l = sympy.symbols("i j l", integer=True)


def ridge_steps(n: int, d: int, keep: Keep = KEEP, variant: str = "correct") -> list[Step]:
    """Derive that the mean loss of dropout is ridge regression with Γ = diag(XᵀX)^½.

    The masks are those of the standard convention, 0 and 1. Step 6 passes over to u = keep · w, the
    weights used for prediction.

    Args:
        n: examples.
        d: features; n · d is at most `MOST_ENTRIES`, and there are 2**(n · d) masks.
        keep: in (0, 1], the same for all entries: a number, taken exactly, or a SymPy expression.
        variant: one of `RIDGE_VARIANTS`. Each but "correct" holds one slip, which fails the check of
            the step in which it is made, and of those that rest on it.
    Returns: eight steps.
    Raises: ValueError for a bad argument, or too many entries.
    """
    n, d = check_count(n, "n"), check_count(d, "d")
    if n * d > MOST_ENTRIES:
        raise ValueError(f"n · d must be at most {MOST_ENTRIES}, for 2**(n · d) masks; got {n * d}")
    variant = check_choice(variant, "variant", RIDGE_VARIANTS)
    (keep,) = exact_keeps(keep, 1)
    case = _Case(n, d, keep, variant)
    entries = _for_all({_i: n, _j: d, _l: d}, case.values)
    examples = _for_all({_i: n}, case.values)
    once = Comparison(case.values).difference
    in_terms_of_u = {**case.values, "w": lambda feature: u[feature] / keep}
    if variant == "plain ridge":
        lengths = case.penalty(Integer(1)), "Said to be the same for all weights."
    else:
        lengths = case.penalty(gamma[_j] ** 2), "γ² of a feature is the sum of its squared values."
    return [
        _step(
            "1: two entries of an example",
            case.mean(mu[m, _i, _j] * mu[m, _i, _l]),
            keep**2 + keep * (1 - keep) * KroneckerDelta(_j, _l),
            "Two tosses are independent, but a toss is not independent of itself (δ = 1 for j = l).",
            entries,
        ),
        _step(
            "2: the mean of a prediction",
            case.mean(case.noisy),
            case.scaled,
            "A mean of sums is the sum of the means, and an entry is there with probability keep.",
            examples,
        ),
        _step(
            "3: its variance",
            case.mean((case.noisy - keep * case.linear(w)) ** 2),
            case.strength * Sum(X[_i, _j] ** 2 * w[_j] ** 2, (_j, 1, d)),
            "By 1: of all pairs of features only those of a feature with itself are left.",
            examples,
        ),
        _step(
            "4: the loss of an example",
            case.mean((y[_i] - case.noisy) ** 2),
            (y[_i] - case.scaled) ** 2
            + case.strength * Sum(X[_i, _j] ** 2 * w[_j] ** 2, (_j, 1, d)),
            "The mean of a square is the square of the mean plus the variance: by 2 and 3.",
            examples,
        ),
        _step(
            "5: the loss of all examples",
            case.mean(case.over_examples((y[_i] - case.noisy) ** 2)),
            case.over_examples((y[_i] - case.scaled) ** 2) + case.strength * lengths[0],
            lengths[1],
            once,
        ),
        _step(
            "6: with u = keep · w",
            case.over_examples((y[_i] - keep * case.linear(w)) ** 2)
            + keep * (1 - keep) * case.penalty(gamma[_j] ** 2),
            case.loss(u),
            "u is what predicts after training (inverted dropout: what is trained).",
            Comparison(in_terms_of_u).difference,
        ),
        _step(
            "7: where the slope is 0",
            Derivative(case.loss(u), u[_l]),
            -2 * Sum(X[_i, _l] * (y[_i] - case.linear(u)), (_i, 1, n))
            + 2 * case.ratio * gamma[_l] ** 2 * u[_l],
            "Set to 0 for each feature l: (XᵀX + (1 − keep)/keep · Γ²) u = Xᵀy.",
            _for_all({_l: d}, case.values),
        ),
        _step(
            "8: standardised features",
            case.ratio * case.penalty(gamma[_j] ** 2, u),
            case.ratio * n * Sum(u[_j] ** 2, (_j, 1, d)),
            "All columns as long as √n: then it is plain ridge regression, of strength n (1 − keep)/keep.",
            Comparison({**case.values, "gamma": lambda _: sqrt(n)}).difference,
        ),
    ]


def _step(title: str, left: Expr, right: Expr, reason: str, compare: Compare) -> Step:
    return Step(title, Eq(left, right, evaluate=False), reason, compare)


@dataclass(frozen=True)
class _Case:
    """The expressions that the steps are made of."""

    n: int
    d: int
    keep: Expr
    variant: str

    @property
    def values(self) -> Values:
        """What the indexed symbols stand for."""
        bits = mask_values((self.keep,) * (self.n * self.d))

        def entry(mask: Expr, example: Expr, feature: Expr) -> Expr:
            if not (example.is_Integer and feature.is_Integer):
                return mu[mask, example, feature]
            place = (example - 1) * self.d + feature
            return bits["mu"](mask, place) if mask.is_Integer else mu[mask, example, feature]

        def length(feature: Expr) -> Expr:
            if not feature.is_Integer:
                return gamma[feature]
            return sqrt(Sum(X[_i, feature] ** 2, (_i, 1, self.n)))

        return {
            "mu": entry,
            "p": bits["p"],
            "gamma": length,
        }

    @property
    def noisy(self) -> Expr:
        """What example i predicts under mask m."""
        return Sum(mu[m, _i, _j] * X[_i, _j] * w[_j], (_j, 1, self.d))

    @property
    def scaled(self) -> Expr:
        """Said to be its mean over the masks."""
        return self.linear(w) if self.variant == "keep forgotten" else self.keep * self.linear(w)

    @property
    def strength(self) -> Expr:
        """Said to be the variance of a mask entry."""
        return 1 - self.keep if self.variant == "strength 1 − keep" else self.keep * (1 - self.keep)

    @property
    def ratio(self) -> Expr:
        """The strength of the penalty on u."""
        if self.variant == "keep swapped":
            return self.keep / (1 - self.keep)
        return (1 - self.keep) / self.keep

    def linear(self, weights: IndexedBase) -> Expr:
        return Sum(X[_i, _j] * weights[_j], (_j, 1, self.d))

    def mean(self, term: Expr) -> Expr:
        """The mean of a term over all masks."""
        return Sum(p[m] * term, (m, 0, 2 ** (self.n * self.d) - 1))

    def over_examples(self, term: Expr) -> Expr:
        return Sum(term, (_i, 1, self.n))

    def penalty(self, factor: Expr, weights: IndexedBase = w) -> Expr:
        return Sum(factor * weights[_j] ** 2, (_j, 1, self.d))

    def loss(self, weights: IndexedBase) -> Expr:
        """Ridge regression with Γ, as a function of the weights that predict."""
        data = self.over_examples((y[_i] - self.linear(weights)) ** 2)
        return data + self.ratio * self.penalty(gamma[_j] ** 2, weights)


def _for_all(indices: dict[Symbol, int], values: Values) -> Compare:
    """Compare for every value 1 … last of the free indices; the first residual that is not 0."""
    difference = Comparison(values).difference

    def compare(left: Expr, right: Expr) -> Expr:
        for numbers in product(*(range(1, last + 1) for last in indices.values())):
            at = dict(zip(indices, map(Integer, numbers), strict=True))
            sides = (side.subs(at) for side in (left, right))  # indices that a sum runs over stay
            residual = difference(*(_derived(side) for side in sides))
            if residual != 0:
                return residual
        return Integer(0)

    return compare


def _derived(expression: Expr) -> Expr:
    """A derivative worked out; anything else as it is."""
    return expression.doit() if isinstance(expression, Derivative) else expression
