"""How fast all 2ⁿ subnetworks of a softmax layer are averaged, and in how much memory.

python benchmarks/exact_ensemble.py            # prints tables of medians and ratios
python benchmarks/exact_ensemble.py --check    # exits 1 if a target is missed
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on

from harness import arguments, medians, report

from dropout_lib.ensembles import _all_masks_fast, exact_softmax_ensemble
from dropout_lib.masks import enumerate_masks, mask_probabilities
from dropout_lib.nets.passes import log_softmax

CLASSES = 10
KEEP, OTHER_KEEP = 0.8, 0.3

SMALL, SMALL_ROUNDS = 20, 9  # units that drop, and rounds of timing
SMALL_TARGET = 1 / 20  # of the time of arrays over all masks
MOVED_TARGET = 1 / 25  # another keep, of the same
LARGE, LARGE_ROUNDS = 30, 3
LARGE_TARGET = 4.0  # of the time of the matrix products and divisions alone
MEMORY_UNITS = 24, LARGE
MEMORY_TARGET = 300  # MB, interpreter and NumPy included
TILE = 2**8  # rows and columns of the blocks that the products and divisions are done in


def layer(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W, b and v of a softmax layer with n inputs."""
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, CLASSES)), rng.normal(size=CLASSES), rng.normal(size=n)


def all_at_once(W: np.ndarray, b: np.ndarray, v: np.ndarray, keep: float) -> np.ndarray:
    """Both means by arrays over all masks: arithmetic, and the logarithm of the geometric one."""
    masks = enumerate_masks(len(v))
    weights = mask_probabilities(masks, keep)
    log_probabilities = log_softmax((masks * v) @ W + b)
    return np.array([weights @ np.exp(log_probabilities), weights @ log_probabilities])


def forgetting(layer: tuple[np.ndarray, np.ndarray, np.ndarray], keep: float) -> None:
    """Average all masks of a layer as if it had not been asked for before."""
    _all_masks_fast._prepared.cache_clear()
    exact_softmax_ensemble(*layer, keep)


def unavoidable(n: int) -> None:
    """Only the two matrix products and the division for each of 2ⁿ masks, in blocks."""
    rng = np.random.default_rng(0)
    A, B = rng.random((TILE, CLASSES)), rng.random((TILE, CLASSES))
    B_transposed = np.ascontiguousarray(B.T)
    Z = np.empty((TILE, TILE))
    for _ in range(2**n // TILE**2):
        np.matmul(A, B_transposed, out=Z)
        np.divide(1, Z, out=Z)
        _ = Z @ B


def peak_memory(n: int) -> float:
    """Peak memory in MB of a fresh process that averages all masks of n units."""
    code = (
        "import resource, sys; sys.path.insert(0, 'benchmarks'); import exact_ensemble as own; "
        f"own.exact_softmax_ensemble(*own.layer({n}), own.KEEP); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return int(done.stdout) / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, else KB


def report_memory() -> list[str]:
    """Print the peak memory for each n, and return what misses the target."""
    print("peak memory of a fresh process")
    if sys.platform == "win32":
        print("  not measured on Windows")
        return []
    peaks = {f"n = {n}": peak_memory(n) for n in MEMORY_UNITS}
    for name, peak in peaks.items():
        verdict = "met" if peak <= MEMORY_TARGET else "MISSED"
        print(f"  {name}: {peak:.0f} MB   target ≤ {MEMORY_TARGET} MB: {verdict}")
    return [f"memory, {name}" for name, peak in peaks.items() if peak > MEMORY_TARGET]


def report_small() -> list[str]:
    """By halves against arrays over all masks."""
    W_b_v = layer(SMALL)
    difference = np.abs(exact_softmax_ensemble(*W_b_v, KEEP).arithmetic - all_at_once(*W_b_v, KEEP)[0]).max()
    names = at_once, halves, moved = [
        f"n = {SMALL}, {what}" for what in ("all masks at once", "by halves", "… and keep moved")
    ]
    functions = (
        lambda: all_at_once(*W_b_v, KEEP),
        lambda: forgetting(W_b_v, KEEP),
        lambda: exact_softmax_ensemble(*W_b_v, OTHER_KEEP),
    )
    seconds = medians(dict(zip(names, functions, strict=True)), SMALL_ROUNDS)
    missed = report(
        f"{2**SMALL:,} subnetworks, {CLASSES} classes; the two methods agree to {difference:.0e}",
        seconds,
        at_once,
        {halves: (at_once, SMALL_TARGET), moved: (at_once, MOVED_TARGET)},
    )
    print(f"  by halves is {seconds[at_once] / seconds[halves]:.0f} times as fast")
    return missed


def report_large() -> list[str]:
    """By halves against the part of it that no method by halves can do without."""
    W_b_v = layer(LARGE)
    floor, halves = f"n = {LARGE}, products and divisions", f"n = {LARGE}, by halves"
    functions = {
        floor: lambda: unavoidable(LARGE),
        halves: lambda: forgetting(W_b_v, KEEP),
    }
    seconds = medians(functions, LARGE_ROUNDS)
    title = f"{2**LARGE:,} subnetworks, {CLASSES} classes"
    return report(title, seconds, floor, {halves: (floor, LARGE_TARGET)})


def main() -> int:
    check = arguments(__doc__.splitlines()[0]).check
    # Memory first: a process starts out with the peak of the one that starts it.
    missed = report_memory() + report_small() + report_large()
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
