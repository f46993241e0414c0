"""The house: arrows run one way, as CONTRIBUTING draws them, and importing the package is cheap."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dropout_lib"
HEAVY = {"matplotlib", "sympy", "ipywidgets"}
GROUND = {"_checks", "_files"}  # of nothing


def arrows():
    """module or package -> what it may import, as CONTRIBUTING says."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```arrows\n(.*?)```", text, re.S)
    lines = [line.split("←") for line in block.strip().splitlines()]
    return {name.strip(): set(re.split(r",\s*", right.strip())) for name, right in lines}


ARROWS = arrows()
NAMES = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()}


def imports(path):
    """The names of all modules that a file imports, relative ones spelt out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["dropout_lib", *path.relative_to(PACKAGE).parts[:-1]]
            base = [*package[: len(package) + 1 - node.level], node.module or ""]
            name = ".".join(filter(None, base)) if node.level else node.module
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def files():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def place(path):
    """The package or module of the first floor that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """What of ours and of the heavy packages a file imports, its own package left out."""
    for name in imports(path):
        first, *rest = name.split(".")
        if first in HEAVY:
            yield first
        elif first == "dropout_lib" and rest and rest[0] in NAMES - {place(path)}:
            yield rest[0]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_arrow_runs_the_wrong_way(path):
    assert set(imported(path)) <= ARROWS.get(place(path), set())


def test_every_arrow_is_needed_and_every_module_has_its_line():
    found = {}
    for path in files():
        found.setdefault(place(path), set()).update(imported(path))
    assert {name: arrows for name, arrows in found.items() if name not in GROUND} == ARROWS
    assert not any(found[name] for name in GROUND)


def test_the_arrows_make_no_circle():
    above = dict(ARROWS)
    while above:
        free = [name for name, needs in above.items() if not needs & above.keys()]
        assert free, f"a circle among {sorted(above)}"
        for name in free:
            del above[name]


def test_a_package_says_in_a_line_what_it_is_for():
    for folder in (path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()):
        first = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert first.split("\n\n")[0].count("\n") == 0, folder.name


@pytest.mark.parametrize("module", ["", ".masks", ".data", ".nets", ".ensembles", ".experiments", ".course"])
def test_importing_it_loads_nothing_heavy(module):
    code = f"import dropout_lib{module}, sys; print(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
