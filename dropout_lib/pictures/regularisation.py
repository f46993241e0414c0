"""Pictures of notebook 07: many error curves, one step of a derivation, contours, a published table."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from dropout_lib.pictures import basics as figures
from dropout_lib.pictures import equations
from dropout_lib.pictures.basics import COLOURS

_DARK = "#222222"
_ROWS = 9  #: of the longest published table
_LEVELS = 7  #: contours of a loss
_REASON_WIDTH = 75  #: characters in a line


def _colour(dropout: bool) -> str:
    """The colour of a net with, or without dropout; right and wrong have the same two."""
    return COLOURS["dropout net" if dropout else "plain net"]


class CurvePanels:
    """A panel for each architecture: the curves of the plain and the dropout net, and a moving line.

    Args:
        names: titles of the panels.
        n_epochs: length of the curves.
        highest: end of the error axis, in %.
    Attributes:
        figure: the figure they stand in.
    """

    def __init__(self, names: Sequence[str], n_epochs: int, highest: float = 30.0) -> None:
        self.figure, axes = figures.subplots(1, len(names), width=9.8, height=3.5, sharey=True)
        epochs = np.arange(1, n_epochs + 1)
        self._bands, self._lines = {}, []
        for name, ax in zip(names, axes, strict=True):
            for net in ("plain net", "dropout net"):
                self._bands[name, net] = figures.Band(ax, epochs, net)
            self._lines.append(ax.axvline(n_epochs, color=_DARK, lw=1, ls=":"))
            ax.set(xlim=(0, n_epochs + 1), ylim=(0, highest), xlabel="epoch")
            ax.set_title(name, fontsize=11.5)
        axes[0].set_ylabel("test error, %")

    def set_curves(self, name: str, net: str, curves: np.ndarray) -> None:
        """Show `curves`, (seeds, epochs), of one net in one panel."""
        self._bands[name, net].set_curves(curves)

    def set_epoch(self, epoch: int) -> None:
        """Move the line in all panels."""
        for line in self._lines:
            line.set_xdata([epoch, epoch])


class StepByStep:
    """A derivation as a list of titles with ticks and crosses, and one of its steps in full.

    Args:
        ax: where it is drawn; its ticks and frame are switched off.
        titles: of the steps.
    """

    def __init__(self, ax: Axes, titles: Sequence[str]) -> None:
        ax.set(xlim=(0, 1), ylim=(len(titles) - 0.4, -0.6))
        ax.set_axis_off()
        self._marks = [
            ax.text(0, row, "", fontsize=15, va="center", fontweight="bold")
            for row in range(len(titles))
        ]
        self._titles = [
            ax.text(0.03, row, title, fontsize=11, va="center") for row, title in enumerate(titles)
        ]
        middle = (len(titles) - 1) / 2
        self._reason = ax.text(0.37, 0.1, "", fontsize=10.5, va="center", color="#555555")
        self._left = equations.Equation(ax, 0.37, middle - 1, 13.5)
        self._right = equations.Equation(ax, 0.37, middle + 1.3, 13.5)

    def set_steps(self, holds: Sequence[bool]) -> None:
        """Show which steps hold."""
        for mark, right in zip(self._marks, holds, strict=True):
            mark.set_text("✓" if right else "✗")
            mark.set_color(_colour(right))

    def show(self, number: int, reason: str, left: str, right: str, holds: bool) -> None:
        """Show step `number`, 0 for the first, in full; the sides come in LaTeX without dollars."""
        for row, title in enumerate(self._titles):
            title.set_fontweight("bold" if row == number else "normal")
        self._reason.set_text(textwrap.fill(reason, _REASON_WIDTH))
        self._left.set_latex(_large(left))
        sign = "=" if holds else r"\neq"
        self._right.set_latex(rf"{sign}\quad {_large(right)}")


def _large(latex: str) -> str:
    """Fractions in full size."""
    return latex.replace(r"\frac", r"\dfrac")


class LossContours:
    """Lines of equal loss over the plane of two weights, with a path through it.

    Args:
        ax: where it is drawn.
        H: (2, 2) matrix of the quadratic loss (w − bottom)ᵀ H (w − bottom).
        bottom: (2,) where the loss is smallest.
        limits: (low, high) of both axes.
    """

    def __init__(
        self, ax: Axes, H: np.ndarray, bottom: np.ndarray, limits: tuple[float, float]
    ) -> None:
        grid = np.linspace(*limits, 121)
        points = np.stack(np.meshgrid(grid, grid), axis=-1) - bottom
        loss = np.einsum("...i,ij,...j->...", points, H, points)
        levels = loss.max() * np.linspace(0.05, 0.9, _LEVELS) ** 2
        ax.contour(grid, grid, loss, levels=levels, colors="#BBBBBB", linewidths=1)
        ax.plot(*bottom, "+", color="#777777", ms=11, mew=2)
        (self._path,) = ax.plot([], [], color=COLOURS["weight scaling"])
        (self._ring,) = ax.plot([], [], color=COLOURS["kept"], lw=1.5, ls="--")
        (self._dot,) = ax.plot([], [], "o", ms=11, color=COLOURS["weight scaling"], mec="white")
        ax.axhline(0, color="#DDDDDD", lw=1, zorder=0)
        ax.axvline(0, color="#DDDDDD", lw=1, zorder=0)
        ax.set(xlim=limits, ylim=limits, aspect="equal")

    def set_path(self, path: np.ndarray, here: np.ndarray) -> None:
        """Show a path (n, 2) of weights, the place `here` on it, and all weights of its length."""
        self._path.set_data(*path.T)
        self._dot.set_data([here[0]], [here[1]])
        angle = np.linspace(0, 2 * np.pi, 121)
        self._ring.set_data(*(np.linalg.norm(here) * np.array([np.cos(angle), np.sin(angle)])))


def error_axes(
    keeps: Sequence[float], highest: float = 40.0, width: float = 9.6, height: float = 3.7
) -> tuple[Figure, Axes]:
    """A figure for errors against keep."""
    figure, ax = figures.subplots(width=width, height=height)
    ax.set(xlabel="keep probability", ylabel="error, %", ylim=(0, highest), xticks=keeps)
    return figure, ax


class Whiskers:
    """Vertical bars from low to high beside each other, with a dot in the middle of each.

    Args:
        ax: where they are drawn.
        x: (n,) where each stands.
        colours: one for each.
    """

    def __init__(self, ax: Axes, x: Sequence[float], colours: Sequence[str]) -> None:
        self._x = np.asarray(x, dtype=float)
        self._bars = ax.add_collection(
            LineCollection([[(place, 0), (place, 0)] for place in self._x], colors=colours, lw=3)
        )
        self._dots = ax.scatter(self._x, np.zeros_like(self._x), c=colours, s=70, zorder=3)

    def set_values(self, middles: np.ndarray, halves: np.ndarray) -> None:
        """Show a bar from middle − half to middle + half at each place."""
        triples = zip(self._x, middles, halves, strict=True)
        self._bars.set_segments([[(x, a - half), (x, a + half)] for x, a, half in triples])
        self._dots.set_offsets(np.column_stack([self._x, middles]))


class PublishedBars:
    """One published table at a time, as horizontal bars with their numbers.

    Args:
        ax: where they are drawn.
    """

    def __init__(self, ax: Axes) -> None:
        self._bars = ax.barh(np.arange(_ROWS), np.zeros(_ROWS), height=0.7, lw=0)
        self._names = [
            ax.text(-0.02, row, "", ha="right", va="center", fontsize=11) for row in range(_ROWS)
        ]
        self._numbers = [ax.text(0, row, "", va="center", fontsize=11) for row in range(_ROWS)]
        ax.set(xlim=(-1.45, 1.9), ylim=(_ROWS - 0.4, -0.6), yticks=[])
        ax.set_xticks([0, 0.5, 1, 1.5])
        ax.set_xlabel("test error on MNIST, %", x=(1.45 + 0.8) / 3.35)
        ax.spines["left"].set_visible(False)

    def set_results(self, results: Sequence[tuple[str, float, bool]]) -> None:
        """Show rows of (method, error in %, with dropout or not), at most nine."""
        if not 0 < len(results) <= _ROWS:
            raise ValueError(f"results must have 1 to {_ROWS} rows; got {len(results)}")
        rows = [*results, *[("", 0.0, False)] * (_ROWS - len(results))]
        texts = zip(self._bars, self._names, self._numbers, rows, strict=True)
        for bar, name, number, (method, error, dropout) in texts:
            bar.set_width(error)
            bar.set_color(_colour(dropout))
            name.set_text(method)
            number.set_text(f"{error:.2f}" if method else "")
            number.set_x(error + 0.03)
