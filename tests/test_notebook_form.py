"""Every notebook has the form of the collection, and each rule of the form catches its break."""

import pytest
from lab import NOTEBOOKS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_form import RULES
from notebook_names import two_meanings
from notebook_page import Page, read_page

OPENING = """# Do a thing

**What happens then?**

- **What you'll see:** much.
- **What you need:** [the start](00_start.ipynb).
- **Time:** {minutes} minutes."""
SETUP = """import dropout_lib
import numpy as np
from dropout_lib import live
from dropout_lib.course import claim, what_we_checked"""
FIGURE = "live.LiveFigure(fig, update)"
STUB = 'def f(x):\n    return ...\n\ncheck("double", f)'
SOLUTION = """<details><summary>Solution</summary>

```python
def f(x):
    return 2 * x

check("double", f)
```

</details>"""
MAP = "## The notebooks\n[02](02_x.ipynb)\n## How to use a live figure\nMove it."
ENDING = "## In practice\n\nPyTorch and Keras:\n\n```python\n# no heading\nimport torch\n```"

LESSON = [
    OPENING.format(minutes=20),
    (SETUP,),
    (FIGURE,),
    "## One\n\nM01 says $$x$$. **Predict.** What?",
    ('claim("M01", True, "1")',),
    "**What happened.** This.",
    "**Predict:** and now?",
    ('claim("M02", True, "2")',),
    "**What happened.** That.",
    "## Exercises",
    (STUB,),
    SOLUTION,
    (STUB,),
    SOLUTION,
    "## What we checked",
    ('what_we_checked("M")',),
    ENDING,
    "## Read on\n\n[claims](claims.md)",
]
START = [
    OPENING.format(minutes=10).replace("[the start](00_start.ipynb)", "nothing"),
    (SETUP,),
    (FIGURE,),
    MAP,
    "## Is everything in order here?",
    ("print(course.report())",),
    *LESSON[9:14],
    "## Read on",
]


def page(sources: list, number: str = "02") -> Page:
    """A page with these cells: a text is Markdown, a tuple of one text is code."""
    cells = [
        new_code_cell(source[0], id=f"cell-{number}-{place:02}")
        if isinstance(source, tuple)
        else new_markdown_cell(source, id=f"cell-{number}-{place:02}")
        for place, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    own = frozenset({"M01", "M02", "M03"} if number == "02" else ())
    files = frozenset({"00_start.ipynb", "02_x.ipynb", "claims.md"})
    told, rows = frozenset({"M03"}), frozenset({"M01", "M02", "M03", "B01"})
    return Page(number, notebook, own, rows, told, frozenset({"double"}), files)


def faults(page: Page) -> list[str]:
    """All that the rules say about a page."""
    return [fault for rule in RULES for fault in rule(page)]


def swap(old: object, new: object) -> list:
    """The lesson with one text for another, in every cell that has it; None takes the cell out."""
    cells = [new if cell == old else cell for cell in LESSON]
    if isinstance(old, str) and isinstance(new, str):
        cells = [cell.replace(old, new) if isinstance(cell, str) else cell for cell in cells]
    assert cells != LESSON
    return [cell for cell in cells if cell is not None]


BROKEN = {
    "16 lines of code": (swap((FIGURE,), (FIGURE + "\nx = 1" * 15,)), "has 16 lines"),
    "an empty code cell": ([*LESSON, ("",)], "has 0 lines"),
    "warnings silenced": (swap((FIGURE,), (FIGURE + "\nwarnings.simplefilter('x')",)), "silences"),
    "types ignored": (swap((FIGURE,), (FIGURE + "  # type: ignore",)), "silences something"),
    "an installation": (swap((FIGURE,), (FIGURE + "\n# pip install x",)), "installs something"),
    "a magic": (swap((FIGURE,), (FIGURE + "\n%matplotlib inline",)), "leaves Python"),
    "a shell": (swap((FIGURE,), (FIGURE + "\n!ls",)), "leaves Python"),
    "a download": (swap((FIGURE,), (FIGURE + "\nu = 'https://x'",)), "reaches for the network"),
    "pyplot": (swap((FIGURE,), (FIGURE + "\nplt.figure()",)), "opens pyplot figures"),
    "global dice": (swap((FIGURE,), (FIGURE + "\nnp.random.seed(0)",)), "global random state"),
    "no title": (swap("# Do a thing", "Do a thing"), "begin with its title"),
    "two titles": (swap("## Exercises", "# Exercises"), "begin with its title"),
    "no question": (swap("then?**", "then.**"), "lacks the question"),
    "nothing to see": (swap("**What you'll see:**", "See:"), "lacks What you'll see"),
    "nothing needed": (swap("**What you need:**", "Need:"), "lacks What you need"),
    "no time": (swap("**Time:**", "Time:"), "lacks Time"),
    "too long": (swap("20 minutes", "26 minutes"), "takes 26 minutes"),
    "another order": (
        swap(
            "**What you'll see:** much.\n- **What you need:**",
            "**What you need:** it\n- **What you'll see:**",
        ),
        "open in the order",
    ),
    "late threads": (swap((SETUP,), ("import numpy\nimport dropout_lib",)), "`import dropout_lib`"),
    "a long set-up": (swap((SETUP,), (SETUP + "\nx = 1" * 3,)), "more than 5 lines"),
    "a late figure": ([*LESSON[:2], "a", "b", *LESSON[2:]], "no live figure in its first"),
    "a formula first": ([*LESSON[:2], "Let $x$ be", *LESSON[2:]], "formula before"),
    "a formula too": ([*LESSON[:2], r"Let \(x\) be", *LESSON[2:]], "formula before"),
    "a section missing": (swap("## In practice", "In practice"), "end in the sections"),
    "sections in another order": ([*LESSON[:-2], LESSON[-1], LESSON[-2]], "end in the sections"),
    "no prediction": (swap("**Predict:** and now?", None), "follows no Predict"),
    "no outcome": (swap("**What happened.** That.", None), "has no What happened"),
    "nothing run": (swap(('claim("M02", True, "2")',), None), "has no code before it"),
    "one prediction": ([*LESSON[:6], *LESSON[9:]], "has 1 predictions"),
    "no stub": (swap((STUB,), (STUB.replace("...", "x"),)), "should hold a `...`"),
    "no solution": (swap(SOLUTION, "Think."), "one collapsed solution"),
    "an open solution": (swap("<details>", ""), "one collapsed solution"),
    "half a solution": (swap("2 * x", "..."), "the solution should be whole"),
    "another's solution": (swap('check("double"', 'check("triple"'), "the solution should be"),
    "an unknown exercise": (swap((STUB,), (STUB.replace("double", "x"),)), "check knows no ['x']"),
    "one exercise": ([*LESSON[:12], *LESSON[14:]], "has 1 exercises"),
    "four exercises": ([*LESSON[:12], *LESSON[10:12] * 2, *LESSON[12:]], "has 4 exercises"),
    "a solution too many": ([*LESSON[:12], SOLUTION, *LESSON[12:]], "solution without a stub"),
    "an unknown claim": (swap("M01 says", "M04 says"), "M04 is no claim"),
    "a claim that is not measured": (swap(('claim("M02", True, "2")',), ("x = 1",)), "M02 is not measured"),
    "another's claim": (swap((FIGURE,), (FIGURE + '\nclaim("B01", True, "")',)), "B01 is not its"),
    "a told claim that is measured": (
        swap((FIGURE,), (FIGURE + '\nclaim("M03", True, "")',)),
        "M03 is told, not measured",
    ),
    "an assert": (swap((FIGURE,), (FIGURE + "\nassert x",)), "asserts"),
    "a hidden assert": (swap((FIGURE,), (FIGURE + "\nif x:\n    assert x",)), "asserts"),
    "a wait": (swap((FIGURE,), (FIGURE + "\nx = job.wait()",)), "waits"),
    "two meanings": (swap((FIGURE,), (FIGURE + "\nclaim = 1",)), "cell cell-02-04 reads 'claim'"),
    "no Python": (swap((FIGURE,), (FIGURE + "\nx = ",)), "is no Python"),
    "claims not shown": (
        swap(('what_we_checked("M")',), ("x = 1",)),
        "should show what_we_checked",
    ),
    "one library": (swap("PyTorch and Keras", "PyTorch"), "lacks Keras"),
    "a dead link": (swap("(claims.md)", "(claim.md)"), "links to claim.md, which is not there"),
}


# Cells whose names have one meaning wherever they are read, and (cells, what is found) where they have not.
ONE_MEANING = {
    "bound again before it is read": ["x = 1", "x = 2\nprint(x)"],
    "bound by one cell, read by others": ["x = 1", "print(x)", "def f():\n    return x"],
    "a function's own name": ["x = 1", "x = 2", "def f(x, *, y=3):\n    z = x\n    return z", "z = 1", "z = 2"],
    "a parameter of a lambda": ["n = 1", "n = 2", "f = lambda n: n"],
    "a comprehension's variable": ["x = 1", "x = 2", "a = [x for x in range(3) if x]\nb = {x: [x] for x in a}"],
    "a comprehension's variable in a lambda": ["x = 1", "x = 2", "f = [lambda: x for x in range(3)]"],
    "a loop's variable": ["for x in range(3):\n    print(x)", "for x, y in []:\n    print(x)"],
    "whichever way it goes": ["x = 1", "if 1:\n    x = 2\nelse:\n    x = 3\nprint(x)"],
    "a stub": ["def h(mask):\n    return ...\n\ncheck('h', h)", "mask = 1\nprint(mask)", "mask = 2"],
    "a context and an import": ["with a as x:\n    print(x)", "import x.y\nprint(x)", "from z import x\nprint(x)"],
}
TWO_MEANINGS = {
    "read in a function": (["x = 1\ndef f():\n    return x", "x = 2"], "'x' in f(); c0, c1 bind it"),
    "read in a function's function": (["x = 1\ndef f():\n    return [lambda: x]", "x = 2"], "'x' in f()"),
    "read in a comprehension of a function": (["x = 1\ndef f():\n    return [x for y in 'a']", "x = 2"], "'x' in f()"),
    "read in a lambda": (["x = 1\nf = lambda: x", "x = 2"], "c0 reads 'x' in a lambda"),
    "read in a class": (["x = 1\nclass A:\n    y = x", "x = 2"], "c0 reads 'x' in A"),
    "read in another cell": (["x = 1", "x = 2", "print(x)"], "c2 reads 'x' before"),
    "a figure of another cell": (
        ["fig, ax = s()", "fig, (left, right) = s()", "live.LiveFigure(fig, update)"],
        "c2 reads 'fig' before",
    ),
    "a default": (["x = 1", "x = 2", "def f(y=x): ..."], "c2 reads 'x' before"),
    "bound too late": (["x = 1", "print(x)\nx = 2"], "c1 reads 'x' before"),
    "bound from itself": (["x = 1", "x = x + 1"], "c1 reads 'x' before"),
    "counted up": (["x = 1", "x += 1"], "c1 reads 'x' before"),
    "bound one way only": (["x = 1", "if 1:\n    x = 2\nprint(x)"], "c1 reads 'x' before"),
    "two functions": (["def f():\n    return f()", "def f():\n    return 2"], "c0 reads 'f' in f()"),
    "a function and a number": (["def f(): ...", "f = 1", "f()"], "c2 reads 'f' before"),
    "two imports": (["import x", "from y import x", "x()"], "c2 reads 'x' before"),
    "a loop's variable": (["for x in []: ...", "for x in []: ...", "x"], "c2 reads 'x' before"),
    "bound in a comprehension": (["[x := 1 for y in z]", "x = 2", "x"], "c2 reads 'x' before"),
    "bound by a function": (["def f():\n    global x\n    x = 1", "x = 2", "x"], "c2 reads 'x' before"),
    "a comprehension's source": (["x = 1", "x = 2", "[x for x in x]"], "c2 reads 'x' before"),
    "an exercise": (["mask = 1", "mask = 2", "def h(): return mask\ncheck('h', h)"], "c2 reads 'mask' in h()"),
}


@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_has_the_form(name):
    assert faults(read_page(NOTEBOOKS / name)) == []


def test_the_good_examples_are_good():
    assert faults(page(LESSON)) == []
    assert faults(page(START, "00")) == []


@pytest.mark.parametrize(("cells", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_lesson_is_found(cells, words):
    assert words in "\n".join(faults(page(cells)))


def named(sources: list[str]) -> dict[str, str]:
    """The cells by their ids: c0, c1, …"""
    return {f"c{place}": source for place, source in enumerate(sources)}


@pytest.mark.parametrize("cells", ONE_MEANING.values(), ids=ONE_MEANING)
def test_names_with_one_meaning_are_let_pass(cells):
    assert list(two_meanings(named(cells))) == []


@pytest.mark.parametrize(("cells", "words"), TWO_MEANINGS.values(), ids=TWO_MEANINGS)
def test_a_name_with_two_meanings_is_found(cells, words):
    [found] = two_meanings(named(cells))
    assert words in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("10 minutes", "11 minutes", "takes 11 minutes"),
        ("[02](02_x.ipynb)", "02", "its map does not link 02_x.ipynb"),
        ("## How to use a live figure", "## Use", "should have the sections"),
        ("## Read on", "## End", "should end in the sections"),
    ],
)
def test_a_broken_start_page_is_found(old, new, words):
    cells = [cell.replace(old, new) if isinstance(cell, str) else cell for cell in START]
    assert words in "\n".join(faults(page(cells, "00")))


def test_a_start_page_without_its_check_is_found():
    cells = [cell for cell in START if cell != ("print(course.report())",)]
    assert "should call course.report()" in faults(page(cells, "00"))


def left_output(notebook):
    notebook.cells[1].outputs = [new_output("stream", text="1")]


def left_count(notebook):
    notebook.cells[1].execution_count = 1


def left_widgets(notebook):
    notebook.metadata["widgets"] = {}


def left_time(notebook):
    notebook.cells[1].metadata["execution"] = {}


def same_id(notebook):
    notebook.cells[2].id = notebook.cells[1].id


def random_id(notebook):
    notebook.cells[2].id = "8f3a21bc"


def other_kernel(notebook):
    notebook.metadata.kernelspec.name = "my-venv"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (left_output, "cell cell-02-01 keeps"),
        (left_count, "cell cell-02-01 keeps"),
        (left_widgets, "metadata ['widgets'] are left"),
        (left_time, "metadata ['execution'] are left"),
        (same_id, "cell id 'cell-02-01' should be"),
        (random_id, "cell id '8f3a21bc' should be"),
        (other_kernel, "should name the kernel python3"),
    ],
)
def test_what_a_run_leaves_in_the_file_is_found(spoil, words):
    spoiled = page(LESSON)
    spoil(spoiled.notebook)
    assert words in "\n".join(faults(spoiled))


def test_a_file_that_is_no_valid_notebook_is_found():
    spoiled = page(LESSON)
    spoiled.notebook.cells[1]["surplus"] = 1
    assert "is not valid" in "\n".join(faults(spoiled))
