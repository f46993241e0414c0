"""The exercises of notebook 06: average in the right place, how many passes, and dropout left on."""

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall
from dropout_lib.nets.passes import softmax

_LOGITS = np.random.default_rng(6).normal(scale=2, size=(4, 3, 5))
_MORE_LOGITS = np.random.default_rng(7).normal(scale=3, size=(6, 2, 3))


def _votes(p: NDArray) -> NDArray:
    return np.eye(p.shape[-1])[p.argmax(axis=-1)].mean(axis=0)


MONTE_CARLO_AVERAGE = Exercise(
    name="monte_carlo_average",
    reference=lambda logits: np.mean([softmax(one) for one in logits], axis=0),
    cases=((_LOGITS,), (_MORE_LOGITS,), (_LOGITS[:1],)),  # the last: a single pass
    pitfalls=(
        Pitfall(
            lambda logits: softmax(logits.mean(axis=0)),
            "you averaged the logits and took one softmax. That is the renormalised *geometric* mean. "
            "For the arithmetic one take the softmax of each pass first.",
        ),
        Pitfall(
            lambda logits: logits.mean(axis=0),
            "that is an average of logits. Probabilities are asked for: each pass through a softmax.",
        ),
        Pitfall(
            lambda logits: softmax(logits).sum(axis=0),
            "that is the sum over the passes: its rows add up to k. Divide by the number of passes.",
        ),
        Pitfall(
            lambda logits: softmax(logits).mean(axis=1),
            "you averaged over the images. The passes stand on the first axis.",
        ),
        Pitfall(
            lambda logits: softmax(logits),
            "these are the passes one by one. Average them.",
        ),
        Pitfall(
            lambda logits: _votes(logits),
            "you let the passes vote. An average keeps how sure each of them was.",
        ),
        Pitfall(
            lambda logits: (
                np.exp(logits).mean(axis=0)
                / np.exp(logits).mean(axis=0).sum(axis=-1, keepdims=True)
            ),
            "you averaged exp(logits) before dividing by the sum over the classes. Each pass has a sum of "
            "its own: divide first.",
        ),
    ),
    hint="Turn each pass into probabilities first, then average over the first axis.",
    lesson="Where you average decides *which* mean you get: after the softmax the arithmetic one, "
    "before it the geometric one.",
)


def _whole(value: float) -> int:
    """Rounded up, but not because of floating point: (0.07 / 0.01)² is 49, and not a little more."""
    return int(np.ceil(value * (1 - 1e-9)))


PASSES_NEEDED = Exercise(
    name="passes_needed",
    reference=lambda sigma, wanted: max(1, _whole((sigma / wanted) ** 2)),
    # No case is a whole number in decimals only, as (0.07 / 0.01)² is: there floating point decides
    # whether an answer, or this one, is one too high. The last two are whole numbers in binary, too.
    cases=((0.35, 0.02), (0.2, 0.03), (0.05, 0.2), (0.7, 0.18), (0.61803, 0.01), (0.5, 0.125), (0.25, 0.25)),
    pitfalls=(
        Pitfall(
            lambda sigma, wanted: max(1, _whole(sigma / wanted)),
            "that would be right if the error fell as 1/k. It falls as 1/√k: square the ratio.",
        ),
        Pitfall(
            lambda sigma, wanted: max(1, int((sigma / wanted) ** 2)),
            "you rounded down, so the standard error stays a little too large. Round up.",
        ),
        Pitfall(
            lambda sigma, wanted: int((sigma / wanted) ** 2),
            "you rounded down, so the standard error stays a little too large, and it can even come to no "
            "pass at all. Round up.",
        ),
        Pitfall(
            lambda sigma, wanted: round((sigma / wanted) ** 2),
            "you rounded to the nearest whole number; where that is down, the standard error stays a little "
            "too large. Round up.",
            also=(lambda sigma, wanted: max(1, round((sigma / wanted) ** 2)),),
        ),
        Pitfall(
            lambda sigma, wanted: int((sigma / wanted) ** 2) + 1,
            "one more than you need where the ratio squared is a whole number already.",
        ),
        Pitfall(
            lambda sigma, wanted: (sigma / wanted) ** 2,
            "that solves σ/√k = `wanted`, but a pass cannot be taken in part. Round up to a whole number.",
        ),
        Pitfall(
            lambda sigma, wanted: max(1, _whole(sigma / wanted**2)),
            "`sigma` is a standard deviation, not a variance: it has to be squared as well.",
        ),
        Pitfall(
            lambda sigma, wanted: max(1, _whole((wanted / sigma) ** 2)),
            "upside down: the larger `sigma`, the more passes.",
        ),
        Pitfall(
            lambda sigma, wanted: max(1, _whole((sigma / wanted) ** 0.5)),
            "you took the root where a square is asked for: solve σ/√k = `wanted` for k.",
        ),
    ),
    hint="The standard error of k passes is σ/√k; solve for k and round up.",
    lesson="Half the error costs four times the passes.",
)


def _left_on_case(seed: int, k: int, images: int) -> tuple[NDArray, NDArray]:
    """(probs, y): passes of which most, but not all, are right, and not equally often for all images."""
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=images)
    logits = rng.normal(scale=1.5, size=(k, images, 4))
    logits[:, np.arange(images), y] += np.linspace(-1.0, 2.0, images)
    return softmax(logits), y


ERROR_LEFT_ON = Exercise(
    name="error_left_on",
    reference=lambda probs, y: float(np.mean([np.mean(one.argmax(axis=1) != y) for one in probs])),
    cases=(_left_on_case(19, 5, 7), _left_on_case(28, 4, 9), _left_on_case(0, 7, 13)),
    pitfalls=(
        Pitfall(
            lambda probs, y: np.mean(probs.mean(axis=0).argmax(axis=-1) != y),
            "that is the error of the *average* of the passes, which is much better. With dropout left on "
            "by mistake nobody averages: each pass answers for itself.",
        ),
        Pitfall(
            lambda probs, y: np.mean(probs.argmax(axis=-1) == y),
            "that is the share of *right* answers.",
        ),
        Pitfall(
            lambda probs, y: 100 * np.mean(probs.argmax(axis=-1) != y),
            "that is in percent. A share between 0 and 1 is asked for.",
        ),
        Pitfall(
            lambda probs, y: np.mean(probs[0].argmax(axis=-1) != y),
            "that is what the first pass gives. What is to be expected is the mean over all passes.",
        ),
        Pitfall(
            lambda probs, y: np.mean(_votes(probs).argmax(axis=-1) != y),
            "you let the passes vote. With dropout left on by mistake each pass answers for itself.",
        ),
        Pitfall(
            lambda probs, y: np.mean(1 - probs[:, np.arange(len(y)), y]),
            "that is the probability given to wrong classes. An error is a wrong *answer*: use argmax.",
        ),
        Pitfall(
            lambda probs, y: np.mean(probs.argmax(axis=-1) != y, axis=1),
            "one number for each pass: now take their mean.",
        ),
    ),
    hint="Let each pass answer by its most probable class, and take the mean over passes and images.",
    lesson="It is the k = 1 end of the curve: the price of the forgotten switch.",
)

EXERCISES = (MONTE_CARLO_AVERAGE, PASSES_NEEDED, ERROR_LEFT_ON)
