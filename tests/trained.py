"""Networks on the digits that several test files ask for: each is trained once."""

from copy import deepcopy
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dropout_lib.data import Digits
from dropout_lib.experiments import LABELS, Trained, digits_for, train
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import History

_NAMES = {noise: labels for labels, noise in LABELS.items()}


def parts(
    seed: int, noise: float = 0.3, n_train: int = 1000
) -> tuple[NDArray[np.float64], NDArray[np.int64], Digits]:
    """Return the images to train on, their labels, a share `noise` of them replaced, and the test part."""
    (x, y), test = digits_for(seed, _NAMES[noise], n_train)
    return x, y, test


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
) -> Trained:
    often = 1 if curve else epochs
    return train(
        keep, seed, _NAMES[noise], n_train=n_train, hidden=hidden, epochs=epochs, evaluate_every=often
    )
