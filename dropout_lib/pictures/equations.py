"""Equations on a Matplotlib axes that can change while a slider moves.

Matplotlib needs about 60 ms to set one equation as a text, again after every few others. Here its outline is kept:
drawn for the second time it costs what any other curve costs.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, ScaledTranslation

_KEPT = 1024  # outlines, a few kB each: more than all derivations of a notebook have


class CheckedStep(Protocol):
    """What a picture of a derivation needs of a step; a chain of equals has one " = " between its sides."""

    title: str
    reason: str
    latex: str


class Equation:
    """One equation at a place of its own.

    Args:
        ax: where it is drawn.
        x, y: its left end and its middle, in data coordinates.
        size: of its letters, in points.

    Attributes:
        latex: what it shows.
    """

    def __init__(self, ax: Axes, x: float, y: float, size: float) -> None:
        self._size = size
        self.latex = ""
        points = Affine2D().scale(1 / 72) + ax.figure.dpi_scale_trans
        place = points + ScaledTranslation(x, y, ax.transData)
        # Clipped to the axes, as `add_artist` does it, so that nobody has to ask how far its many curves reach.
        self.patch = ax.add_artist(PathPatch(Path([(0, 0)]), facecolor="black", lw=0, transform=place))

    def set_latex(self, latex: str) -> None:
        """Show another equation, given without dollars; an empty text shows none."""
        self.latex = latex
        self.patch.set_path(_outline(latex, self._size) if latex else Path([(0, 0)]))
        self.patch.stale = True  # `set_path` does not say so itself


def prepare(equations: Iterable[str], size: float) -> None:
    """Set equations ahead of time, so that no slider waits for one that is shown for the first time."""
    for latex in equations:
        _outline(latex, size)


@lru_cache(maxsize=_KEPT)
def _outline(latex: str, size: float) -> Path:
    """The outline of an equation in points, its left end and its middle at (0, 0)."""
    path = TextPath((0, 0), f"${latex}$", size=size)
    # Where curves begin, bend and end: hardly further out than the letters, and found in a tenth of the time.
    points = path.vertices[path.codes != Path.CLOSEPOLY]
    (left, low), (_, high) = points.min(axis=0), points.max(axis=0)
    return path.transformed(Affine2D().translate(-left, -(low + high) / 2))
