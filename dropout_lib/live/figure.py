"""LiveFigure: a Matplotlib figure that follows its controls within a few milliseconds.

One figure stays on one canvas. A move of a control calls `update`, only the artists that it set are drawn
again, and the picture is sent once into one image widget: no figure is ever opened or replaced, nothing flickers.
"""

import html
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from .canvas import BASE_DPI, Canvas
from .screen import Screen

_SENTENCE = "margin:0;font-size:16px;line-height:1.4"  # readable from the back row
_ALERT = "white-space:pre-wrap;border-left:4px solid #d55e00;padding:4px 8px;margin:4px 0"


class LiveFigure:
    """Show `fig` with `controls` above it and one sentence below it that says what is seen.

    Args:
        fig: a Matplotlib figure on which everything has been drawn once.
        update: called as ``update(**values)`` with the value of every control. It sets data, texts or colours of
            existing artists (`set_data`, `set_text`, …) and returns the sentence for the values, which is also the
            picture's alternative text.
        controls: widgets with a `value` (see `dropout_lib.live.controls`), named as `update` names its arguments.
    Raises: ValueError if a control has no `value`. What `update` raises in the first call is raised here; what
        it raises later is shown under the figure, kept in `error`, and gone at the next move that works.
    """

    def __init__(
        self, fig: Figure, update: Callable[..., str], **controls: widgets.Widget
    ) -> None:
        for name, control in controls.items():
            if not hasattr(control, "value"):
                raise ValueError(f"control {name} is {control!r}; it should be a widget with a value")
        _take_from_pyplot(fig)
        self.controls = controls
        self.status = ""
        self.error: str | None = None
        self._update = update
        self._turn = threading.RLock()  # newer kernels run a control's callback in a thread of its own
        self._id = f"dropout-status-{id(self)}"
        self._screen = Screen()
        self._canvas = Canvas(fig, self._screen.ratio.value)
        self._picture = widgets.Image(
            format="png",
            layout=widgets.Layout(
                width=f"{fig.get_figwidth() * BASE_DPI:.0f}px", max_width="100%", height="auto", margin="0"
            ),
        )
        self._picture.add_class("dropout-picture")
        self._sentence = widgets.HTML()
        self._sentence.add_class("dropout-status")
        self._message = widgets.HTML()
        row = widgets.HBox(
            [*controls.values()], layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 24px")
        )
        self._box = widgets.VBox(
            [row, self._picture, self._sentence, self._message, self._screen],
            layout=widgets.Layout(max_width="100%"),
        )
        self._box.add_class("dropout-live")
        self.status = self._canvas.update(lambda: update(**self.values))
        self._show()
        for control in controls.values():
            control.observe(self._on_move, "value")
        self._screen.ratio.observe(self._on_ratio, "value")

    @property
    def values(self) -> dict[str, Any]:
        """The current value of every control."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def png(self) -> bytes:
        """The current picture as a PNG file."""
        return self._picture.value

    def pixels(self) -> np.ndarray:
        """Return the current picture as a (height, width, 4) uint8 array."""
        return self._canvas.pixels()

    def redraw(self) -> None:
        """Draw everything again. The picture does not change: only the changed artists are drawn at a move."""
        with self._turn:
            self._canvas.redraw()

    def refresh(self) -> None:
        """Call `update` with the current values, as a move of a control does."""
        with self._turn:
            try:
                self.status = self._canvas.update(lambda: self._update(**self.values))
                self.error = None
            except Exception as error:  # noqa: BLE001 - what the notebook's function raises is for its reader
                self.error = _in_words(error)
            self._show()

    def draw_at(self, **values: Any) -> bytes:
        """Return the picture at `values` as a PNG file; controls that are not named stay as they are.

        No widget moves, and no browser is needed. An exception from `update` is raised.
        """
        unknown = values.keys() - self.controls.keys()
        if unknown:
            raise ValueError(f"{sorted(unknown)} are no controls; there are {list(self.controls)}")
        with self._turn:
            try:
                self._canvas.update(lambda: self._update(**{**self.values, **values}))
                return self._canvas.png()
            finally:
                self.refresh()

    def _on_move(self, _change: Any) -> None:
        self.refresh()

    def _on_ratio(self, change: Any) -> None:
        with self._turn:
            self._canvas.set_ratio(change["new"])
            self._canvas.redraw()
            self._show()

    def _show(self) -> None:
        if self.error is None:
            self._picture.value = self._canvas.png()
            self._sentence.value = (
                f'<p id="{self._id}" role="status" style="{_SENTENCE}">{html.escape(self.status)}</p>'
            )
            self._message.value = ""
        else:
            self._message.value = (
                f'<pre role="alert" style="{_ALERT}">{html.escape(self.error)}</pre>'
            )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        bundle = self._box._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = self.status
        return bundle


def _take_from_pyplot(fig: Figure) -> None:
    """Close a figure that pyplot holds: it would be shown a second time, and stay open for ever."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)


def _in_words(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"This figure could not follow: {type(error).__name__}: {error}\n"
        f"in {place.name}, line {place.lineno}: {place.line}\n"
        "The picture shows the last values that worked. Move a control to try again."
    )
