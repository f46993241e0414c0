"""Two copies of one figure: a Canvas redraws one in part, the other is always drawn in full.

The copies share nothing. So a Canvas that leaves an artist hidden, moved or marked is found out too;
drawing the same figure once more in full would show the same fault twice.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from dropout_lib.live.canvas import BASE_DPI, Canvas


class Twins:
    """Two scenes made by one function, changed alike.

    Args:
        make: returns a new scene: anything with the figure as `fig`.
        ratio: device pixels per CSS pixel.
    """

    def __init__(self, make: Callable[[], Any], ratio: float = 1) -> None:
        self.live, self.plain = make(), make()
        self.canvas = Canvas(self.live.fig, ratio)
        self.canvas.update(lambda: None)
        self.plain.fig.set_dpi(BASE_DPI * ratio)
        self.full_drawing()
        self.plain.fig.set_layout_engine("none")  # a live figure is laid out once

    def change(self, action: Callable[[Any], Any]) -> None:
        """Do `action` to both scenes; to the live one in an update."""
        self.canvas.update(lambda: action(self.live))
        action(self.plain)

    def full_drawing(self) -> np.ndarray:
        """What Matplotlib alone draws of the plain copy, (height, width, 4) uint8."""
        agg = FigureCanvasAgg(self.plain.fig)
        agg.draw()
        return np.array(agg.buffer_rgba())

    def assert_equal(self) -> None:
        """Fail unless the live picture is the full drawing, pixel for pixel."""
        live, full = self.canvas.pixels(), self.full_drawing()
        assert live.shape == full.shape
        differing = np.argwhere((live != full).any(axis=2))
        assert not len(differing), f"{len(differing)} pixels differ, the first at {differing[0]}"


def scene(fig: Any, **artists: Any) -> SimpleNamespace:
    """A figure with its artists by name."""
    return SimpleNamespace(fig=fig, **artists)
