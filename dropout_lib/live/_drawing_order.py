"""What lies over what in a figure: the units drawn one by one, their order and their boxes.

Redrawing one thing alone is right only if whatever lies over it is redrawn too. Boxes decide that.
They may be larger than what is drawn: then more is redrawn than needed, never less.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import Collection
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from matplotlib.transforms import BboxBase

Box = tuple[float, float, float, float]  # left, bottom, right, top in device pixels


def tree(artist: Artist) -> Iterator[Artist]:
    """Yield `artist` and all that it consists of."""
    yield artist
    if isinstance(artist, Axis):
        # Its `get_children` computes all ticks anew; these are the ones that exist.
        children = [artist.label, artist.offsetText, *artist.majorTicks, *artist.minorTicks]
    else:
        children = [*artist.get_children(), *_frame_and_arrow(artist)]
    for child in children:
        yield from tree(child)


def units(figure: Figure) -> Iterator[Artist]:
    """Yield the smallest things that are drawn on their own, in drawing order.

    They are the children of the figure and of the visible axes. Polar and 3D axes, and axes within
    axes, are one unit each.
    """
    for child in _in_order(figure.get_children(), figure.patch):
        if not isinstance(child, Axes) or _draws_itself(child):
            yield child
        elif child.get_visible():
            yield from _in_order(_drawn_children(child), child.patch)


def always_drawn(unit: Artist) -> bool:
    """True for what may look different without being marked as stale.

    Polar and 3D axes do not mark a new angle of view; a legend looks for the best place anew in
    each draw.
    """
    return _draws_itself(unit) or isinstance(unit, Legend)


def shape(figure: Figure) -> tuple:
    """Return all that decides where things stand; if it changes, everything is drawn again."""
    places = [
        (ax.get_position().bounds, tuple(ax.viewLim.extents))
        for outer in figure.axes
        for ax in (outer, *outer.child_axes)
    ]
    order = [(id(unit), unit.get_zorder()) for unit in units(figure)]
    return figure.bbox.bounds, places, order


def unmarked(artist: Artist) -> tuple:
    """Return what can be set without marking `artist` as stale, to be compared by identity."""
    if isinstance(artist, Text):
        return artist.get_bbox_patch(), getattr(artist, "xy", None)
    if isinstance(artist, Collection):
        return artist.get_array(), artist.get_linestyle()
    return ()


def box(unit: Artist, renderer: RendererBase) -> Box:
    """Return a box around what `unit` draws now, or if it is clipped, around what it can ever draw.

    Line widths may reach out of it.
    """
    clip = unit.get_clip_box()
    if unit.get_clip_on() and clip is not None:
        return tuple(clip.extents)
    found = union(tuple(extent.extents) for extent in _extents(unit, renderer))
    return found if np.isfinite(found).all() else tuple(unit.get_figure().bbox.extents)


def _extents(unit: Artist, renderer: RendererBase) -> list[BboxBase]:
    if isinstance(unit, SubFigure):
        return [unit.bbox]
    if isinstance(unit, (Axes, Axis)):
        area = unit.bbox if isinstance(unit, Axes) else unit.axes.bbox  # ticks start at its edge
        labelled = unit.get_tightbbox(renderer)
        return [area] if labelled is None else [area, labelled]
    if type(unit).get_window_extent is Artist.get_window_extent:
        return [unit.get_figure().bbox]  # it does not say where it is drawn
    if isinstance(unit, Text) and unit.get_bbox_patch() is not None:
        unit.update_bbox_position_size(renderer)
    return [part.get_window_extent(renderer) for part in (unit, *_frame_and_arrow(unit))]


def _frame_and_arrow(artist: Artist) -> list[Artist]:
    """A text does not count these among its children."""
    parts = [artist.get_bbox_patch()] if isinstance(artist, Text) else []
    parts += [artist.arrow_patch] if isinstance(artist, Annotation) else []
    return [part for part in parts if part is not None]


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around all `boxes`."""
    left, bottom, right, top = zip(*boxes, strict=True)
    return min(left), min(bottom), max(right), max(top)


def touch(a: Box, b: Box, margin: float) -> bool:
    """True if two boxes overlap or come closer than `margin`."""
    beside = a[0] > b[2] + margin or b[0] > a[2] + margin
    return not (beside or a[1] > b[3] + margin or b[1] > a[3] + margin)


@contextmanager
def left_out(artists: list[Artist], figure: Figure) -> Iterator[None]:
    """Let a full draw of `figure` pass over `artists`.

    They are marked as animated, not made invisible: an invisible title would be placed wrongly.
    But what is drawn even when animated is hidden: backgrounds and, before Matplotlib 3.11, images.
    """
    backgrounds = {figure.patch, *(ax.patch for ax in figure.axes)}
    drawn_anyway = [
        artist
        for artist in artists
        if artist.get_visible()
        and (isinstance(artist, (AxesImage, SubFigure)) or artist in backgrounds)
    ]
    for artist in artists:
        artist.set_animated(True)
    for artist in drawn_anyway:
        artist.set_visible(False)
    try:
        yield
    finally:
        for artist in artists:
            artist.set_animated(False)
        for artist in drawn_anyway:
            artist.set_visible(True)


def _draws_itself(artist: Artist) -> bool:
    return isinstance(artist, Axes) and type(artist).draw is not Axes.draw


def _in_order(children: list[Artist], background: Artist) -> list[Artist]:
    return sorted(children, key=lambda child: (child is not background, child.get_zorder()))


def _drawn_children(ax: Axes) -> list[Artist]:
    hidden: set[Artist] = set()
    if not ax.axison:
        hidden |= {ax.xaxis, ax.yaxis}
    if not (ax.axison and ax.get_frame_on()):
        hidden |= {ax.patch, *ax.spines.values()}
    return [child for child in ax.get_children() if child not in hidden]
