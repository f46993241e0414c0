"""Remakes notebooks/stored/03_members.npz: what the nets of notebook 03 say, for notebook 05.

    python tools/remake_03_members.py

One thread, about three minutes on a quiet core. The data, labels, first weights and draws are those of
notebook 03 (and of tools/remake_03.py), seed for seed. Another version of NumPy or of its BLAS rounds
differently; single probabilities then move a lot, averages over the test digits by a point or two.

In the file, all float32 unless said otherwise:

    bag        (10, 797, 10)  seed 0: what each member of the bag says about the test digits
    same_data  (10, 797)      seed 0: what ten plain nets, all trained on all 1,000 examples, give the
                              right class; only first weights and order differ
    dropout_0 … dropout_5     seed 0: parameters of the dropout net
    moments    (5, 3, 3)      float64; seeds × KINDS × (v, c, mean error) of e = 1 − p(right class)
"""

import argparse
from pathlib import Path

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on

from dropout_lib import bagging, data, monte_carlo, network, training, variance

STORED = Path(__file__).resolve().parent.parent / "notebooks" / "stored" / "03_members.npz"

SEEDS = range(5)
KINDS = ("bag", "same data", "dropout")
N_TRAIN = 1000
NOISE = 0.3  # share of the training labels that is replaced
KEEP = (1.0, 0.5)
MEMBERS = 10
PASSES = 100  # of the dropout net, to measure its moments
SETTINGS = {"epochs": 60, "learning_rate": 0.02, "evaluate_every": 60}


def digits_for(seed: int) -> tuple[data.Digits, data.Digits]:
    """The training part with its noisy labels, and the test part."""
    train, test = data.split(*data.load_digits(), N_TRAIN, np.random.default_rng([seed, 0]))
    noisy = data.corrupt_labels(train.y, NOISE, np.random.default_rng([seed, 1]))
    return data.Digits(train.x, noisy), test


def new_net(rng: np.random.Generator) -> network.MLP:
    """An untrained net."""
    return network.MLP((64, 256, 256, 10), rng, dtype=np.float32)


def bag_says(seed: int, members: int = MEMBERS) -> np.ndarray:
    """What the first members of the bag say about the test digits, (members, 797, 10)."""
    train, test = digits_for(seed)
    rng = np.random.default_rng([seed, 4])
    *_, bag = bagging.bagging(new_net, *train, members, rng=rng, **SETTINGS)
    return bag.predict_proba(test.x)


def same_data_says(seed: int, members: int = MEMBERS) -> np.ndarray:
    """The same for nets that all see every example, (members, 797, 10)."""
    train, test = digits_for(seed)
    rng = np.random.default_rng([seed, 5])
    said = []
    for _ in range(members):
        net = new_net(rng)
        training.fit(net, *train, keep=(1.0, 1.0), rng=rng, **SETTINGS)
        said.append(net.predict_proba(test.x))
    return np.stack(said)


def dropout_net(seed: int) -> network.MLP:
    """The dropout net of notebook 03."""
    train, _ = digits_for(seed)
    net = new_net(np.random.default_rng([seed, 2]))
    training.fit(net, *train, keep=KEEP, rng=np.random.default_rng([seed, 3]), **SETTINGS)
    return net


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
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    stored: dict[str, np.ndarray] = {}
    rows = []
    for seed in SEEDS:
        print("seed", seed, flush=True)
        bag, same, net = bag_says(seed), same_data_says(seed), dropout_net(seed)
        test = digits_for(seed)[1]
        passes = monte_carlo.monte_carlo(
            net, test.x, PASSES, KEEP, np.random.default_rng([seed, 6])
        )
        rows.append([moments(said, seed) for said in (bag, same, passes)])
        if seed == SEEDS[0]:
            stored["bag"], stored["same_data"] = bag, right_class(same, seed)
            stored |= {f"dropout_{n}": parameter for n, parameter in enumerate(net.parameters)}
    STORED.parent.mkdir(exist_ok=True)
    np.savez_compressed(STORED, **stored, moments=np.array(rows))


if __name__ == "__main__":
    main()
