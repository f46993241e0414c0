"""What each notebook takes in JupyterLab: seconds until its first live figure, seconds and memory of Run All.

    python benchmarks/notebooks.py            # prints the table that README shows
    python benchmarks/notebooks.py --check    # exits 1 if a notebook takes more than it may

Needs Chromium or Chrome, and the extra `test`; Linux or macOS. Each notebook is opened in a new window with a kernel
of its own; the first row is an empty notebook, the part of all others that is JupyterLab's own. Seconds are medians
over `ROUNDS` rounds, in which the notebooks take turns. On Linux all is measured a second time with half a core: the
server and its kernels share one with a busy process, as on a small machine that is rented; the browser does not.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from harness import arguments
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the browser driver lives with the tests

from lab import (  # noqa: E402
    NOTEBOOKS,
    Server,
    browser,
    close_notebook,
    lab_server,
    new_page,
    open_notebook,
    run_all,
)

ROUNDS = 3
EMPTY = "empty.ipynb"
RUN_ALL_SECONDS = 15  # what a notebook may take with a core of its own
FIRST_FIGURE_SECONDS = 3  # and beyond what the empty one takes, also with half a core
BUSY = "while True: pass"
MACHINE_MB = 1000  # the smallest machine: it holds the kernel and the server

# Starts Run All and tells when the first picture of a live figure is there.
FIRST_PICTURE = """
async () => {
  window.jupyterapp.commands.execute('notebook:run-all-cells');
  const there = () => [...document.querySelectorAll('img.dropout-picture')].some(
    picture => picture.complete && picture.naturalWidth > 0);
  await new Promise(resolve => {
    const look = () => there() ? resolve() : requestAnimationFrame(look);
    look();
  });
}
"""
# Runs code in the notebook's kernel, outside of its cells, and returns what it prints.
ASK_KERNEL = """
async code => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code, store_history: false});
  let said = '';
  future.onIOPub = message => { said += message.content.text ?? ''; };
  await future.done;
  return said;
}
"""
# In MB: the most that the kernel ever had, and what the server has. `ru_maxrss` is in kB, on macOS in bytes.
MEMORY = """
import os, psutil, resource, sys
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(most / 1e6, psutil.Process(os.getppid()).memory_info().rss / 1e6)
"""


@dataclass(frozen=True)
class Needs:
    """What one run of one notebook took: seconds, and memory in MB."""

    first_figure: float  # from opening the page to the first picture, running the cells on the way
    run_all: float
    kernel: float
    server: float


def measure(chromium: Browser, server: Server, name: str) -> Needs:
    """Open the notebook twice in new windows: to time the first picture, and to run all its cells."""
    with new_page(chromium) as page:
        start = time.perf_counter()
        open_notebook(page, server, name)
        if name != EMPTY:
            page.evaluate(FIRST_PICTURE)
        first_figure = time.perf_counter() - start
        close_notebook(page)
    with new_page(chromium) as page:
        open_notebook(page, server, name)
        start = time.perf_counter()
        problems = run_all(page)
        seconds = time.perf_counter() - start
        if problems:
            raise RuntimeError(f"{name}: {problems}")
        kernel, rest = _memory(page)
        close_notebook(page)
    return Needs(first_figure, seconds, kernel, rest)


def _memory(page: Page) -> tuple[float, float]:
    kernel, server = page.evaluate(ASK_KERNEL, MEMORY).split()
    return float(kernel), float(server)


def copy_with_empty(folder: Path) -> list[str]:
    """Put the notebooks and an empty one into `folder`; return their names."""
    for path in [path for path in NOTEBOOKS.rglob("*") if path.is_file()]:
        target = folder / path.relative_to(NOTEBOOKS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [nbformat.v4.new_code_cell("pass")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / EMPTY)
    return [EMPTY, *sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))]


@contextmanager
def half_a_core() -> Iterator[None]:
    """Within it this process, and all that it starts, shares one core with a busy process."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    twin = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        twin.kill()
        twin.wait()


def measure_all(half: bool) -> dict[str, list[Needs]]:
    """name -> what its runs took, `ROUNDS` of them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names = copy_with_empty(folder)
        if half:
            cores = os.sched_getaffinity(0)
            stack.enter_context(half_a_core())
        server = stack.enter_context(lab_server(folder))
        if half:
            os.sched_setaffinity(0, cores)  # the reader's browser runs elsewhere
        chromium = stack.enter_context(browser())
        taken: dict[str, list[Needs]] = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name in names:
                taken[name].append(measure(chromium, server, name))
    return taken


def report(taken: dict[str, list[Needs]], half: bool) -> list[str]:
    """Print a table and return what takes more than it may."""
    missed = []
    print("| notebook | first live figure | beyond the empty one | Run All | peak memory of its kernel |")
    print("|:--|--:|--:|--:|--:|")
    empty = statistics.median(run.first_figure for run in taken[EMPTY])
    for name, runs in taken.items():
        first_figure = statistics.median(run.first_figure for run in runs)
        run_all_seconds = statistics.median(run.run_all for run in runs)
        kernel, server_mb = max(run.kernel for run in runs), max(run.server for run in runs)
        label = "an empty one" if name == EMPTY else name[:2]
        seconds = f"{first_figure:.1f} s | {first_figure - empty:.1f} s | {run_all_seconds:.1f} s"
        print(f"| {label} | {seconds} | {kernel:.0f} MB |")
        if first_figure - empty > FIRST_FIGURE_SECONDS:
            missed.append(f"{name}: first figure")
        if not half and run_all_seconds > RUN_ALL_SECONDS:
            missed.append(f"{name}: Run All")
        if kernel + server_mb > MACHINE_MB:
            missed.append(f"{name}: memory")
    print(f"\nJupyterLab's server beside it: {server_mb:.0f} MB; a machine of {MACHINE_MB} MB has to hold both")
    return [f"{text}, half a core" for text in missed] if half else missed


def main() -> int:
    check = arguments(__doc__.splitlines()[0]).check
    missed = report(measure_all(half=False), half=False)
    if sys.platform == "linux":
        print("\nWith half a core:\n")
        missed += report(measure_all(half=True), half=True)
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
