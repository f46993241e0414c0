"""Pictures of class probabilities side by side, of small differences, and of a derivation."""

import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from dropout_lib.pictures import equations
from dropout_lib.pictures.basics import COLOURS, set_heights, set_widths
from dropout_lib.pictures.equations import CheckedStep

#: Differences are drawn from here on; two float64 in [0, 1] differ by 0 or about this much.
SMALLEST_GAP = 1e-18

_NAMES = {"exact ensemble": "arithmetic mean"}  # what a key says, where it is not the role
_EQUATION_SIZE = 13  # points
_REASON_WIDTH = 60  # characters
_GROUP = 0.8  # share of the distance between two classes that their bars take up


class ClassBars:
    """For each class a group of bars, one bar for each way to predict.

    Args:
        ax: where they are drawn.
        n_classes: number of groups.
        roles: one of the roles in `COLOURS` for each bar of a group.
        key: write the names above the bars, each in its colour.
    """

    def __init__(self, ax: Axes, n_classes: int, roles: Sequence[str], *, key: bool = True) -> None:
        width = _GROUP / len(roles)
        places = np.arange(n_classes)
        self._bars = [
            ax.bar(
                places + (number - (len(roles) - 1) / 2) * width,
                np.zeros(n_classes),
                width,
                color=COLOURS[role],
                label=_NAMES.get(role, role),
            )
            for number, role in enumerate(roles)
        ]
        ax.set(xlabel="class", xticks=places, ylabel="probability", ylim=(0, 1.02))
        if key:
            ax.set_title(" ")  # keeps the place of the key, which must not push the axes aside
            legend = ax.legend(
                loc="lower left",
                bbox_to_anchor=(-0.02, 0.98),
                ncols=len(roles),
                handlelength=1,
                handletextpad=0.4,
                columnspacing=1.2,
                borderpad=0.1,
            )
            legend.set_in_layout(False)

    def set_values(self, *probabilities: np.ndarray) -> None:
        """Show (classes,) probabilities for each role, in the order of the roles."""
        for bars, heights in zip(self._bars, probabilities, strict=True):
            set_heights(bars, heights)


class GapBars:
    """Horizontal bars on a logarithmic axis: how much predictions differ at most.

    Args:
        ax: where they are drawn.
        names: one label for each bar.
        roles: their colours.
    """

    def __init__(self, ax: Axes, names: Sequence[str], roles: Sequence[str]) -> None:
        start = np.full(len(names), SMALLEST_GAP)
        colours = [COLOURS[role] for role in roles]
        self._bars = ax.barh(names, start, left=SMALLEST_GAP, color=colours)
        ax.set(xscale="log", xlim=(SMALLEST_GAP, 1), xlabel="largest difference")
        ax.set_xticks([1e-16, 1e-12, 1e-8, 1e-4, 1])
        ax.tick_params(axis="x", which="minor", bottom=False)

    def set_gaps(self, *gaps: float) -> None:
        """Show one difference for each bar; 0 leaves its bar empty."""
        set_widths(self._bars, gaps)


class Derivation:
    """The steps of a derivation below each other: tick or cross, title, reason, equation.

    Args:
        ax: where it is drawn; its ticks and frame are switched off.
        derivations: one or more of those that will be shown, each of equally many steps. Their equations
            are set ahead of time, any other one when it is first shown.
    """

    def __init__(self, ax: Axes, derivations: Iterable[Sequence[CheckedStep]]) -> None:
        derivations = list(derivations)
        equations.prepare((step.latex for steps in derivations for step in steps), _EQUATION_SIZE)
        n_steps = len(derivations[0])
        ax.set(xlim=(0, 1), ylim=(n_steps + 0.5, -0.5))
        ax.set_axis_off()
        self._rows = [
            (
                ax.text(0.0, row, "", fontsize=20, va="center", fontweight="bold"),
                ax.text(0.035, row - 0.04, "", fontsize=11.5, va="bottom", fontweight="bold"),
                ax.text(0.035, row + 0.04, "", fontsize=9.5, va="top", color="#555555"),
                equations.Equation(ax, 0.48, row, _EQUATION_SIZE),
            )
            for row in range(n_steps)
        ]
        self._residual = ax.text(0.035, n_steps, "", fontsize=11, va="center")

    def set_steps(
        self, steps: Sequence[CheckedStep], holds: Sequence[bool], residual: str = ""
    ) -> None:
        """Show the steps, which of them hold, and below them a line on what is left over."""
        for texts, step, right in zip(self._rows, steps, holds, strict=True):
            mark, title, reason, equation = texts
            mark.set_text("✓" if right else "✗")
            mark.set_color(COLOURS["dropout net"] if right else COLOURS["plain net"])
            title.set_text(step.title)
            reason.set_text(textwrap.fill(step.reason, _REASON_WIDTH))
            equation.set_latex(step.latex)
        self._residual.set_text(residual)
