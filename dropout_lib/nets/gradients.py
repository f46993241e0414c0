"""How what a net says changes with its input: gradients by weight scaling, and through given masks.

Sources: Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks", 2014, §3 (the gradient with
respect to the image as a picture). Goodfellow, Bengio & Courville, "Deep Learning", 2016, algorithm 6.4.
"""

import numpy as np
from numpy.typing import ArrayLike

from dropout_lib._checks import check_array, check_labels, describe
from dropout_lib.nets.mlp import MLP, Masks
from dropout_lib.nets.passes import ACTIVATIONS, Array, forward_layers, softmax


def input_gradients(net: MLP, x: ArrayLike, y: ArrayLike, masks: Masks = None) -> Array:
    """Gradient of log p(y given x) with respect to x, row by row.

    Args:
        net: a trained net.
        x: (batch, inputs), or a single row, which meets every row of the masks.
        y: (batch,) the class asked about in each row.
        masks: what multiplies each layer, in the form of `MLP.forward`: divide by keep to rescale the
            survivors. Left out: weight scaling, nothing random.
    Returns: (rows, inputs), typed like the net.
    Raises: ValueError for a bad argument.
    """
    if not isinstance(net, MLP):
        raise ValueError(f"net must be an MLP; got {describe(net)}")
    x = check_array(x, "x", (None, net.sizes[0])).astype(net.dtype, copy=False)
    y = check_labels(y, "y", n_examples=len(x), n_classes=net.sizes[-1])
    if masks is None:
        masks = net.prediction_keep
    else:
        net.forward(x, masks)  # refuses masks that do not fit
    gains = [None if mask is None else np.asarray(mask, net.dtype) for mask in masks]
    activations, _ = forward_layers(net.parameters, x, gains, net.activation)
    p = softmax(activations[-1])
    delta = -p
    delta[np.arange(len(p)), np.broadcast_to(y, len(p))] += 1
    _, slope = ACTIVATIONS[net.activation]
    for layer in reversed(range(len(gains))):
        delta = delta @ net.parameters[2 * layer].T
        if gains[layer] is not None:
            delta *= gains[layer]
        if layer > 0:
            delta *= slope(activations[layer])
    return delta
