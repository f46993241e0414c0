"""Right answers are accepted in any form; checking never hangs, never raises and never warns."""

import itertools
import re
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from dropout_lib import masks
from dropout_lib.course.exercises import (
    CORRECT,
    EXERCISES,
    NOT_DONE_YET,
    NOT_QUITE,
    Exercise,
    check,
)
from dropout_lib.course.exercises.answers import plain, same
from dropout_lib.course.exercises.masks import INVERTED_DROPOUT

FLOOR = EXERCISES["error_floor"].reference
MOMENTS = EXERCISES["moments_of_errors"].reference
x, y = sympy.symbols("x y", positive=True)


def answering(exercise, answer):
    """The answer, or a function that returns it."""
    return (lambda *_case: answer) if exercise.arguments else answer


# Any form of a right answer

FORMS = [
    lambda value: Decimal(str(value)),
    Fraction,
    complex,
    np.complex64,
    np.float32,
    np.float16,
    np.longdouble,
    lambda value: np.array(value),
    lambda value: np.array([value]),
    lambda value: np.array([[value]]),
    lambda value: [value],
    lambda value: np.array(Decimal(str(value))),
    sympy.Float,
    sympy.Rational,
    lambda value: sympy.sqrt(sympy.Float(value) ** 2),
    lambda value: np.array([sympy.Float(value)]),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_right_number_is_correct_in_any_form_and_a_wrong_one_in_none(form):
    assert check("error_floor", lambda *case: form(float(FLOOR(*case)))).outcome == CORRECT
    wrong = check("error_floor", lambda *case: form(float(FLOOR(*case)) + 0.5))
    assert wrong.outcome == NOT_QUITE
    assert "trials went wrong" in wrong.message  # its value is spoken of, not its type


@pytest.mark.parametrize(
    "form",
    [list, np.array, lambda two: np.array(two, object), lambda two: sympy.Tuple(*two)],
)
def test_two_results_are_accepted_in_any_container(form):
    assert check("moments_of_errors", lambda errors: form(MOMENTS(errors))).outcome == CORRECT
    swapped = check("moments_of_errors", lambda errors: form(MOMENTS(errors)[::-1]))
    assert swapped.message == "you swapped the two."


@pytest.mark.parametrize("form", [set, str, lambda two: dict(enumerate(two)), lambda two: two[0]])
def test_what_has_no_order_or_is_one_thing_is_no_two_results(form):
    feedback = check("moments_of_errors", lambda errors: form(MOMENTS(errors)))
    assert "2 results, `(v, c)`, are expected; y" in feedback.message


@pytest.mark.parametrize("entry", [Decimal, lambda text: Fraction(text), sympy.Rational, complex])
def test_entries_of_an_array_may_be_numbers_of_any_kind(entry):
    assert check("mask_by_hand", [entry("0.6"), entry("-1.2"), 0]).outcome == CORRECT
    assert check("mask_by_hand", [entry("0.6"), entry("1.2"), 0]).outcome == NOT_QUITE


def test_low_precision_is_named_where_it_is_not_enough():
    feedback = check("error_floor", lambda *case: np.float16(FLOOR(*case) * 1.02))
    assert feedback.message.endswith("Yours is in float16, which has 3 digits only.")
    assert "digits" not in check("error_floor", lambda *case: FLOOR(*case) * 1.02).message


@given(st.floats(0.1, 1e6), st.sampled_from(FORMS[:4]), st.floats(1e-4, 0.5))
def test_values_decide_whatever_the_form(value, form, off):
    assert same(plain(form(value)), plain(value))
    assert not same(plain(form(value * (1 + off))), plain(value))


# The exercise in SymPy


def logit(weights, n):
    W, v, b = sympy.symbols(f"W:{n}"), sympy.symbols(f"v:{n}"), sympy.Symbol("b")
    each = [
        sum(W[i] * int(mask[i]) * v[i] for i in range(n)) + b for mask in masks.enumerate_masks(n)
    ]
    return sum(weight * one for weight, one in zip(weights, each, strict=True))


@pytest.mark.parametrize("convert", [float, Fraction, sympy.Rational, sympy.nsimplify])
def test_the_mean_logit_may_be_exact_or_in_floats_expanded_or_not(convert):
    def answer(n, keep):
        keep = convert(keep)
        kinds = masks.enumerate_masks(n)
        return logit([sympy.prod([keep if e else 1 - keep for e in mask]) for mask in kinds], n)

    assert check("mean_logit", answer).outcome == CORRECT
    assert check("mean_logit", lambda n, keep: sympy.expand(answer(n, keep))).outcome == CORRECT


def test_the_mean_logit_may_take_its_weights_from_the_library():
    def answer(n, keep):
        return logit(masks.mask_probabilities(masks.enumerate_masks(n), keep), n)

    assert check("mean_logit", answer).outcome == CORRECT


def test_a_fraction_is_shown_as_one():
    exercise = Exercise(
        "half", lambda keep: keep / 2, (), "Halve it.", "Yes.", ((Fraction(3, 10),),)
    )
    details = exercise.check(lambda keep: keep).details
    assert "keep     3/10" in details
    assert "Fraction" not in details


# Never hanging


def expression_exercise(expected):
    return Exercise("expression", lambda: expected, (), "Think.", "Yes.")


def sigmoid(z):
    return 1 / (1 + sympy.exp(-z))


LONG = x
for _ in range(40):  # written out it has more than 2⁴⁰ parts
    square = sympy.Mul(LONG, LONG, evaluate=False)
    LONG = sympy.Mul(sympy.S.Half, sympy.Add(LONG, square, evaluate=False), evaluate=False)

EQUAL = {
    "log-sigmoids": (
        sympy.log(sigmoid(x)) + sympy.log(sigmoid(y)) - sympy.log(sigmoid(-x)),
        x - sympy.log(1 + sympy.exp(-y)),
    ),
    "many log-sigmoids": (
        sum(sympy.log(sigmoid(i * x - y)) for i in range(1, 12)),
        -sum(sympy.log(1 + sympy.exp(y) * sympy.exp(-i * x)) for i in range(1, 12)),
    ),
    "nested radicals": (
        sympy.sqrt(x + 2 * sympy.sqrt(x * y) + y) * x,
        (sympy.sqrt(x) + sympy.sqrt(y)) * x,
    ),
    "huge powers": ((x ** (10**9)) ** 2 * y, x ** (2 * 10**9) * y),
    "floats": (0.1 * x + 0.2 * x - 0.3 * x + y, y),
    "a long one": (
        sympy.Add(LONG, y, evaluate=False),
        sympy.Add(y, sympy.Mul(LONG, 1, evaluate=False), evaluate=False),
    ),
}


@pytest.mark.parametrize("answer", EQUAL)
def test_equal_expressions_are_equal_however_hard_to_simplify(answer):
    one, other = EQUAL[answer]
    assert expression_exercise(other).check(one).outcome == CORRECT
    feedback = expression_exercise(other).check(sympy.Add(one, x / 1000, evaluate=False))
    assert feedback.outcome == NOT_QUITE
    assert len(feedback.details) < 2000


def test_an_expression_too_long_to_print_is_not_shown():
    message = check("error_floor", lambda *_: EQUAL["a long one"][0]).message
    assert re.search(r"\(an expression of [\d,]{15,} parts\)", message)
    exercise = Exercise("long", lambda n: y * n + x, (), "Think.", "Yes.", ((1,),))
    shown = exercise.check(lambda *_: EQUAL["a long one"][0])
    assert "yours    (an expression of" in shown.details


def test_signs_and_logarithms_are_not_taken_for_positive():
    a, b = sympy.symbols("a b")
    assert expression_exercise(sympy.sqrt(a**2) + b).check(a + b).outcome == NOT_QUITE
    assert expression_exercise(sympy.Abs(a) + b).check(a + b).outcome == NOT_QUITE


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (sympy.Integral(sympy.exp(-(x**x)), (x, 0, y)), "Integral"),
        (sympy.Sum(1 / x**x, (x, 1, sympy.oo)), "Sum"),
        (x + sympy.Integral(sympy.sin(x) ** x, (x, 0, 1)), "Integral"),
        (sympy.Derivative(x**x, x), "Derivative"),
    ],
)
def test_what_is_not_worked_out_is_said_to_be_so(answer, name):
    for feedback in (expression_exercise(x).check(answer), check("mask_by_hand", [answer, 1, 2])):
        assert f"yours could not be compared, because it holds `{name}`" in feedback.message


def test_an_expression_without_any_finite_value_is_not_compared():
    feedback = expression_exercise(x).check(x * 10 ** sympy.Integer(400) * 10**10)
    assert "because its values are not finite" in feedback.message


# Never raising


class Hostile:
    """An object all of whose methods raise; `__array__` asks for something first."""

    def __init__(self, error):
        self.error = error

    def fail(self, *_arguments, **_named):
        raise self.error

    __array__ = __len__ = __iter__ = __eq__ = __bool__ = __float__ = __complex__ = fail
    __repr__ = __sub__ = __rsub__ = __getitem__ = __lt__ = __index__ = __abs__ = fail
    __hash__ = None


class Wordless(Exception):
    """Its text cannot be had."""

    def __str__(self):
        raise ValueError


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
@pytest.mark.parametrize("error", [RuntimeError("detach it first."), TypeError(), Wordless()])
def test_an_answer_that_cannot_be_converted_is_told_in_one_sentence(exercise, error):
    words = rf"yours could not be compared, because of {type(error).__name__}|because of .*Wordless"
    for answer in (Hostile(error), [Hostile(error), 1.0], (Hostile(error),) * 2):
        feedback = exercise.check(answering(exercise, answer))
        assert feedback.outcome == NOT_QUITE
        assert re.search(words, feedback.message)
        assert not re.search(r"\.\.|[.:]\.$", feedback.message)


def test_a_list_that_holds_itself_is_not_quite():
    endless = [1]
    endless.append(endless)
    assert check("mask_by_hand", endless).outcome == NOT_QUITE


ODD = [
    {}, "text", b"x", object(), type, print, range(3), iter([1, 2]), itertools.count(), 10**400,
    float("nan"), sympy.nan, sympy.zoo, sympy.oo, sympy.Symbol("q"), sympy.true, sympy.I,
    sympy.Matrix([[1, 2], [3, 4]]), sympy.Eq(x, y), Decimal("NaN"), Decimal("sNaN"), np.datetime64("NaT"),
    np.ma.masked, np.array([]), [], (), [[], [1]], [None, 1], np.array([{}, 1], object), Ellipsis, None,
    np.zeros(2, dtype=[("a", int)]), True, sympy.Interval(0, 1), lambda: 1,
]  # fmt: skip


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_odd_answer_raises_warns_or_is_correct(exercise):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for odd in (*ODD, *((odd, odd) for odd in ODD)):
            feedback = exercise.check(answering(exercise, odd))
            assert feedback.outcome != CORRECT
            assert repr(feedback)
            assert feedback._repr_html_()


# Never warning


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_warning_stands_above_the_feedback(exercise, number):
    def spoilt(output):
        if isinstance(output, tuple):
            return tuple(map(spoilt, output))
        with np.errstate(invalid="ignore"):
            return output * number

    def answer(*case):
        return spoilt(exercise.reference(*case))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert exercise.check(answer if exercise.arguments else answer()).outcome == NOT_QUITE
        for pitfall in exercise.pitfalls:
            exercise._run(pitfall.wrong)


def test_a_division_by_zero_of_the_learners_is_told_instead_of_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        feedback = check("inverted_dropout", lambda h, mask, keep: h * mask / (mask * keep))
    assert "Yours is not finite everywhere" in feedback.message


# Gaps and words


@pytest.mark.parametrize(
    "body",
    [
        "(...).sum()",
        "np.exp(...)",
        "np.array([..., 1])",
        "h * float(...)",
        "masks.mask_probabilities(..., keep)",
        "sympy.sympify(...)",
        "([1, ...], 2)",
    ],
)
def test_a_gap_that_the_code_trips_over_is_not_done_yet(body):
    names = {"np": np, "masks": masks, "sympy": sympy}
    answer = eval(f"lambda h, mask, keep: {body}", names)
    assert check("inverted_dropout", answer).outcome == NOT_DONE_YET


def test_the_text_of_an_error_that_is_a_sentence_ends_once():
    def answer(*_case):
        raise ValueError("That is not allowed.")

    message = check("inverted_dropout", answer).message
    assert message.endswith("with ValueError: That is not allowed.")
    assert ".," not in message


def all_texts(exercise):
    yield f"x. {exercise.hint}"
    yield exercise.lesson
    yield from (pitfall.hint for pitfall in exercise.pitfalls)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_a_sentence_begins_with_a_capital_after_a_full_stop(exercise):
    for text in all_texts(exercise):
        assert not re.search(r"[.?!] [a-z]", text), text


def test_stressed_words_are_shown_stressed_or_plain_and_products_as_they_are():
    hint = "`k*v*c`: pairs of *different* members, and 2*x*y"
    feedback = Exercise("e", lambda: 1, (), hint, "Yes.").check(2)
    assert "<em>different</em> members, and 2*x*y" in feedback._repr_html_()
    assert "<code>k*v*c</code>" in feedback._repr_html_()
    assert "`k*v*c`: pairs of different members, and 2*x*y" in repr(feedback)


def test_long_names_stand_apart_from_their_values():
    details = check("error_floor", lambda *_case: 7.0).details
    assert re.search(r"^correlation 0\.3$", details, re.MULTILINE)
    assert re.search(r"^bias        0\.5$", details, re.MULTILINE)


def test_twice_is_answered_with_more_than_was_typed():
    message = check("survivors", lambda h, mask: h * mask * 2).message
    assert "another share" in message


def test_subtracted_means_are_named():
    def answer(errors):
        covariances = np.cov(errors)
        off = covariances[~np.eye(len(covariances), dtype=bool)].mean()
        return np.mean(errors**2), off

    assert "you subtracted the means" in check("moments_of_errors", answer).message


def test_the_inverted_dropout_of_the_cases_is_not_changed_by_float16():
    feedback = INVERTED_DROPOUT.check(lambda h, mask, keep: (h * mask / keep).astype(np.float16))
    assert feedback.outcome == CORRECT
