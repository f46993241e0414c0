"""A Matplotlib figure kept on one Agg canvas, of which only what changed is drawn again.

A full draw of three panels takes about 50 ms, most of it tick labels and text that did not change.
`Canvas` keeps a picture of the parts that stand still (the background) and draws what moves, and
what lies over it, on top. It needs no widget and no browser, so a figure can be drawn at given
values anywhere. The picture is always the one that an ordinary full draw would give.

How it finds out what changed: Matplotlib marks an artist `stale` whenever one of its properties is
set. `Canvas` clears all marks after a drawing and reads them at the next update. If an axis, a
limit, a position or the number of artists changed, it draws everything.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image  # Matplotlib needs it, too

from ._drawing_order import (
    Box,
    always_drawn,
    box,
    left_out,
    shape,
    touch,
    tree,
    union,
    units,
    unmarked,
)
from ._png import encode_png

BASE_DPI = 100  # one CSS pixel is 1/100 inch of the figure at a device pixel ratio of 1
_WHITE = 255
_COLOURS = 256  # what one byte of a PNG can tell apart
_MARGIN = 4.0  # CSS pixels around a box: for line widths, and as clipping rounds to whole pixels


class Canvas:
    """One figure, drawn fast again and again.

    Args:
        figure: the figure, already drawn on with ordinary Matplotlib. Its canvas is replaced by an
            Agg canvas; its layout is computed once, at the first draw, and then stays.
        ratio: device pixels per CSS pixel (1 on an ordinary screen, 2 on a dense one).
    """

    def __init__(self, figure: Figure, ratio: float = 1.0) -> None:
        self.figure = figure
        self._agg = FigureCanvasAgg(figure)
        self._moving: set[Artist] = set()  # every artist that an update has ever changed
        self._layer: list[Artist] = []  # what is drawn over the background, in drawing order
        self._reach: dict[Artist, Box] = {}  # where each moving artist has been allowed for
        self._feet: dict[Text, float] = {}  # the lower edge of each title at the last full draw
        self._background: Any = None  # None: draw everything at the next chance
        self._laid_out = False
        self.set_ratio(ratio)
        self._remember()

    def set_ratio(self, ratio: float) -> None:
        """Set the device pixels per CSS pixel; the next drawing is made at that density."""
        self.figure.set_dpi(BASE_DPI * ratio)
        if not self._laid_out:  # nothing has been drawn yet
            width, height = self._agg.get_width_height()
            self._picture = np.full((height, width, 4), _WHITE, np.uint8)
        self._margin = _MARGIN * ratio
        self._reach.clear()
        self._background = None

    def redraw(self) -> None:
        """Draw the whole figure, and keep the picture of the parts that stand still."""
        if not self._laid_out:
            self._agg.draw()
            # Computed once: a layout that jumps while a slider moves is worse than none.
            self.figure.set_layout_engine("none")
            self._laid_out = True
        self._background = None  # until the new one is whole
        self._choose_layer()
        with left_out(self._layer, self.figure):
            self._agg.draw()
            background = self._agg.copy_from_bbox(self.figure.bbox)
        self._draw_layer()
        self._background = background
        titles = [unit for unit in units(self.figure) if _is_title(unit) and unit.get_text()]
        self._feet = {title: self._foot(title) for title in titles}

    def update(self, change: Callable[[], Any]) -> Any:
        """Run `change`, which sets properties of artists; draw what it changed; return its result.

        An exception from `change`, or from drawing what it has set, is passed on; the picture stays
        as it was and the next update draws everything.
        """
        try:
            result = change()
            self._draw_changes()
        except BaseException:
            self._background = None  # some artists may be half-way: nothing kept can be trusted
            raise
        return result

    def pixels(self) -> np.ndarray:
        """Return a copy of the current picture, (height, width, 4) uint8."""
        return self._picture.copy()

    def png(self) -> bytes:
        """Return the current picture as a PNG file."""
        return encode_png(self._picture)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in CSS pixels."""
        width, height = self.figure.get_size_inches() * BASE_DPI
        return round(width), round(height)

    def small_png(self) -> bytes:
        """Return the current picture at one pixel per CSS pixel in 256 colours: a fifth of a file."""
        small = Image.fromarray(self._picture).convert("RGB").resize(self.size, Image.BOX)
        file = BytesIO()
        small.quantize(_COLOURS).save(file, "PNG", optimize=True)
        return file.getvalue()

    def _remember(self) -> None:
        """Keep what tells at the next update which artists have been changed since now."""
        self._shape = shape(self.figure)
        self._unmarked = {}
        for artist in tree(self.figure):
            artist.stale = False
            self._unmarked[artist] = unmarked(artist)

    def _is_changed(self, part: Artist) -> bool:
        before = self._unmarked.get(part, ())
        return part.stale or any(a is not b for a, b in zip(before, unmarked(part), strict=False))

    def _draw_changes(self) -> None:
        changed = {
            unit
            for unit in units(self.figure)
            if always_drawn(unit) or any(map(self._is_changed, tree(unit)))
        }
        movers = {unit for unit in changed if not isinstance(unit, Axis)}
        if shape(self.figure) != self._shape or not changed <= self._moving:
            self._background = None
        self._moving |= movers
        if self._background is None or any(map(self._needs_room, movers)):
            self.redraw()
        else:
            self._agg.restore_region(self._background)
            self._draw_layer()

    def _choose_layer(self) -> None:
        """Choose the moving artists and all that lies over a place where one of them can be."""
        renderer = self._agg.get_renderer()
        in_order = list(units(self.figure))
        self._moving &= set(in_order)  # what has been removed is forgotten
        self._reach = {unit: self._room(unit) for unit in self._moving}
        self._layer, taken = [], set()
        for unit in in_order:
            if unit in self._moving:
                place = self._reach[unit]
            elif taken and unit.get_visible():
                place = box(unit, renderer)
                if not any(touch(place, other, self._margin) for other in taken):
                    continue
            else:
                continue
            self._layer.append(unit)
            taken.add(place)

    def _room(self, unit: Artist) -> Box:
        """Where `unit` is, was, and, if it is in an axes, can be expected to move."""
        boxes = [box(unit, self._agg.get_renderer())]
        boxes += [self._reach[unit]] if unit in self._reach else []
        boxes += [tuple(unit.axes.bbox.extents)] if unit.axes is not None else []
        return union(boxes)

    def _needs_room(self, unit: Artist) -> bool:
        """True if `unit` may now lie under something that is part of the background."""
        now, allowed = box(unit, self._agg.get_renderer()), self._reach[unit]
        return union([now, allowed]) != allowed or self._may_jump(unit)

    def _may_jump(self, unit: Artist) -> bool:
        """True if `unit` is a title that a full draw might lift clear of labels above the axes."""
        return _is_title(unit) and (
            unit.get_position()[1] != 1.0  # it was lifted already
            or self._foot(unit) < self._feet.get(unit, np.inf)
            or any(ax.yaxis.get_offset_text().get_text() for ax in self.figure.axes)
        )

    def _foot(self, title: Text) -> float:
        return title.get_window_extent(self._agg.get_renderer()).y0

    def _draw_layer(self) -> None:
        renderer = self._agg.get_renderer()
        for artist in self._layer:
            artist.draw(renderer)
        self._picture = np.array(self._agg.buffer_rgba())
        self._remember()


def _is_title(unit: Artist) -> bool:
    return isinstance(unit, Text) and unit.axes is not None and unit not in unit.axes.texts
