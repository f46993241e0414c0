"""The one protocol: for one seed the same split, labels, first weights and order, whatever is compared.

1,000 digits to train on and the other 797 to test with, 30 % of the training labels replaced at
random or none, a net 64-256-256-10, 60 epochs of mini-batches of 32 with momentum .9. Everything
random comes from the seed: [seed, 0] splits, [seed, 1] replaces labels, [seed, 2] draws the first
weights, [seed, 3] the order of the examples and the masks.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dropout_lib import data
from dropout_lib._checks import check_choice
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import History, fit_steps

#: Share of the training labels that is replaced at random.
LABELS = {"noisy": 0.3, "clean": 0.0}
SEEDS = range(5)
HIDDEN = (256, 256)
EPOCHS = 60
LEARNING_RATE = 0.02
N_TRAIN = 1000


class Trained(NamedTuple):
    """A net, the history of its training, and the test images that it has not seen."""

    net: MLP
    history: History
    test: data.Digits


def digits_for(
    seed: int, labels: str = "noisy", n_train: int = N_TRAIN, *, new_hands: bool = False
) -> tuple[data.Digits, data.Digits]:
    """Return the training part, with its labels noisy or clean, and the test part.

    With `new_hands` nobody who wrote a training image wrote a test image, see `data.split_by_writer`.
    """
    noise = LABELS[check_choice(labels, "labels", LABELS)]
    divide = data.split_by_writer if new_hands else data.split
    train, test = divide(*data.load_digits(), n_train, np.random.default_rng([seed, 0]))
    y = data.corrupt_labels(train.y, noise, np.random.default_rng([seed, 1]))
    return data.Digits(train.x, y), test


def train_steps(
    keep: float,
    seed: int,
    labels: str = "noisy",
    n_train: int = N_TRAIN,
    *,
    hidden: Sequence[int] = HIDDEN,
    new_hands: bool = False,
    epochs: int = EPOCHS,
    evaluate_every: int = 1,
    **settings: Any,
) -> Iterator[Trained]:
    """Train as `train` does, as a generator that hands over what `fit_steps` hands over."""
    (x, y), test = digits_for(seed, labels, n_train, new_hands=new_hands)
    net = MLP((64, *hidden, data.N_CLASSES), np.random.default_rng([seed, 2]), dtype=np.float32)
    settings = {"learning_rate": LEARNING_RATE, "validation": test} | settings
    for history in fit_steps(
        net,
        x,
        y,
        keep=(1.0, keep),
        epochs=epochs,
        evaluate_every=evaluate_every,
        rng=np.random.default_rng([seed, 3]),
        **settings,
    ):
        yield Trained(net, history, test)


def train(keep: float, seed: int, labels: str = "noisy", **settings: Any) -> Trained:
    """Train one net on the digits.

    Args:
        keep: of the hidden units; 1 is no dropout.
        seed: fixes the split, the labels, the first weights, the order and the masks.
        labels: "noisy" (30 % of the training labels replaced at random) or "clean".
        settings: n_train, hidden, new_hands, epochs, evaluate_every, and what `nets.fit` takes
            besides: weight_decay, max_norm, learning_rate, …
    Returns: the net, its history (the validation curves are those of the test part; nothing is
        chosen by them), and the test part.
    """
    *_, trained = train_steps(keep, seed, labels, **settings)
    return trained
