"""Executes one notebook without a browser: all cells, live figures, all cells again, solutions.

One kernel serves for everything, so that a second Run All meets whatever the first one and the
moved controls have left behind. By hand:

    python tests/notebook_runner.py notebooks/02_masks.ipynb --random-settings 300
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from server import fresh_environment

CELL_SECONDS = 180
TIMING = "timing"  # tag of a cell that prints seconds: its text may differ from run to run

_HERE = Path(__file__).resolve().parent
_WATCH = """
import sys as _sys
_sys.path.append({folder!r})
import figure_watch as _figure_watch
_figure_watch.watch(get_ipython())
"""
_REPORT = "print(_figure_watch.report({random_settings}))"
_CLAIMS = """
import json as _json, sys as _sys
_course = _sys.modules.get("dropout_lib.course.claims")
print(_json.dumps({id: [[*part] for part in parts.values()]
                   for id, parts in (_course.measured() if _course else {}).items()}))
"""
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
    """Execute the notebook in a kernel of its own and return what it did."""
    return asyncio.run(_run(path, random_settings))


def solutions(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the code of every collapsed solution, in order."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [code for source in prose for code in _SOLUTION.findall(source)]


def calls_check(source: str) -> bool:
    """True if a cell looks at an exercise: it calls `check`."""
    return re.search(r"^check\(", source, re.M) is not None


async def _run(path: Path, random_settings: int) -> Run:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    run = Run()
    with tempfile.TemporaryDirectory(
        prefix="dropout-kernel-", ignore_cleanup_errors=True
    ) as folder:
        copy = Path(folder) / "notebooks"
        shutil.copytree(path.parent, copy)
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            allow_errors=True,
            resources={"metadata": {"path": str(copy)}},
        )
        async with client.async_setup_kernel(env=fresh_environment(Path(folder))):
            hidden = _Hidden(client)
            await hidden.execute(_WATCH.format(folder=str(_HERE)))
            first = await _run_all(client, cells, "first run", run.problems)
            run.claims = json.loads(await hidden.execute(_CLAIMS))
            report = json.loads(
                await hidden.execute(_REPORT.format(random_settings=random_settings))
            )
            second = await _run_all(client, cells, "second run", run.problems)
            run.figures = report["figures"]
            run.complaints = report["complaints"]
            run.problems += _differences(cells, first, second)
            run.problems += _widget_problems(client.widget_state.values())
            run.stubs = [
                text for cell, text in zip(cells, first, strict=True) if calls_check(cell.source)
            ]
            run.solutions = [await hidden.execute(code) for code in solutions(notebook)]
    return run


class _Hidden:
    """Executes code that does not stand in the notebook."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    async def execute(self, source: str) -> str:
        """Run `source`, raise if it fails, and return its text."""
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        await self._client.async_execute_cell(cell, len(self._client.nb.cells) - 1)
        problems, text = _read(cell)
        if problems:
            raise RuntimeError("\n".join(problems))
        return text


async def _run_all(
    client: NotebookClient, cells: list, when: str, problems: list[str]
) -> list[str]:
    """Run the cells; add what goes wrong to `problems`; return the text of each cell."""
    texts = []
    for number, cell in enumerate(cells, start=1):
        await client.async_execute_cell(cell, client.nb.cells.index(cell))
        found, text = _read(cell)
        problems += [f"{when}, code cell {number} {problem}" for problem in found]
        texts.append(text)
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


def _differences(cells: list, first: list[str], second: list[str]) -> list[str]:
    return [
        f"code cell {number} says {before!r} at first and {after!r} when run again"
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
    options = parser.parse_args()
    run = run_notebook(options.notebook, options.random_settings)
    print(json.dumps(asdict(run), indent=2, ensure_ascii=False))
    crossed = [id for id, parts in run.claims.items() if not all(part[0] for part in parts)]
    sys.exit(bool(run.problems or run.complaints or crossed))


if __name__ == "__main__":
    main()
