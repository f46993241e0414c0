"""The one protocol behind every measured claim: the same draws on both sides, five seeds, mean ± interval."""

from dropout_lib.experiments.interval import Interval
from dropout_lib.experiments.protocol import (
    LABELS,
    SEEDS,
    Trained,
    digits_for,
    train,
    train_steps,
)
from dropout_lib.experiments.stored import KINDS, stored_file, stored_net

__all__ = [
    "KINDS",
    "LABELS",
    "SEEDS",
    "Interval",
    "Trained",
    "digits_for",
    "stored_file",
    "stored_net",
    "train",
    "train_steps",
]
