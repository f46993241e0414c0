"""Sweeps: many nets on the digits, one for each setting and seed, that can be stopped and resumed.

A `Setting` says what to train; its `name` is the key of its results, in memory and in a stored file.
`run` trains what is missing, as a generator that hands over after each epoch.

The draws are those of the earlier notebooks: nets of one seed see the same split and the same
replaced labels, and those of the same sizes start from the same weights.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropout_lib import data
from dropout_lib._checks import check_choice, check_count
from dropout_lib.experiments.protocol import EPOCHS, LABELS, LEARNING_RATE, N_TRAIN
from dropout_lib.nets.gaussian_noise import GaussianMLP
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import fit_steps

NOISES = {"bernoulli": MLP, "gaussian": GaussianMLP}
MOMENTUM, BATCH_SIZE = 0.9, 32
N_VALIDATION = 400

#: What a sweep has found: for each setting's name what was measured, seeds in rows.
Found = dict[str, dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Setting:
    """What to train; everything that is left out is as in notebooks 01 and 03.

    Attributes:
        labels: "noisy" (30 % of the training labels replaced at random) or "clean".
        keep: of the hidden units.
        keep_input: of the inputs.
        hidden: units in each hidden layer.
        weight_decay, max_norm, max_norm_output: as in `nets.fit`.
        noise: "bernoulli" masks, or "gaussian" noise of the same mean and variance.
        n_train: images to train on.
        pool: images from which they are drawn; the rest, 1,797 − pool, is never trained on.
        n_validation: how many of the rest are for choosing; the others are the test images.
        epochs: how often to go through the training images.
        curve: measure after each epoch, not only after the last.
    """

    labels: str = "noisy"
    keep: float = 1.0
    keep_input: float = 1.0
    hidden: tuple[int, ...] = (256, 256)
    weight_decay: float = 0.0
    max_norm: float | None = None
    max_norm_output: float | None = None
    noise: str = "bernoulli"
    n_train: int = N_TRAIN
    pool: int = N_TRAIN
    n_validation: int = N_VALIDATION
    epochs: int = EPOCHS
    curve: bool = False

    def __post_init__(self) -> None:
        check_choice(self.labels, "labels", LABELS)
        check_choice(self.noise, "noise", NOISES)
        check_count(self.pool, "pool", 1)
        check_count(self.n_train, "n_train", 1, self.pool)
        check_count(self.n_validation, "n_validation", 0)
        check_count(self.epochs, "epochs")

    @property
    def name(self) -> str:
        """The setting in a line: what it shares with all others is left out."""
        widths = "-".join(map(str, self.hidden))
        parts = [self.labels, widths, f"keep {self.keep:g}"]
        optional = {
            f"keep_input {self.keep_input:g}": self.keep_input != 1,
            f"weight_decay {self.weight_decay:g}": self.weight_decay != 0,
            f"max_norm {self.max_norm}": self.max_norm is not None,
            f"max_norm_output {self.max_norm_output}": self.max_norm_output is not None,
            self.noise: self.noise != "bernoulli",
            f"{self.n_train} of {self.pool} images": self.pool != N_TRAIN
            or self.n_train != N_TRAIN,
            f"{self.n_validation} to choose by": self.n_validation != N_VALIDATION,
            f"{self.epochs} epochs": self.epochs != EPOCHS,
            "curve": self.curve,
        }
        return ", ".join(parts + [part for part, is_given in optional.items() if is_given])


def images_for(setting: Setting, seed: int) -> tuple[data.Digits, data.Digits | None, data.Digits]:
    """Training images with the setting's labels, images to choose by (or None), and test images."""
    train, rest = data.split(*data.load_digits(), setting.pool, _dice(seed, 0))
    if setting.n_train < setting.pool:
        train, _ = data.split(*train, setting.n_train, _dice(seed, 6))
    labels = data.corrupt_labels(train.y, LABELS[setting.labels], _dice(seed, 1))
    train = data.Digits(train.x, labels)
    if setting.n_validation == 0:
        return train, None, rest
    return train, *data.split(*rest, setting.n_validation, _dice(seed, 5))


def train_steps(setting: Setting, seed: int) -> Iterator[tuple[float, dict[str, list[float]]]]:
    """Train one net.

    Yields: after each epoch the share that is done and the errors so far, in %: "validation" and
        "test", with an entry for each epoch that was measured.
    """
    train, validation, test = images_for(setting, seed)
    sizes = (train.x.shape[1], *setting.hidden, data.N_CLASSES)
    net = NOISES[setting.noise](sizes, _dice(seed, 2), dtype=np.float32)
    parts = {"test": test} if validation is None else {"validation": validation, "test": test}
    errors: dict[str, list[float]] = {part: [] for part in parts}
    for history in fit_steps(
        net,
        *train,
        keep=(setting.keep_input, setting.keep),
        epochs=setting.epochs,
        learning_rate=LEARNING_RATE,
        momentum=MOMENTUM,
        batch_size=BATCH_SIZE,
        weight_decay=setting.weight_decay,
        max_norm=setting.max_norm,
        max_norm_output=setting.max_norm_output,
        rng=_dice(seed, 3),
        evaluate_every=setting.epochs,
    ):
        due = setting.curve or history.epochs_done == setting.epochs
        if history.epoch_ended and due:
            for part, digits in parts.items():
                errors[part].append(100 * float(np.mean(net.predict(digits.x) != digits.y)))
        yield history.progress, errors


def run(
    settings: Iterable[Setting], seeds: Sequence[int], found: Found | None = None
) -> Iterator[tuple[float, Found]]:
    """Train a net for each setting and seed, and leave out what `found` holds already.

    Args:
        settings: what to train; those that stand twice are trained once.
        seeds: one net for each; the results' rows.
        found: results so far; it grows by a setting when all its seeds are done.
    Yields: the share that is done, from 0 to 1, and `found`: after each epoch, so that
        `live.Job` can show and stop it.
    """
    found = {} if found is None else found
    missing = [s for s in dict.fromkeys(settings) if s.name not in found]
    n_nets = len(missing) * len(seeds)
    n_done = 0
    for setting in missing:
        rows = []
        for seed in seeds:
            for step in train_steps(setting, seed):
                yield (n_done + step[0]) / n_nets, found
            rows.append(step[1])
            n_done += 1
        found[setting.name] = {
            part: _table([row[part] for row in rows], setting) for part in rows[0]
        }
    yield 1.0, found


def read(path: Path) -> Found:
    """The results in a stored file."""
    stored = json.loads(path.read_text(encoding="utf-8"))["errors"]
    return {
        name: {part: np.array(values) for part, values in parts.items()}
        for name, parts in stored.items()
    }


def write(found: Found, path: Path, made_by: str, seeds: Sequence[int]) -> None:
    """Store results, errors in % with two digits behind the point; the file is whole at any time."""
    errors = {
        name: {part: np.round(values, 2).tolist() for part, values in parts.items()}
        for name, parts in found.items()
    }
    text = json.dumps({"made by": made_by, "seeds": list(seeds), "errors": errors})
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def _table(rows: list[list[float]], setting: Setting) -> NDArray[np.float64]:
    """(seeds, epochs) for a curve, else (seeds,)."""
    return np.array(rows) if setting.curve else np.array(rows)[:, -1]


def _dice(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
