"""Remakes 03_bagging.json, the results of notebook 03 that take minutes.

    python notebooks/stored/03_bagging.py

One thread, about three minutes on a quiet core. Each number is a share of the test digits classified
wrongly, in %. The draws are those of the notebook: for one seed every net sees the same split and the
same replaced labels, and nets of one width start from the same weights. Another version of NumPy or of
its BLAS rounds differently; single numbers then move by a point or two, the intervals hardly.
"""

import json
from collections.abc import Iterator
from pathlib import Path

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on

from dropout_lib import ensembles
from dropout_lib.data import Digits
from dropout_lib.ensembles import bags as bagging
from dropout_lib.experiments import LABELS, SEEDS, digits_for, train
from dropout_lib.nets import mlp as network

STORED = Path(__file__).resolve().with_suffix(".json")

KEEP = {"plain net": 1.0, "dropout net": 0.5}  # of the hidden units
WIDTH = 256  # units in each of the two hidden layers
WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512)
MEMBERS = 10
EPOCHS = 60
LEARNING_RATE = 0.02
COMBINE = {
    "probabilities": ensembles.arithmetic_mean,
    "logarithms": ensembles.geometric_mean,
    "votes": ensembles.majority_vote,
}


def error(probabilities: np.ndarray, test: Digits) -> float:
    """Share of the test digits classified wrongly, in %."""
    return 100 * float(np.mean(probabilities.argmax(axis=-1) != test.y))


def error_curve(
    labels: str, name: str, seed: int, width: int = WIDTH, evaluate_every: int = 1
) -> list[float]:
    """Test error of one net after each epoch, or after the last alone."""
    made = train(
        KEEP[name], seed, labels, hidden=(width, width), epochs=EPOCHS, evaluate_every=evaluate_every
    )
    return [100 * share for share in made.history.validation_error]


def bag_errors(labels: str, seed: int) -> dict[str, list[float]]:
    """Errors of ten members, and of the first k of them together, combined in three ways."""
    examples, test = digits_for(seed, labels)
    *_, bag = bagging.bagging(
        lambda rng: network.MLP((64, WIDTH, WIDTH, 10), rng, dtype=np.float32),
        *examples,
        MEMBERS,
        rng=np.random.default_rng([seed, 4]),
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        evaluate_every=EPOCHS,
    )
    said = bag.predict_proba(test.x)
    return {"members": [error(member, test) for member in said]} | {
        name: [error(combine(said[:k]), test) for k in range(1, MEMBERS + 1)]
        for name, combine in COMBINE.items()
    }


def everything() -> Iterator[tuple[list[str], list[float]]]:
    """Each part of the file: where it stands, and its numbers."""
    for labels in LABELS:
        for name in KEEP:
            yield ["curves", labels, name], [error_curve(labels, name, seed) for seed in SEEDS]
            for width in WIDTHS:
                ends = [error_curve(labels, name, seed, width, EPOCHS)[-1] for seed in SEEDS]
                yield ["widths", labels, name, str(width)], ends
        bags = [bag_errors(labels, seed) for seed in SEEDS]
        for what in bags[0]:
            yield ["bags", labels, what], [bag[what] for bag in bags]


def main() -> None:
    """Write the file, and say where the work is."""
    stored: dict = {"made by": "python notebooks/stored/03_bagging.py", "seeds": list(SEEDS)}
    for place, numbers in everything():
        print(*place, flush=True)
        part = stored
        for key in place[:-1]:
            part = part.setdefault(key, {})
        part[place[-1]] = np.round(numbers, 2).tolist()
    STORED.write_text(json.dumps(stored, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
