"""Wrong answers that come near the right one are refused, whatever computes the same by accident."""

import math

import numpy as np
import pytest
import sympy

from dropout_lib.course.exercises import EXERCISES, NOT_QUITE, start
from dropout_lib.masks import enumerate_masks
from dropout_lib.nets.mlp import softmax

# What can be done to any right result


def rounded(digits):
    return lambda value: np.round(np.asarray(value, float), digits)


CHANGES = {
    "rounded to 2 digits": rounded(2),
    "rounded to 1 digit": rounded(1),
    "rounded to a whole number": rounded(0),
    "one off": lambda value: np.asarray(value) + 1,
    "a little off": lambda value: np.asarray(value) + 0.001,
    "a little too large": lambda value: np.asarray(value) * 1.001,
    "negative": lambda value: -np.asarray(value),
    "squared": lambda value: np.asarray(value) ** 2,
    "the root": lambda value: np.sqrt(np.abs(value)),
    "without signs": np.abs,
    "what is negative set to 0": lambda value: np.maximum(value, 0),
    "at most 1": lambda value: np.minimum(value, 1),
    "sorted": np.sort,
    "the median": np.median,
    "in percent": lambda value: 100 * np.asarray(value),
    "the complement": lambda value: 1 - np.asarray(value),
    "not a number if it is 0": lambda value: value / (np.asarray(value) != 0),
}

NUMBERS = {name for name, exercise in EXERCISES.items() if name != "mean_logit"}
WHOLE = {"passes_needed"}
POSITIVE = {  # never negative
    *("expected_kept", "mean_absolute_correlation", "mask_weights", "out_of_bag", "distinct_masks"),
    *("missing_mass_slip", "ensemble_error", "error_floor", "monte_carlo_average", "passes_needed"),
    *("error_left_on", "dropout_penalty"),
}
SINGLE = {  # one number
    *("expected_kept", "mean_absolute_correlation", "distinct_masks", "missing_mass_slip", "error_floor"),
    *("passes_needed", "error_left_on", "dropout_penalty", "moments_of_errors"),
}
SHARES = {  # never above 1
    *("mean_absolute_correlation", "mask_weights", "out_of_bag", "missing_mass_slip"),
    *("monte_carlo_average", "error_left_on"),
}
NEVER_ZERO = {
    *("expected_kept", "mean_absolute_correlation", "out_of_bag", "distinct_masks", "passes_needed"),
    *("monte_carlo_average", "error_left_on", "moments_of_errors", "error_floor"),
    *("missing_mass_slip", "backward_scale"),
}
#: Where a change changes nothing.
HARMLESS = {
    "rounded to 2 digits": {"mask_by_hand", *WHOLE},  # its numbers are given, with one digit
    "rounded to 1 digit": {"mask_by_hand", *WHOLE},
    "rounded to a whole number": WHOLE,
    "without signs": POSITIVE | {"moments_of_errors"},
    "what is negative set to 0": POSITIVE | {"moments_of_errors"},
    "at most 1": SHARES | {"mask_by_hand"},
    "sorted": SINGLE,
    "the median": SINGLE,
    "not a number if it is 0": NEVER_ZERO,
}


def changed(exercise, change):
    def answer(*case):
        right = exercise.reference(*case)
        return tuple(map(change, right)) if exercise.results else change(right)

    return answer if exercise.arguments else answer()


@pytest.mark.parametrize("name", sorted(NUMBERS))
@pytest.mark.parametrize("change", CHANGES)
def test_a_right_result_changed_is_refused(name, change):
    if name in HARMLESS.get(change, ()):
        pytest.skip("it changes nothing here")
    with np.errstate(all="ignore"):
        assert EXERCISES[name].check(changed(EXERCISES[name], CHANGES[change])).outcome == NOT_QUITE


@pytest.mark.parametrize("name", sorted(name for name in EXERCISES if EXERCISES[name].arguments))
def test_a_result_that_is_wrong_in_the_last_entry_of_the_last_case_is_refused(name):
    exercise = EXERCISES[name]
    last = repr(exercise.cases[-1])

    def spoil(value):
        if isinstance(value, tuple):
            return (*value[:-1], spoil(value[-1]))
        if isinstance(value, sympy.Expr):
            return value + sympy.Symbol("b") / 1000
        value = np.array(value, float)
        value.flat[-1] += 0.001
        return value

    def answer(*case):
        right = exercise.reference(*case)
        return spoil(right) if repr(case) == last else right

    assert exercise.check(answer).outcome == NOT_QUITE


@pytest.mark.parametrize("name", sorted(n for n in EXERCISES if "keep" in EXERCISES[n].arguments))
def test_keep_and_one_minus_keep_swapped_or_a_bit_off_is_refused(name):
    exercise = EXERCISES[name]
    at = exercise.arguments.index("keep")
    changes = [lambda keep: keep - 0.01, lambda keep: round(keep), lambda _: 0.5]
    if name != "distinct_masks":  # it counts as many masks with the units' roles swapped
        changes.append(lambda keep: 1 - keep)
    for change in changes:

        def answer(*case, change=change):
            with np.errstate(all="ignore"):
                return exercise.reference(*case[:at], np.float64(change(case[at])), *case[at + 1 :])

        assert exercise.check(answer).outcome == NOT_QUITE


# What may go wrong in one exercise alone


def pairs(h, skip=lambda _c: False):
    c = np.abs(np.corrcoef(h.T))
    off = c[~np.eye(len(c), dtype=bool)]
    return np.array([value for value in off if not skip(value)])


def backward(x, W1, W2, mask, keep, grad_out, *, gate=True, forward_mask=True, on_input=False):
    hidden = np.maximum(x @ W1, 0)
    dropped = hidden * (mask if forward_mask else 1) / keep
    grad_hidden = grad_out @ W2.T * mask / keep
    grad_W1 = x.T @ (grad_hidden * (hidden > 0) if gate else grad_hidden)
    return (grad_W1, hidden.T @ grad_out) if on_input else (grad_W1, dropped.T @ grad_out)


def capped(W, cap, *, keep_short=True, strict=False):
    lengths = np.linalg.norm(W, axis=0)
    short = lengths < cap if strict else lengths <= cap
    return np.where(short & keep_short, W, W / lengths * cap)


def out_of_bag(probs, samples, combine, *, seen=set):
    rows = range(probs.shape[1])
    return np.array(
        [combine([p[i] for p, s in zip(probs, samples, strict=True) if i not in seen(s)]) for i in rows]
    )


H, MASK = start.H, start.MASK
MUTANTS = {
    "mask_by_hand": [
        np.maximum(H, 0),
        np.maximum(H, 0) * MASK,
        np.abs(H) * MASK,
        H * MASK / MASK.mean(),
        H * MASK * MASK.mean(),
        np.where(MASK, H, np.nan),
        np.sort(H * MASK),
        H[::-1] * MASK,
        H * MASK[::-1],
        [0.6, 0, 2.0],
    ],
    "expected_kept": [
        lambda n_units, keep: (n_units * keep) // 1,
        lambda n_units, keep: (n_units + 1) * keep,
        lambda n_units, keep: (n_units - 1) * keep,
        lambda n_units, keep: min(n_units - 1, n_units * keep),
        lambda n_units, keep: n_units * keep * (1 - keep),
        lambda n_units, keep: math.floor((n_units + 1) * keep),  # the mode
        lambda n_units, keep: n_units * round(keep, 2),
    ],
    "mean_absolute_correlation": [
        lambda h: np.median(pairs(h)),
        lambda h: pairs(h, lambda c: c > 1 - 1e-9).mean(),
        lambda h: np.mean(pairs(h) ** 2),
        lambda h: np.sqrt(np.mean(pairs(h) ** 2)),
        lambda h: pairs(h).max(),
        lambda h: pairs(h).sum() / h.shape[1] ** 2,
        lambda h: pairs(h).mean() / 2,
        lambda h: np.abs(np.corrcoef(h.T))[0, 1:].mean(),
        lambda h: pairs(np.maximum(h, 0) + 1e-9 * h).mean(),
        lambda h: np.mean(
            np.abs(np.cov(h.T)[~np.eye(h.shape[1], dtype=bool)])
        ),
    ],
    "survivors": [
        lambda h, mask: h * mask * 2,
        lambda h, mask: np.maximum(h, 0) * mask / mask.mean(),
        lambda h, mask: h * mask * round(len(mask) / mask.sum()),
        lambda h, mask: h * mask * (len(mask) // mask.sum()),
        lambda h, mask: h * mask * len(mask) / (mask.sum() + 1),
        lambda h, mask: h * mask / np.sqrt(mask.mean()),
        lambda h, mask: h * mask * (2 - mask.mean()),
        lambda h, mask: h * mask / (len(mask) - mask.sum()) * len(mask),
        lambda h, mask: h * mask * h.size / mask.sum(),
    ],
    "inverted_dropout": [
        lambda h, mask, keep: np.maximum(h, 0) * mask / keep,
        lambda h, mask, keep: h * mask / round(keep, 1),
        lambda h, mask, keep: h * mask / np.sqrt(keep),
        lambda h, mask, keep: h * mask[0] / keep,
        lambda h, mask, keep: np.where(mask, h / keep, h),
        lambda h, mask, keep: h / mask * keep,
        lambda h, mask, keep: h * mask * (2 - keep),
        lambda h, mask, keep: h * mask / mask / keep,
    ],
    "backward_mask": [
        lambda grad_out, mask, keep: np.maximum(grad_out, 0) * mask / keep,
        lambda grad_out, mask, keep: grad_out * mask / keep**2,
        lambda grad_out, mask, keep: grad_out * mask / np.sqrt(keep),
        lambda grad_out, mask, keep: grad_out / mask / keep,
        lambda grad_out, mask, keep: grad_out * mask[..., ::-1] / keep,
        lambda grad_out, mask, keep: mask / keep + 0 * grad_out,
    ],
    "backward_scale": [
        lambda *case: backward(*case, gate=False),
        lambda *case: backward(*case, forward_mask=False),
        lambda *case: backward(*case, on_input=True),
        lambda *case: backward(*case)[::-1],
        lambda *case: tuple(gradient / len(case[0]) for gradient in backward(*case)),
        lambda *case: tuple(gradient.round(2) for gradient in backward(*case)),
        lambda *case: backward(*case[:3], np.ones_like(case[3]), *case[4:]),
    ],
    "mask_weights": [
        lambda masks, keep: keep ** masks.sum(1) * (1 - keep) ** (masks.shape[1] - masks.sum(1) + 1),
        lambda masks, keep: keep ** masks.sum(1) * (1 - keep) ** (masks.shape[1] - 1),
        lambda masks, keep: (w := np.where(masks, keep, 1 - keep).prod(1)) / w.sum(),
        lambda masks, keep: np.where(masks, keep, 1 - keep).mean(1),
        lambda masks, keep: np.log(np.where(masks, keep, 1 - keep)).sum(1),
        lambda masks, keep: np.exp(
            masks.sum(1) * np.log(keep) + (1 - masks).sum(1) * np.log(1 - keep)
        ),  # 0 times the logarithm of 0 where nothing is ever dropped
    ],
    "out_of_bag": [
        lambda p, s: out_of_bag(p, s, lambda said: np.median(said, axis=0)),
        lambda p, s: out_of_bag(p, s, lambda said: np.max(said, axis=0)),
        lambda p, s: out_of_bag(p, s, lambda said: said[0]),
        lambda p, s: out_of_bag(p, s, lambda said: said[-1]),
        lambda p, s: out_of_bag(p, s, lambda said: np.sum(said, axis=0) / (len(said) + 1)),
        lambda p, s: out_of_bag(p, s, lambda said: np.mean(said, axis=0), seen=lambda one: set(one[:-1])),
        lambda p, s: np.eye(3)[out_of_bag(p, s, lambda said: np.mean(said, axis=0)).argmax(-1)],
    ],
    "distinct_masks": [
        lambda n_units, keep, n_draws: round(EXERCISES["distinct_masks"].reference(n_units, keep, n_draws)),
        lambda n_units, keep, n_draws: EXERCISES["distinct_masks"].reference(n_units, keep, n_draws + 1),
        lambda n_units, keep, n_draws: EXERCISES["distinct_masks"].reference(n_units, keep, n_draws - 1),
        lambda n_units, keep, n_draws: EXERCISES["distinct_masks"].reference(n_units + 1, keep, n_draws),
        lambda n_units, keep, n_draws: np.sum(
            1 - np.exp(-n_draws * np.where(enumerate_masks(n_units), keep, 1 - keep).prod(1))
        ),
    ],
    "missing_mass_slip": [
        lambda z, p: max(0.01, EXERCISES["missing_mass_slip"].reference(z, p)),
        lambda z, p: 1 - np.exp(np.median(np.log(softmax(z)), axis=0)).sum() + 0 * p.sum(),
        lambda z, p: 1 - (p @ softmax(z)).sum(),
        lambda z, p: 1 - np.exp(p @ np.log(softmax(z))).max(),
        lambda z, p: -np.log(np.exp(p @ np.log(softmax(z))).sum()),
    ],
    "ensemble_error": [
        lambda v, c, k: (v + k * c) / k,
        lambda v, c, k: (v + (k - 2) * c) / k,
        lambda v, c, k: (v + (k - 1) * c) // k,
        lambda v, c, k: (v + (k - 1) * max(c, 0)) / k,
        lambda v, c, k: (v + (k - 1) * abs(c)) / k,
        lambda v, c, k: (v + (k - 1) * c) / (k - 1),
        lambda v, c, k: (v + (k - 1) * c) / (k + 1),
        lambda v, c, k: v**2 / k + (k - 1) / k * c,
        lambda v, c, k: v / k + (1 - 1 / k**2) * c,
    ],
    "moments_of_errors": [
        lambda e: (np.median(e**2), (e @ e.T)[0, 1] / e.shape[1]),
        lambda e: (np.mean(np.abs(e)), np.mean(np.abs(e)) ** 2),
        lambda e: (np.mean(e**2), np.mean(e) ** 2),
        lambda e: (np.mean(e**2), np.mean(e @ e.T) / e.shape[1]),
        lambda e: (np.sqrt(np.mean(e**2)), EXERCISES["moments_of_errors"].reference(e)[1]),
        lambda e: (np.mean(e**2), np.median((e @ e.T)[~np.eye(len(e), dtype=bool)]) / e.shape[1] + 1e-3),
        lambda e: (np.sum(e**2) / (e.size - 1), EXERCISES["moments_of_errors"].reference(e)[1]),
    ],
    "error_floor": [
        lambda bias, variance, correlation: bias**2 + correlation * np.sqrt(variance),
        lambda bias, variance, correlation: bias**2 + correlation * variance**2,
        lambda bias, variance, correlation: bias**2 + correlation**2 * variance,
        lambda bias, variance, correlation: abs(bias) + correlation * variance,
        lambda bias, variance, correlation: bias**2 - correlation * variance,
        lambda bias, variance, correlation: bias**2 + (1 - correlation) * variance,
    ],
    "monte_carlo_average": [
        lambda logits: np.median(softmax(logits), axis=0),
        lambda logits: softmax(logits)[0],
        lambda logits: softmax(logits)[-1],
        lambda logits: softmax(logits).sum(axis=0) / (len(logits) + 1),
        lambda logits: softmax(softmax(logits).mean(axis=0)),
        lambda logits: softmax(logits.transpose(2, 0, 1)).transpose(1, 2, 0).mean(axis=0),
        lambda logits: (g := np.exp(np.log(softmax(logits)).mean(axis=0))) / g.sum(-1, keepdims=True),
    ],
    "passes_needed": [
        lambda sigma, wanted: math.floor((sigma / wanted) ** 2) + 1,
        lambda sigma, wanted: math.ceil((sigma / wanted) ** 2) + 1,
        lambda sigma, wanted: max(1, math.ceil((sigma / wanted) ** 2) - 1),
        lambda sigma, wanted: max(2, math.ceil((sigma / wanted) ** 2)),
        lambda sigma, wanted: math.ceil(sigma / wanted) ** 2,
        lambda sigma, wanted: max(1, round((sigma / wanted) ** 2 + 0.25)),
        lambda sigma, wanted: max(1, math.ceil((sigma / wanted) ** 2 * 2)),
        lambda sigma, wanted: math.ceil(round((sigma / wanted) ** 2, 1)) if sigma > wanted else 0,
    ],
    "error_left_on": [
        lambda probs, y: np.median([np.mean(one.argmax(-1) != y) for one in probs]),
        lambda probs, y: np.max([np.mean(one.argmax(-1) != y) for one in probs]),
        lambda probs, y: np.min([np.mean(one.argmax(-1) != y) for one in probs]),
        lambda probs, y: np.mean(probs[-1].argmax(-1) != y),
        lambda probs, y: np.mean(probs.argmin(-1) != y),
        lambda probs, y: np.sum(probs.argmax(-1) != y) / len(y),
        lambda probs, y: np.mean(probs[..., 1:].argmax(-1) + 1 != y),
        lambda probs, y: np.mean(np.median(probs, axis=0).argmax(-1) != y),
    ],
    "dropout_penalty": [
        lambda X, u, keep: (1 - keep) / keep * np.sum((X**2).mean(axis=0) * u**2),
        lambda X, u, keep: (1 - keep) / keep * np.sum((X**2).sum(axis=0) * np.abs(u)),
        lambda X, u, keep: (1 - keep) / keep**2 * np.sum((X * u) ** 2),
        lambda X, u, keep: np.sqrt((1 - keep) / keep) * np.sum((X * u) ** 2),
        lambda X, u, keep: (1 / keep) * np.sum((X * u) ** 2),
        lambda X, u, keep: (1 - keep) / keep * np.sum((np.maximum(X, 0) * u) ** 2),
        lambda X, u, keep: (1 - keep) / keep * np.sum((X * u) ** 2 / (X != 0)),
        lambda X, u, keep: (1 - keep) / keep * np.sum(((X - X.mean(axis=0)) * u) ** 2),
    ],
    "max_norm": [
        lambda W, cap: capped(W, cap, keep_short=False),
        lambda W, cap: W / np.linalg.norm(W, axis=0) * np.minimum(np.linalg.norm(W, axis=0), cap),
        lambda W, cap: W * np.minimum(1, cap / (np.linalg.norm(W, axis=0) + 0.01)),
        lambda W, cap: W * np.minimum(1, cap / np.abs(W).max(axis=0)),
        lambda W, cap: W * np.minimum(1, cap**2 / (W**2).sum(axis=0)),
        lambda W, cap: W * np.minimum(1, round(cap, 1) / np.linalg.norm(W, axis=0)),
        lambda W, cap: W * np.where(np.linalg.norm(W, axis=0) >= cap, 0.9, 1),
        lambda W, cap: np.maximum(W, 0) * np.minimum(1, cap / np.linalg.norm(W, axis=0)),
    ],
    "gaussian_dropout": [
        lambda h, z, keep: h * (1 - z * np.sqrt((1 - keep) / keep)),
        lambda h, z, keep: h * np.maximum(0, 1 + z * np.sqrt((1 - keep) / keep)),
        lambda h, z, keep: h * (1 + np.abs(z) * np.sqrt((1 - keep) / keep)),
        lambda h, z, keep: h * (1 + z * np.sqrt(1 - keep)),
        lambda h, z, keep: h * (1 + z * np.sqrt((1 - keep) / keep) / 2),
        lambda h, z, keep: h * (1 + z * np.sqrt(1 / keep)),
        lambda h, z, keep: h * (1 + z * ((1 - keep) / keep) ** 2),
        lambda h, z, keep: h * (1 + z * h / h * np.sqrt((1 - keep) / keep)),  # 0 by 0
    ],
}


def logit_mutants(n, keep):
    W, v, b = sympy.symbols(f"W:{n}"), sympy.symbols(f"v:{n}"), sympy.Symbol("b")
    units = [w * one for w, one in zip(W, v, strict=True)]
    return [
        keep * sum(units) + b + b / 10**6,
        keep * sum(units) + keep * b,
        (1 - keep) * sum(units) + b,
        keep**n * sum(units) + b,
        keep * sum(units),
        keep * sum(units[:-1]) + b,
        keep * sum(units) / n + b,
        keep * sum(units) + 2**n * b,
        sympy.sqrt(keep) * sum(units) + b,
        keep * sum(W) * sum(v) + b + W[0] / 10**6,
        sympy.Abs(keep * sum(units) + b),
        keep * sum(sympy.Abs(unit) for unit in units) + b,
    ]


@pytest.mark.parametrize("which", range(len(logit_mutants(3, 0.3))))
def test_a_logit_near_the_right_one_is_refused(which):
    answer = lambda n, keep: logit_mutants(n, keep)[which]  # noqa: E731
    assert EXERCISES["mean_logit"].check(answer).outcome == NOT_QUITE


def test_every_exercise_has_its_mutants():
    assert set(MUTANTS) == NUMBERS


@pytest.mark.parametrize(
    ("name", "which"), [(name, which) for name in MUTANTS for which in range(len(MUTANTS[name]))]
)
def test_a_mutant_is_refused(name, which):
    feedback = EXERCISES[name].check(MUTANTS[name][which])
    assert feedback.outcome == NOT_QUITE
    assert "stopped" not in feedback.message
