"""The house: data flows one way, and importing the package is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "dropout_lib"
HEAVY = {"matplotlib", "sympy", "ipywidgets"}

#: From the ground up: a module may import what stands before it, and what stands beside it in one entry.
FLOORS = [
    {"validation", "_files"},
    {"data", "masks", "published", "ridge"},
    {"layers", "descent"},
    {"network", "exact", "halves"},
    {"training", "ensembles", "monte_carlo", "noise", "variance"},
    {"bagging", "convergence", "input_gradients", "sweeps", "symbolic", "uncertainty"},
    {"equations", "figures", "exercises", "grids", "experiments", "course", "checkup"},
    {
        "figures_bagging",
        "figures_inference",
        "figures_regularisation",
        "figures_softmax",
        "figures_variance",
    },
    {"live"},
]
ALLOWED = {
    "matplotlib": {
        "equations",
        "figures",
        "figures_bagging",
        "figures_inference",
        "figures_regularisation",
        "figures_softmax",
        "figures_variance",
        "live",
    },
    "ipywidgets": {"live", "exercises"},
    "sympy": {"symbolic"},
}


def floor(module):
    return next(number for number, names in enumerate(FLOORS) if module in names)


def imports(path):
    """The names of all modules that a file imports, relative ones spelt out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(["dropout_lib", *path.relative_to(PACKAGE).parts[:-1], base]).strip(
                    "."
                )
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def files():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def module_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_arrow_runs_the_wrong_way(path):
    here = module_of(path)
    known = set().union(*FLOORS)
    for name in imports(path):
        first, *rest = name.split(".")
        if first == "dropout_lib" and rest and rest[0] in known and rest[0] != here:
            assert floor(rest[0]) <= floor(here), f"{here} imports {rest[0]}"
            assert floor(rest[0]) < floor(here) or {here, rest[0]} <= FLOORS[floor(here)]
        if first in ALLOWED:
            assert here in ALLOWED[first], f"{here} imports {first}"


def test_live_knows_nothing_of_dropout():
    for path in (PACKAGE / "live").glob("*.py"):
        inside = {name for name in imports(path) if name.startswith("dropout_lib")}
        assert all(name.startswith("dropout_lib.live") for name in inside), path.name


def test_every_module_has_its_floor():
    assert {module_of(path) for path in files()} == set().union(*FLOORS)


@pytest.mark.parametrize("module", ["", ".masks", ".data", ".network", ".training", ".exercises"])
def test_importing_it_loads_nothing_heavy(module):
    code = f"import dropout_lib{module}, sys; print(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
