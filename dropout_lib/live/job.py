"""Long work in the background, with progress, a Stop button and a result at every moment.

The work is a generator: each `yield fraction, result` is a point at which the bar moves, `show` may draw the
result so far, and Stop takes effect. So whoever writes the work decides how fine the steps are, and a stopped
run leaves the last result that was yielded, whole.
"""

import asyncio
import html
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as widgets

from .controls import check_controls, check_label

_SHOW_EVERY = 0.1  # seconds between two drawings: the work should get most of the time
_LOOK_FOR_MESSAGES = 0.01  # seconds in which a kernel without threads sees that Stop was pressed
_WITHOUT_THREADS = " (no threads here: the work goes on, and Stop acts, only between cells)"
_THE_END = object()


class Job:
    """A Start button, a Stop button and a bar for one piece of long work.

    Args:
        work: called as ``work(**values)`` with the values of the controls at the time of Start; a generator of
            ``(fraction done, result so far)``. It runs in a thread, so the kernel goes on answering; where
            no thread can be started, a little at a time between cells.
        show: called with the result so far, at most ten times a second and once at the end.
        label: what the Start button says.
        controls: widgets with a `value`, shown beside the buttons.
    """

    def __init__(
        self,
        work: Callable[..., Iterator[tuple[float, Any]]],
        show: Callable[[Any], None] | None = None,
        label: str = "Start",
        **controls: widgets.Widget,
    ) -> None:
        for name, function in ({"work": work} | ({} if show is None else {"show": show})).items():
            if not callable(function):
                raise ValueError(f"{name} is {function!r}; it should be a function")
        check_controls(controls)
        self.controls = controls
        self.result: Any = None
        self.error: str | None = None
        self._work = work
        self._show = show
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._steps: Iterator[None] | None = None  # the rest of the work; None: nothing is going on
        self._note = ""
        self._start_button = widgets.Button(description=check_label(label), icon="play")
        self._stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self._bar = widgets.FloatProgress(value=0.0, max=1.0)
        self._text = widgets.HTML()
        self._start_button.on_click(lambda _: self.start())
        self._stop_button.on_click(lambda _: self.stop())
        row = widgets.Layout(flex_flow="row wrap", grid_gap="4px 24px")
        self._box = widgets.VBox(
            [
                widgets.HBox([*controls.values()], layout=row),
                widgets.HBox([self._start_button, self._stop_button, self._bar, self._text], layout=row),
            ]
        ).add_class("dropout-box")

    @property
    def running(self) -> bool:
        """True while the work goes on."""
        return self._steps is not None

    def start(self) -> None:
        """Start the work with the controls' current values; does nothing while it is running."""
        if self.running:
            return
        self._stop.clear()
        self.error, self._note = None, ""
        self._start_button.disabled, self._stop_button.disabled = True, False
        values = {name: control.value for name, control in self.controls.items()}
        self._steps = self._run(values)
        self._thread = threading.Thread(target=self._go_on, args=(self._steps,), daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started, as in a Python that runs in a browser
            self._thread, self._note = None, _WITHOUT_THREADS
            self._go_on_between_cells(self._steps)

    def stop(self) -> None:
        """Ask the work to stop at its next step; `result` keeps what was reached."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the end, for at most `timeout` seconds, and return the result.

        Interrupting the kernel while it waits stops the work and keeps its result.
        """
        if self._thread is not None:
            try:
                self._thread.join(timeout)
            except KeyboardInterrupt:
                self.stop()
                self._thread.join()
        elif self._steps is not None:
            self._go_on(self._steps, timeout)
        return self.result

    def _go_on(self, steps: Iterator[None], timeout: float | None = None) -> None:
        """Do the work here, to its end or for about `timeout` seconds."""
        until = math.inf if timeout is None else time.monotonic() + timeout
        for _ in steps:
            if time.monotonic() >= until:
                return

    def _go_on_between_cells(self, steps: Iterator[None]) -> None:
        """Do a little of the work, and the rest each time the kernel has looked for messages."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # nobody would ever call again
            self._go_on(steps)
            return

        def a_little() -> None:
            if next(steps, _THE_END) is not _THE_END:
                loop.call_later(_LOOK_FOR_MESSAGES, a_little)

        loop.call_soon(a_little)

    def _run(self, values: dict[str, Any]) -> Iterator[None]:
        """Do the work; hand over each time that the result so far has been shown."""
        started = last_shown = time.monotonic()
        fraction = 0.0
        try:
            self._report(0.0, "starting")
            for fraction, result in self._work(**values):
                self.result = result
                now = time.monotonic()
                if self._stop.is_set():
                    break
                if now - last_shown >= _SHOW_EVERY:
                    last_shown = now
                    self._report(fraction, f"{fraction:.0%}, {now - started:.0f} s")
                    self._draw()
                    yield
            self._draw()
            ending = "stopped" if self._stop.is_set() else "done"
            self._report(fraction, f"{ending} after {time.monotonic() - started:.1f} s")
        except KeyboardInterrupt:  # it reaches the work itself only where there are no threads
            self._report(fraction, f"stopped after {time.monotonic() - started:.1f} s")
        except Exception as error:  # noqa: BLE001 - the work has no reader: what it raises is shown
            self.error = f"{type(error).__name__}: {error}"
            self._report(fraction, self.error)
        finally:
            self._steps = None
            self._start_button.disabled, self._stop_button.disabled = False, True

    def _draw(self) -> None:
        if self._show is not None and self.result is not None:
            self._show(self.result)

    def _report(self, fraction: float, text: str) -> None:
        self._bar.value = fraction
        self._text.value = f'<span role="status">{html.escape(text + self._note)}</span>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        bundle = self._box._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = f"[{self._start_button.description}] a button of a running notebook"
        return bundle
