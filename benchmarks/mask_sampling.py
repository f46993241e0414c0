"""How fast masks are sampled, against `rng.random` of the same size in the same run.

python benchmarks/mask_sampling.py            # prints a table of medians and ratios
python benchmarks/mask_sampling.py --check    # exits 1 if a ratio misses its target
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from dropout_lib.masks import sample_masks

N_ENTRIES = 10**7
N_UNITS = 100
N_ROUNDS = 9
TARGET_RATIO = 1.5  # of sample_masks to rng.random

BASELINE = "rng.random"


def contestants(rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    """What is timed: each makes 10⁷ random entries. The first is the baseline."""
    shape = N_ENTRIES // N_UNITS, N_UNITS
    keep_per_unit = np.linspace(0.1, 0.9, N_UNITS)
    wide = 10, N_ENTRIES // 10
    keep_per_unit_wide = np.linspace(0.1, 0.9, wide[1])
    return {
        BASELINE: lambda: rng.random(N_ENTRIES),
        "sample_masks": lambda: sample_masks(*shape, 0.8, rng),
        "sample_masks, a keep per unit": lambda: sample_masks(*shape, keep_per_unit, rng),
        "sample_masks, ten wide masks": lambda: sample_masks(*wide, 0.8, rng),
        "sample_masks, wide, keep per unit": lambda: sample_masks(*wide, keep_per_unit_wide, rng),
        "(rng.random(shape) < keep) as int8": lambda: (rng.random(shape) < 0.8).astype(np.int8),
    }


def medians(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, run in turns so that a slow moment of the machine meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(N_ROUNDS):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    check = parser.parse_args().check

    measured = medians(contestants(np.random.default_rng(0)))
    print(f"{N_ENTRIES:,} entries, median of {N_ROUNDS}")
    missed = []
    for name, seconds in measured.items():
        ratio = seconds / measured[BASELINE]
        has_target = name.startswith("sample_masks")
        target = f"target ≤ {TARGET_RATIO:.2f}" if has_target else ""
        print(f"{name:36} {1e3 * seconds:8.1f} ms {ratio:6.2f} ×  {target}".rstrip())
        if has_target and ratio > TARGET_RATIO:
            missed.append(name)
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
