"""Remakes nets.npz: the nets 64-256-256-10 that several notebooks look into.

    python notebooks/stored/nets.py

One thread, half a minute on a quiet core. For each of two kinds of labels, four kinds of training
(`experiments.KINDS`) and five seeds the file holds `LABELS/KIND/SEED/parameters`, all weights and biases in
a row in half precision, and `…/curves`, (5, epochs) the five curves of the history. Another processor, or
another version of NumPy or its BLAS, rounds differently; single errors then move by a point or two, the
means over seeds hardly.
"""

from itertools import product
from pathlib import Path

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on

from dropout_lib.experiments import KINDS, LABELS, SEEDS, train
from dropout_lib.experiments.stored import CURVES

STORED = Path(__file__).resolve().with_suffix(".npz")


def entry(labels: str, kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Parameters in a row, and the curves of the history, of one net."""
    net, history, _ = train(seed=seed, labels=labels, **KINDS[kind])
    parameters = np.concatenate([parameter.ravel() for parameter in net.parameters])
    curves = np.array([getattr(history, name) for name in CURVES])
    return parameters.astype(np.float16), curves.astype(np.float32)


def main() -> None:
    """Write the file, and say where the work is."""
    arrays: dict[str, np.ndarray] = {}
    for labels, kind, seed in product(LABELS, KINDS, SEEDS):
        name = f"{labels}/{kind}/{seed}"
        print(name, flush=True)
        arrays[f"{name}/parameters"], arrays[f"{name}/curves"] = entry(labels, kind, seed)
    np.savez(STORED, **arrays)


if __name__ == "__main__":
    main()
