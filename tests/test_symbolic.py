"""The derivations: each check against numbers put into the equation, and against slips put in."""

import ast
import dataclasses
import math
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy
from all_masks import weighted_masks
from matplotlib.mathtext import MathTextParser
from sympy import Add, Eq, Indexed, Mul, Pow, Product, Rational, Sum, Symbol

import dropout_lib
from dropout_lib.derivations import (
    VARIANTS,
    Step,
    first_break,
    geometric_mean_steps,
    latex,
    linearity_steps,
    logistic_steps,
)
from dropout_lib.derivations.compare import Comparison, finite_sums
from dropout_lib.derivations.notation import (
    P,
    W,
    Z,
    b,
    i,
    keeps,
    m,
    mask_values,
    mu,
    p,
    v,
    y,
    y_other,
    z,
)
from dropout_lib.masks import enumerate_masks

HALF = Rational(1, 2)
KEEPS = [HALF, Rational(3, 10), [Rational(1, 5), Rational(9, 10), HALF, Rational(2, 3)]]
VERDICTS = {  # variant -> the numbers of the steps that fail, for keep = ½
    "correct": [],
    "2n-th root": [1, 7, 8],
    "half the bias": [7, 8],
    "equally weighted": [],
    "constant denominator": [5],
}


def failing(steps):
    return [int(step.title.split(":")[0]) for step in steps if step.check() != 0]


# Numbers in the place of symbols: an evaluation that knows nothing of `compare`


class Numbers:
    """Evaluate an expression with random numbers for W, b and v, by loops over its indices."""

    def __init__(self, n, classes, keep, seed=0):
        rng = np.random.default_rng(seed)
        self.n, self.classes = n, classes
        self.keeps = [float(k) for k in np.broadcast_to(keep, n)]
        self.W, self.b = rng.normal(size=(n, classes)), rng.normal(size=classes)
        self.v, self.w = rng.normal(size=n), rng.normal(size=n)
        self.masks, self.p = zip(*weighted_masks(self.keeps), strict=True)
        self.g = rng.normal(size=(n + 1, 2))

    def logit(self, mask, label):
        weights = self.w if label is None else self.W[:, label - 1]
        bias = 0.3 if label is None else self.b[label - 1]
        entries = zip(self.masks[mask], self.v, weights, strict=True)
        return bias + sum(bit * v_i * w for bit, v_i, w in entries)

    def normaliser(self, mask):
        return sum(math.exp(self.logit(mask, label)) for label in range(1, self.classes + 1))

    def indexed(self, name, *at):
        if name == "W":
            return self.w[at[0] - 1] if len(at) == 1 else self.W[at[0] - 1, at[1] - 1]
        if name == "P":
            return math.exp(self.logit(*at)) / self.normaliser(at[0])
        return {
            "b": lambda label: self.b[label - 1],
            "v": lambda unit: self.v[unit - 1],
            "mu": lambda mask, unit: self.masks[mask][unit - 1],
            "p": lambda mask: self.p[mask],
            "keep": lambda unit: self.keeps[unit - 1],
            "z": lambda mask, label=None: self.logit(mask, label),
            "Z": self.normaliser,
            "g": lambda unit, outcome: self.g[unit - 1, outcome],
        }[name](*at)

    def __call__(self, expression, **symbols):
        """The value of an expression with these values of its free symbols."""
        if isinstance(expression, (Sum, Product)):
            *inner, (index, low, high) = expression.limits
            body = expression.func(expression.function, *inner) if inner else expression.function
            span = range(int(self(low, **symbols)), int(self(high, **symbols)) + 1)
            terms = [self(body, **(symbols | {index.name: at})) for at in span]
            return math.fsum(terms) if isinstance(expression, Sum) else math.prod(terms)
        if isinstance(expression, Indexed):
            at = [int(self(index, **symbols)) for index in expression.indices]
            return self.indexed(str(expression.base), *at)
        if isinstance(expression, Symbol):
            return symbols[expression.name]
        if expression.is_Rational:
            return int(expression) if expression.is_Integer else float(expression)
        values = [self(part, **symbols) for part in expression.args]
        if isinstance(expression, Add):
            return math.fsum(values)
        if isinstance(expression, Mul):
            return math.prod(values)
        if isinstance(expression, Pow):
            return values[0] ** values[1]
        return {sympy.exp: math.exp, sympy.log: math.log}[expression.func](*values)


def largest_gap(step, numbers, **symbols):
    """The largest |left − right| over all classes and masks that the equation leaves open."""
    free = {symbol.name for symbol in step.equation.free_symbols}
    classes, masks = range(1, numbers.classes + 1), range(2**numbers.n)
    spans = {"y": classes, "y'": classes, "m": masks} | {name: [x] for name, x in symbols.items()}
    spans = {name: span for name, span in spans.items() if name in free}
    gaps = []
    for values in product(*spans.values()):
        at = dict(zip(spans, values, strict=True))
        left, right = (numbers(side, **at) for side in step.equation.args)
        gaps.append(abs(left - right))
    return max(gaps)


@pytest.mark.claim("G01", "G03", "G04", "G05", "G08")
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("keep", KEEPS, ids=["1/2", "3/10", "per unit"])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_check_is_zero_exactly_where_the_numbers_agree(n, keep, variant):
    keep = keep[:n] if isinstance(keep, list) else keep
    numbers = Numbers(n, 2, keep)
    for step in geometric_mean_steps(n, 2, keep, variant):
        largest = largest_gap(step, numbers, q=0.37)
        residual = step.check()
        if residual == 0:
            assert largest < 1e-12, step.title
        else:
            assert largest > 1e-6, step.title


@pytest.mark.parametrize("keep", KEEPS[1:], ids=["3/10", "per unit"])
def test_the_logistic_equations_hold_in_numbers(keep):
    for step in logistic_steps(4, keep):
        assert step.check() == 0
        assert largest_gap(step, Numbers(4, 1, keep), b=0.3, G=0.37) < 1e-12


def test_the_equations_for_any_number_of_units_hold_in_numbers():
    """For three units; from step 5 on with masks that are not drawn unit by unit."""
    for step in linearity_steps():
        assert any_n_gap(step) < 1e-12, step.title


def any_n_gap(step):
    """The largest gap for three units: those of step 2 are the two before the last one."""
    numbers = Numbers(3, 2, KEEPS[2][:3])
    number = int(step.title[0])
    if number >= 5:
        numbers.p = np.random.default_rng(1).dirichlet(np.ones(8))
        numbers.keeps = (numbers.p @ np.array(numbers.masks)).tolist()
    return max(
        largest_gap(step, numbers, n=2 if number == 2 else 3, i=unit, j=unit) for unit in (1, 2, 3)
    )


@pytest.mark.parametrize("number", [3, 4])
def test_the_products_are_sums_over_all_masks(number):
    """With any g in the place of keep and 1 − keep, which add up to 1 and would hide a factor."""
    numbers = Numbers(3, 2, KEEPS[2][:3])
    t, j = sympy.symbols("t j", integer=True)
    g = sympy.IndexedBase("g", real=True)
    product_form = linearity_steps()[number - 1].equation.lhs
    for unit in (i, j):
        chance = {keeps[unit] ** t: g[unit, t], (1 - keeps[unit]) ** (1 - t): sympy.Integer(1)}
        product_form = product_form.xreplace(chance)
    assert not product_form.has(keeps)
    for unit in (1, 2, 3):
        total = math.fsum(
            (mask[unit - 1] if number == 4 else 1)
            * math.prod(numbers.g[at, outcome] for at, outcome in enumerate(mask))
            for mask in product((0, 1), repeat=3)
        )
        assert numbers(product_form, n=3, j=unit) == pytest.approx(total)


# What the derivations say


@pytest.mark.claim("G03")
@pytest.mark.parametrize(("n", "classes"), [(1, 1), (1, 3), (2, 2), (3, 1), (3, 3), (4, 3)])
def test_every_step_from_7_54_to_7_66_holds(n, classes):
    steps = geometric_mean_steps(n, classes)
    assert [step.check() for step in steps] == [0] * 8
    assert first_break(steps) is None


@pytest.mark.claim("G03", "G05")
@pytest.mark.parametrize("keep", [HALF, Symbol("keep"), sympy.symbols("k1:4")])
def test_the_steps_follow_from_one_another(keep):
    """The right side of one is the left side of the next, up to what the symbols stand for."""
    steps = dict(enumerate(geometric_mean_steps(3, 2, keep), start=1))
    assert [step.title.split(":")[0] for step in steps.values()] == list("12345678")
    links = [(3, 4), (6, 7)]
    for earlier, later in links:
        compare = steps[later].compare
        assert compare(steps[earlier].equation.rhs, steps[later].equation.lhs) == 0
    compare = steps[4].compare
    top_over_below = steps[4].equation.rhs
    top = steps[6].equation.lhs
    rival = top.xreplace({y: y_other})
    assert compare(top_over_below / top_over_below.xreplace({y: y_other}), top / rival) == 0
    assert compare(steps[5].equation.rhs, top / rival) == 0
    final = steps[7].equation.rhs
    ratio = final / final.xreplace({y: y_other})
    end = steps[8].equation.rhs
    assert compare(end / end.xreplace({y: y_other}), ratio) == 0


@pytest.mark.claim("G05")
@pytest.mark.parametrize(
    "keep", [Symbol("keep"), sympy.symbols("k1:5"), "3/10", 0.3, 1, [0.2, Symbol("k"), 1, 0.9]]
)
def test_every_step_holds_for_every_keep(keep):
    assert failing(geometric_mean_steps(4, 2, keep)) == []


@pytest.mark.claim("G01")
def test_the_2n_th_root_agrees_for_one_and_two_units_and_fails_for_three():
    for n in (1, 2):
        right, slip = (geometric_mean_steps(n, 2, HALF, name) for name in VARIANTS[:2])
        assert [step.equation for step in slip] == [step.equation for step in right]
        assert first_break(slip) is None
    for n, too_much in ((3, Rational(1, 3)), (4, 1)):
        broken = first_break(geometric_mean_steps(n, 2, HALF, "2n-th root"))
        assert broken.title.startswith("1:")
        assert broken.check() == too_much * sympy.log(Symbol("q", positive=True))


@pytest.mark.claim("G01", "G04", "G05", "G08")
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_slip_fails_where_it_is_made(variant):
    assert failing(geometric_mean_steps(3, 2, HALF, variant)) == VERDICTS[variant]
    wanted = [7, 8] if variant == "equally weighted" else VERDICTS[variant]
    assert failing(geometric_mean_steps(3, 2, 0.3, variant)) == wanted
    assert failing(geometric_mean_steps(3, 2, [0.3, 0.5, 0.9], variant)) == wanted


def test_the_residual_says_what_is_wrong():
    def residual(variant, keep):
        return first_break(geometric_mean_steps(2, 2, keep, variant)).check()

    k = Symbol("keep")
    weighted = W[1, y] * v[1] + W[2, y] * v[2]
    assert residual("half the bias", HALF) == b[y] / 2
    assert sympy.expand(residual("half the bias", k) - (1 - k) * b[y]) == 0
    assert sympy.expand(residual("equally weighted", k) - (HALF - k) * weighted) == 0
    nothing_kept = sympy.exp(b[1]) + sympy.exp(b[2])
    constant = residual("constant denominator", HALF)
    assert constant.subs({mu[m, 1]: 0, mu[m, 2]: 0}) == 0
    assert constant.subs({mu[m, 1]: 1, mu[m, 2]: 0}) == sympy.log(
        sympy.exp(W[1, 1] * v[1] + b[1]) + sympy.exp(W[1, 2] * v[1] + b[2])
    ) - sympy.log(nothing_kept)


@pytest.mark.claim("G05")
def test_for_any_number_of_units_every_step_holds():
    steps = linearity_steps()
    assert [step.check() for step in steps] == [0] * 8
    n = Symbol("n", integer=True, positive=True)
    assert all(step.equation.has(n) for step in steps[1:])  # not for one number


@pytest.mark.claim("G07")
@pytest.mark.parametrize("n", [1, 3, 4])
@pytest.mark.parametrize("keep", [HALF, 0.3, Symbol("keep")])
def test_the_mean_of_logistic_units_is_a_logistic_unit(n, keep):
    assert [step.check() for step in logistic_steps(n, keep)] == [0] * 5


# A check that cannot fail checks nothing


def slips(expression):
    """The same expression with one thing changed, in several ways."""
    yield 2 * expression
    for old, new in (
        (W[i, y], -W[i, y]),
        (W[i], -W[i]),
        (v[i], v[i] ** 2),
        (b[y], b[y] / 2),
        (b[y], b[y_other]),
        (mu[m, i], 1),
        (mu[m, i], 1 - mu[m, i]),
        (p[m], p[m] ** 2),
        (keeps[i], 1 - keeps[i]),
        (P[m, y], P[m, y_other]),
        (z[m, y], 2 * z[m, y]),
        (z[m], 2 * z[m]),
        (Z[m], Z[0]),
        (HALF, Rational(1, 3)),
        (Rational(3, 10), Rational(7, 10)),
        (Rational(1, 8), Rational(1, 6)),
    ):
        changed = expression.xreplace({old: sympy.sympify(new)})
        if changed != expression:
            yield changed
    bias = Symbol("b", real=True)  # of the logistic unit; also the name of the indexed b
    if not expression.has(b) and expression.has(bias):
        yield expression.xreplace({bias: bias / 2})


@pytest.mark.parametrize(
    ("steps", "gap"),
    [
        (geometric_mean_steps(3, 2), lambda step: largest_gap(step, Numbers(3, 2, HALF), q=0.37)),
        (
            geometric_mean_steps(3, 2, [0.2, 0.3, 0.9]),
            lambda step: largest_gap(step, Numbers(3, 2, [0.2, 0.3, 0.9]), q=0.37),
        ),
        (
            logistic_steps(2, [0.2, 0.9]),
            lambda step: largest_gap(step, Numbers(2, 1, [0.2, 0.9]), b=0.3, G=0.37),
        ),
        (linearity_steps(), any_n_gap),
    ],
    ids=["1/2", "per unit", "logistic", "any n"],
)
def test_a_check_finds_each_slip_that_makes_the_numbers_differ(steps, gap):
    for step in steps:
        n_found = 0
        left, right = step.equation.args
        for sides in [(left, slip) for slip in slips(right)] + [
            (slip, right) for slip in slips(left)
        ]:
            changed = dataclasses.replace(step, equation=Eq(*sides, evaluate=False))
            differs = gap(changed) > 1e-9
            assert (changed.check() != 0) == differs, f"{step.title}: {changed.equation}"
            n_found += differs
        assert n_found >= 2, step.title


def test_a_distribution_that_does_not_add_up_to_one_is_found():
    share = sympy.exp(b[y]) / Sum(sympy.exp(b[y_other]), (y_other, 1, 2))
    compare = Comparison().distribution(y, 2)
    assert compare(share, share) == 0
    assert compare(2 * share, share) == 1
    assert compare(share, share / 2) == -HALF
    wrong = sympy.exp(2 * b[y]) / Sum(sympy.exp(2 * b[y_other]), (y_other, 1, 2))
    assert compare(share, wrong) != 0


def test_sums_and_products_of_known_length_are_written_out():
    compare = Comparison({"mu": lambda mask, unit: mask + unit})
    assert compare.difference(Product(v[i], (i, 1, 3)), v[1] * v[2] * v[3]) == 0
    assert compare.difference(Sum(v[i], (i, 1, 3)), v[1] + v[2] + v[3]) == 0
    assert compare.difference(Sum(mu[2, i], (i, 1, 3)), sympy.Integer(12)) == 0
    both = Sum(mu[m, i], (i, 1, 2), (m, 0, 1))
    assert compare.difference(both, sympy.Integer(1 + 2 + 2 + 3)) == 0
    n = Symbol("n", integer=True, positive=True)
    assert compare.difference(Sum(v[i], (i, 1, n)), v[1]) != 0


def test_masks_are_numbered_as_they_are_listed():
    values = mask_values(sympy.symbols("k1:4"))
    table = [
        [values["mu"](sympy.Integer(r), sympy.Integer(c + 1)) for c in range(3)] for r in range(8)
    ]
    assert np.array_equal(np.array(table, dtype=int), enumerate_masks(3))
    k1, k2, k3 = sympy.symbols("k1:4")
    assert values["p"](sympy.Integer(3)) == (1 - k1) * k2 * k3


def test_the_rules_for_sums_of_unknown_length():
    n = Symbol("n", integer=True, positive=True)
    k = Symbol("k", integer=True)
    compare = finite_sums()
    both = Sum(W[i, k] * v[i], (i, 1, n), (k, 1, n))
    assert compare(Sum(Sum(W[i, k], (k, 1, n)) * v[i], (i, 1, n)), both) == 0
    assert compare(Sum(v[i] * Sum(W[i, k], (i, 1, n)), (k, 1, n)), both) != 0  # another i
    assert compare(Sum(v[i] + b[i], (i, 1, n)), Sum(v[i], (i, 1, n)) + Sum(b[i], (i, 1, n))) == 0
    assert compare(Sum(2 * v[i], (i, 1, n)), 2 * Sum(v[i], (i, 1, n))) == 0
    assert compare(Sum(v[i], (i, 1, n)), Sum(v[i], (i, 0, n))) != 0
    assert compare(Sum(v[i], (i, 1, n)) ** 2, Sum(v[i] ** 2, (i, 1, n))) != 0
    product_of_sums = Sum(v[i], (i, 1, n)) * Sum(b[i], (i, 1, n))
    assert compare(product_of_sums, Sum(v[i] * b[i], (i, 1, n))) != 0


# Arguments, and what a notebook shows


@pytest.mark.parametrize(
    "keep", [Rational(3, 10), 0.3, "0.3", "3/10", Fraction(3, 10), np.float64(0.3), np.array(0.3)]
)
def test_keep_is_taken_exactly(keep):
    wanted = [step.equation for step in geometric_mean_steps(2, 2, Rational(3, 10))]
    assert [step.equation for step in geometric_mean_steps(2, 2, keep)] == wanted


@pytest.mark.parametrize("keep", [HALF, 0.5, "1/2", [0.5, 0.5], (HALF, 0.5), np.full(2, 0.5)])
def test_a_half_is_the_root_of_the_book(keep):
    wanted = [step.equation for step in geometric_mean_steps(2, 2)]
    assert [step.equation for step in geometric_mean_steps(2, 2, keep)] == wanted
    assert not any(equation.has(p) for equation in wanted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be a whole number from 1 to 6"),
        ({"n": 7}, "n must be a whole number from 1 to 6"),
        ({"n": 2.0}, "n must be a whole number"),
        ({"classes": 0}, "classes must be a whole number from 1 to 6"),
        ({"variant": "wrong"}, "variant must be one of 'correct', '2n-th root'"),
        ({"keep": 0}, r"keep must be a number in \(0, 1\].*got 0"),
        ({"keep": 1.5}, r"keep must be a number in \(0, 1\].*got 1.5"),
        ({"keep": float("nan")}, r"keep must be a number in \(0, 1\].*got nan"),
        ({"keep": True}, r"keep must be a number in \(0, 1\].*got True"),
        ({"keep": "half"}, r"keep must be a number in \(0, 1\].*got 'half'"),
        ({"keep": None}, r"keep must be a number in \(0, 1\].*got None"),
        ({"keep": [0.5]}, "keep must be one number, or 2, one per unit"),
        ({"keep": [0.5, 0]}, r"keep\[1\] must be a number in \(0, 1\]"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        geometric_mean_steps(**({"n": 2, "classes": 2} | arguments))
    if not {"classes", "variant"} & set(arguments):
        with pytest.raises(ValueError, match=message):
            logistic_steps(**({"n": 2} | arguments))


def every_step():
    for keep in (HALF, [0.1, 0.2, Symbol("k")]):
        yield from logistic_steps(3, keep)
        for variant in VARIANTS:
            yield from geometric_mean_steps(3, 2, keep, variant)
    yield from linearity_steps()


def test_matplotlib_can_draw_every_equation_and_every_residual():
    parser = MathTextParser("path")
    steps = list(every_step())
    residuals = {latex(step.check()) for step in steps}
    for formula in residuals | {step.latex for step in steps}:
        parser.parse(f"${formula}$")


def test_a_sum_in_an_exponent_is_written_in_full_size():
    x, n = Symbol("x"), Symbol("n")
    assert latex(sympy.exp(z[m])) == "e^{{z}_{m}}"
    assert latex(sympy.exp(x + 1)) == r"\exp\left(x + 1\right)"
    assert latex(1 / sympy.exp(Sum(x, (i, 1, n)))).count(r"\exp\left(") == 1
    assert "e^" not in geometric_mean_steps(3, 2)[6].latex


def test_titles_and_reasons_are_one_line():
    for step in every_step():
        assert step.title
        assert step.reason.endswith(".")
        assert len(step.title) <= 60
        assert len(step.reason) <= 110
        assert "\n" not in step.title + step.reason


def test_a_step_shows_itself_with_its_verdict():
    right = Step("1: one", Eq(W[1], W[1], evaluate=False), "Because.", Comparison().difference)
    assert right._repr_markdown_() == "**1: one** ✓\n\nBecause.\n\n$${W}_{1} = {W}_{1}$$"
    wrong = dataclasses.replace(right, equation=Eq(W[1], 3, evaluate=False))
    assert "**1: one** ✗, residual ${W}_{1} - 3$" in wrong._repr_markdown_()
    assert first_break([right, wrong, right]) is wrong
    assert first_break([]) is None


def test_only_this_package_imports_sympy():
    root = Path(dropout_lib.__file__).parent
    importing = set()
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            if any(module.split(".")[0] == "sympy" for module in modules):
                importing.add(file.relative_to(root).parts[0])
    assert importing == {"derivations"}


def test_it_loads_neither_matplotlib_nor_ipywidgets():
    code = (
        "import sys, dropout_lib.derivations; "
        "print([m for m in ('matplotlib', 'ipywidgets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
