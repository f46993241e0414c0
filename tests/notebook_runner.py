"""Executes one notebook without a browser: all cells, live figures and jobs, all cells again, each alone, solutions.

One kernel serves for everything, so that a second Run All meets whatever the first one and the
moved controls have left behind; so does each cell that is run again alone, in another order. By hand:

    python tests/notebook_runner.py notebooks/02_masks.ipynb --random-settings 300
    python tests/notebook_runner.py notebooks/02_masks.ipynb --once      # no second run, no figures
"""

import argparse
import asyncio
import json
import random
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from server import fresh_environment

CELL_SECONDS = 180
ALONE_SECONDS = 30  # a cell that takes longer when it is run again alone hangs: all of a run takes half of it
DRIVE_SECONDS = 900  # for all that no reader waits for
SETTINGS_AGAIN = 5  # random settings after cells were run again
ORDER = 12  # seed of the order in which cells are run again alone
TIMING = "timing"  # tag of a cell that prints seconds: its text may differ from run to run

_HERE = Path(__file__).resolve().parent
_WATCH = """
import sys as _sys
_sys.path.append({folder!r})
import figure_watch as _figure_watch
_figure_watch.watch(get_ipython())
"""
_REPORT = "print(_figure_watch.report({random_settings}))"
_REPORT_JOBS = "print(_figure_watch.report_jobs())"
_REPORT_AGAIN = f"print(_figure_watch.report_again({SETTINGS_AGAIN}))"
_CLAIMS = """
import json as _json, sys as _sys
_course = _sys.modules.get("dropout_lib.course.claims")
print(_json.dumps({id: [[*part] for part in parts.values()]
                   for id, parts in (_course.measured() if _course else {}).items()}))
"""
# A hidden first cell that makes of a kernel a Python that cannot start threads. The kernel's own go on, also in
# starting others: they are none of the notebook's.
NO_THREADS = """
import threading as _threading
_start = _threading.Thread.start
def _start_for_the_kernel_only(self):
    if _threading.current_thread() is _threading.main_thread():
        raise RuntimeError("can't start new thread")
    _start(self)
_threading.Thread.start = _start_for_the_kernel_only
"""
_TRAINING = re.compile(r"\b(fit|fit_steps|train|train_steps|bagging|stored_net)\(")
_SOLUTION = re.compile(r"<details>\s*<summary>Solution.*?```python\n(.*?)```.*?</details>", re.S)
# What Matplotlib's functions return: a cell that ends in one shows it by mistake.
_LEFTOVER = re.compile(r" at 0x[0-9a-f]+>|\bText\(|<BarContainer")


@dataclass
class Run:
    """What a notebook did."""

    problems: list[str] = field(default_factory=list)  # errors, warnings, texts that differ
    figures: int = 0
    complaints: list[str] = field(default_factory=list)  # about live figures and jobs
    stubs: list[str] = field(default_factory=list)  # what `check` says to each untouched stub
    solutions: list[str] = field(default_factory=list)  # and to each printed solution
    # id of a claim -> [holds, words, margin] of each of its parts
    claims: dict[str, list[list[Any]]] = field(default_factory=dict)


def run_notebook(path: Path, random_settings: int = 30) -> Run:
    """Execute the notebook in a kernel of its own, all that a reader may do with it, and return what it did."""
    return asyncio.run(_run(path, random_settings))


def run_once(path: Path, before: str = "", press_jobs: bool = False) -> Run:
    """Execute each cell once, after a hidden cell `before`; no live figure is moved, no solution tried."""
    return asyncio.run(_run_once(path, before, press_jobs))


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the code of every collapsed solution, in order."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [code for source in prose for code in _SOLUTION.findall(source)]


def calls_training(path: Path) -> bool:
    """True if a code cell of the notebook trains nets itself or shows nets that were trained."""
    code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
    return _TRAINING.search(code) is not None


def calls_check(source: str) -> bool:
    """True if a cell looks at an exercise: it calls `check`."""
    return re.search(r"^check\(", source, re.M) is not None


async def _run(path: Path, random_settings: int) -> Run:
    run = Run()
    async with _kernel(path) as (client, cells, hidden):
        await hidden.execute(_WATCH.format(folder=str(_HERE)))
        first = await _run_all(client, cells, "first run", run.problems)
        run.claims = json.loads(await hidden.execute(_CLAIMS))
        report = json.loads(await hidden.execute(_REPORT.format(random_settings=random_settings)))
        run.figures, run.complaints = report["figures"], report["complaints"]
        second = await _run_all(client, cells, "second run", run.problems)
        run.problems += _differences(cells, first, second, "again")
        run.problems += _widget_problems(client.widget_state.values())
        client.timeout = ALONE_SECONDS
        order = random.Random(ORDER).sample(range(len(cells)), len(cells))
        for places in (order, order[::-1]):  # so that of any two cells each is run again before the other
            alone = await _run_all(client, cells, "run alone", run.problems, places)
            run.problems += _differences(cells, first, alone, "again alone")
        run.complaints += json.loads(await hidden.execute(_REPORT_AGAIN))
        run.stubs = [
            text for cell, text in zip(cells, first, strict=True) if calls_check(cell.source)
        ]
        run.solutions = [await hidden.execute(code) for code in solutions(client.nb)]
    return run


async def _run_once(path: Path, before: str, press_jobs: bool) -> Run:
    run = Run()
    async with _kernel(path) as (client, cells, hidden):
        await hidden.execute(before)
        if press_jobs:
            await hidden.execute(_WATCH.format(folder=str(_HERE)))
        await _run_all(client, cells, "first run", run.problems)
        run.claims = json.loads(await hidden.execute(_CLAIMS))
        if press_jobs:
            run.complaints = json.loads(await hidden.execute(_REPORT_JOBS))
        run.problems += _widget_problems(client.widget_state.values())
    return run


@asynccontextmanager
async def _kernel(path: Path) -> AsyncIterator[tuple[NotebookClient, list, "_Hidden"]]:
    """A kernel for a copy of the notebook, its code cells, and what executes code that is not in it."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory(
        prefix="dropout-kernel-", ignore_cleanup_errors=True
    ) as folder:
        copy = Path(folder) / "notebooks"
        shutil.copytree(path.parent, copy)
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            interrupt_on_timeout=True,  # a cell that hangs is reported, and the others still run
            allow_errors=True,
            resources={"metadata": {"path": str(copy)}},
        )
        async with client.async_setup_kernel(env=fresh_environment(Path(folder))):
            yield client, cells, _Hidden(client)


class _Hidden:
    """Executes code that does not stand in the notebook."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    async def execute(self, source: str) -> str:
        """Run `source`, raise if it fails, and return its text."""
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        seconds, self._client.timeout = self._client.timeout, DRIVE_SECONDS
        await self._client.async_execute_cell(cell, len(self._client.nb.cells) - 1)
        self._client.timeout = seconds
        problems, text = _read(cell)
        if problems:
            raise RuntimeError("\n".join(problems))
        return text


async def _run_all(
    client: NotebookClient,
    cells: list,
    when: str,
    problems: list[str],
    places: Sequence[int] | None = None,
) -> list[str]:
    """Run the cells, in the order of `places`; add what goes wrong to `problems`; return the text of each cell."""
    texts = [""] * len(cells)
    for place in range(len(cells)) if places is None else places:
        cell = cells[place]
        await client.async_execute_cell(cell, client.nb.cells.index(cell))
        found, texts[place] = _read(cell)
        if any(output.get("ename") == "KeyboardInterrupt" for output in cell.outputs):
            found = [f"hangs: it takes more than {client.timeout} s"]
        problems += [f"{when}, code cell {place + 1} {problem}" for problem in found]
    return texts


def _read(cell: nbformat.NotebookNode) -> tuple[list[str], str]:
    """Return what is wrong with a cell's outputs, and all that they say as text."""
    problems, text = [], ""
    for output in cell.outputs:
        problem = _problem(output)
        if problem:
            problems.append(problem)
        elif output.output_type == "stream":
            text += output.text  # one print may arrive in several pieces
        else:
            shown = output.data.get("text/plain", "")
            text += f"\n{shown}\n"
            if _LEFTOVER.search(shown):
                problems.append(f"ends in a leftover, shown as {shown[:80]!r}")
    return problems, text.strip()


def _problem(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "error":
        return f"raises {output['ename']}: {output['evalue']}"
    if output["output_type"] == "stream" and output["name"] == "stderr":
        return f"writes to stderr: {''.join(output['text'])[:500]}"
    return ""


def _differences(cells: list, first: list[str], second: list[str], when: str) -> list[str]:
    return [
        f"code cell {number} says {before!r} at first and {after!r} when run {when}"
        for number, (cell, before, after) in enumerate(zip(cells, first, second, strict=True), 1)
        if before != after and TIMING not in cell.metadata.get("tags", [])
    ]


def _widget_problems(states: Iterable[Mapping[str, Any]]) -> list[str]:
    """What stands in widgets, where no output of a cell shows it."""
    found = []
    for state in states:
        found += [f"an output widget {p}" for p in map(_problem, state.get("outputs", ())) if p]
        if 'role="alert"' in str(state.get("value", "")):
            found.append(f"a live figure shows {state['value']}")
    return found


def main() -> None:
    """Print what one notebook did."""
    parser = argparse.ArgumentParser(description="Execute a notebook and drive its live figures.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--random-settings", type=int, default=30)
    parser.add_argument("--once", action="store_true", help="each cell once, nothing else")
    parser.add_argument("--before", default="", help="with --once: code to run first")
    parser.add_argument("--press-jobs", action="store_true", help="with --once: press their buttons")
    options = parser.parse_args()
    if options.once:
        run = run_once(options.notebook, options.before, options.press_jobs)
    else:
        run = run_notebook(options.notebook, options.random_settings)
    print(json.dumps(asdict(run), indent=2, ensure_ascii=False))
    crossed = [id for id, parts in run.claims.items() if not all(part[0] for part in parts)]
    sys.exit(bool(run.problems or run.complaints or crossed))


if __name__ == "__main__":
    main()
