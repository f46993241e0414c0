"""A Matplotlib figure kept on one Agg canvas, of which only what changed is drawn again.

A full draw of three panels takes about 50 ms, most of it tick labels and text that did not change. `Canvas`
keeps a picture of the parts that stand still (the background) and draws the artists that move on top of it.
It needs no widget and no browser, so a figure can be drawn at given values anywhere.

How it finds out what changed: Matplotlib marks an artist `stale` whenever one of its properties is set.
`Canvas` clears all marks, runs the update, and reads them again. If an axis, a limit, a position or the number
of artists changed, it draws everything.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from .png import encode_png

BASE_DPI = 100  # one CSS pixel is 1/100 inch of the figure at a device pixel ratio of 1


def _tree(artist: Artist) -> Iterator[Artist]:
    yield artist
    if isinstance(artist, Axis):
        # Its `get_children` computes all ticks anew; these are the ones that exist.
        children = [artist.label, artist.offsetText, *artist.majorTicks, *artist.minorTicks]
    else:
        children = artist.get_children()
    for child in children:
        yield from _tree(child)


class Canvas:
    """One figure, drawn fast again and again.

    Parameters
    ----------
    figure : the figure, already drawn on with ordinary Matplotlib. Its canvas is replaced by an Agg canvas;
        its layout is computed once, at the first draw, and then stays.
    ratio : device pixels per CSS pixel (1 on an ordinary screen, 2 on a dense one).
    """

    def __init__(self, figure: Figure, ratio: float = 1.0) -> None:
        self.figure = figure
        self._agg = FigureCanvasAgg(figure)
        self._moving: set[Artist] = set()  # every artist that an update has ever changed
        self._layer: list[Artist] = []  # what is drawn over the background, in drawing order
        self._background: Any = None  # None: draw everything at the next chance
        self._overlapping = False
        self._laid_out = False
        self.set_ratio(ratio)

    def set_ratio(self, ratio: float) -> None:
        """Set the device pixels per CSS pixel; the next drawing is made at that density."""
        self.figure.set_dpi(BASE_DPI * ratio)
        self._background = None

    def redraw(self) -> None:
        """Draw the whole figure, and keep the picture of the parts that stand still."""
        if not self._laid_out:
            self._agg.draw()
            # Computed once: a layout that jumps while a slider moves is worse than none.
            self.figure.set_layout_engine("none")
            self._laid_out = True
        self._overlapping = _any_overlap(self.figure.axes)
        self._layer = self._artists_to_draw_over()
        with _left_out(self._layer):
            self._agg.draw()
            self._background = self._agg.copy_from_bbox(self.figure.bbox)
        self._draw_layer()

    def update(self, change: Callable[[], Any]) -> Any:
        """Run `change`, which sets properties of artists, draw what it changed, and return its result.

        An exception from `change` is passed on; the picture stays as it was and the next update draws everything.
        """
        for artist in _tree(self.figure):
            artist.stale = False
        before = self._shape()
        try:
            result = change()
        except BaseException:
            self._background = None  # some artists may be half-way: nothing kept can be trusted
            raise
        self._draw_changes(before)
        return result

    def pixels(self) -> np.ndarray:
        """Return a copy of the current picture, (height, width, 4) uint8."""
        return np.array(self._agg.buffer_rgba())

    def png(self) -> bytes:
        """Return the current picture as a PNG file."""
        return encode_png(np.asarray(self._agg.buffer_rgba()))

    def _draw_changes(self, shape_before: tuple) -> None:
        changed = {unit for unit in self._units() if any(part.stale for part in _tree(unit))}
        if (
            self._background is None
            or self._overlapping
            or self._shape() != shape_before
            or any(isinstance(unit, Axis) for unit in changed)
        ):
            self._moving |= {unit for unit in changed if not isinstance(unit, Axis)}
            self.redraw()
        elif changed <= self._moving:
            self._agg.restore_region(self._background)
            self._draw_layer()
        else:
            self._moving |= changed
            self.redraw()

    def _units(self) -> Iterator[Artist]:
        """The direct children of the axes and of the figure: the smallest things drawn on their own."""
        for child in self.figure.get_children():
            if isinstance(child, Axes):
                yield from child.get_children()
            else:
                yield child

    def _shape(self) -> tuple:
        """All that decides where things stand; if it changes, everything has to be drawn again."""
        axes = [
            (ax.get_visible(), ax.axison, ax.get_position().bounds, tuple(ax.viewLim.extents))
            for ax in self.figure.axes
        ]
        return axes, [(id(unit), unit.get_zorder()) for unit in self._units()]

    def _artists_to_draw_over(self) -> list[Artist]:
        """The moving artists and, so that the stacking order stays right, what lies above them in their axes.

        Ticks and their labels lie beside the plotting area, so they stay in the background unless
        they reach into it.
        """
        layer: list[Artist] = []
        for ax in sorted(self.figure.axes, key=lambda ax: ax.get_zorder()):
            if not ax.get_visible():
                continue
            children = _in_drawing_order(ax)
            first = next((i for i, child in enumerate(children) if child in self._moving), None)
            if first is not None:
                layer += [c for c in children[first:] if c in self._moving or _reaches_inside(c)]
        own = [c for c in self.figure.get_children() if not isinstance(c, Axes) and c in self._moving]
        return layer + sorted(own, key=lambda child: child.get_zorder())

    def _draw_layer(self) -> None:
        renderer = self._agg.get_renderer()
        for artist in self._layer:
            artist.draw(renderer)


@contextmanager
def _left_out(artists: list[Artist]) -> Iterator[None]:
    """Let a full draw pass over `artists`.

    Marked as animated rather than invisible: an invisible title would be placed wrongly. Before
    Matplotlib 3.11 images are drawn even when animated, so they are hidden.
    """
    images = [artist for artist in artists if isinstance(artist, AxesImage) and artist.get_visible()]
    for artist in artists:
        artist.set_animated(True)
    for image in images:
        image.set_visible(False)
    try:
        yield
    finally:
        for artist in artists:
            artist.set_animated(False)
        for image in images:
            image.set_visible(True)


def _in_drawing_order(ax: Axes) -> list[Artist]:
    """The children that `Axes.draw` would draw, in its order: the background patch comes first."""
    hidden: set[Artist] = set()
    if not ax.axison:
        hidden |= {ax.xaxis, ax.yaxis}
    if not (ax.axison and ax.get_frame_on()):
        hidden |= {ax.patch, *ax.spines.values()}
    children = [child for child in ax.get_children() if child not in hidden]
    return sorted(children, key=lambda child: (child is not ax.patch, child.get_zorder()))


def _reaches_inside(artist: Artist) -> bool:
    if not isinstance(artist, Axis):
        return True
    ticks = [*artist.get_major_ticks(), *artist.get_minor_ticks()]
    return any(tick.gridline.get_visible() or tick.get_tickdir() != "out" for tick in ticks)


def _any_overlap(axes: list[Axes]) -> bool:
    """True if plotting areas overlap: then no axes can be drawn without the ones above it."""
    boxes = [ax.get_window_extent() for ax in axes if ax.get_visible()]
    return any(a.overlaps(b) for a, b in combinations(boxes, 2))
