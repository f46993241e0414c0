"""Feedback on exercises: stubs are not done, solutions are correct, each mistake has its hint."""

import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
import sympy

from dropout_lib.course import exercises
from dropout_lib.course.exercises import (
    CORRECT,
    EXERCISES,
    NOT_DONE_YET,
    NOT_QUITE,
    Exercise,
    Feedback,
    Pitfall,
    check,
)
from dropout_lib.course.exercises.answers import plain, same

STUBS = {
    "mask_by_hand": "answer = ...",
    "expected_kept": """
def answer(n_units, keep):
    return ...
""",
    "mean_absolute_correlation": """
def answer(h):
    return ...
""",
    "survivors": """
def answer(h, mask):
    return ...
""",
    "inverted_dropout": """
def answer(h, mask, keep):
    return ...
""",
    "backward_mask": """
def answer(grad_out, mask, keep):
    return ...
""",
    "backward_scale": """
def answer(x, W1, W2, mask, keep, grad_out):
    return ...
""",
}

SOLUTIONS = {
    "mask_by_hand": "answer = [0.6, -1.2, 0]",
    "expected_kept": """
def answer(n_units, keep):
    return n_units * keep
""",
    "mean_absolute_correlation": """
def answer(h):
    c = np.corrcoef(h.T)
    return np.abs(c[~np.eye(len(c), dtype=bool)]).mean()
""",
    "survivors": """
def answer(h, mask):
    return h * mask * len(mask) / mask.sum()
""",
    "inverted_dropout": """
def answer(h, mask, keep):
    return h * mask / keep
""",
    "backward_mask": """
def answer(grad_out, mask, keep):
    return grad_out * mask / keep
""",
    "backward_scale": """
def answer(x, W1, W2, mask, keep, grad_out):
    hidden = np.maximum(x @ W1, 0)
    dropped = hidden * mask / keep
    grad_W2 = dropped.T @ grad_out
    grad_hidden = grad_out @ W2.T * mask / keep
    grad_W1 = x.T @ (grad_hidden * (hidden > 0))
    return grad_W1, grad_W2
""",
}

# The two bugs as a learner meets them, and a piece of the hint for handing one in as it is.
BUGS = {
    "backward_mask": (
        """
def answer(grad_out, mask, keep):
    return grad_out / keep
""",
        "the mask is still missing",
    ),
    "backward_scale": (
        """
def answer(x, W1, W2, mask, keep, grad_out):
    hidden = np.maximum(x @ W1, 0)
    dropped = hidden * mask / keep
    grad_W2 = dropped.T @ grad_out
    grad_hidden = grad_out @ W2.T * mask
    grad_W1 = x.T @ (grad_hidden * (hidden > 0))
    return grad_W1, grad_W2
""",
        "still `keep` times what the gradient check finds",
    ),
}

PITFALLS = [
    pytest.param(exercise, pitfall, id=f"{exercise.name}-{number}")
    for exercise in EXERCISES.values()
    for number, pitfall in enumerate(exercise.pitfalls)
]


def run(code):
    """What a learner's cell leaves behind as `answer`."""
    namespace = {"np": np}
    exec(code, namespace)
    return namespace["answer"]


def as_answer(exercise, function):
    return function if exercise.arguments else function()


# The exercises


#: The exercises of the first three notebooks. The others' stubs and solutions are run where they stand.
HERE = {name: EXERCISES[name] for name in STUBS}


def test_no_name_is_given_twice():
    modules = (
        exercises.start,
        exercises.co_adaptation,
        exercises.masks,
        exercises.bagging,
        exercises.softmax,
        exercises.variance,
        exercises.inference,
        exercises.regularisation,
    )
    names = [exercise.name for module in modules for exercise in module.EXERCISES]
    assert len(set(names)) == len(names) == len(EXERCISES)
    assert list(STUBS) == list(SOLUTIONS)


@pytest.mark.parametrize("name", HERE)
def test_the_stub_is_not_done_yet(name):
    assert check(name, run(STUBS[name])).outcome == NOT_DONE_YET


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_dots_are_not_done_yet(exercise):
    assert exercise.check(...).outcome == NOT_DONE_YET
    assert exercise.check(as_answer(exercise, lambda *_case: ...)).outcome == NOT_DONE_YET


@pytest.mark.parametrize("name", HERE)
def test_the_solution_is_correct(name):
    feedback = check(name, run(SOLUTIONS[name]))
    assert feedback.outcome == CORRECT
    assert feedback.message == EXERCISES[name].lesson


@pytest.mark.parametrize(("exercise", "pitfall"), PITFALLS)
def test_a_typical_wrong_answer_gets_its_own_hint(exercise, pitfall):
    feedback = exercise.check(as_answer(exercise, pitfall.wrong))
    assert (feedback.outcome, feedback.message) == (NOT_QUITE, pitfall.hint)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_two_hints_are_the_same(exercise):
    hints = [exercise.hint, exercise.lesson, *(pitfall.hint for pitfall in exercise.pitfalls)]
    assert len(set(hints)) == len(hints)


@pytest.mark.claim("M14")
@pytest.mark.parametrize("name", BUGS)
def test_a_bug_handed_in_unchanged_is_named(name):
    code, hint = BUGS[name]
    feedback = check(name, run(code))
    assert feedback.outcome == NOT_QUITE
    assert hint in feedback.message


@pytest.mark.claim("M14")
def test_the_bugs_are_what_the_ledger_says():
    for x, W1, W2, mask, keep, grad_out in EXERCISES["backward_scale"].cases:
        case = x, W1, W2, mask, keep, grad_out
        wrong, true = run(BUGS["backward_scale"][0])(*case), run(SOLUTIONS["backward_scale"])(*case)
        assert true[0] == pytest.approx(wrong[0] / keep)
        assert np.array_equal(true[1], wrong[1])
    for grad_out, mask, keep in EXERCISES["backward_mask"].cases:
        case = grad_out, mask, keep
        wrong, true = run(BUGS["backward_mask"][0])(*case), run(SOLUTIONS["backward_mask"])(*case)
        assert np.array_equal(true == wrong, mask == 1)


def test_no_case_lets_a_wrong_answer_pass_by_chance():
    for exercise in HERE.values():
        for case in exercise.cases:
            keeps = [value for value in case if isinstance(value, float)]
            masks = [value for value in case if isinstance(value, np.ndarray) and value.max() <= 1]
            masks = [mask for mask in masks if set(np.unique(mask)) <= {0, 1}]
            assert len(keeps) == ("keep" in exercise.arguments)
            assert all(abs(keep - 0.5) >= 0.1 for keep in keeps)
            assert all(mask.shape[-1] >= 3 for mask in masks)
            assert not any(np.isclose(mask.mean(), keeps).any() for mask in masks)


def test_in_the_cases_of_the_net_every_unit_matters_and_none_is_at_its_kink():
    for x, W1, _, mask, _, _ in EXERCISES["backward_scale"].cases:
        before_relu = x @ W1
        active = before_relu > 0
        assert np.abs(before_relu).min() > 1e-3
        assert (active & (mask == 1)).any(axis=0).all()
        assert (active & (mask == 0)).any(axis=0).all()


@pytest.mark.parametrize("name", HERE)
def test_an_answer_that_spoils_its_arguments_spoils_nothing_else(name):
    exercise = EXERCISES[name]
    before = repr(exercise.cases)

    def spoil(*arguments):
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
        return 0

    exercise.check(as_answer(exercise, spoil))
    assert repr(exercise.cases) == before
    assert check(name, run(SOLUTIONS[name])).outcome == CORRECT


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"^name must be one of mask_by_hand, .*; got 'mask'"):
        check("mask", 1)


# What is said about other answers


def message_of(code, name="inverted_dropout"):
    feedback = check(name, run(code))
    assert feedback.outcome == NOT_QUITE
    return feedback.message


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("answer = 3", "a function of `(h, mask, keep)` is asked for"),
        ("answer = lambda h, mask: h", "takes `(h, mask)` and is called with `(h, mask, keep)`"),
        ("def answer(h, mask, keep):\n    h * mask", "did you forget `return`?"),
        ("answer = lambda h, mask, keep: 'done'", "shape (5,) is expected; yours is 'done' (str)"),
        ("answer = lambda h, mask, keep: h.sum()", "shape (5,) is expected; yours is a single"),
        ("answer = lambda h, mask, keep: h[:2]", "yours is [0.8, -1.2], an array of shape (2,)"),
        ("answer = lambda h, mask, keep: (h, mask)", "an array of shape (2, 5)"),
        ("answer = lambda h, mask, keep: [[1], [1, 2]]", "yours is [[1], [1, 2]] (list)."),
        ("answer = lambda h, mask, keep: h * 1j", "shape (5,) is expected, and real numbers"),
        ("answer = lambda h, mask, keep: [*h[1:], None]", "None] (list)."),
        ("answer = lambda h, mask, keep: {}", "yours is {} (dict)"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_told_so_in_words(code, words):
    assert words in message_of(code)


def test_several_results_are_told_apart():
    start = "def answer(x, W1, W2, mask, keep, grad_out): return "
    for result, words in (
        ("W1", "2 results, `(grad_W1, grad_W2)`, are expected; you gave one"),
        ("W1, W2, x", "you gave 3"),
        ("W1, W2.T", "`grad_W2`: an array of shape (5, 2) is expected; yours is an array of"),
    ):
        assert words in message_of(start + result, "backward_scale")
    solution = run(SOLUTIONS["backward_scale"])
    listed = check("backward_scale", lambda *case: list(solution(*case)))
    assert listed.outcome == CORRECT
    too_many = check("backward_scale", lambda *case: (*solution(*case), 0))
    assert "you gave 3" in too_many.message


def test_one_right_result_of_two_is_said_to_be_right():
    solution = run(SOLUTIONS["backward_scale"])

    def answer(x, W1, W2, mask, keep, grad_out):
        grad_W1, grad_W2 = solution(x, W1, W2, mask, keep, grad_out)
        return 7 * grad_W1, grad_W2

    feedback = check("backward_scale", answer)
    assert feedback.outcome == NOT_QUITE
    assert "grad_W2 is right" in feedback.details
    assert "yours is 7 times what is expected, in every entry" in feedback.details


def test_an_exception_is_told_in_words_with_the_learners_line(tmp_path):
    cell = tmp_path / "cell.py"
    cell.write_text(
        "def answer(h, mask, keep):\n    return h * scale(keep)\n\n"
        "def scale(keep):\n    return keep / 0\n"
    )
    namespace = {}
    exec(compile(cell.read_text(), str(cell), "exec"), namespace)
    feedback = check("inverted_dropout", namespace["answer"])
    assert feedback.outcome == NOT_QUITE
    assert "stopped in line 5, `return keep / 0`, with ZeroDivisionError: " in feedback.message
    assert "Traceback" not in repr(feedback)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("return unknown", "NameError"),
        ("return h @ np.ones(99)", "ValueError"),
        ("return answer(h, mask, keep)", "RecursionError"),
        ("raise RuntimeError", "RuntimeError"),
    ],
)
def test_any_exception_is_told(body, kind):
    message = message_of(f"def answer(h, mask, keep):\n    {body}")
    assert re.search(rf"stopped in line \d+ with {kind}", message)
    assert re.search(r"[\w)]\.$", message)


@pytest.mark.parametrize(
    "body", ["h * ... / keep", "h * mask / ...", "...", "(h, ...)", "[..., ...]"]
)
def test_a_gap_anywhere_means_not_done_yet(body):
    feedback = check("inverted_dropout", run(f"answer = lambda h, mask, keep: {body}"))
    assert feedback.outcome == NOT_DONE_YET


def test_an_interrupt_is_not_swallowed():
    def answer(*_case):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("inverted_dropout", answer)


def test_another_wrong_answer_sees_the_case_the_expected_value_and_its_own():
    feedback = check("inverted_dropout", lambda h, mask, keep: h * mask / keep + (keep < 0.5))
    assert feedback.outcome == NOT_QUITE
    assert feedback.message.startswith("2 of 4 trials went wrong")
    assert EXERCISES["inverted_dropout"].hint in feedback.message
    assert "keep     0.3" in feedback.details
    assert re.search(r"expected \[\[ ?1.6667", feedback.details)
    assert re.search(r"yours    \[\[ ?2.6667", feedback.details)
    assert "times what is expected" not in feedback.details


def test_an_answer_wrong_like_a_typical_one_in_one_case_only_gets_the_general_hint():
    feedback = check(
        "inverted_dropout", lambda h, mask, keep: h * mask * (keep if keep > 0.5 else 1 / keep)
    )
    assert feedback.outcome == NOT_QUITE
    assert feedback.message.startswith("2 of 4 trials went wrong")


def test_a_negative_number_dropped_is_shown_as_zero():
    feedback = check("inverted_dropout", lambda h, mask, keep: 9 * h * mask * keep)
    assert "mask     [1 0 1 1 0]" in feedback.details
    assert "-1.2" in feedback.details
    assert not re.search(r"-0\.?[ \]]", feedback.details)


def test_a_small_difference_is_shown_with_enough_digits():
    feedback = check("inverted_dropout", lambda h, mask, keep: h * mask / keep * 1.00002)
    expected, yours = (
        line.split(maxsplit=1)[1]
        for line in feedback.details.splitlines()
        if line.startswith(("expected", "yours    "))
    )
    assert expected != yours


def test_all_zeros_are_not_called_a_multiple():
    feedback = check("inverted_dropout", lambda h, mask, keep: 0 * h * mask * keep)
    assert "times" not in feedback.details


def test_a_wrong_value_does_not_tell_the_solution():
    feedback = check("mask_by_hand", [1.5, 0, 2.5])
    assert feedback.outcome == NOT_QUITE
    assert "1.2" not in feedback.message + feedback.details


@pytest.mark.parametrize("answer", [(0.6, -1.2, 0), np.array([0.6, -1.2, 0], np.float32)])
def test_any_sequence_of_the_right_numbers_is_correct(answer):
    assert check("mask_by_hand", answer).outcome == CORRECT


def test_none_as_a_value_is_not_quite():
    assert "None" in check("mask_by_hand", None).message
    assert check("mask_by_hand", None).outcome == NOT_QUITE


# Answers in SymPy

k, c, v = sympy.symbols("k c v", positive=True)


def variance_exercise():
    return Exercise(
        name="variance",
        reference=lambda: v / k + (k - 1) * c / k,
        pitfalls=(Pitfall(lambda: v / k, "that is true for c = 0 only."),),
        hint="Count the pairs.",
        lesson="Yes.",
    )


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        ((v + (k - 1) * c) / k, CORRECT, "Yes."),
        (c + (v - c) / k, CORRECT, "Yes."),
        (sympy.sympify("c + (v - c) / k"), CORRECT, "Yes."),  # symbols without assumptions
        (v / k, NOT_QUITE, "that is true for c = 0 only."),
        (v / k + c, NOT_QUITE, "Count the pairs."),
        (v / sympy.Symbol("n"), NOT_QUITE, "does not depend on n; yours does"),
        ("v/k", NOT_QUITE, "a SymPy expression is expected; yours is 'v/k' (str)"),
        (0.5, NOT_QUITE, "Count the pairs."),
        (sympy.Eq(v, k), NOT_QUITE, "it holds `Equality`"),
        (np.array([v, k]), NOT_QUITE, "it holds the symbol `v`"),
        (np.array([1, 2]), NOT_QUITE, "a SymPy expression is expected; yours is [1, 2]"),
        (np.array((v + (k - 1) * c) / k), CORRECT, "Yes."),
        (0.1 * 10 * v / k + (k - 1) * c / k * (0.1 + 0.2) / 0.3, CORRECT, "Yes."),
        (..., NOT_DONE_YET, ""),
    ],
)
def test_expressions_are_compared_as_expressions(answer, outcome, words):
    feedback = variance_exercise().check(answer)
    assert feedback.outcome == outcome
    assert words in feedback.message


def test_functions_may_return_expressions():
    exercise = Exercise(
        name="mean",
        reference=lambda keep, z: keep * z,
        cases=((sympy.Symbol("keep"), sympy.Symbol("z")),),
        pitfalls=(),
        hint="Sum over two outcomes.",
        lesson="Yes.",
    )
    assert exercise.check(lambda keep, z: 1 * keep * z + 0 * (1 - keep)).outcome == CORRECT
    feedback = exercise.check(lambda keep, z: z * (1 - keep))
    assert feedback.outcome == NOT_QUITE
    assert "expected keep*z" in feedback.details


def test_a_sympy_number_answers_a_question_for_a_number():
    assert same(plain(sympy.Rational(1, 3)), plain(1 / 3))
    assert same(plain(sympy.pi), plain(np.pi))
    assert same(plain([sympy.sqrt(3 + 2 * sympy.sqrt(2)), 1]), plain([1 + np.sqrt(2), 1.0]))
    assert not same(plain(sympy.Rational(1, 3)), plain(0.3))
    assert not same(plain(sympy.Symbol("q")), plain(0.3))
    assert not same(plain(sympy.I), plain(1.0))


# How feedback looks


@pytest.mark.parametrize(
    ("outcome", "symbol"), [(CORRECT, "✓"), (NOT_QUITE, "✗"), (NOT_DONE_YET, "○")]
)
def test_feedback_shows_symbol_and_word_as_text_and_as_html(outcome, symbol):
    feedback = Feedback(outcome, "see `a < b`", "x  1\ny  2")
    assert repr(feedback).startswith(f"{symbol} {outcome}")
    assert "see `a < b`" in repr(feedback)
    assert "\n    y  2" in repr(feedback)
    page = feedback._repr_html_()
    assert f"{symbol} {outcome}" in page
    assert "<code>a &lt; b</code>" in page
    assert "x  1\ny  2" in page


def test_colours_stand_out_from_white_and_from_black():
    def luminance(colour):  # WCAG 2, relative luminance
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    pages = [Feedback(outcome, "")._repr_html_() for outcome in (CORRECT, NOT_QUITE, NOT_DONE_YET)]
    colours = [re.search("solid (#[0-9a-f]{6})", page)[1] for page in pages]
    assert len(set(colours)) == 3
    for colour, ground in itertools.product(colours, ("#ffffff", "#111111")):
        low, high = sorted((luminance(colour), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 3
    assert not any(re.search(r"(?<!-)color: #|background: #", page) for page in pages)


def test_a_notebook_shows_both_forms():
    from IPython.core.formatters import DisplayFormatter

    shown, _ = DisplayFormatter().format(check("mask_by_hand", ...))
    assert set(shown) == {"text/plain", "text/html"}


@pytest.mark.parametrize("module", ["masks", "data", "_checks", "course.exercises"])
def test_importing_loads_no_heavy_package(module):
    code = (
        f"import sys, dropout_lib.{module}; "
        "print([m for m in ('matplotlib', 'sympy', 'ipywidgets', 'IPython') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
