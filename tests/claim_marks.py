"""Joins the claim ledger with the tests that bear its rows out.

The markers are read from the source of the tests, so the answer does not depend on which tests were
selected for a run.
"""

import ast
import re
from pathlib import Path
from typing import NamedTuple

_SECTION = re.compile(r"^## (\d\d) ", re.M)
_ID = re.compile(r"^\| ([A-Z]\d\d) \|", re.M)


class Section(NamedTuple):
    """The rows of the ledger that belong to one notebook."""

    number: str  # "02"
    notebook: Path | None  # None: in preparation
    ids: tuple[str, ...]


def sections(folder: Path) -> list[Section]:
    """Return the sections of `claims.md` in `folder`; a notebook is finished when it is there."""
    _, *parts = _SECTION.split((folder / "claims.md").read_text(encoding="utf-8"))
    return [
        Section(number, next(folder.glob(f"{number}_*.ipynb"), None), tuple(_ID.findall(text)))
        for number, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def marked_claims(folder: Path) -> dict[str, list[str]]:
    """Return for each id the files in `folder` with a test that carries `pytest.mark.claim(id)`.

    Raises ValueError for an id that is not written out as a string: this reads, it does not run.
    """
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not _is_mark(node):
                continue
            for argument in node.args:
                if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                    where = f"{file.name}, line {node.lineno}"
                    raise ValueError(f"{where}: a claim's id should be written out as a string")
                found.setdefault(argument.value, []).append(file.name)
    return found


def _is_mark(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "claim"
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == "mark"
    )
