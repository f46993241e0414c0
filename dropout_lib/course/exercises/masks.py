"""The exercises of notebook 02: the scale of inverted dropout, and two bugs in a backward pass.

The reference of the two bugs is a gradient check: central differences of the forward pass with the
mask frozen. No case has keep = 0.5, where keep, 1 − keep and their inverses look alike.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropout_lib.course.exercises.exercise import Exercise, Pitfall
from dropout_lib.masks import sample_masks

_STEP = 1e-6  # of the central differences: rounding and curvature both stay near 1e-9


# What a layer is multiplied by, forward or backward: the right factor, and the wrong ones.


def _right(mask: NDArray, keep: float) -> NDArray:
    return mask / keep


def _times_keep(mask: NDArray, keep: float) -> NDArray:
    return mask * keep


def _by_drop(mask: NDArray, keep: float) -> NDArray:
    return mask / (1 - keep)


def _no_scale(mask: NDArray, _keep: float) -> NDArray:
    return mask


def _twice(mask: NDArray, keep: float) -> NDArray:
    return mask / keep / keep


def _no_mask(mask: NDArray, keep: float) -> NDArray:
    return np.ones(mask.shape) / keep


def _swapped(mask: NDArray, keep: float) -> NDArray:
    return (1 - mask) / keep


def _by_share(mask: NDArray, _keep: float) -> NDArray:
    return mask / mask.mean()


def _nothing(mask: NDArray, _keep: float) -> NDArray:
    return np.ones(mask.shape)


_Factor = Callable[[NDArray, float], NDArray]


def _layer(factor: _Factor) -> Callable[..., NDArray]:
    """A function of (layer or gradient, mask, keep) that multiplies by this factor."""
    return lambda values, mask, keep: values * factor(mask, keep)


# (h or grad_out, mask, keep). The share of units kept differs from keep, as it mostly does.
_RNG = np.random.default_rng(2)
_LAYERS = (
    (np.array([0.8, -1.2, 2.0, 0.5, -0.3]), np.array([1, 0, 1, 1, 0]), 0.8),
    (
        np.array([[0.5, -0.7, 1.1, 0.4], [1.6, 0.9, -2.0, 0.2]]),
        np.array([[1, 1, 0, 1], [0, 1, 0, 0]]),
        0.3,
    ),
    (_RNG.normal(size=(3, 5)), sample_masks(3, 5, 0.7, _RNG), 0.7),
    (np.array([[0.7, 2.2, -1.3], [0.4, 0.0, -0.6]]), np.array([[0, 0, 0], [1, 1, 0]]), 1 / np.sqrt(7)),
)

INVERTED_DROPOUT = Exercise(
    name="inverted_dropout",
    reference=lambda h, mask, keep: h * mask / keep,
    cases=_LAYERS,
    pitfalls=(
        Pitfall(
            _layer(_times_keep),
            "you multiplied by `keep`. The mask has already made the layer smaller on average, by "
            "the factor `keep`; this makes it smaller still. Undo the loss.",
        ),
        Pitfall(
            _layer(_by_drop),
            "you divided by `1 - keep`, the probability of dropping. On average a share `keep` of "
            "the layer is left: that is what to make up for. The two agree at 0.5 only.",
        ),
        Pitfall(
            _layer(_no_scale),
            "the mask is right, the scale is missing. That is the standard convention; the "
            "inverted one makes up for the loss while training.",
        ),
        Pitfall(
            _layer(_twice),
            "you scaled twice, perhaps the mask and then the product. Once is enough: the average "
            "over masks should be `h` again.",
        ),
        Pitfall(
            _layer(_no_mask),
            "the scale is right, but nothing is dropped: your result does not depend on `mask`.",
        ),
        Pitfall(
            _layer(_swapped),
            "you kept what the mask drops. In the mask 1 means kept.",
        ),
        Pitfall(
            _layer(_by_share),
            "you divided by the share of units that this mask happens to keep. The scale is the "
            "same for every mask: it depends on `keep` alone.",
        ),
    ),
    hint="Drop first, then think of the average over all masks: it should be `h` again.",
    lesson="Averaged over masks this is `h` again, so at test time nothing is left to scale.",
)


def _numerical_gradient(
    function: Callable[[NDArray[np.float64]], float], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Derivative of a number with respect to each entry of `at`, by central differences."""
    gradient = np.empty_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = _STEP
        gradient[index] = (function(at + step) - function(at - step)) / (2 * _STEP)
    return gradient


def _checked_backward(grad_out: NDArray, mask: NDArray, keep: float) -> NDArray:
    """Gradient with respect to h of Σ grad_out · (h · mask / keep), which is linear in h."""
    return _numerical_gradient(lambda h: np.sum(grad_out * (h * mask / keep)), np.zeros(mask.shape))


BACKWARD_MASK = Exercise(
    name="backward_mask",
    reference=_checked_backward,
    cases=_LAYERS,
    pitfalls=(
        Pitfall(
            _layer(_no_mask),
            "the mask is still missing. A dropped unit did not touch the output, so nothing may "
            "flow back to it: where the mask is 0 the gradient is 0.",
        ),
        Pitfall(
            _layer(_no_scale),
            "the mask is in, but now the scale is lost. The forward pass divided by `keep`, and so "
            "must the gradient.",
        ),
        Pitfall(
            _layer(_times_keep),
            "you multiplied by `keep`. Going back does not undo the scale: the derivative of "
            "`h * mask / keep` has the same factor as the forward pass.",
        ),
        Pitfall(
            _layer(_by_drop),
            "you divided by `1 - keep`, the probability of dropping. The forward pass divided by "
            "`keep`.",
        ),
        Pitfall(
            _layer(_swapped),
            "the gradient flows to the dropped units only. Use the forward pass's mask as it is.",
        ),
        Pitfall(
            _layer(_nothing),
            "both the mask and the scale are missing: this is the gradient of a layer without "
            "dropout.",
        ),
    ),
    hint="Each entry of `out` is one entry of `h` times a constant. Which constant?",
    lesson="The layer is linear in `h`: back goes the same mask and the same scale as forward.",
)


def _net(x: NDArray, W1: NDArray, W2: NDArray, mask: NDArray, keep: float) -> NDArray:
    return (np.maximum(x @ W1, 0) * mask / keep) @ W2


def _checked_net_backward(
    x: NDArray, W1: NDArray, W2: NDArray, mask: NDArray, keep: float, grad_out: NDArray
) -> tuple[NDArray, NDArray]:
    """Gradients with respect to W1 and W2 of Σ grad_out · out, mask frozen."""
    return (
        _numerical_gradient(lambda W: np.sum(grad_out * _net(x, W, W2, mask, keep)), W1),
        _numerical_gradient(lambda W: np.sum(grad_out * _net(x, W1, W, mask, keep)), W2),
    )


def _net_backward(forward: _Factor, backward: _Factor) -> Callable[..., tuple[NDArray, NDArray]]:
    """A backward pass with these factors on the hidden layer and on its gradient."""

    def gradients(
        x: NDArray, W1: NDArray, W2: NDArray, mask: NDArray, keep: float, grad_out: NDArray
    ) -> tuple[NDArray, NDArray]:
        hidden = np.maximum(x @ W1, 0)
        dropped = hidden * forward(mask, keep)
        grad_hidden = grad_out @ W2.T * backward(mask, keep)
        return x.T @ (grad_hidden * (hidden > 0)), dropped.T @ grad_out

    return gradients


def _net_case(keep: float, seed: int) -> tuple[Any, ...]:
    """(x, W1, W2, mask, keep, grad_out) of 6 examples, 3 inputs, 5 hidden units, 2 outputs."""
    rng = np.random.default_rng(seed)
    x, W1, W2, grad_out = (rng.normal(size=shape) for shape in ((6, 3), (3, 5), (5, 2), (6, 2)))
    return x, W1, W2, sample_masks(6, 5, keep, rng), keep, grad_out


BACKWARD_SCALE = Exercise(
    name="backward_scale",
    reference=_checked_net_backward,
    # seeds with which every hidden unit is active, kept here and dropped there, and off its kink
    cases=(_net_case(0.8, seed=227), _net_case(0.3, seed=8), _net_case(0.7, seed=57)),
    results=("grad_W1", "grad_W2"),
    pitfalls=(
        Pitfall(
            _net_backward(_right, _no_scale),
            "`grad_W1` is still `keep` times what the gradient check finds, in every entry. Which "
            "factor of the forward pass is missing on the way back to the hidden layer?",
        ),
        Pitfall(
            _net_backward(_right, _twice),
            "`grad_W1` is now too large by `1 / keep`: you divided twice.",
        ),
        Pitfall(
            _net_backward(_right, _times_keep),
            "you multiplied by `keep`, which makes `grad_W1` smaller still. The factor back is the "
            "factor forward.",
        ),
        Pitfall(
            _net_backward(_right, _by_drop),
            "you divided by `1 - keep`, the probability of dropping, on the way back; forward it "
            "was `keep`.",
        ),
        Pitfall(
            _net_backward(_right, _no_mask),
            "the scale is in, but the mask got lost: dropped units now send a gradient to `W1`.",
        ),
        Pitfall(
            _net_backward(_twice, _no_scale),
            "you scaled `grad_W2`, which was right: `dropped` already holds the scale. It is the "
            "gradient of `W1` that lacks it.",
        ),
        Pitfall(
            _net_backward(_twice, _right),
            "`grad_W1` is right now, but you scaled `grad_W2` as well, and that was right before: "
            "`dropped` already holds the scale.",
        ),
        Pitfall(
            _net_backward(_no_scale, _no_scale),
            "you took the scale out of `dropped` instead. The two gradients agree with each other "
            "now, but not with the forward pass, which divides by `keep`.",
        ),
    ),
    hint="Compare the two gradients with the check, one at a time: one of them was right before.",
    lesson="Only `grad_W1` goes back through the dropout layer; it was `keep` times the true one.",
)

EXERCISES = (INVERTED_DROPOUT, BACKWARD_MASK, BACKWARD_SCALE)
