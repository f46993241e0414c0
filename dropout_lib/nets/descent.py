"""Steps of gradient descent: momentum, and max-norm as a projection after the step.

Both change the parameters in place and check nothing: training comes here with every batch.

Sources: Goodfellow, Bengio & Courville, "Deep Learning", 2016, §8.3.2 (momentum). Srivastava et
al., "Dropout", JMLR 15, 2014, §5.1 (max-norm).
"""

import numpy as np

from dropout_lib.nets.passes import Array


def cap_norms(weights: Array, max_norm: float) -> None:
    """Scale units whose incoming weights are longer than `max_norm` back to that length, in place.

    Args:
        weights: (inputs, units); the incoming weights of a unit are a column.
        max_norm: the largest Euclidean length allowed, above 0.
    Source: Srivastava et al. 2014, §5.1, where 3 or 4 is typical (appendix A.3).
    """
    lengths = np.sqrt(np.einsum("iu,iu->u", weights, weights))
    if lengths.max() > max_norm:
        weights *= max_norm / np.maximum(lengths, max_norm)


class Momentum:
    """Gradient descent with momentum: v ← momentum · v − learning_rate · gradient, then θ ← θ + v.

    Args:
        parameters: the arrays θ to change.
        learning_rate, momentum: as in `fit`.
    Source: Goodfellow et al. 2016, equations 8.15 and 8.16.
    """

    def __init__(self, parameters: list[Array], learning_rate: float, momentum: float) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities = [np.zeros_like(parameter) for parameter in parameters]

    def step(self, gradients: list[Array]) -> None:
        """Take one step. The gradients are used up: their arrays are written over."""
        each = zip(self.parameters, self.velocities, gradients, strict=True)
        for parameter, velocity, gradient in each:
            gradient *= self.learning_rate
            velocity *= self.momentum
            velocity -= gradient
            parameter += velocity

    def forget_the_negligible(self) -> None:
        """Set velocities to 0 that are on their way below the smallest normal number.

        The velocity of a unit that has died shrinks for ever, and a processor computes many times
        slower with subnormal numbers: 100 epochs on the digits would take up to a third longer.
        They are far too small to change any parameter.
        """
        for velocity in self.velocities:
            kind = np.finfo(velocity.dtype)
            velocity[np.abs(velocity) < kind.tiny / kind.eps] = 0
