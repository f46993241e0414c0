"""Which global names of a notebook have two meanings: a cell run again would find the other one.

A name that two cells bind may be read by a cell that has bound it itself, before; nothing that runs later, the
body of a function above all, may read it. By hand:

    python tests/notebook_names.py notebooks/02_masks.ipynb
"""

import ast
import symtable
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat

NAMED_CELLS = 3  # of those that bind a name


def two_meanings(cells: Mapping[str, str]) -> Iterator[str]:
    """Say where a name that two or more of the cells (id -> source) bind is read as if there were one only."""
    found = {cell: _Names(source) for cell, source in cells.items()}
    binding: dict[str, list[str]] = {}
    for cell, names in found.items():
        for name in names.bound:
            binding.setdefault(name, []).append(cell)
    for cell, names in found.items():
        for name, where in (*names.read_early.items(), *names.read_later.items()):
            if len(binding.get(name, ())) > 1:
                yield f"cell {cell} reads {name!r} {where}; {_listed(binding[name])} bind it"


def _listed(cells: list[str]) -> str:
    rest = len(cells) - NAMED_CELLS
    return ", ".join(cells[:NAMED_CELLS]) + (f" and {rest} more" if rest > 0 else "")


class _Names(ast.NodeVisitor):
    """What one cell does with global names, in the order in which Python does it."""

    def __init__(self, source: str) -> None:
        self.bound: set[str] = set()  # somewhere in this cell
        self.read_early: dict[str, str] = {}  # name -> where it was read though the cell had not bound it yet
        self.read_later: dict[str, str] = {}  # and where in something that runs later
        self._sure: set[str] = set()  # bound up to here, whichever way the cell went
        self._local: list[str] = []  # variables of the comprehensions around a node
        self.visit(ast.parse(source))

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._local:
            return
        if isinstance(node.ctx, ast.Load):
            self._read(node)
        else:
            self._bind(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._in_turn(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._in_turn(node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._read(node.target)
        self._in_turn(node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target.id)  # within a comprehension, too, it binds outside of it

    def visit_For(self, node: ast.For) -> None:
        self._in_turn(node.iter, node.target, *node.body, *node.orelse)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        before = set(self._sure)
        self._in_turn(*node.body)
        after, self._sure = self._sure, before
        self._in_turn(*node.orelse)
        self._sure &= after

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for part in node.names:
            self._bind((part.asname or part.name).split(".")[0])

    visit_ImportFrom = visit_Import

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._comprehension(node.generators, node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, node.key, node.value)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._in_turn(*node.args.defaults, *filter(None, node.args.kw_defaults))
        self._runs_later(node, "in a lambda")

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._in_turn(*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults))
        self._runs_later(node, f"in {node.name}()")
        self._bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._in_turn(*node.decorator_list, *node.bases, *node.keywords)
        self._runs_later(node, f"in {node.name}")
        self._bind(node.name)

    def _in_turn(self, *nodes: ast.AST) -> None:
        for node in nodes:
            self.visit(node)

    def _bind(self, name: str) -> None:
        self.bound.add(name)
        self._sure.add(name)

    def _read(self, node: ast.Name) -> None:
        if node.id not in self._sure:
            self.read_early.setdefault(node.id, "before it has bound it itself")

    def _comprehension(self, generators: list[ast.comprehension], *results: ast.expr) -> None:
        outside = len(self._local)
        for part in generators:
            self.visit(part.iter)
            self._local += [node.id for node in ast.walk(part.target) if isinstance(node, ast.Name)]
            self._in_turn(*part.ifs)
        self._in_turn(*results)
        del self._local[outside:]

    def _runs_later(self, node: ast.Lambda | ast.FunctionDef | ast.ClassDef, where: str) -> None:
        """Note what the body of `node` reads from, or binds in, the global names."""
        tables = symtable.symtable(ast.unparse(node), "cell", "exec").get_children()
        while tables:
            table = tables.pop()
            tables += table.get_children()
            for name in table.get_symbols():
                if not name.is_global() or name.get_name() in self._local:
                    continue
                if name.is_assigned():
                    self.bound.add(name.get_name())  # it says `global`
                elif name.is_referenced():
                    self.read_later.setdefault(name.get_name(), where)


def main() -> None:
    """Print what is found in the notebooks that are named; exit with 1 if that is anything."""
    complaints = 0
    for path in sys.argv[1:]:
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        for text in two_meanings({cell.id: cell.source for cell in cells}):
            complaints += 1
            print(f"{Path(path).name}: {text}")
    sys.exit(complaints > 0)


if __name__ == "__main__":
    main()
