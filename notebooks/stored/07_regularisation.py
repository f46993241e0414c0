"""Remakes the results of notebook 07 that take minutes: 07_regularisation.json and .npz.

    python notebooks/stored/07_regularisation.py              # trains everything anew
    python notebooks/stored/07_regularisation.py --resume     # keeps what the .json holds and trains the rest

One thread, about a quarter of an hour on a quiet core.

The .json: each number is a share of images classified wrongly, in %, one for each of five seeds.
The .npz, of nets 64-256-256-10 on noisy labels: for each KIND of `CAPPED`, `split/KIND`, (5 seeds, 3): error on
the training labels and on the 797 other images, in %, and the median lead of a training image's highest logit
over the second. For each NET of `regularisation.NET_KEEPS` and each CAP of `LENGTHS`, of seed 0,
`lengths/NET/CAP/LAYER`: the lengths of the units' incoming weights, (60 epochs, units), in half precision.

Another version of NumPy or of its BLAS rounds differently; single numbers then move by a point or two, the
intervals hardly.
"""

import argparse
import time
from itertools import product
from pathlib import Path

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on
from dropout_lib.experiments import SEEDS, digits_for, sweeps, train, train_steps
from dropout_lib.experiments import regularisation as grids

COMMAND = "python notebooks/stored/07_regularisation.py"
ERRORS = Path(__file__).resolve().with_suffix(".json")
ARRAYS = ERRORS.with_suffix(".npz")
_SAVE_EVERY = 20.0  # seconds of work that a break may cost

#: Where the cap is, as arguments of `fit`.
CAPPED = {
    "nowhere": {},
    "hidden units": {"max_norm": 1.0},
    "softmax layer": {"max_norm_output": 1.0},
    "both": {"max_norm": 1.0, "max_norm_output": 1.0},
    "hidden units, tighter": {"max_norm": 0.35},
}
LENGTHS = {"no cap": {}, "cap 1": {"max_norm": 1.0}}


def split_row(kind: str, seed: int) -> tuple[float, float, float]:
    """Error on the training labels and on the other images, in %, and the median lead of the highest logit."""
    net, history, _ = train(1.0, seed, evaluate_every=60, **CAPPED[kind])
    logits = np.sort(net.predict_logits(digits_for(seed)[0].x), axis=1)
    lead = np.median(logits[:, -1] - logits[:, -2])
    return 100 * history.train_error[-1], 100 * history.validation_error[-1], float(lead)


def lengths(keep: float, cap: str) -> list[np.ndarray]:
    """For each layer the lengths of the incoming weights after each epoch, (60, units)."""
    rows = [
        [np.linalg.norm(W, axis=0) for W in net.parameters[0::2]]
        for net, history, _ in train_steps(keep, 0, evaluate_every=60, **LENGTHS[cap])
        if history.epoch_ended
    ]
    return [np.array(layer, dtype=np.float16) for layer in zip(*rows, strict=True)]


def main() -> None:
    """Write the files, and say where the work is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true", help="keep what the .json holds")
    arrays = {f"split/{kind}": np.array([split_row(kind, seed) for seed in SEEDS]) for kind in CAPPED}
    for (net, keep), cap in product(grids.NET_KEEPS.items(), LENGTHS):
        for number, layer in enumerate(lengths(keep, cap), start=1):
            arrays[f"lengths/{net}/{cap}/{number}"] = layer
    np.savez_compressed(ARRAYS, **arrays)
    print(f"{ARRAYS.name}: done", flush=True)
    found = sweeps.read(ERRORS) if parser.parse_args().resume and ERRORS.exists() else {}
    for name, settings in grids.everything().items():
        started = time.process_time()
        saved = time.monotonic()
        for _ in sweeps.run(settings, SEEDS, found):
            if time.monotonic() - saved > _SAVE_EVERY:
                sweeps.write(found, ERRORS, COMMAND, SEEDS)
                saved = time.monotonic()
        sweeps.write(found, ERRORS, COMMAND, SEEDS)
        print(f"{name}: {time.process_time() - started:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
