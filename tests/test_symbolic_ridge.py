"""The ridge derivation: each line against numbers, by loops over all masks; and slips go red."""

from itertools import product

import numpy as np
import pytest
import sympy
from sympy import Rational

from dropout_lib.derivations import first_break, latex
from dropout_lib.derivations.ridge import RIDGE_VARIANTS, X, gamma, ridge_steps, u, w, y

VERDICTS = {  # variant -> the steps that fail
    "correct": [],
    "keep forgotten": [2, 4, 5],
    "strength 1 − keep": [3, 4, 5],
    "plain ridge": [5],
    "keep swapped": [6],
}


def failing(steps):
    return [number for number, step in enumerate(steps, start=1) if step.check() != 0]


@pytest.mark.claim("R02")
@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 2), (2, 2), (1, 3), (3, 1)])
def test_every_line_holds_for_any_keep(n, d):
    steps = ridge_steps(n, d)
    assert len(steps) == 8
    assert failing(steps) == []
    assert first_break(steps) is None


@pytest.mark.claim("R02")
@pytest.mark.parametrize("variant", RIDGE_VARIANTS)
@pytest.mark.parametrize("keep", [sympy.Symbol("keep", positive=True), "3/10"])
def test_a_slip_fails_where_it_is_made(variant, keep):
    assert failing(ridge_steps(2, 2, keep, variant)) == VERDICTS[variant]


def test_at_one_half_a_swapped_keep_is_not_seen():
    assert failing(ridge_steps(1, 2, "1/2", "keep swapped")) == []


def test_plain_ridge_is_right_for_one_feature_of_length_one_only():
    [step] = [s for s in ridge_steps(1, 1, "3/10", "plain ridge") if s.title.startswith("5")]
    residual = step.check()
    assert residual != 0
    assert sympy.simplify(residual.subs(X[1, 1], 1)) == 0


# Numbers in the place of symbols: an evaluation that knows nothing of `compare`


def numbers(n, d):
    rng = np.random.default_rng(n + 10 * d)
    return rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d)


@pytest.mark.claim("R02")
@pytest.mark.parametrize(("n", "d"), [(2, 2), (1, 3)])
@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_both_sides_of_step_5_are_the_mean_over_all_masks(n, d, keep):
    Xs, ys, ws = numbers(n, d)
    mean = 0.0
    for bits in product((0, 1), repeat=n * d):
        mask = np.reshape(bits, (n, d))
        chance = np.prod(np.where(mask == 1, keep, 1 - keep))
        mean += chance * np.sum((ys - (mask * Xs) @ ws) ** 2)
    values = {X[i + 1, j + 1]: Xs[i, j] for i in range(n) for j in range(d)}
    values |= {y[i + 1]: ys[i] for i in range(n)} | {w[j + 1]: ws[j] for j in range(d)}
    values |= {gamma[j + 1]: np.linalg.norm(Xs[:, j]) for j in range(d)}
    right = ridge_steps(n, d, str(keep))[4].equation.rhs.doit().subs(values)
    assert float(right) == pytest.approx(mean, rel=1e-12)


@pytest.mark.claim("R02")
def test_step_7_is_the_slope_of_the_loss():
    n, d, keep = 2, 2, 0.3
    Xs, ys, us = numbers(n, d)
    values = {X[i + 1, j + 1]: Xs[i, j] for i in range(n) for j in range(d)}
    values |= {y[i + 1]: ys[i] for i in range(n)} | {u[j + 1]: us[j] for j in range(d)}
    values |= {gamma[j + 1]: np.linalg.norm(Xs[:, j]) for j in range(d)}
    right = ridge_steps(n, d, str(keep))[6].equation.rhs

    def loss(weights):
        penalty = (1 - keep) / keep * np.sum((Xs**2).sum(axis=0) * weights**2)
        return np.sum((ys - Xs @ weights) ** 2) + penalty

    for feature in range(d):
        step = 1e-6 * np.eye(d)[feature]
        slope = (loss(us + step) - loss(us - step)) / 2e-6
        [index] = [symbol for symbol in right.free_symbols if str(symbol) == "l"]
        found = right.subs(index, feature + 1).doit().subs(values)
        assert float(found) == pytest.approx(slope, rel=1e-6)


def test_with_columns_as_long_as_root_n_step_8_is_plain_ridge_and_else_not():
    *_, last = ridge_steps(2, 2, Rational(3, 10))
    ratio, rng = 0.7 / 0.3, np.random.default_rng(1)
    us = rng.normal(size=2)
    values = {u[1]: us[0], u[2]: us[1]}
    for lengths, is_plain in (((2**0.5, 2**0.5), True), ((1.0, 2.0), False)):
        sides = [
            float(side.doit().subs(values | {gamma[1]: lengths[0], gamma[2]: lengths[1]}))
            for side in (last.equation.lhs, last.equation.rhs)
        ]
        assert sides[1] == pytest.approx(ratio * 2 * np.sum(us**2))
        assert (abs(sides[0] - sides[1]) < 1e-12) == is_plain


def test_equations_can_be_written():
    for step in ridge_steps(2, 2):
        assert r"\sum" in latex(step.equation) or "delta" in latex(step.equation)
        assert step.reason.endswith(".") or step.reason.endswith(").")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, 2), "n must"), ((2, 1.5), "d must"), ((4, 2), "n · d"), ((1, 1, 1.5), "keep must"),
     ((1, 1, "1/2", "wrong"), "variant must")],
)  # fmt: skip
def test_bad_arguments_are_refused(arguments, named):
    with pytest.raises(ValueError, match=named):
        ridge_steps(*arguments)
