"""Pictures of how ensembles err: an error curve with its floor, two members' errors, parts of v.

Each is drawn once; its `set_…` methods change what a live figure redraws.
"""

import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from dropout_lib.pictures import equations
from dropout_lib.pictures.basics import COLOURS
from dropout_lib.pictures.equations import CheckedStep

_DARK = "#222222"
_GREY = "#666666"
_EQUATION_AT, _EQUATION_SIZE = 0.46, 19  # fractions make their parts small
_REASON_WIDTH = 46  # characters
#: The parts of v in `MomentBars`, from left to right, with their colours.
PARTS = (("bias²", "#444444"), ("shared", "#8A8A8A"), ("a member's own", "#D9D9D9"))


class ErrorCurve:
    """The squared error of a mean of k members: a formula, its floor, and what was measured.

    Args:
        ax: where it is drawn.
        ks: (n,) ensemble sizes, increasing.
        top: upper end of the vertical axis.
        role: colour of the measured points, one of the roles in `COLOURS`.
        title: stands above it.
    """

    def __init__(
        self, ax: Axes, ks: np.ndarray, top: float, *, role: str = "Monte Carlo", title: str = ""
    ) -> None:
        self.ks = np.asarray(ks)
        nothing = np.full(len(self.ks), np.nan)
        self._floor = ax.axhline(0, color=_DARK, lw=1.2, ls="--")
        self._at = ax.axvline(self.ks[0], color=_DARK, lw=1, ls=":")
        self._bars = ax.add_collection(
            LineCollection([], colors=COLOURS[role], linewidths=3, alpha=0.45)
        )
        (self._line,) = ax.plot(self.ks, nothing, color=COLOURS["exact ensemble"])
        (self._points,) = ax.plot(self.ks, nothing, "o", ms=6, color=COLOURS[role], mec="white")
        margin = 0.02 * (self.ks[-1] - self.ks[0])
        ax.set(xlabel="members k", ylabel="squared error", ylim=(0, top))
        ax.set_title(title, fontsize=12)
        ax.set_xlim(self.ks[0] - margin, self.ks[-1] + margin)

    def set_curve(self, predicted: np.ndarray, floor: float, k: int) -> None:
        """Show what the formula says, (n,) with NaN where it says nothing, its floor, and where k is."""
        self._line.set_ydata(predicted)
        self._floor.set_ydata([floor, floor])
        self._at.set_xdata([k, k])

    def set_points(self, measured: np.ndarray, half: np.ndarray | None = None) -> None:
        """Show measured errors for the first of the ks, with bars of so much up and down."""
        measured = np.asarray(measured, dtype=float)
        at = self.ks[: len(measured)]
        self._points.set_data(at, measured)
        if half is not None:
            low, high = measured - half, measured + half
            self._bars.set_segments(np.stack([np.c_[at, low], np.c_[at, high]], axis=1))


class MemberScatter:
    """The errors of one member against those of another, with the mean of both.

    Args:
        ax: where it is drawn.
        limit: both axes run from −limit to limit; points beyond stay at the edge.
        role: colour of the points.
    """

    def __init__(self, ax: Axes, limit: float, *, role: str = "Monte Carlo") -> None:
        self._limit = limit
        ax.axhline(0, color=COLOURS["dropped"], lw=1)
        ax.axvline(0, color=COLOURS["dropped"], lw=1)
        (self._points,) = ax.plot([], [], "o", ms=4, alpha=0.45, mew=0, color=COLOURS[role])
        (self._mean,) = ax.plot([0], [0], "+", ms=16, mew=2.5, color=_DARK)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        ax.set(xlabel="error of member 1", ylabel="error of member 2")

    def set_errors(self, first: np.ndarray, second: np.ndarray) -> None:
        """Show two members' errors, (n,) each."""
        edge = 0.98 * self._limit
        self._points.set_data(np.clip(first, -edge, edge), np.clip(second, -edge, edge))
        self._mean.set_data([np.mean(first)], [np.mean(second)])


class MomentMatrix:
    """The matrix of all second moments, and beside it its eigenvalues against the correlation.

    v is 1, so that c is the correlation. Where an eigenvalue is negative the ground is grey: no errors
    have such moments.

    Args:
        left, right: where the two are drawn.
    """

    _BOTTOM, _TOP = -2.2, 4.2

    def __init__(self, left: Axes, right: Axes) -> None:
        self._image = left.imshow(
            np.zeros((2, 2)), cmap="PuOr", vmin=-1.4, vmax=1.4, extent=(0, 1, 0, 1)
        )
        left.set(xticks=[], yticks=[])
        left.set_title("second moments E[eᵢ eⱼ]", fontsize=12)
        self._correlations = np.linspace(-1, 1, 201)
        right.axhspan(self._BOTTOM, 0, color="#EFEFEF", lw=0)
        right.text(0.98, self._BOTTOM + 0.25, "no such errors exist", ha="right", color=_GREY)
        self._bound = right.axvline(-1, color=_DARK, lw=1, ls=":")
        right.plot(self._correlations, 1 - self._correlations, color=COLOURS["dropped"])
        (self._line,) = right.plot(
            self._correlations, 1 + self._correlations, color=COLOURS["kept"]
        )
        (self._dots,) = right.plot([], [], "o", ms=10, color=_DARK, mec="white", clip_on=False)
        right.set(ylim=(self._BOTTOM, self._TOP), xlim=(-1.05, 1.05), xlabel="correlation c/v")
        right.set_title("eigenvalues   blue: v + (k − 1) c   grey: v − c", fontsize=12)

    def set_matrix(self, matrix: np.ndarray, eigenvalues: np.ndarray) -> None:
        """Show a (k, k) matrix with ones on its diagonal and its k eigenvalues."""
        k, correlation = len(matrix), matrix[0, 1]
        self._image.set_data(matrix)
        self._line.set_ydata(1 + (k - 1) * self._correlations)
        self._bound.set_xdata([-1 / (k - 1)] * 2)
        # One below the figure is what it warns of, so its dot stays in sight, at the edge.
        shown = [max(x, self._BOTTOM) for x in eigenvalues if x <= self._TOP]
        self._dots.set_data([correlation] * len(shown), shown)


class MomentBars:
    """For each kind of ensemble v as one bar of three parts, which add up to c after the second.

    Args:
        ax: where it is drawn.
        names: one for each kind, from the top down.
        right: right end of the axis.
    """

    def __init__(self, ax: Axes, names: Sequence[str], right: float) -> None:
        self._rows = [ax.barh(names, np.zeros(len(names)), color=colour) for _, colour in PARTS]
        self._c_ticks = ax.add_collection(LineCollection([], colors=_DARK, linewidths=2.5))
        ax.invert_yaxis()
        ax.set(xlim=(0, right), xlabel="squared error")
        ax.tick_params(axis="y", length=0)

    def set_parts(self, parts: np.ndarray) -> None:
        """Show (kinds, 3) parts; a mark stands at c, the end of the second."""
        starts = np.cumsum(parts, axis=1) - parts
        for number, bars in enumerate(self._rows):
            for bar, start, width in zip(bars, starts[:, number], parts[:, number], strict=True):
                bar.set_x(start)
                bar.set_width(width)
        c = parts[:, :2].sum(axis=1)
        self._c_ticks.set_segments([[(x, y - 0.48), (x, y + 0.48)] for y, x in enumerate(c)])


class Chain:
    """A derivation as a chain of equal terms: a tick or a cross in front of each right side.

    Args:
        ax: where it is drawn; its ticks and frame are switched off.
        derivations: all that will be shown, each of equally many steps: their equations are set ahead of time.
    """

    def __init__(self, ax: Axes, derivations: Iterable[Sequence[CheckedStep]]) -> None:
        derivations = list(derivations)
        terms = (term for steps in derivations for step in steps for term in _sides(step))
        equations.prepare(terms, _EQUATION_SIZE)
        n_steps = len(derivations[0])
        ax.set(xlim=(0, 1), ylim=(n_steps + 0.75, -0.45))
        ax.set_axis_off()
        self._start = equations.Equation(ax, _EQUATION_AT, 0, _EQUATION_SIZE)
        self._rows = [
            (
                ax.text(0.0, row, "", fontsize=20, va="center", fontweight="bold"),
                ax.text(0.035, row - 0.04, "", fontsize=11.5, va="bottom", fontweight="bold"),
                ax.text(0.035, row + 0.06, "", fontsize=10.5, va="top", color=_GREY),
                equations.Equation(ax, _EQUATION_AT, row, _EQUATION_SIZE),
            )
            for row in range(1, n_steps + 1)
        ]
        self._residual = ax.text(0.035, n_steps + 0.68, "", fontsize=12, va="center")

    def set_steps(
        self, steps: Sequence[CheckedStep], holds: Sequence[bool], residual: str = ""
    ) -> None:
        """Show the steps, which of them hold, and below them a line on what is left over."""
        self._start.set_latex(_sides(steps[0])[0])
        for texts, step, right in zip(self._rows, steps, holds, strict=True):
            mark, title, reason, equation = texts
            mark.set_text("✓" if right else "✗")
            mark.set_color(COLOURS["dropout net" if right else "plain net"])
            title.set_text(step.title)
            reason.set_text(textwrap.fill(step.reason, _REASON_WIDTH))
            equation.set_latex(_sides(step)[1])
        self._residual.set_text(residual)


def _sides(step: CheckedStep) -> tuple[str, str]:
    """The left side of an equation, and its right side with the sign in front of it."""
    left, right = step.latex.split(" = ")
    return left, f"= {right}"
