"""Nets and results that take longer than a reader wants to wait: made once, stored beside the notebooks."""

from functools import cache
from pathlib import Path

import numpy as np

from dropout_lib._checks import check_choice, check_count
from dropout_lib._files import beside_notebooks
from dropout_lib.data import N_CLASSES
from dropout_lib.experiments.protocol import HIDDEN, LABELS, SEEDS
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import History

#: How the stored nets were trained: the arguments of `train` that differ from its defaults.
KINDS = {
    "plain": {"keep": 1.0},
    "dropout": {"keep": 0.5},
    "weight decay": {"keep": 1.0, "weight_decay": 1e-2},
    "stopped early": {"keep": 1.0, "epochs": 8},
}
#: The curves of a stored history, in the order of the file's rows.
CURVES = ("batch_loss", "train_loss", "train_error", "validation_loss", "validation_error")


def stored_file(name: str) -> Path:
    """The path of a file in `notebooks/stored`."""
    return beside_notebooks(f"stored/{name}")


def stored_net(kind: str, seed: int, labels: str = "noisy") -> tuple[MLP, History]:
    """Return a net 64-256-256-10 that `train` has made, and its history.

    Args:
        kind: one of `KINDS`.
        seed: 0 to 4; `digits_for(seed, labels)` gives its images.
        labels: "noisy" or "clean".
    Returns: a net of its own, and the history with an entry for each epoch.
    The weights are stored in half precision. `python notebooks/stored/nets.py` makes them anew.
    """
    check_choice(kind, "kind", KINDS)
    check_choice(labels, "labels", LABELS)
    check_count(seed, "seed", SEEDS[0], SEEDS[-1])
    parameters, curves = _read(f"{labels}/{kind}/{seed}")
    net = MLP((64, *HIDDEN, N_CLASSES), np.random.default_rng(0), dtype=np.float32)
    start = 0
    for parameter in net.parameters:
        part = parameters[start : start + parameter.size]
        parameter[...] = part.reshape(parameter.shape)
        start += parameter.size
    n_epochs = curves.shape[1]
    history = History(n_epochs, n_epochs, progress=1.0, epochs=[*range(1, n_epochs + 1)])
    for name, curve in zip(CURVES, curves, strict=True):
        getattr(history, name).extend(curve.tolist())
    return net, history


@cache
def _read(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(parameters in a row, float16) and (curves, epochs)."""
    with np.load(stored_file("nets.npz")) as file:
        return file[f"{name}/parameters"], file[f"{name}/curves"]
