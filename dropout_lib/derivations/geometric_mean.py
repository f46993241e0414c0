"""Why weight scaling is the geometric mean: equations 7.54 to 7.66, and slips that are often made.

Source: Goodfellow, Bengio & Courville, "Deep Learning", 2016, §7.12, where keep is ½. For another
keep the factors are weighted by the probabilities of their masks (Baldi & Sadowski, "The dropout
learning algorithm", Artificial Intelligence 210, 2014); for ½ that is the book's 2ⁿ-th root.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Eq, Expr, Integer, Rational, Sum, Symbol, exp

from dropout_lib._checks import check_choice, check_count
from dropout_lib.derivations.compare import Compare, Comparison, Values
from dropout_lib.derivations.notation import (
    HALF,
    MOST_UNITS,
    Keep,
    P,
    W,
    Z,
    b,
    exact_keeps,
    geometric_mean,
    i,
    m,
    mask_values,
    mu,
    p,
    scaled_inputs,
    v,
    y,
    y_other,
    z,
)
from dropout_lib.derivations.step import Step

#: The derivation as it is, and four slips that are often seen in its place.
VARIANTS = ("correct", "2n-th root", "half the bias", "equally weighted", "constant denominator")

_MOST_CLASSES = 6

_q = Symbol("q", positive=True)


def geometric_mean_steps(
    n: int, classes: int, keep: Keep = HALF, variant: str = "correct"
) -> list[Step]:
    """Derive that the renormalised geometric mean over all masks is one weight-scaled softmax.

    W, b and v are symbols; n and the number of classes are numbers. The class y stays a symbol, so
    that a step is checked for all classes at once.

    Args:
        n: units that drop, 1 to 6; there are 2**n masks.
        classes: 1 to 6.
        keep: in (0, 1], one or n of them: numbers, taken exactly (0.3 is 3/10), or SymPy symbols.
        variant: one of `VARIANTS`. Each but "correct" holds one slip, which fails the check of the
            step in which it is made, and of those that rest on it.
    Returns: eight steps.
    """
    n = check_count(n, "n", 1, MOST_UNITS)
    classes = check_count(classes, "classes", 1, _MOST_CLASSES)
    variant = check_choice(variant, "variant", VARIANTS)
    case = _Case(n, classes, exact_keeps(keep, n), variant)
    compare = Comparison(case.values)
    member = exp(case.logit(m, y)) / case.normaliser(m)
    top, rival_top = case.mean(exp(z[m, y])), case.mean(exp(z[m, y_other]))
    if variant == "constant denominator":
        dropped = Z[m], Z[0]
        because = "Said to be constant: the same for each mask m as for mask 0, which drops all."
    else:
        dropped = case.mean(P[m, y]) / case.mean(P[m, y_other]), top / rival_top
        because = "It differs from mask to mask, but it is the same for two classes y and y'."
    return [
        _step(
            "1: the mean of equals",
            (case.mean(_q), _q),
            "If all subnetworks say q, so must their mean: the exponents have to add up to 1.",
            compare.log_ratio,
        ),
        _step(
            "2: each mask leaves a softmax",
            (Sum(member, (y, 1, classes)), Integer(1)),
            "What a subnetwork says adds up to 1 over the classes.",
            compare.difference,
        ),
        _step(
            "3: put the softmax in (7.59 to 7.62)",
            (case.mean(P[m, y]), case.mean(member)),
            "P is what a subnetwork says: the softmax of step 2.",
            compare.log_ratio,
        ),
        _step(
            "4: split the quotient (7.63)",
            (case.mean(member), top / case.mean(Z[m])),
            "The mean of quotients is the quotient of the means. From here z is the logit, "
            "Z the denominator.",
            compare.log_ratio,
        ),
        _step("5: drop the denominator (7.64)", dropped, because, compare.log_ratio),
        _step(
            "6: the product becomes a sum (7.65)",
            (top, exp(case.mean_of_logs(z[m, y]))),
            "exp(a) exp(c) = exp(a + c): what is averaged are the logits.",
            compare.log_ratio,
        ),
        _step(
            "7: count the masks (7.66)",
            (exp(case.mean_of_logs(case.logit(m, y))), exp(case.scaled_logit(y))),
            "A unit is there with probability keep, the bias always.",
            compare.log_ratio,
        ),
        _step(
            "8: renormalise (7.55, 7.58)",
            (
                case.share(lambda label: case.mean(P[m, label])),
                case.share(lambda label: exp(case.scaled_logit(label))),
            ),
            "Divided by the sum over the classes, the mean is the softmax with scaled weights.",
            compare.distribution(y, classes),
        ),
    ]


def _step(title: str, sides: tuple[Expr, Expr], reason: str, compare: Compare) -> Step:
    return Step(title, Eq(*sides, evaluate=False), reason, compare)


@dataclass(frozen=True)
class _Case:
    """The expressions that the steps are made of."""

    n: int
    classes: int
    keeps: tuple[Expr, ...]
    variant: str

    @property
    def values(self) -> Values:
        """What the indexed symbols stand for."""
        return {
            **mask_values(self.keeps),
            "z": self.logit,
            "Z": self.normaliser,
            "P": lambda mask, label: exp(self.logit(mask, label)) / self.normaliser(mask),
        }

    def logit(self, mask: Expr, label: Expr) -> Expr:
        return Sum(W[i, label] * mu[mask, i] * v[i], (i, 1, self.n)) + b[label]

    def normaliser(self, mask: Expr) -> Expr:
        return Sum(exp(self.logit(mask, y_other)), (y_other, 1, self.classes))

    def mean(self, factor: Expr) -> Expr:
        """The geometric mean of a factor over all masks."""
        if self._equal_weights:
            return geometric_mean(factor, self.n, self._power)
        return geometric_mean(factor, self.n) ** (2**self.n * self._power)

    def mean_of_logs(self, term: Expr) -> Expr:
        """The exponent of the geometric mean of exp(term)."""
        masks = (m, 0, 2**self.n - 1)
        if self._equal_weights:
            return self._power * Sum(term, masks)
        return 2**self.n * self._power * Sum(p[m] * term, masks)

    def scaled_logit(self, label: Symbol) -> Expr:
        bias = b[label]
        if self.variant == "half the bias":  # for another keep: scaled as the weights are
            bias *= sum(self.keeps) / self.n
        return scaled_inputs(self.keeps, lambda unit: W[unit, label]) + bias

    def share(self, function: Callable[[Symbol], Expr]) -> Expr:
        """A function of the class, divided by its sum over all classes."""
        return function(y) / Sum(function(y_other), (y_other, 1, self.classes))

    @property
    def _equal_weights(self) -> bool:
        return self.variant == "equally weighted" or set(self.keeps) == {HALF}

    @property
    def _power(self) -> Rational:
        """1/2ⁿ, with which equal exponents add up to 1."""
        return Rational(1, 2 * self.n if self.variant == "2n-th root" else 2**self.n)
