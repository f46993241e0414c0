"""The net: a multilayer perceptron with dropout on its input and hidden layers.

`passes` has the two passes; here they get a state (the parameters), checked arguments, masks drawn
for every example, and a prediction rule.

Source: Srivastava et al., "Dropout", JMLR 15, 2014: §4 (the model and its use at test time), §5.1
(learning), §10 (1/keep in training).
"""

import copy
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from dropout_lib._checks import (
    check_array,
    check_choice,
    check_count,
    check_flag,
    check_keep,
    check_labels,
    check_mask,
    check_positive,
    check_rng,
    describe,
)
from dropout_lib.nets.passes import (
    ACTIVATIONS,
    INITIALISATIONS,
    Array,
    Gain,
    backpropagate,
    forward_layers,
    softmax,
)

#: keep for the input layer and for each hidden layer: a number, or (units,).
LayerKeeps = tuple[float | NDArray[np.float64], ...]
#: Masks as a caller may give them.
Masks = Sequence[ArrayLike | None] | None


class MLP:
    """A fully connected net: `MLP((64, 256, 256, 10), rng)` has two hidden layers of 256 units.

    Args:
        sizes: units of each layer, inputs first, classes last; (64, 10) is softmax regression.
        rng: draws the first weights; biases start at 0.
        activation: of the hidden units: "relu", "tanh" or "linear".
        dtype: of parameters and computation: float64, or float32, which takes 0.6 times as long.
        initialisation: "he" or "glorot"; left out, "he" for ReLU and "glorot" for the others.
    Attributes:
        parameters: [W1, b1, W2, b2, …], W (inputs, units) and b (units,).
        prediction_keep: what `predict_proba` multiplies each layer by.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: np.random.Generator,
        activation: str = "relu",
        dtype: DTypeLike = np.float64,
        initialisation: str | None = None,
    ) -> None:
        self.sizes = _check_sizes(sizes)
        self.activation = check_choice(activation, "activation", ACTIVATIONS)
        self.dtype = _check_dtype(dtype)
        if initialisation is None:
            initialisation = "he" if activation == "relu" else "glorot"
        first_weights = INITIALISATIONS[
            check_choice(initialisation, "initialisation", INITIALISATIONS)
        ]
        check_rng(rng)
        self.parameters: list[Array] = []
        for n_inputs, n_units in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            W = first_weights(n_inputs, n_units, rng).astype(self.dtype)
            self.parameters += [W, np.zeros(n_units, self.dtype)]
        self.prediction_keep = (1.0, 1.0)

    def __repr__(self) -> str:
        return f"MLP({self.sizes}, activation={self.activation!r}, dtype={self.dtype.name})"

    def copy(self) -> "MLP":
        """A second net with the same parameters that can be changed on its own."""
        return copy.deepcopy(self)

    # Prediction: with the masks given, or with all units and weight scaling

    def forward(self, x: ArrayLike, masks: Masks = None) -> Array:
        """Logits of the whole net, or of the subnetworks that `masks` leave.

        Args:
            x: (batch, inputs).
            masks: a list with one entry for the input layer and one for each hidden layer: (units,)
                for all examples, (batch, units) for a mask each, or None to drop nothing there.
                They multiply the layer as they are: divide by keep to rescale the survivors. A
                single row of x meets every row of the masks.
        Returns: (batch, classes) logits; `softmax` makes them probabilities.
        """
        x = self._check_x(x)
        return self._pass(x, self._check_masks(masks, _rows(x)))[0][-1]

    def hidden_activations(self, x: ArrayLike, masks: Masks = None) -> list[Array]:
        """What each hidden layer hands on, (batch, units): after its mask, if `masks` has one."""
        x = self._check_x(x)
        return self._pass(x, self._check_masks(masks, _rows(x)))[1][1:]

    def predict_logits(self, x: ArrayLike) -> Array:
        """Logits (batch, classes) by weight scaling; see `predict_proba`."""
        return self._pass(self._check_x(x), self._prediction_gains)[0][-1]

    def predict_proba(self, x: ArrayLike) -> Array:
        """Class probabilities (batch, classes) by weight scaling: all units, nothing random.

        Each unit is multiplied by its `prediction_keep`, which is the same as multiplying its
        outgoing weights (Srivastava et al. 2014, §4). After inverted dropout, or none, that is 1:
        training has seen to the scale. After standard dropout it must be the `keep` of training;
        `fit` sets it, and `net.prediction_keep = (.8, .5)` does by hand.
        """
        return softmax(self.predict_logits(x))

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """The most probable class of each example, (batch,), by weight scaling."""
        return self.predict_logits(x).argmax(axis=1)

    @property
    def prediction_keep(self) -> LayerKeeps:
        """What prediction multiplies each layer by, the input layer first; set it like `keep`."""
        return self._prediction_keep

    @prediction_keep.setter
    def prediction_keep(self, keep: Sequence[ArrayLike]) -> None:
        self._prediction_keep = self.layer_keeps(keep, name="prediction_keep")
        self._prediction_gains = [
            None if np.all(kept == 1) else np.asarray(kept, self.dtype)
            for kept in self._prediction_keep
        ]

    # Training: loss and gradients with dropout

    def loss_and_gradients(
        self,
        x: ArrayLike,
        y: ArrayLike,
        keep: Sequence[ArrayLike] = (1.0, 1.0),
        rng: np.random.Generator | None = None,
        *,
        masks: Masks = None,
        inverted: bool = True,
        weight_decay: float = 0.0,
    ) -> tuple[float, list[Array]]:
        """The loss with dropout, mean cross-entropy + ½ weight_decay Σ W², and its gradients.

        Args:
            x: (batch, inputs).
            y: (batch,) labels, 0 … classes − 1.
            keep: (keep_input, keep_hidden), or one entry for the input layer and one for each
                hidden layer. An entry is a number, or one number per unit.
            rng: draws a mask for every example and layer; needed only if masks are drawn.
            masks: these instead of drawn ones, in the form of `forward` but 0 and 1 only: `keep`
                and `inverted` scale them. Held still, they make the loss a function of the
                parameters that can be differentiated.
            inverted: True divides kept units by keep; False leaves the scale to prediction.
            weight_decay: strength of the penalty on the weights; the biases have none.
        Returns: the loss, and the gradients: new arrays shaped like `parameters`.
        """
        x = self._check_x(x)
        y = check_labels(y, "y", n_examples=len(x), n_classes=self.sizes[-1])
        keeps = self.layer_keeps(keep)
        inverted = check_flag(inverted, "inverted")
        weight_decay = check_positive(weight_decay, "weight_decay", or_zero=True)
        if masks is None:
            if any(np.any(kept != 1) for kept in keeps):
                check_rng(rng)
            gains = self.sample_gains(len(x), keeps, rng, inverted)
        else:
            gains = self._check_masks(masks, len(x), check_mask)
            if inverted:
                gains = [
                    None if gain is None else np.divide(gain, kept, dtype=self.dtype)
                    for gain, kept in zip(gains, keeps, strict=True)
                ]
        gradients = [np.empty_like(parameter) for parameter in self.parameters]
        loss = backpropagate(self.parameters, x, y, gains, self.activation, weight_decay, gradients)
        return loss, gradients

    def layer_keeps(self, keep: Sequence[ArrayLike], name: str = "keep") -> LayerKeeps:
        """Check `keep` and spell it out: one entry for the input layer and each hidden layer."""
        n_layers = len(self.sizes) - 1
        entries = list(keep) if isinstance(keep, (tuple, list)) else []
        if len(entries) == 2:
            check_keep(entries[1], name=f"{name}[1]")  # also where there is no hidden layer
            entries = entries[:1] + entries[1:] * (n_layers - 1)
        if len(entries) != n_layers:
            raise ValueError(
                f"{name} must be (keep_input, keep_hidden), or {n_layers} entries, for the input "
                f"layer and each hidden layer; got {describe(keep)}"
            )
        return tuple(
            check_keep(entry, n_units, name=f"{name}[{layer}]")
            for layer, (entry, n_units) in enumerate(zip(entries, self.sizes[:-1], strict=True))
        )

    def sample_gains(
        self, n_examples: int, keeps: LayerKeeps, rng: np.random.Generator, inverted: bool
    ) -> list[Gain]:
        """Draw what one pass of training multiplies the layers by: a mask of its own per example.

        The masks are those that `masks.sample_masks` draws, layer by layer, from one rng. `fit`
        comes here with every batch. A subclass may override it to record the masks, or to put
        another kind of noise in their place.

        Args:
            keeps: from `layer_keeps`.
        Returns: (n_examples, units) for each layer, or None where keep is 1.
        """
        gains: list[Gain] = []
        for n_units, keep in zip(self.sizes[:-1], keeps, strict=True):
            if np.ndim(keep) == 0 and keep == 1:
                gains.append(None)
                continue
            mask = rng.random((n_examples, n_units)) < keep  # `sample_masks` without its checks
            gains.append(np.multiply(mask, 1 / keep if inverted else 1, dtype=self.dtype))
        return gains

    # What both share

    def _pass(self, x: Array, gains: Sequence[Gain]) -> tuple[list[Array], list[Array]]:
        return forward_layers(self.parameters, x, gains, self.activation)

    def _check_x(self, x: ArrayLike) -> Array:
        return check_array(x, "x", (None, self.sizes[0])).astype(self.dtype, copy=False)

    def _check_masks(
        self, masks: Masks, n_rows: int | None, check: Callable[..., NDArray] = check_array
    ) -> list[Gain]:
        """Masks as gains; with `n_rows` None any number of rows is right if the masks agree."""
        n_layers = len(self.sizes) - 1
        if masks is None:
            return [None] * n_layers
        if not isinstance(masks, (tuple, list)) or len(masks) != n_layers:
            raise ValueError(
                f"masks must be a list of {n_layers}, with a mask or None for the input layer and "
                f"each hidden layer; got {describe(masks)}"
            )
        gains: list[Gain] = []
        for layer, (mask, n_units) in enumerate(zip(masks, self.sizes[:-1], strict=True)):
            if mask is None:
                gains.append(None)
                continue
            mask = check_array(mask, f"masks[{layer}]")
            shape = (n_units,) if mask.ndim == 1 else (n_rows, n_units)
            mask = check(mask, f"masks[{layer}]", shape)
            if mask.ndim == 2:
                n_rows = len(mask)
            gains.append(mask.astype(self.dtype))
        return gains


def _rows(x: Array) -> int | None:
    """The rows that masks must have to go with x: a single example goes with any number of them."""
    return len(x) if len(x) > 1 else None


def _check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(sizes, (tuple, list)) or len(sizes) < 2:
        raise ValueError(
            "sizes must list the units of two layers or more, inputs first and classes last, like "
            f"(64, 256, 10); got {describe(sizes)}"
        )
    return tuple(check_count(size, f"sizes[{layer}]") for layer, size in enumerate(sizes))


def _check_dtype(dtype: DTypeLike) -> np.dtype:
    admissible = (np.dtype(np.float32), np.dtype(np.float64))
    if dtype is None or dtype not in admissible:
        raise ValueError(f"dtype must be numpy.float32 or numpy.float64; got {describe(dtype)}")
    return np.dtype(dtype)
