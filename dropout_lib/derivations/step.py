"""One step of a derivation: an equation, why it should hold, and whether it does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import sympy
from sympy.printing.latex import LatexPrinter


@dataclass(frozen=True)
class Step:
    """An equation that can be checked; a notebook cell shows it with a tick or a cross.

    Attributes:
        title: number of the equation, if it has one, and what happens in this step.
        equation: a SymPy equation, its sides unevaluated.
        reason: one line.
        compare: works out by how much two sides differ; 0 if they are equal.
    """

    title: str
    equation: sympy.Eq
    reason: str
    compare: Callable[[sympy.Expr, sympy.Expr], sympy.Expr] = field(repr=False)

    def check(self) -> sympy.Expr:
        """Compare the two sides of `equation`: 0 if they are equal, else the residual.

        The residual is the difference of the two sides, or of their logarithms where the sides are
        products of probabilities.
        """
        return self.compare(self.equation.lhs, self.equation.rhs)

    @property
    def latex(self) -> str:
        """The equation in LaTeX, without dollars; Matplotlib can draw it as well."""
        return latex(self.equation)

    def _repr_markdown_(self) -> str:
        residual = self.check()
        verdict = "✓" if residual == 0 else f"✗, residual ${latex(residual)}$"
        return f"**{self.title}** {verdict}\n\n{self.reason}\n\n$${self.latex}$$"


def first_break(steps: Iterable[Step]) -> Step | None:
    """Return the first step whose two sides differ, or None if the derivation holds."""
    return next((step for step in steps if step.check() != 0), None)


@lru_cache(maxsize=512)  # a slider over a derivation asks for the same few again and again
def latex(expression: sympy.Basic) -> str:
    """LaTeX in which a sum in an exponent can be read: exp(…) in full size instead of e^{…}."""
    return _Printer().doprint(expression).replace("{keep}", r"{\mathrm{keep}}")  # one word, not a product


class _Printer(LatexPrinter):
    def _print_ExpBase(self, expr: sympy.exp, exp: str | None = None) -> str:
        if not expr.args[0].has(sympy.Add, sympy.Sum):
            return super()._print_ExpBase(expr, exp)
        tex = rf"\exp\left({self._print(expr.args[0])}\right)"
        return tex if exp is None else rf"{{{tex}}}^{{{exp}}}"
