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
from dropout_lib.experiments.published import (
    TABLES,
    gain,
)
from dropout_lib.experiments.regularisation import (
    ARCHITECTURES,
    BUDGETS,
    CAPS,
    GAUSSIAN_KEEPS,
    KEEPS,
    SIZES,
    architecture,
    at_fixed_kept_units,
    at_fixed_width,
    by_size,
    cap_at,
    gaussian,
    regularisers,
    stopped_early,
    width_for,
)
from dropout_lib.experiments.ridge import (
    column_lengths,
    dropout_training,
    dropout_weights,
    equal_strength,
    expected_loss,
    ridge_weights,
    standardise,
)
from dropout_lib.experiments.stored import KINDS, stored_file, stored_net
from dropout_lib.experiments.sweeps import (
    Setting,
    read,
    run,
)

__all__ = [
    "ARCHITECTURES",
    "BUDGETS",
    "CAPS",
    "GAUSSIAN_KEEPS",
    "KEEPS",
    "KINDS",
    "LABELS",
    "SEEDS",
    "SIZES",
    "TABLES",
    "Interval",
    "Setting",
    "Trained",
    "architecture",
    "at_fixed_kept_units",
    "at_fixed_width",
    "by_size",
    "cap_at",
    "column_lengths",
    "digits_for",
    "dropout_training",
    "dropout_weights",
    "equal_strength",
    "expected_loss",
    "gain",
    "gaussian",
    "read",
    "regularisers",
    "ridge_weights",
    "run",
    "standardise",
    "stopped_early",
    "stored_file",
    "stored_net",
    "train",
    "train_steps",
    "width_for",
]
