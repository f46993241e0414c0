"""How soon a Job stops, and how soon a slider answers while one is running.

python benchmarks/job_stop.py            # prints tables of medians and ratios
python benchmarks/job_stop.py --check    # exits 1 if a target is missed

Runs in one process, without a browser: what is timed is what Python has to do. The work is the
training of the widest net of the lessons, which draws its progress into a live figure.
"""

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dropout_lib import live
from dropout_lib.pictures import basics as figures  # before NumPy: this sets one BLAS thread

# isort: split
import numpy as np
from harness import arguments, report

from dropout_lib.data import load_digits, split
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import fit_steps

SIZES = (64, 512, 512, 10)
N_TRAIN = 1000
EPOCHS = 1000  # more than there is time for: every Job here is stopped
N_STOPS = 15
N_MOVES = 40  # of a slider, idle and while a Job runs, in turns of N_TURN
N_TURN = 8
LATEST = 0.3  # seconds: Stop comes at a random moment up to this long after the first result

HALF_A_SECOND = "half a second (the target)"
STOP_MEDIAN, STOP_WORST = (
    "Stop to the end of the work, median",
    "Stop to the end of the work, worst",
)
IDLE, RUNNING = "slider, idle", "slider, while a Job runs"
AT_MOST_TIMES_IDLE = 6.0  # a slider that answers in 10 ms may take 60: still within a glance

TRAIN, TEST = split(*load_digits(), N_TRAIN, np.random.default_rng(0))


def curve_figure() -> live.LiveFigure:
    """Three panels of which a slider moves a line each."""
    figure, axes = figures.subplots(1, 3, width=9.6, height=3)
    x = np.linspace(0, 10, 200)
    lines = [ax.plot(x, np.sin(x))[0] for ax in axes]

    def update(shift: int) -> str:
        for line in lines:
            line.set_ydata(np.sin(x + shift / 5))
        return f"shifted by {shift}"

    return live.LiveFigure(figure, update, shift=live.slider("shift", 0, 100, 0))


class Training:
    """A Job that trains a net and shows its errors; `begun` is set at its first result."""

    def __init__(self) -> None:
        figure, ax = figures.subplots(width=6, height=3)
        (self._line,) = ax.plot([], [])
        ax.set(xlim=(0, 60), ylim=(0, 1))
        self._errors: list[float] = []
        self._view = live.LiveFigure(figure, self._update)
        self.begun = threading.Event()
        self.job = live.Job(self._work, show=lambda _: self._view.refresh())

    def _update(self) -> str:
        self._line.set_data(range(len(self._errors)), self._errors)
        return f"{len(self._errors)} epochs"

    def _work(self) -> Iterator[tuple[float, object]]:
        net = MLP(SIZES, np.random.default_rng(1), dtype=np.float32)
        rng = np.random.default_rng(2)
        options = {"keep": (0.9, 0.5), "epochs": EPOCHS, "validation": TEST, "rng": rng}
        for history in fit_steps(net, TRAIN.x, TRAIN.y, **options):
            self._errors = history.validation_error[-60:]
            yield history.progress, net
            self.begun.set()

    def run(self) -> None:
        """Start, and return once there is a first result."""
        self.begun.clear()
        self.job.start()
        self.begun.wait()

    def stop(self) -> float:
        """Press Stop; return the seconds until the work has ended."""
        start = time.perf_counter()
        self.job.stop()
        self.job.wait()
        return time.perf_counter() - start


def stop_times(training: Training, rng: np.random.Generator) -> list[float]:
    """Return the seconds from Stop to the end of the work, pressed at random moments."""
    seconds = []
    for _ in range(N_STOPS):
        training.run()
        time.sleep(rng.uniform(0, LATEST))
        seconds.append(training.stop())
    return seconds


def answer_times(training: Training, figure: live.LiveFigure) -> dict[str, float]:
    """Return the median seconds that a slider's move takes, idle and while the Job runs."""
    seconds: dict[str, list[float]] = {IDLE: [], RUNNING: []}
    control = figure.controls["shift"]
    for move in range(2 * N_MOVES):
        running = move // N_TURN % 2 == 1
        if running and not training.job.running:
            training.run()
        elif not running and training.job.running:
            training.stop()
        start = time.perf_counter()
        control.value = move + 1
        seconds[RUNNING if running else IDLE].append(time.perf_counter() - start)
    training.stop()
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> int:
    """Print the tables; return 1 if a target is missed and the run is a check."""
    check = arguments(__doc__.splitlines()[0]).check
    training, figure = Training(), curve_figure()
    stops = stop_times(training, np.random.default_rng(3))
    missed = report(
        f"Stop, pressed {N_STOPS} times while a net of {'-'.join(map(str, SIZES))} is trained",
        {HALF_A_SECOND: 0.5, STOP_MEDIAN: statistics.median(stops), STOP_WORST: max(stops)},
        HALF_A_SECOND,
        {STOP_WORST: (HALF_A_SECOND, 1.0)},
    )
    missed += report(
        "a move of a slider over three panels, until the picture is encoded",
        answer_times(training, figure),
        IDLE,
        {RUNNING: (IDLE, AT_MOST_TIMES_IDLE)},
    )
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
