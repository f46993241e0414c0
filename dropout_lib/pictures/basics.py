"""Pictures on a given Axes, in one look: a network with its mask, images, curves with bands.

Each function draws once and returns something whose `set_…` methods change what was drawn, so that a live
figure redraws only that.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

#: A role keeps its colour in every notebook (palette of Okabe and Ito, 2008).
COLOURS = {
    "kept": "#0072B2",
    "dropped": "#B8B8B8",
    "plain net": "#D55E00",
    "dropout net": "#009E73",
    "exact ensemble": "#222222",
    "weight scaling": "#E69F00",
    "Monte Carlo": "#CC79A7",
    "geometric mean": "#56B4E9",
}


def use_style() -> None:
    """Give every figure made from here on the look of the collection."""
    matplotlib.style.use(Path(__file__).with_name("dropout.mplstyle"))


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = 9.6, height: float = 3.4, **options: object
) -> tuple[Figure, Axes | np.ndarray]:
    """Return a figure and its axes, like `matplotlib.pyplot.subplots`, but without pyplot.

    Args:
        rows, columns: the grid of axes.
        width, height: inches; 1 inch is 100 pixels on the page, and a notebook column has about 1000.
        options: passed on to `Figure.subplots`, e.g. ``width_ratios=[2, 1]``.
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


class NetworkPicture:
    """A fully connected network with its units in columns; dropped units are grey, crossed and unconnected.

    Args:
        ax: where it is drawn; its ticks and frame are switched off.
        sizes: number of units in each layer, input first.
        names: one label under each layer.
    """

    _EDGE_ON, _EDGE_OFF = 0.55, 0.0  # opacity of a connection whose two ends are kept, or not

    def __init__(self, ax: Axes, sizes: Sequence[int], names: Sequence[str] = ()) -> None:
        self.sizes = tuple(sizes)
        self._at = [
            np.column_stack([np.full(n, float(layer)), (n - 1) / 2 - np.arange(n)])
            for layer, n in enumerate(self.sizes)
        ]
        pairs = [
            (start, end)
            for left, right in pairwise(self._at)
            for start in left
            for end in right
        ]
        self._edges = ax.add_collection(LineCollection(pairs, colors=COLOURS["kept"], zorder=1))
        everywhere = np.concatenate(self._at)
        self._units = ax.scatter(*everywhere.T, s=330, edgecolors="white", linewidths=1.5, zorder=2)
        self._crosses = ax.scatter([], [], s=90, marker="x", color="#555555", linewidths=2, zorder=3)
        half = max(self.sizes) / 2
        for layer, name in enumerate(names):
            ax.text(layer, -half - 0.55, name, ha="center", va="top")
        ax.set(xlim=(-0.5, len(self.sizes) - 0.5), ylim=(-half - 1.3, half + 0.1))
        ax.set_axis_off()
        self.set_masks([np.ones(n) for n in self.sizes])

    def set_masks(self, masks: Sequence[np.ndarray]) -> None:
        """Show which units are kept: one array of 0 and 1 for each layer, as long as the layer."""
        lengths = tuple(len(mask) for mask in masks)
        if lengths != self.sizes:
            raise ValueError(f"masks has lengths {lengths}; they should be {self.sizes}")
        kept = np.concatenate(masks).astype(bool)
        self._units.set_facecolor(np.where(kept, COLOURS["kept"], COLOURS["dropped"]))
        self._crosses.set_offsets(np.concatenate(self._at)[~kept])
        both_ends = np.concatenate(
            [np.outer(left, right).ravel() for left, right in pairwise(masks)]
        )
        self._edges.set_alpha(np.where(both_ends, self._EDGE_ON, self._EDGE_OFF))


def show_image(ax: Axes, image: np.ndarray, title: str = "") -> AxesImage:
    """Draw a grey-level image with values from 0 (white) to 1 (black), without ticks."""
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(True)
    return ax.imshow(image, vmin=0.0, vmax=1.0)


def show_mask(ax: Axes, mask: np.ndarray, title: str = "") -> AxesImage:
    """Draw a matrix of 0 and 1 in the colours of dropped and kept units, without ticks."""
    picture = show_image(ax, mask, title)
    picture.set(cmap=ListedColormap(["#E4E4E4", COLOURS["kept"]]))
    return picture


def set_top(ax: Axes, top: float) -> None:
    """Let the y-axis reach from 0 to `top`; one that does so already is left alone.

    Matplotlib marks an axis as changed even if the limits stay the same, and a live figure then draws everything.
    """
    if ax.get_ylim() != (0, top):
        ax.set_ylim(0, top)


class Histogram:
    """Bars that show which share of some values falls between neighbouring edges.

    Args:
        ax: where it is drawn.
        edges: (n + 1,) increasing; values outside are counted in the first or the last bar.
        colour: one of the roles in `COLOURS`.
        tallest_is_one: draw heights relative to the tallest bar, for shapes that change a lot in width.
    """

    def __init__(
        self, ax: Axes, edges: np.ndarray, colour: str, *, tallest_is_one: bool = False
    ) -> None:
        self.edges = np.asarray(edges, dtype=float)
        self._tallest_is_one = tallest_is_one
        shares = np.zeros(len(self.edges) - 1)
        self._steps = ax.stairs(shares, self.edges, fill=True, color=COLOURS[colour], alpha=0.6)

    def set_values(self, values: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Show `values`, each counted with its weight (equal weights unless given)."""
        inside = np.clip(np.ravel(values), self.edges[0], self.edges[-1])
        counts, _ = np.histogram(inside, self.edges, weights=weights)
        whole = counts.max() if self._tallest_is_one else counts.sum()
        self._steps.set_data(counts / whole)


def set_heights(bars: BarContainer, heights: Sequence[float]) -> None:
    """Set the heights of the bars that `Axes.bar` returned."""
    for bar, height in zip(bars, heights, strict=True):
        bar.set_height(height)


class Band:
    """The mean of several curves as a line, and a band from the lowest to the highest of them.

    Args:
        ax: where it is drawn.
        x: (n,) places of the curves' values.
        role: one of the roles in `COLOURS`.
    """

    def __init__(self, ax: Axes, x: np.ndarray, role: str) -> None:
        self.x = np.asarray(x, dtype=float)
        flat = np.zeros_like(self.x)
        self._between = ax.fill_between(self.x, flat, flat, color=COLOURS[role], alpha=0.2, lw=0)
        (self._line,) = ax.plot(self.x, flat, color=COLOURS[role])

    def set_curves(self, curves: np.ndarray) -> None:
        """Show `curves`, (number of curves, n)."""
        curves = np.atleast_2d(curves)
        self._line.set_ydata(curves.mean(axis=0))
        low, high = curves.min(axis=0), curves.max(axis=0)
        outline = np.column_stack([np.r_[self.x, self.x[::-1]], np.r_[low, high[::-1]]])
        self._between.set_paths([outline])  # `set_data` of a band is newer than the oldest Matplotlib


def error_bars(names: Sequence[str], roles: Sequence[str]) -> tuple[Figure, BarContainer]:
    """Return a figure with one horizontal bar for each name, from 0 to 100 % error, and its bars."""
    figure, ax = subplots(width=8, height=2.2)
    bars = ax.barh(names, np.zeros(len(names)), color=[COLOURS[role] for role in roles])
    ax.set(xlim=(0, 100), xlabel="test error, %")
    return figure, bars


def set_widths(bars: BarContainer, widths: Sequence[float]) -> None:
    """Set the lengths of the bars that `Axes.barh` returned."""
    for bar, width in zip(bars, widths, strict=True):
        bar.set_width(width)
