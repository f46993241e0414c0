"""How fast nets are trained, against scikit-learn, PyTorch and the bare matrix products.

python benchmarks/training.py            # prints a table of medians and ratios
python benchmarks/training.py --check    # exits 1 if a target is missed

All train a net of the same size on the same digits in float32, in the same number of steps, on one
thread, with momentum. PyTorch need not be installed: its row is then missing, and says so.
"""

import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dropout_lib  # before NumPy: it sets one BLAS thread

# isort: split
import numpy as np
from harness import arguments, medians

from dropout_lib.data import load_digits, split
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import fit

SIZES = (64, 256, 256, 10)
N_TRAIN = 1000
EPOCHS = 40
BATCH_SIZE = 32
LEARNING_RATE = 0.05
MOMENTUM = 0.9
KEEP = (0.9, 0.5)
N_ROUNDS = 7

OURS = "dropout_lib, with dropout"
SCIKIT = "scikit-learn, without dropout"
TORCH = "PyTorch, with dropout"
FLOOR = "the bare matrix products"

AT_LEAST = {SCIKIT: 1.4, TORCH: 1.8}  #: row -> how many times as long as OURS it takes
AT_MOST_TIMES_FLOOR = 3.0  #: how many times as long as FLOOR OURS may take

TRAIN, _ = split(*load_digits(), N_TRAIN, np.random.default_rng(0))


def dropout_lib_run(keep: tuple[float, float], evaluate_every: int) -> Callable[[], object]:
    def run() -> None:
        net = MLP(SIZES, np.random.default_rng(1), dtype=np.float32)
        fit(
            net,
            TRAIN.x,
            TRAIN.y,
            keep=keep,
            epochs=EPOCHS,
            learning_rate=LEARNING_RATE,
            momentum=MOMENTUM,
            batch_size=BATCH_SIZE,
            rng=np.random.default_rng(2),
            evaluate_every=evaluate_every,
        )

    return run


def scikit_run() -> Callable[[], object]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    def run() -> None:
        net = MLPClassifier(
            SIZES[1:-1],
            solver="sgd",
            alpha=0,
            batch_size=BATCH_SIZE,
            learning_rate_init=LEARNING_RATE,
            momentum=MOMENTUM,
            nesterovs_momentum=False,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS + 1,
            random_state=1,
        )
        with warnings.catch_warnings():  # it is to stop after EPOCHS, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(TRAIN.x, TRAIN.y)
        assert net.n_iter_ == EPOCHS

    return run


def torch_run() -> Callable[[], object]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    x, y = torch.from_numpy(TRAIN.x), torch.from_numpy(TRAIN.y)
    drop_input, drop_hidden = 1 - KEEP[0], 1 - KEEP[1]

    def run() -> None:
        torch.manual_seed(1)
        layers = [nn.Dropout(drop_input)]
        for n_inputs, n_units in pairwise(SIZES[:-1]):
            layers += [nn.Linear(n_inputs, n_units), nn.ReLU(), nn.Dropout(drop_hidden)]
        net = nn.Sequential(*layers, nn.Linear(*SIZES[-2:]))
        descent = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        cross_entropy = nn.CrossEntropyLoss()
        for _ in range(EPOCHS):
            total_loss = 0.0
            for rows in torch.randperm(N_TRAIN).split(BATCH_SIZE):
                descent.zero_grad()
                loss = cross_entropy(net(x[rows]), y[rows])
                loss.backward()
                descent.step()
                total_loss += len(rows) * loss.item()

    return run


def matrix_products_run() -> Callable[[], object]:
    """The products of both passes, into arrays that are there already, and nothing else."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    products = []  # (left, right, result) for each batch size
    for n in (BATCH_SIZE, N_TRAIN % BATCH_SIZE):
        layers, deltas = [normal(n, u) for u in SIZES], [normal(n, u) for u in SIZES]
        weights = [normal(i, u) for i, u in pairwise(SIZES)]
        forward = list(zip(layers, weights, strict=False))
        gradients = [(h.T, d) for h, d in zip(layers, deltas[1:], strict=False)]
        back = [(d, W.T) for d, W in zip(deltas[2:], weights[1:], strict=True)]
        pairs = forward + gradients + back
        products.append([(left, right, left @ right) for left, right in pairs])

    def run() -> None:
        for _ in range(EPOCHS):
            for first in range(0, N_TRAIN, BATCH_SIZE):
                is_last = first + BATCH_SIZE > N_TRAIN
                for left, right, result in products[is_last]:
                    np.matmul(left, right, out=result)

    return run


def main() -> int:
    check = arguments(__doc__.splitlines()[0]).check
    if not dropout_lib.ONE_BLAS_THREAD:
        raise SystemExit("NumPy was loaded before dropout_lib: the BLAS may use several threads")
    runs = {OURS: dropout_lib_run(KEEP, EPOCHS), FLOOR: matrix_products_run()}
    absent = []
    for row, package, make in [(SCIKIT, "sklearn", scikit_run), (TORCH, "torch", torch_run)]:
        if find_spec(package) is None:
            absent.append(f"{row}: no row and no check, because {package} is not installed")
        else:
            runs[row] = make()
    runs["dropout_lib, without dropout"] = dropout_lib_run((1.0, 1.0), EPOCHS)
    runs["dropout_lib, curve after each epoch"] = dropout_lib_run(KEEP, 1)

    # Processor time: the time on the clock would count other programs in that happen to run.
    seconds = medians(runs, N_ROUNDS, time.process_time)
    print(f"{'-'.join(map(str, SIZES))}, {N_TRAIN} digits, batches of {BATCH_SIZE}, float32")
    print(f"processor time per epoch, one thread, median of {N_ROUNDS} runs of {EPOCHS} epochs\n")
    missed = []
    for row, value in seconds.items():
        ratio = value / seconds[OURS]
        line = f"{row:37} {1e3 * value / EPOCHS:7.1f} ms {ratio:6.2f} × {OURS}"
        if row in AT_LEAST:
            met = ratio >= AT_LEAST[row]
            line += f"   target ≥ {AT_LEAST[row]:.1f}"
        elif row == FLOOR:
            met = 1 / ratio <= AT_MOST_TIMES_FLOOR
            line += f"   target ≥ 1/{AT_MOST_TIMES_FLOOR:.0f}, here 1/{1 / ratio:.2f}"
        else:
            met = True
        if not met:
            missed.append(row)
        print(line if met else f"{line}, MISSED")
    for line in absent:
        print(line)
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
