"""What the layers of a net compute: activations, softmax and cross-entropy, and the two passes.

Examples stand in rows. A layer computes a = f(h W + b) with W of shape (inputs, units); the softmax
comes after the last. Dropout acts on the input layer and on every hidden layer: each unit is
multiplied by its *gain* before the next layer sees it. A dropped unit has gain 0, a kept one has
1/keep (inverted dropout) or 1 (standard dropout).

The passes are pure functions of checked arguments: training comes here with every batch.

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016: algorithms 6.3 and 6.4 (forward and
back), equations 6.29 to 6.33 (softmax and cross-entropy). Srivastava et al., "Dropout", JMLR 15,
2014: §4 and §5.1 (the two passes with dropout), §10 (1/keep in training).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array

Array = NDArray[np.floating]
#: What multiplies a layer: (units,) or (batch, units); None stands for 1.
Gain = Array | None

#: name -> (f, which may overwrite the pre-activation z; its slope, worked out from a = f(z))
ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0, out=z), lambda a: a > 0),  # slope 0 at the kink
    "tanh": (lambda z: np.tanh(z, out=z), lambda a: 1 - a * a),
    "linear": (lambda z: z, lambda _: 1),
}


def he_weights(n_inputs: int, n_units: int, rng: np.random.Generator) -> Array:
    """Draw (n_inputs, n_units) normal weights of variance 2 / n_inputs.

    ReLU layers then hand on signals of the same size, however many there are.
    Source: He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015, equation 10.
    """
    return rng.normal(0, np.sqrt(2 / n_inputs), (n_inputs, n_units))


def glorot_weights(n_inputs: int, n_units: int, rng: np.random.Generator) -> Array:
    """Draw (n_inputs, n_units) uniform weights of variance 2 / (n_inputs + n_units).

    A compromise between keeping the size of signals on the way forward and of gradients on the way
    back, for units that are linear around 0.
    Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 16.
    """
    limit = np.sqrt(6 / (n_inputs + n_units))
    return rng.uniform(-limit, limit, (n_inputs, n_units))


INITIALISATIONS = {"he": he_weights, "glorot": glorot_weights}


def softmax(logits: ArrayLike) -> Array:
    """Class probabilities exp(z) / Σ exp(z) over the last axis.

    Args:
        logits: (..., classes), finite; float32 stays float32.
    Returns: the same shape; each row lies in [0, 1] and sums to 1.
    """
    return np.exp(_log_softmax(check_array(logits, "logits")))


def log_softmax(logits: ArrayLike) -> Array:
    """Logarithm of the softmax, z − log Σ exp(z): finite even where the softmax rounds to 0.

    Args:
        logits: (..., classes), finite; float32 stays float32.
    Returns: the same shape, entries at most 0.
    """
    return _log_softmax(check_array(logits, "logits"))


def _log_softmax(logits: Array) -> Array:
    # exp overflows beyond 88 in float32, 709 in float64. The softmax stays the same when one number
    # is taken from all logits; with the largest taken, no exponent exceeds 0.
    shifted = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def cross_entropy(logits: Array, y: NDArray[np.integer]) -> tuple[float, Array]:
    """Mean cross-entropy −log p(y) of a batch, and its gradient with respect to the logits.

    Args:
        logits: (batch, classes).
        y: (batch,) labels, 0 … classes − 1.
    Returns: the loss, and (softmax(logits) − one-hot(y)) / batch, shaped like `logits`.
    """
    examples = np.arange(len(y))
    log_probabilities = _log_softmax(logits)
    loss = -float(log_probabilities[examples, y].mean())
    gradient = np.exp(log_probabilities)
    gradient[examples, y] -= 1
    gradient /= len(y)
    return loss, gradient


def forward_layers(
    parameters: Sequence[Array], x: Array, gains: Sequence[Gain], activation: str
) -> tuple[list[Array], list[Array]]:
    """The forward pass.

    Args:
        parameters: [W1, b1, W2, b2, …].
        x: (batch, inputs).
        gains: for the input layer and each hidden layer.
        activation: of the hidden layers.
    Returns: what each layer computes (x, then the hidden layers, then the logits), and what goes
        into each W (the same times the gains, without the logits).
    """
    function, _ = ACTIVATIONS[activation]
    activations, inputs = [x], []
    for W, b, gain in zip(parameters[0::2], parameters[1::2], gains, strict=True):
        inputs.append(activations[-1] if gain is None else activations[-1] * gain)
        z = inputs[-1] @ W
        z += b
        is_last = len(inputs) == len(gains)
        activations.append(z if is_last else function(z))
    return activations, inputs


def backpropagate(
    parameters: Sequence[Array],
    x: Array,
    y: NDArray[np.integer],
    gains: Sequence[Gain],
    activation: str,
    weight_decay: float,
    gradients: Sequence[Array],
) -> float:
    """Both passes: the loss, mean cross-entropy + ½ weight_decay Σ W², and its gradients.

    Args:
        parameters, x, gains, activation: as in `forward_layers`.
        y: (batch,) labels.
        gradients: arrays shaped like the parameters, which are written over.
    Returns: the loss; NaN or infinity where the logits overflowed.
    """
    _, slope = ACTIVATIONS[activation]
    activations, inputs = forward_layers(parameters, x, gains, activation)
    loss, delta = cross_entropy(activations[-1], y)
    for layer in reversed(range(len(inputs))):
        W = parameters[2 * layer]
        grad_W, grad_b = gradients[2 * layer : 2 * layer + 2]
        np.matmul(inputs[layer].T, delta, out=grad_W)
        np.sum(delta, axis=0, out=grad_b)
        if weight_decay:
            loss += 0.5 * weight_decay * float(np.vdot(W, W))
            grad_W += weight_decay * W
        if layer > 0:  # down to the layer below: through W, then its gains, then its activation
            delta = delta @ W.T
            if gains[layer] is not None:
                delta *= gains[layer]
            delta *= slope(activations[layer])
    return loss
