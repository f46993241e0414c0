"""What the benchmarks share: time in turns, print medians and ratios, and compare with the targets."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

#: Seconds for which a function is called, at least, before the next one has its turn.
SHORTEST_TURN = 0.05


def arguments(description: str) -> argparse.Namespace:
    """Return the command line's options: `check` is True if a missed target should fail the run."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    return parser.parse_args()


def medians(
    functions: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of a call of each, run in turns so that a slow moment of the machine meets all alike.

    A function that is done in a few milliseconds is called again until `SHORTEST_TURN` is over: a single call would
    mostly measure what its predecessor left in the caches. With `time.process_time` as the clock
    what other programs take is left out.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            n_calls, elapsed, start = 0, 0.0, clock()
            while elapsed < SHORTEST_TURN:
                function()
                n_calls, elapsed = n_calls + 1, clock() - start
            seconds[name].append(elapsed / n_calls)
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
        line = f"  {name:38} {1e3 * value:9.1f} ms {value / seconds[baseline]:7.3g} × {baseline}"
        if name in targets:
            other, largest = targets[name]
            ratio = value / seconds[other]
            verdict = "met" if ratio <= largest else "MISSED"
            line += f"   target ≤ {largest:.3g} × {other}: {ratio:.3g}, {verdict}"
            if ratio > largest:
                missed.append(name)
        print(line)
    return missed
