"""Remakes 03_members.npz: what the members of real ensembles say, for notebooks 03 and 05.

    python notebooks/stored/03_members.py

One thread, about three minutes on a quiet core. The data, labels, first weights and draws are those of
03_bagging.py, seed for seed; the dropout nets are those of nets.npz. Another processor, or another version
of NumPy or its BLAS, rounds differently; single probabilities then move a lot, averages over the test
digits by a point or two.

In the file:

    samples    (10, 1000) int16     seed 0: rows that each member of the bag was trained on
    bag        (10, 797, 10) float32  seed 0: what each member of the bag says about the test digits
    same_data  (10, 797) float32    seed 0: what ten plain nets, all trained on all 1,000 examples, give the
                                    right class; only first weights and order differ
    moments    (5, 3, 3) float64    seeds × KINDS × (v, c, mean error) of e = 1 − p(right class)
"""

from pathlib import Path

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on
from dropout_lib.ensembles import bags as bagging
from dropout_lib.ensembles import error as variance
from dropout_lib.ensembles import random_masks as monte_carlo
from dropout_lib.experiments import SEEDS, digits_for, stored_net
from dropout_lib.nets import mlp as network
from dropout_lib.nets import training

STORED = Path(__file__).resolve().with_suffix(".npz")

KINDS = ("bag", "same data", "dropout")
KEEP = (1.0, 0.5)
MEMBERS = 10
PASSES = 100  # of the dropout net, to measure its moments
SETTINGS = {"epochs": 60, "learning_rate": 0.02, "evaluate_every": 60}


def new_net(rng: np.random.Generator) -> network.MLP:
    """An untrained net."""
    return network.MLP((64, 256, 256, 10), rng, dtype=np.float32)


def bag_of(seed: int, members: int = MEMBERS) -> bagging.Bag:
    """The first members of the bag."""
    train, _ = digits_for(seed)
    rng = np.random.default_rng([seed, 4])
    *_, bag = bagging.bagging(new_net, *train, members, rng=rng, **SETTINGS)
    return bag


def same_data_says(seed: int, members: int = MEMBERS) -> np.ndarray:
    """What nets that all see every example say about the test digits, (members, 797, 10)."""
    train, test = digits_for(seed)
    rng = np.random.default_rng([seed, 5])
    said = []
    for _ in range(members):
        net = new_net(rng)
        training.fit(net, *train, keep=(1.0, 1.0), rng=rng, **SETTINGS)
        said.append(net.predict_proba(test.x))
    return np.stack(said)


def passes(seed: int) -> np.ndarray:
    """What the dropout net says with fresh masks at each pass, (PASSES, 797, 10)."""
    net, _ = stored_net("dropout", seed)
    rng = np.random.default_rng([seed, 6])
    return monte_carlo.monte_carlo(net, digits_for(seed)[1].x, PASSES, KEEP, rng)


def right_class(said: np.ndarray, seed: int) -> np.ndarray:
    """The probability that each member gives to the right class, (members, 797)."""
    y = digits_for(seed)[1].y
    return said[:, np.arange(len(y)), y]


def moments(said: np.ndarray, seed: int) -> tuple[float, float, float]:
    """v, c and the mean of the errors 1 − p(right class)."""
    errors = 1 - right_class(said, seed)
    return *variance.error_moments(errors), float(errors.mean(dtype=np.float64))


def main() -> None:
    """Write the file, and say where the work is."""
    stored: dict[str, np.ndarray] = {}
    rows = []
    for seed in SEEDS:
        print("seed", seed, flush=True)
        bag, same = bag_of(seed), same_data_says(seed)
        said = bag.predict_proba(digits_for(seed)[1].x)
        rows.append([moments(members, seed) for members in (said, same, passes(seed))])
        if seed == SEEDS[0]:
            stored["samples"] = np.array(bag.samples, dtype=np.int16)
            stored["bag"], stored["same_data"] = said, right_class(same, seed)
    np.savez_compressed(STORED, **stored, moments=np.array(rows))


if __name__ == "__main__":
    main()
