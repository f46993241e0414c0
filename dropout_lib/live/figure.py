"""LiveFigure: a Matplotlib figure that follows its controls within a few milliseconds.

One figure stays on one canvas. A move of a control calls `update`, only the artists that it set are drawn
again, and the picture is sent once into one image widget: no figure is ever opened or replaced, nothing flickers.
"""

import html
import sys
import threading
import traceback
import weakref
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from ._browser import Screen
from .canvas import BASE_DPI, Canvas
from .controls import check_controls

_SENTENCE = "margin:0;font-size:16px;line-height:1.4"  # readable from the back row
_ALERT = "white-space:pre-wrap;border-left:4px solid #d55e00;padding:4px 8px;margin:4px 0"
_ELSEWHERE = (
    "The parts of this picture were made anew by another run of its code: the controls set those now.\n"
    "Use the figure there, or run the cell of this one again."
)
_shown: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # every live figure there is


class _MadeAnew(Exception):
    """What an update has set belongs to another live figure."""


class LiveFigure:
    """Show `fig` with `controls` above it and one sentence below it that says what is seen.

    Args:
        fig: a Matplotlib figure on which everything has been drawn once.
        update: called as ``update(**values)`` with the value of every control. It sets data, texts or colours of
            existing artists (`set_data`, `set_text`, …) and returns the sentence for the values, which is also the
            picture's alternative text.
        controls: widgets with a `value` (see `dropout_lib.live.controls`), named as `update` names its arguments.
    Raises: ValueError if `fig`, `update` or a control is something else. What `update` raises, in the first call
        or later, is shown under the figure, kept in `error`, and gone at the next move that works.
    """

    def __init__(
        self, fig: Figure, update: Callable[..., str], **controls: widgets.Widget
    ) -> None:
        if not isinstance(fig, Figure):
            raise ValueError(f"fig is {fig!r}; it should be a Matplotlib figure")
        if not callable(update):
            raise ValueError(f"update is {update!r}; it should be a function")
        check_controls(controls)
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
        self._box.add_class("dropout-live").add_class("dropout-box")
        self.refresh()
        _shown[self._id] = self
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
                self.status = self._canvas.update(lambda: self._follow(self.values))
                self.error = None
            except Exception as error:  # noqa: BLE001 - what the notebook's function raises is for its reader
                self.error = self._in_words(error)
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
                self._canvas.update(lambda: self._follow({**self.values, **values}))
                return self._canvas.png()
            finally:
                self.refresh()

    def _on_move(self, _change: Any) -> None:
        self.refresh()

    def _on_ratio(self, change: Any) -> None:
        with self._turn:
            self._canvas.set_ratio(change["new"])
            if self.error is None:
                self._canvas.redraw()
                self._show()
            else:  # what there is to draw may be half-way
                self.refresh()

    def _follow(self, values: dict[str, Any]) -> str:
        """Call `update`; return its sentence."""
        figure = self._canvas.figure
        live = [one for ref in _shown.valuerefs() if (one := ref()) not in (None, self)]
        still = [other._canvas.figure for other in live if not other._canvas.figure.stale]
        sentence = self._update(**values)
        if not isinstance(sentence, str):
            raise ValueError(f"update returned {sentence!r}; it should return the sentence to show")
        # Matplotlib marks a whole figure as stale when a property of any of its artists is set.
        if sentence != self.status and not figure.stale and any(other.stale for other in still):
            raise _MadeAnew
        return sentence

    def _show(self) -> None:
        if self.error is None or not self.status:
            self._picture.value = self._canvas.png()
        self._sentence.value = (
            f'<p id="{self._id}" role="status" style="{_SENTENCE}">{html.escape(self.status)}</p>'
        )
        self._message.value = (
            f'<pre role="alert" style="{_ALERT}">{html.escape(self.error)}</pre>' if self.error else ""
        )

    def _in_words(self, error: Exception) -> str:
        if isinstance(error, _MadeAnew):
            return _ELSEWHERE
        place = _place(error, self._update)
        advice = "The picture shows the last values that worked. Move a control to try again."
        if not self.status:
            advice = "There is no picture yet. Correct the cell and run it again, or move a control."
        return (
            f"This figure could not follow: {type(error).__name__}: {error}\n"
            f"in {place.name}, line {place.lineno}: {place.line}\n{advice}"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        bundle = self._box._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = self.error or self.status
        if self.error is not None:
            return bundle, {}
        # For all who have no widgets: a notebook opened without its kernel, an export, a printed page.
        bundle["image/png"] = b64encode(self._canvas.small_png()).decode()
        width, height = self._canvas.size
        return bundle, {"image/png": {"width": width, "height": height}}


def _take_from_pyplot(fig: Figure) -> None:
    """Close a figure that pyplot holds: it would be shown a second time, and stay open for ever."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(fig)


def _place(error: Exception, update: Callable[..., str]) -> traceback.FrameSummary:
    """The last line of the reader's own code, which `update` shares its globals with, or else the last line."""
    own = getattr(update, "__globals__", None)
    frames = list(traceback.walk_tb(error.__traceback__))
    readers = [pair for pair in frames if pair[0].f_globals is own]
    return traceback.StackSummary.extract((readers or frames)[-1:])[0]
