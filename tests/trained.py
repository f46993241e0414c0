"""Networks on the digits that several test files ask for: each is trained once."""

from copy import deepcopy
from functools import cache

import numpy as np

from dropout_lib.data import Digits, corrupt_labels, load_digits, split
from dropout_lib.network import MLP
from dropout_lib.training import History, fit


def trained(
    keep: float,
    seed: int,
    *,
    noise: float = 0.3,
    hidden: tuple[int, ...] = (256, 256),
    n_train: int = 1000,
    epochs: int = 60,
    curve: bool = True,
) -> tuple[MLP, History, Digits]:
    """Return a net of its own, its history, and the test part.

    The history holds the test error after each epoch, or without a `curve` after the last one only.

    The draws are those of the notebooks, so all that differs between two nets of one seed is what is asked for.
    """
    net, history, test = _train(keep, seed, noise, hidden, n_train, epochs, curve)
    return deepcopy(net), history, test


@cache
def _train(
    keep: float,
    seed: int,
    noise: float,
    hidden: tuple[int, ...],
    n_train: int,
    epochs: int,
    curve: bool,
) -> tuple[MLP, History, Digits]:
    dice = [np.random.default_rng([seed, number]) for number in range(4)]
    train, test = split(*load_digits(), n_train, dice[0])
    labels = corrupt_labels(train.y, noise, dice[1])
    net = MLP((64, *hidden, 10), dice[2], dtype=np.float32)
    options = {"keep": (1.0, keep), "epochs": epochs, "learning_rate": 0.02, "validation": test}
    often = 1 if curve else epochs
    history = fit(net, train.x, labels, rng=dice[3], evaluate_every=often, **options)
    return net, history, test
