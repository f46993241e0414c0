"""The derivation of the ensemble's error: each check against numbers, and against slips put in."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy
from matplotlib.mathtext import MathTextParser
from sympy import Add, Indexed, Integer, KroneckerDelta, Mul, Pow, Sum, Symbol
from sympy.core.function import AppliedUndef

from dropout_lib.derivations import ERROR_VARIANTS, ensemble_error_steps, first_break
from dropout_lib.derivations.ensemble_error import c, e, i, j, k, v

FAILS = {  # variant -> number of the step that fails
    "correct": None,
    "cross terms dropped": 1,
    "divided by k once": 1,
    "each pair counted once": 6,
    "a member paired with itself": 6,
}
V, C = 1.7, 0.6


class Numbers:
    """Evaluate an expression for k members, by loops: E is the mean over k equally likely outcomes.

    The errors are the rows of a root of the matrix of moments, times √k, so that v and c are exact.
    """

    def __init__(self, members, v=V, c=C):
        self.k, self.v, self.c = members, v, c
        values, vectors = np.linalg.eigh(np.full((members, members), c) + (v - c) * np.eye(members))
        self.errors = np.sqrt(members) * vectors * np.sqrt(values)  # (members, outcomes)

    def __call__(self, expression, outcome=None, **at):
        def value(part):
            return self(part, outcome, **at)

        if isinstance(expression, Sum):
            *inner, (index, low, high) = expression.limits
            body = expression.func(expression.function, *inner) if inner else expression.function
            span = range(int(value(low)), int(value(high)) + 1)
            return sum(self(body, outcome, **(at | {index.name: n})) for n in span)
        if isinstance(expression, AppliedUndef):
            return np.mean([self(expression.args[0], n, **at) for n in range(self.k)])
        if isinstance(expression, Indexed):
            return self.errors[int(value(expression.indices[0])) - 1, outcome]
        if isinstance(expression, KroneckerDelta):
            return float(value(expression.args[0]) == value(expression.args[1]))
        if isinstance(expression, Symbol):
            return (at | {"k": self.k, "v": self.v, "c": self.c})[expression.name]
        if expression.is_Rational:
            return float(Fraction(int(expression.p), int(expression.q)))
        values = [value(part) for part in expression.args]
        if isinstance(expression, Add):
            return sum(values)
        if isinstance(expression, Mul):
            return np.prod(values)
        assert isinstance(expression, Pow)
        return values[0] ** values[1]


def gap(step, members):
    numbers = Numbers(members)
    left, right = (numbers(side) for side in step.equation.args)
    return abs(left - right)


def failing(variant):
    return [
        number
        for number, step in enumerate(ensemble_error_steps(variant), start=1)
        if step.check() != 0
    ]


def test_the_errors_of_the_evaluation_have_the_moments_they_should():
    errors = Numbers(4).errors
    np.testing.assert_allclose(errors @ errors.T / 4, np.full((4, 4), C) + (V - C) * np.eye(4))


@pytest.mark.claim("V01")
@pytest.mark.parametrize("variant", ERROR_VARIANTS)
def test_a_check_is_zero_exactly_where_the_numbers_agree(variant):
    for step in ensemble_error_steps(variant):
        gaps = [gap(step, members) for members in (2, 3, 4, 5)]
        if step.check() == 0:
            assert max(gaps) < 1e-12, step.title
        else:
            assert min(gaps) > 1e-3, step.title


@pytest.mark.claim("V01")
def test_all_seven_steps_hold_for_a_symbolic_number_of_members():
    steps = ensemble_error_steps()
    assert [step.check() for step in steps] == [0] * 7
    assert first_break(steps) is None
    assert all(k in step.equation.free_symbols for step in steps)
    assert k.is_integer
    assert k.is_positive
    assert not k.is_number
    assert sympy.simplify(steps[-1].equation.rhs - (v / k + (k - 1) / k * c)) == 0


@pytest.mark.claim("V02", "V03")
def test_the_end_of_the_derivation_has_these_limits():
    end = ensemble_error_steps()[-1].equation.rhs
    assert sympy.simplify(end.subs(c, v) - v) == 0
    assert sympy.simplify(end.subs(c, 0) - v / k) == 0
    assert sympy.limit(end, k, sympy.oo) == c
    assert end.subs(k, 1) == v


@pytest.mark.claim("V04")
def test_the_error_would_be_negative_below_the_bound():
    end = ensemble_error_steps()[-1].equation.rhs
    [bound] = sympy.solve(end, c)
    assert sympy.simplify(bound + v / (k - 1)) == 0
    assert sympy.simplify(sympy.diff(end, c) - (k - 1) / k) == 0  # it grows with c


@pytest.mark.parametrize("variant", ERROR_VARIANTS)
def test_each_step_starts_where_the_last_one_ended(variant):
    steps = ensemble_error_steps(variant)
    for earlier, later in pairwise(steps):
        assert earlier.equation.rhs == later.equation.lhs


@pytest.mark.claim("V01")
@pytest.mark.parametrize("variant", ERROR_VARIANTS)
def test_a_slip_fails_where_it_is_made(variant):
    assert failing(variant) == ([] if FAILS[variant] is None else [FAILS[variant]])


def test_the_residual_says_what_is_wrong():
    def left_over(variant):
        return first_break(ensemble_error_steps(variant)).check()

    assert sympy.simplify(left_over("a member paired with itself") + c / k) == 0
    assert sympy.simplify(left_over("each pair counted once") - (k - 1) * c / (2 * k)) == 0
    for variant in ("cross terms dropped", "divided by k once"):
        assert left_over(variant).has(e)


@pytest.mark.parametrize("number", range(7))
def test_a_step_that_is_spoilt_by_hand_fails(number):
    """Whatever is added to one side, or put in its place, is found: no check is always 0."""
    step = ensemble_error_steps()[number]
    left, right = step.equation.args
    for wrong in (right + c / k**3, 2 * right, right + Sum(e[i], (i, 1, k)), Integer(0)):
        assert step.compare(left, wrong) != 0
    swapped = (
        right.xreplace({c: v}) if right.has(c) else right + Sum(e[i] * e[j], (i, 1, k), (j, 1, k))
    )
    assert step.compare(left, swapped) != 0


def test_sums_are_compared_whatever_their_indices_are_called():
    step = ensemble_error_steps()[1]
    first = Sum(e[i] * e[j] ** 2, (i, 1, k), (j, 1, k))
    second = Sum(e[j] * e[i] ** 2, (i, 1, k), (j, 1, k))
    assert step.compare(first, second) == 0
    assert step.compare(Sum(e[i], (i, 1, k)), Sum(e[j], (j, 1, k))) == 0
    assert step.compare(Sum(c, (i, 1, k)), k * c) == 0
    assert step.compare(Sum(e[i] * e[j], (i, 1, k), (j, 1, k)), Sum(e[i] ** 2, (i, 1, k))) != 0


@pytest.mark.parametrize("variant", ERROR_VARIANTS)
def test_matplotlib_can_draw_every_equation(variant):
    parser = MathTextParser("path")
    for step in ensemble_error_steps(variant):
        left, right = step.latex.split(" = ")
        assert parser.parse(f"${left}$").width > 0
        assert parser.parse(f"$= {right}$").width > 0
        assert "substack" not in step.latex
        assert step.title in step._repr_markdown_()


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant must be one of 'correct', 'cross terms dropped'"):
        ensemble_error_steps("wrong")
