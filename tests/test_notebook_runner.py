"""The runner reports each way in which a notebook goes wrong, also those nbclient lets pass."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_runner import run_notebook

pytestmark = pytest.mark.slow

SETUP = """
import dropout_lib
import time
import warnings
import ipywidgets
from dropout_lib import figures, live
from dropout_lib.exercises import check
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
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the runner says about a notebook with one of each fault."""
    cells = [new_code_cell(source.strip()) for source in CELLS]
    cells[4].metadata["tags"] = ["timing"]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = new_notebook(
        cells=[*cells, new_markdown_cell(WRONG_SOLUTION)], metadata={"kernelspec": kernel}
    )
    path = tmp_path_factory.mktemp("faulty") / "faulty.ipynb"
    nbformat.write(notebook, path)
    return run_notebook(path, random_settings=2)


@pytest.mark.parametrize(
    "words",
    [
        "an output widget raises ValueError: hidden in a widget",
        "first run, code cell 3 writes to stderr",
        "UserWarning: loud",
        "code cell 4 says 'run 1' at first and 'run 2' when run again",
        "second run, code cell 6 raises ZeroDivisionError: division by zero",
        'first run, code cell 7 ends in a leftover, shown as "Text(',
    ],
)
def test_a_problem_is_reported(run, words):
    assert words in "\n".join(run.problems)


def test_a_tagged_cell_may_say_something_else_each_time(run):
    assert "code cell 5" not in "\n".join(run.problems)


def test_figures_are_found_and_driven(run):
    said = "\n".join(run.complaints)
    assert run.figures == 2
    assert "figure of code cell 8: This figure could not follow: ZeroDivisionError" in said
    assert "figure of code cell 9: shows another picture than at first, for the same values" in said


def test_stubs_and_solutions_are_looked_at(run):
    assert ["not done yet" in text for text in run.stubs] == [True]
    assert ["correct" in text for text in run.solutions] == [False]
