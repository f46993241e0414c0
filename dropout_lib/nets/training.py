"""Training: mini-batch gradient descent with momentum, weight decay and max-norm.

`fit` trains a net and returns its `History`. `fit_steps` is the same as a generator: it hands the
history over after every epoch, so that a caller can draw, wait or stop in between. Whenever a run
is left, the net is usable: its parameters are those after the last complete step.

Source: Srivastava et al., "Dropout", JMLR 15, 2014: §5.1 (learning with dropout), appendix A
(values that work well).
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import (
    check_array,
    check_count,
    check_flag,
    check_fraction,
    check_labels,
    check_positive,
    check_rng,
    describe,
)
from dropout_lib.nets.descent import Momentum, cap_norms
from dropout_lib.nets.mlp import MLP, LayerKeeps
from dropout_lib.nets.passes import Array, backpropagate, cross_entropy

Examples = tuple[ArrayLike, ArrayLike]

#: Within an epoch longer than this, `fit_steps` also hands over in between, so that half a second
#: after a request to stop nothing runs any more, even if one step takes long.
SECONDS_BETWEEN_YIELDS = 0.2


class TrainingDiverged(FloatingPointError):
    """The loss became infinite or NaN. The net holds its parameters from before that epoch."""


@dataclass
class History:
    """The curves of one run: entry i of each was taken at the end of epoch `epochs[i]`.

    Losses are mean cross-entropies, errors are shares of examples classified wrongly, both of the
    net that predicts (weight scaling, nothing dropped). `batch_loss` is what training itself saw:
    the mean over the epoch's batches, with dropout and weight decay. Without validation data the
    validation curves stay empty.
    """

    epochs_planned: int
    epochs_done: int = 0
    progress: float = 0.0  #: share of the planned work that is done
    epoch_ended: bool = False  #: of this hand-over: was it at the end of an epoch, or within one?
    seconds: float = field(
        default=0.0, compare=False
    )  #: spent training; a caller's time not counted
    epochs: list[int] = field(default_factory=list)
    batch_loss: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_error: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_error: list[float] = field(default_factory=list)


def evaluate(net: MLP, x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Mean cross-entropy, and share of examples classified wrongly, by weight scaling."""
    _check_net(net)
    logits = net.predict_logits(x)
    y = check_labels(y, "y", n_examples=len(logits), n_classes=net.sizes[-1])
    loss, _ = cross_entropy(logits, y)
    return loss, float((logits.argmax(axis=1) != y).mean())


def fit_steps(
    net: MLP,
    x: ArrayLike,
    y: ArrayLike,
    *,
    keep: Sequence[ArrayLike] = (1.0, 1.0),
    epochs: int,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    batch_size: int = 32,
    weight_decay: float = 0.0,
    max_norm: float | None = None,
    max_norm_output: float | None = None,
    rng: np.random.Generator,
    validation: Examples | None = None,
    inverted: bool = True,
    evaluate_every: int = 1,
) -> Iterator[History]:
    """Train `net` step by step: `fit` as a generator, with the same arguments.

    Yields: the same growing `History` after every epoch; within an epoch too, about every
        `SECONDS_BETWEEN_YIELDS`, if it takes longer. `history.epoch_ended` tells the two apart.
    Leaving the generator ends the training there. The arguments are checked at the call, before the
    first step.
    """
    _check_net(net)
    x = check_array(x, "x", (None, net.sizes[0])).astype(net.dtype, copy=False)
    y = check_labels(y, "y", n_examples=len(x), n_classes=net.sizes[-1])
    momentum = check_fraction(momentum, "momentum")
    if momentum == 1:
        raise ValueError("momentum must be below 1, or nothing ever slows down; got 1")
    if validation is not None:
        validation = _check_validation(net, validation)
    run = _Run(
        net=net,
        x=x,
        y=y,
        keeps=net.layer_keeps(keep),
        inverted=check_flag(inverted, "inverted"),
        descent=Momentum(net.parameters, check_positive(learning_rate, "learning_rate"), momentum),
        batch_size=check_count(batch_size, "batch_size"),
        weight_decay=check_positive(weight_decay, "weight_decay", or_zero=True),
        caps=_caps(net, max_norm, max_norm_output),
        rng=check_rng(rng),
        validation=validation,
        evaluate_every=check_count(evaluate_every, "evaluate_every"),
        history=History(check_count(epochs, "epochs")),
    )
    return run.steps()


def fit(
    net: MLP,
    x: ArrayLike,
    y: ArrayLike,
    *,
    keep: Sequence[ArrayLike] = (1.0, 1.0),
    epochs: int,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    batch_size: int = 32,
    weight_decay: float = 0.0,
    max_norm: float | None = None,
    max_norm_output: float | None = None,
    rng: np.random.Generator,
    validation: Examples | None = None,
    inverted: bool = True,
    evaluate_every: int = 1,
    on_epoch: Callable[[History], object] | None = None,
    stop: Callable[[], bool] | None = None,
) -> History:
    """Train `net` in place on mini-batches in random order. One seed gives one result, bit for bit.

    Args:
        x: (examples, inputs).
        y: (examples,) labels, 0 … classes − 1.
        keep: (keep_input, keep_hidden), or one entry per layer, as in `MLP.loss_and_gradients`.
        epochs: how many times to go through the examples.
        learning_rate: length of a step, above 0.
        momentum: share of the last step that is taken again, 0 ≤ momentum < 1.
        batch_size: examples per step; the last batch of an epoch may be smaller.
        weight_decay: strength of the penalty ½ weight_decay Σ W² on the weights, not the biases.
        max_norm: largest length of a hidden unit's incoming weights, kept to after each step, or
            None.
        max_norm_output: the same for the units of the softmax layer, which has no cap without it.
        rng: shuffles the examples and draws the masks.
        validation: (x, y) to follow in the history; nothing is learnt from it.
        inverted: the convention of dropout. With False, `net.prediction_keep` is set to `keep`.
        evaluate_every: epochs from one entry of the history to the next; the last epoch always has
            one. The net that comes out is the same.
        on_epoch: called with the history after each epoch; if it returns something true, that was
            the last epoch (early stopping).
        stop: called after each epoch and about every `SECONDS_BETWEEN_YIELDS`; training ends if it
            returns True.
    Returns: the history.
    Raises: ValueError for a bad argument; TrainingDiverged if the loss becomes infinite or NaN.
    """
    for name, function in (("on_epoch", on_epoch), ("stop", stop)):
        if function is not None and not callable(function):
            raise ValueError(f"{name} must be a function, or None; got {describe(function)}")
    steps = fit_steps(
        net,
        x,
        y,
        keep=keep,
        epochs=epochs,
        learning_rate=learning_rate,
        momentum=momentum,
        batch_size=batch_size,
        weight_decay=weight_decay,
        max_norm=max_norm,
        max_norm_output=max_norm_output,
        rng=rng,
        validation=validation,
        inverted=inverted,
        evaluate_every=evaluate_every,
    )
    for history in steps:
        if history.epoch_ended and on_epoch is not None and on_epoch(history):
            break
        if stop is not None and stop():
            break
    return history


@dataclass
class _Run:
    """One run of training: its checked settings, and what changes from step to step."""

    net: MLP
    x: Array
    y: NDArray[np.int64]
    keeps: LayerKeeps
    inverted: bool
    descent: Momentum
    batch_size: int
    weight_decay: float
    caps: list[tuple[Array, float]]  # weights, and the largest length of their columns
    rng: np.random.Generator
    validation: Examples | None
    evaluate_every: int
    history: History

    def steps(self) -> Iterator[History]:
        """The training loop."""
        net, history = self.net, self.history
        net.prediction_keep = (1.0, 1.0) if self.inverted else self.keeps
        gradients = [np.empty_like(parameter) for parameter in net.parameters]
        n_examples = len(self.x)
        resumed = time.perf_counter()
        for epoch in range(1, history.epochs_planned + 1):
            before = [parameter.copy() for parameter in net.parameters]
            order = self.rng.permutation(n_examples)
            total_loss = 0.0
            for first in range(0, n_examples, self.batch_size):
                rows = order[first : first + self.batch_size]
                total_loss += len(rows) * self._step(rows, gradients)
                if not math.isfinite(total_loss):
                    break
                now = time.perf_counter()
                if now - resumed > SECONDS_BETWEEN_YIELDS:
                    done = epoch - 1 + (first + len(rows)) / n_examples
                    yield self._hand_over(done, now - resumed, epoch_ended=False)
                    resumed = time.perf_counter()
            self._end_epoch(epoch, total_loss / n_examples, before)
            history.epochs_done = epoch
            yield self._hand_over(epoch, time.perf_counter() - resumed, epoch_ended=True)
            resumed = time.perf_counter()

    def _step(self, rows: NDArray[np.integer], gradients: list[Array]) -> float:
        """Take one step on these examples; return the loss before it."""
        net, x, y = self.net, self.x[rows], self.y[rows]
        with np.errstate(over="ignore", invalid="ignore"):  # _end_epoch sees to what is not finite
            gains = net.sample_gains(len(x), self.keeps, self.rng, self.inverted)
            loss = backpropagate(
                net.parameters, x, y, gains, net.activation, self.weight_decay, gradients
            )
            self.descent.step(gradients)
            for weights, cap in self.caps:
                cap_norms(weights, cap)
        return loss

    def _end_epoch(self, epoch: int, batch_loss: float, before: list[Array]) -> None:
        """Tidy up, record what is due; if the epoch went wrong, undo it and say so."""
        parameters = self.net.parameters
        self.descent.forget_the_negligible()
        went_well = math.isfinite(batch_loss) and all(np.isfinite(p).all() for p in parameters)
        if went_well and (epoch % self.evaluate_every == 0 or epoch == self.history.epochs_planned):
            went_well = self._record(epoch, batch_loss)
        if not went_well:
            for parameter, old in zip(parameters, before, strict=True):
                parameter[...] = old
            learning_rate, momentum = self.descent.learning_rate, self.descent.momentum
            raise TrainingDiverged(
                f"the loss became infinite or NaN in epoch {epoch} with learning_rate = "
                f"{learning_rate:g} and momentum = {momentum:g}: the steps were too long. Try "
                f"learning_rate = {learning_rate / 10:g}, or max_norm = 3. The net is as it was "
                f"before that epoch."
            )

    def _record(self, epoch: int, batch_loss: float) -> bool:
        """Add an entry to the history, unless a loss is not finite; say whether it was."""
        history, validation = self.history, self.validation
        with np.errstate(over="ignore", invalid="ignore"):  # the caller sees to what is not finite
            measured = [evaluate(self.net, self.x, self.y)]
            if validation is not None:
                measured.append(evaluate(self.net, *validation))
        if not all(math.isfinite(loss) for loss, _ in measured):
            return False
        history.epochs.append(epoch)
        history.batch_loss.append(batch_loss)
        curves = [
            (history.train_loss, history.train_error),
            (history.validation_loss, history.validation_error),
        ]
        for (losses, errors), (loss, error) in zip(curves, measured, strict=False):
            losses.append(loss)
            errors.append(error)
        return True

    def _hand_over(self, epochs_done: float, seconds: float, *, epoch_ended: bool) -> History:
        self.history.progress = epochs_done / self.history.epochs_planned
        self.history.epoch_ended = epoch_ended
        self.history.seconds += seconds
        return self.history


def _check_net(net: MLP) -> None:
    if not isinstance(net, MLP):
        raise ValueError(f"net must be a net, such as network.MLP((64, 256, 10), rng); got {describe(net)}")


def _caps(net: MLP, hidden: float | None, output: float | None) -> list[tuple[Array, float]]:
    """The weights that have a cap, each with its own: those into hidden units, those into the softmax layer."""
    hidden = None if hidden is None else check_positive(hidden, "max_norm")
    output = None if output is None else check_positive(output, "max_norm_output")
    *into_hidden, into_output = net.parameters[0::2]
    each = [*((weights, hidden) for weights in into_hidden), (into_output, output)]
    return [(weights, cap) for weights, cap in each if cap is not None]


def _check_validation(net: MLP, validation: Examples) -> Examples:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise ValueError(f"validation must be a pair (x, y), or None; got {describe(validation)}")
    x = check_array(validation[0], "validation x", (None, net.sizes[0]))
    y = check_labels(validation[1], "validation y", n_examples=len(x), n_classes=net.sizes[-1])
    return x, y
