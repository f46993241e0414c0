"""The runner reports each way in which a notebook goes wrong, also those nbclient lets pass."""

import nbformat
import notebook_runner
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_runner import NO_THREADS, run_notebook, run_once

pytestmark = pytest.mark.slow

SETUP = """
import dropout_lib
import time
import warnings
import ipywidgets
from dropout_lib import live
from dropout_lib.pictures import basics as figures
from dropout_lib.course.exercises import check
figures.use_style()
"""
HIDDEN = """
output = ipywidgets.Output()
with output:
    raise ValueError("hidden in a widget")
output
"""
SILENT = """
fig, ax = figures.subplots(width=4, height=2)
line, = ax.plot([0, 1], [0, 1])
def update(n):
    line.set_ydata([0, 1 / (n - 3)])
    return f"n = {n}"
live.LiveFigure(fig, update, n=live.slider("n", 0, 3, 1))
"""
CLOBBERED = """
fig_2, ax_2 = figures.subplots(width=4, height=2)
dot, = ax_2.plot([0], [0], "o")
ax_2.set(xlim=(0, 20))
offset = 1
def update_2(n):
    dot.set_xdata([n + offset])
    return f"n = {n}"
live.LiveFigure(fig_2, update_2, n=live.slider("n", 0, 3, 1))
"""
STUB = """
def kept(n_units, keep):
    return ...

check("expected_kept", kept)
"""
WRONG_SOLUTION = """<details><summary>Solution</summary>

```python
def kept(n_units, keep):
    return n_units * (1 - keep)

check("expected_kept", kept)
```

</details>"""
# Cells that are right when all are run in order, and go wrong when they are run again alone.
COUNTED = ["tally = []", "tally.append(1)\nprint(len(tally))", "tally.append(2)\nprint(len(tally))"]
POPPED = ["box = ['left']", "print(box.pop())"]
HANGING = """
runs = globals().get("runs", 0) + 1
time.sleep(60 if runs > 2 else 0)
"""
ANOTHER_MEANING = [
    "shares = [1]\nprint(shares[0])",
    """
fig_4, ax_4 = figures.subplots(width=4, height=2)
mark, = ax_4.plot([0], [0], "o")
shares = [1, 2, 3, 4]
def update_4(n):
    mark.set_xdata([shares[n]])
    return f"n = {n}"
live.LiveFigure(fig_4, update_4, n=live.slider("n", 0, 3, 1))
""",
]
JOB = """
own = {}
fig_5, ax_5 = figures.subplots(width=4, height=2)
pair, = ax_5.plot([0, 1], [0, 0], "o")
def update_5(n):
    pair.set_ydata([own.get(i, n) for i in range(2)])
    return f"n = {n}"
job_view = live.LiveFigure(fig_5, update_5, n=live.slider("n", 0, 3, 1))
def fill(seed):
    for i in range(2):
        own[i] = [seed]
        time.sleep(0.05)  # longer than it takes to press Stop
        yield (i + 1) / 2, own
live.Job(fill, show=lambda _: job_view.refresh(), seed=live.seed(5))
"""
CELLS = [
    SETUP,
    HIDDEN,
    "warnings.warn('loud')",
    "count = globals().get('count', 0) + 1\nprint('run', count)",
    "print(time.perf_counter())",  # may differ: it is tagged
    "1 / 0",
    "ax_3 = figures.subplots()[1]\nax_3.set_title('left over')",
    SILENT,
    CLOBBERED,
    "offset = 5",
    STUB,
    *COUNTED,
    HANGING,
    ANOTHER_MEANING[0],
    *POPPED,
    ANOTHER_MEANING[1],
    JOB,
]
HANGS_AFTER = 3  # seconds: no other cell of the example takes as long


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the runner says about a notebook with one of each fault."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(notebook_runner, "ALONE_SECONDS", HANGS_AFTER)
        return run_notebook(faulty(tmp_path_factory.mktemp("faulty")), random_settings=2)


def faulty(folder):
    """Write the example and return its path."""
    cells = [new_code_cell(source.strip()) for source in CELLS]
    cells[4].metadata["tags"] = ["timing"]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = new_notebook(
        cells=[*cells, new_markdown_cell(WRONG_SOLUTION)], metadata={"kernelspec": kernel}
    )
    return written(folder, notebook)


def written(folder, notebook):
    """Write a notebook and return its path."""
    path = folder / "example.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    "words",
    [
        "an output widget raises ValueError: hidden in a widget",
        "first run, code cell 3 writes to stderr",
        "UserWarning: loud",
        "code cell 4 says 'run 1' at first and 'run 2' when run again",
        "second run, code cell 6 raises ZeroDivisionError: division by zero",
        'first run, code cell 7 ends in a leftover, shown as "Text(',
        "code cell 14 says '2' at first and '4' when run again alone",
        "run alone, code cell 18 raises IndexError: pop from empty list",
        f"run alone, code cell 15 hangs: it takes more than {HANGS_AFTER} s",
    ],
)
def test_a_problem_is_reported(run, words):
    assert words in "\n".join(run.problems)


def test_a_tagged_cell_may_say_something_else_each_time(run):
    assert "code cell 5" not in "\n".join(run.problems)


def test_figures_are_found_and_driven(run):
    said = "\n".join(run.complaints)
    assert run.figures == 4
    assert "figure of code cell 8: This figure could not follow: ZeroDivisionError" in said
    assert "figure of code cell 9: shows another picture than at first, for the same values" in said


def test_figures_are_moved_after_cells_were_run_again_alone(run):
    found = [text for text in run.complaints if "after cells were run again" in text]
    assert "figure of code cell 19: This figure could not follow: IndexError" in "\n".join(found)
    assert "figure of code cell 18" not in "\n".join(found)


def test_jobs_are_pressed_and_their_figures_looked_at(run):
    assert "job of code cell 20: its figure says: This figure could not follow: " in "\n".join(run.complaints)


def test_a_first_run_reports_a_thread_that_nobody_can_start(tmp_path):
    """As `tools/test_processors.py` does it, for a Python that runs in a browser."""
    hidden = "import threading\nthreading.Thread(target=print).start()"
    kernel = {"name": "python3", "display_name": "Python 3"}
    cells = [new_code_cell(SETUP.strip()), new_code_cell(hidden), new_code_cell(JOB.replace("[seed]", "seed"))]
    path = written(tmp_path, new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    assert run_once(path, press_jobs=True).problems == []
    run = run_once(path, before=NO_THREADS, press_jobs=True)
    assert run.problems == ["first run, code cell 2 raises RuntimeError: can't start new thread"]
    assert run.complaints == []  # a Job works there, too


def test_stubs_and_solutions_are_looked_at(run):
    assert ["not done yet" in text for text in run.stubs] == [True]
    assert ["correct" in text for text in run.solutions] == [False]
