"""What Monte Carlo prediction costs, against as many plain passes.

python benchmarks/monte_carlo.py            # prints a table of medians and ratios
python benchmarks/monte_carlo.py --check    # exits 1 if a target is missed
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dropout_lib  # before NumPy: it sets one BLAS thread

# isort: split
import numpy as np
from harness import arguments, medians, report

from dropout_lib.data import load_digits, split
from dropout_lib.ensembles.random_masks import monte_carlo
from dropout_lib.nets.mlp import MLP

SIZES = (64, 256, 256, 10)
N_TRAIN = 1000  # which leaves 797 digits to predict
K = 100
N_ROUNDS = 9

PLAIN = "100 plain passes"
HIDDEN = "k = 100, keep .5 hidden"
TARGET = 1.3  # times the plain passes


def main() -> int:
    check = arguments(__doc__.splitlines()[0]).check
    if not dropout_lib.ONE_BLAS_THREAD:
        raise SystemExit("NumPy was loaded before dropout_lib: the BLAS may use several threads")
    _, test = split(*load_digits(), N_TRAIN, np.random.default_rng(0))
    net = MLP(SIZES, np.random.default_rng(1), dtype=np.float32)
    rng = np.random.default_rng(2)

    def plain() -> None:
        for _ in range(K):
            net.predict_proba(test.x)

    seconds = medians(
        {
            PLAIN: plain,
            HIDDEN: lambda: monte_carlo(net, test.x, K, (1.0, 0.5), rng),
            "k = 100, keep .9 input, .5 hidden": lambda: monte_carlo(
                net, test.x, K, (0.9, 0.5), rng
            ),
            "k = 100, keep .8 input, .7 hidden": lambda: monte_carlo(
                net, test.x, K, (0.8, 0.7), rng
            ),
        },
        N_ROUNDS,
    )
    targets = {HIDDEN: (PLAIN, TARGET)}  # with inputs dropped every sample needs a first layer, too
    title = f"{len(test.x)} digits, {'-'.join(map(str, SIZES))}, float32, median of {N_ROUNDS}"
    missed = report(title, seconds, PLAIN, targets)
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
