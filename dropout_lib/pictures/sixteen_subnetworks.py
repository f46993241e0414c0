"""Pictures of the 16 subnetworks that two inputs and two hidden units make.

They stand in a square: a column for each choice of inputs, a row for each choice of hidden units. A
mask is (input 1, input 2, hidden 1, hidden 2); values for all masks come in the order of
`masks.enumerate_masks(4)`.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dropout_lib.masks import enumerate_masks
from dropout_lib.pictures import basics as figures

MASKS = enumerate_masks(4)
#: What is kept of two units, from left to right (inputs) or from the top down (hidden units).
PAIRS = ((1, 1), (1, 0), (0, 1), (0, 0))
INPUT_NAMES = ("both inputs", "input 1", "input 2", "no input")
HIDDEN_NAMES = ("both hidden", "hidden 1", "hidden 2", "no hidden")

_DARK = "#222222"
_FAINT = "#B8B8B8"
_NOTHING = "#EFEFEF"
_SMALL = 10  # points: labels inside a tile
_DARK_FROM = 0.8  # share of the largest value from which a tile is dark enough for white letters

# A tile: the network on the left, from 0 to 1, its prediction on the right
_AT = np.array([[0.08, 0.8], [0.08, 0.2], [0.43, 0.8], [0.43, 0.2], [0.78, 0.5]])
_LINKS = ((0, 2), (0, 3), (1, 2), (1, 3), (2, 4), (3, 4))  # unit numbers; 4 is the output
_SURFACE_FROM, _SURFACE_TO = 0.96, 1.96
_STEP_RIGHT, _STEP_DOWN = 2.16, 1.16


def has_path(mask: Sequence[int]) -> bool:
    """Whether a signal can get from an input to the output: one unit of each layer is kept."""
    return bool(max(mask[:2]) and max(mask[2:]))


def place(mask: Sequence[int]) -> tuple[int, int]:
    """(row, column) of a mask in the square of 16."""
    kept = tuple(mask)
    if len(kept) != 4 or not set(kept) <= {0, 1}:
        raise ValueError(f"mask must be four numbers, each 0 or 1; got {mask!r}")
    return PAIRS.index(kept[2:]), PAIRS.index(kept[:2])


def gallery_axes(width: float = 9.8, height: float = 4.2) -> tuple[Figure, tuple[Axes, Axes, Axes]]:
    """A figure with room for a network, below it its prediction, and the gallery on the right."""
    figure, axes = figures.subplots(
        2, 2, width=width, height=height, width_ratios=[1, 3.5], height_ratios=[1, 1.6]
    )
    grid = axes[0, 1].get_gridspec()
    for ax in axes[:, 1]:
        ax.remove()
    return figure, (*axes[:, 0], figure.add_subplot(grid[:, 1]))


def show_surface(ax: Axes, surface: np.ndarray, extent: Sequence[float]) -> figures.AxesImage:
    """Draw probabilities over a plane, from 0 (white) to 1 (dark); row 0 is at the bottom."""
    return ax.imshow(
        surface, extent=extent, origin="lower", cmap="Purples", vmin=0, vmax=1,
        interpolation="bilinear",
    )  # fmt: skip


class Gallery:
    """Every subnetwork with its prediction; those without a path are grey; one can be lit up.

    Args:
        ax: where it is drawn; ticks and frame are switched off.
        surfaces: (16, height, width) probabilities over the plane of the two inputs.
    """

    def __init__(self, ax: Axes, surfaces: np.ndarray) -> None:
        lines, line_colours, places, colours = [], [], [], []
        for mask, surface in zip(MASKS, surfaces, strict=True):
            left, bottom = self._corner(mask)
            on = figures.COLOURS["kept"] if has_path(mask) else _FAINT
            kept = [*mask, 1]
            places.append(_AT + np.array([left, bottom]))
            colours += [on if unit else "white" for unit in kept]
            for start, end in _LINKS:
                if kept[start] and kept[end]:
                    lines.append(places[-1][[start, end]])
                    line_colours.append(on)
            extent = (left + _SURFACE_FROM, left + _SURFACE_TO, bottom, bottom + 1)
            if has_path(mask):
                show_surface(ax, surface, extent)
            else:
                ax.add_patch(Rectangle(extent[::2], 1, 1, facecolor=_NOTHING))
                middle = left + (_SURFACE_FROM + _SURFACE_TO) / 2, bottom + 0.5
                ax.text(*middle, "no\npath", ha="center", va="center", size=_SMALL, color="#666666")
        ax.add_collection(LineCollection(lines, colors=line_colours, linewidths=1.4, zorder=3))
        dots = np.concatenate(places)
        ax.scatter(*dots.T, s=42, c=colours, edgecolors=_FAINT, linewidths=0.8, zorder=4)
        for number, (above, beside) in enumerate(zip(INPUT_NAMES, HIDDEN_NAMES, strict=True)):
            ax.text(number * _STEP_RIGHT + _SURFACE_TO / 2, 1.12, above, ha="center", va="bottom")
            ax.text(-0.12, 0.5 - number * _STEP_DOWN, beside, ha="right", va="center")
        self._frame = ax.add_patch(
            Rectangle((0, 0), _SURFACE_TO + 0.1, 1.1, fill=False, edgecolor=_DARK, lw=3, zorder=5)
        )
        ax.set(xlim=(-1.55, 4 * _STEP_RIGHT), ylim=(-3 * _STEP_DOWN - 0.1, 1.45), aspect="equal")
        ax.set_axis_off()

    @staticmethod
    def _corner(mask: Sequence[int]) -> tuple[float, float]:
        row, column = place(mask)
        return column * _STEP_RIGHT, -row * _STEP_DOWN

    def light(self, mask: Sequence[int]) -> None:
        """Frame the tile of `mask`."""
        left, bottom = self._corner(mask)
        self._frame.set_xy((left - 0.05, bottom - 0.05))


class MaskSquare:
    """A number for each of the 16 masks, the darker the larger, in the places of the gallery.

    Args:
        ax: where it is drawn.
        title: stands above it.
        darkest: the value from which a tile is as dark as it gets, so that pictures can be compared;
            left out, the largest of those shown.
    """

    def __init__(self, ax: Axes, title: str, darkest: float | None = None) -> None:
        self._darkest = darkest
        edges = np.arange(5) - 0.5
        self._tiles = ax.pcolormesh(
            edges, edges, np.zeros((4, 4)), cmap="Purples", vmin=0, vmax=1.25
        )
        ax.invert_yaxis()
        self._texts = [
            [ax.text(column, row, "", ha="center", va="center") for column in range(4)]
            for row in range(4)
        ]
        self._frame = ax.add_patch(
            Rectangle((0, 0), 1, 1, fill=False, edgecolor=_DARK, lw=3, visible=False)
        )
        ax.set_xticks(range(4), INPUT_NAMES)
        ax.set_yticks(range(4), HIDDEN_NAMES)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(title)

    def set_values(self, values: np.ndarray, texts: Sequence[str]) -> None:
        """Show `values`, (16,) and at least 0, with what stands in their tiles."""
        values = np.asarray(values, dtype=float)
        darkest = self._darkest or values.max()
        shades = np.minimum(values / darkest, 1) if darkest > 0 else values
        square = np.zeros((4, 4))
        for mask, shade, text in zip(MASKS, shades, texts, strict=True):
            row, column = place(mask)
            square[row, column] = shade
            self._texts[row][column].set_text(text)
            self._texts[row][column].set_color("white" if shade > _DARK_FROM else _DARK)
        self._tiles.set_array(square.ravel())

    def frame(self, mask: Sequence[int]) -> None:
        """Frame the tile of `mask`."""
        row, column = place(mask)
        self._frame.set(visible=True, xy=(column - 0.5, row - 0.5))
