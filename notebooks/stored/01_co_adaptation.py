"""Remakes 01_co_adaptation.json: learning curves of notebook 01 whose nets are not stored.

    python notebooks/stored/01_co_adaptation.py

One thread, half a minute on a quiet core. For each of `SETTINGS`, `plain` and `dropout`, the file holds one row
for each of five seeds: the test error in %, after every 32 steps of training. 100 images make 4 steps an epoch
where 1,000 make 32, so they are gone through eight times as often. Another processor, or another version of
NumPy or its BLAS, rounds differently; single errors then move by a point or two, the means over seeds hardly.
"""

import json
from pathlib import Path
from typing import Any

from dropout_lib.experiments import KINDS, SEEDS, train

STORED = Path(__file__).resolve().with_suffix(".json")
SETTINGS: dict[str, dict[str, Any]] = {
    "1,000 clean, new hands": {"labels": "clean", "new_hands": True},
    "100 clean": {"labels": "clean", "n_train": 100, "epochs": 480, "evaluate_every": 8},
}
COMPARED = ("plain", "dropout")


def curve(setting: str, kind: str, seed: int) -> list[float]:
    """Test error in %, after every 32 steps, of one net."""
    history = train(seed=seed, **KINDS[kind], **SETTINGS[setting]).history
    return [round(100 * error, 2) for error in history.validation_error]


def main() -> None:
    """Write the file, and say where the work is."""
    curves: dict[str, dict[str, list[list[float]]]] = {}
    for setting in SETTINGS:
        curves[setting] = {}
        for kind in COMPARED:
            print(setting, kind, flush=True)
            curves[setting][kind] = [curve(setting, kind, seed) for seed in SEEDS]
    STORED.write_text(json.dumps(curves) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
