"""How fast masks are sampled, against `rng.random` of the same size in the same run.

python benchmarks/mask_sampling.py            # prints a table of medians and ratios
python benchmarks/mask_sampling.py --check    # exits 1 if a ratio misses its target
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from harness import arguments, medians, report

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


def main() -> int:
    check = arguments(__doc__.splitlines()[0]).check
    seconds = medians(contestants(np.random.default_rng(0)), N_ROUNDS)
    targets = {name: (BASELINE, TARGET_RATIO) for name in seconds if name.startswith("sample_masks")}
    missed = report(f"{N_ENTRIES:,} entries, median of {N_ROUNDS}", seconds, BASELINE, targets)
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
