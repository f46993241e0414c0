"""What the benchmarks share: time in turns, print medians and ratios, and compare with the targets."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping


def arguments(description: str) -> argparse.Namespace:
    """Return the command line's options: `check` is True if a missed target should fail the run."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    return parser.parse_args()


def medians(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each, run in turns so that a slow moment of the machine meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def report(
    title: str,
    seconds: Mapping[str, float],
    baseline: str,
    targets: Mapping[str, tuple[str, float]],
) -> list[str]:
    """Print a line for each row and return the names of those that miss their target.

    Args:
        seconds: median seconds by row.
        baseline: the row to which the printed ratios refer.
        targets: row → (the row it is compared with, largest admissible ratio to that row).
    """
    print(f"\n{title}")
    missed = []
    for name, value in seconds.items():
        line = f"  {name:38} {1e3 * value:9.1f} ms {value / seconds[baseline]:7.2f} × {baseline}"
        if name in targets:
            other, largest = targets[name]
            ratio = value / seconds[other]
            verdict = "met" if ratio <= largest else "MISSED"
            line += f"   target ≤ {largest:.2f} × {other}: {ratio:.2f}, {verdict}"
            if ratio > largest:
                missed.append(name)
        print(line)
    return missed
