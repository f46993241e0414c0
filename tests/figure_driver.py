"""Moves every control of a live figure through its range and reports what nobody must ever meet."""

import inspect
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import ipywidgets as widgets
import numpy as np
from figure_texts import drawn_texts, text_problems
from matplotlib.backends.backend_agg import RendererAgg

from dropout_lib import live
from dropout_lib.live.canvas import BASE_DPI

WIDEST = 1000  # CSS pixels: the column of a notebook
SAME_WALK = 2  # seed of the random settings, so that a failure can be met again
LOOK_EVERY = 10  # random settings: a full drawing by Matplotlib takes ten times as long as a move
JOB_SECONDS = 20  # until a job has shown its first result, and until it has stopped
CHOICE_SECONDS = 2  # for which a job goes on with each choice of the figure that it refreshes
WHOLE_SECONDS = 30  # and in the end
MADE_ANEW = "run again elsewhere"  # a live figure says so if its artists are no longer those that `update` sets


def drive(
    figure: live.LiveFigure, random_settings: int = 30, first_picture: np.ndarray | None = None
) -> list[str]:
    """Return what is wrong with a figure, one line each; an empty list if nothing is.

    Every control goes to its minimum, its maximum and its default with the others at their
    defaults; then all go to their minimum and their maximum together; then to random settings. The picture is
    compared with a full drawing, and its texts are looked at, at all these ends and at every tenth random setting.

    Args:
        figure: moved by its real widgets, and left at the values it had.
        random_settings: how many of them.
        first_picture: what the figure showed when it was made; it has to show that again at the end.
    """
    start, ratio = figure.values, figure._screen.ratio
    density = ratio.value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What Matplotlib itself calls by an old name: nothing that a notebook could mend.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="matplotlib")
        ratio.value = 1.0  # as an ordinary screen reports it: a quarter of the pixels
        drive = _Drive(figure)
        for settings in _ends(figure):
            drive.go(settings)
        for number, settings in enumerate(_random(figure, random_settings)):
            drive.go(settings, closely=number % LOOK_EVERY == 0)
        drive.press_buttons()
        drive.go(start)
        ratio.value = density
    return drive.complaints(first_picture)


def drawn_by_matplotlib(figure: live.LiveFigure) -> np.ndarray:
    """Return the picture that Matplotlib draws from the figure's artists, without any shortcut."""
    mpl_figure = figure._canvas.figure
    own = mpl_figure.canvas.get_renderer()  # its size may be 459.999…, which shifts text
    renderer = RendererAgg(own.width, own.height, mpl_figure.dpi)
    mpl_figure.draw(renderer)
    return np.array(renderer.buffer_rgba())


def move(figure: live.LiveFigure, random_settings: int) -> list[str]:
    """Move every control to its ends and then to random settings; return the errors met, one line each.

    A figure whose artists have been made anew by another run of its cell may say so.
    """
    start, met = figure.values, {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="matplotlib")
        for settings in (*_ends(figure), *_random(figure, random_settings), start):
            for name, value in settings.items():
                figure.controls[name].value = value
            if figure.error is not None and MADE_ANEW not in figure.error:
                met.setdefault(figure.error.splitlines()[0], settings)
    return [f"{text} (after cells were run again, first at {where})" for text, where in met.items()]


def drive_job(job: live.Job) -> list[str]:
    """Press a job's buttons and return what is wrong, one line each.

    It is started and stopped at its first result at the default and at the ends of each of its controls, then for
    each choice of the figures that it refreshes; at last it may go on to its end. Those figures must be able to
    follow whatever it hands over.
    """
    figures, show, press = _refreshed(job._show), job._show, _Press(job)
    defaults = {name: control.value for name, control in job.controls.items()}

    def show_and_look(result: Any) -> None:
        show(result)
        press.look(figures)

    if show is not None:
        job._show = show_and_look
    for name, control in job.controls.items():
        for value in (live.settings(control)[0], live.settings(control)[-1], defaults[name]):
            control.value = value
            press.start(0)
    press.start(0)
    for figure in figures:
        for control in filter(_is_choice, figure.controls.values()):
            default = control.value
            for value in live.settings(control):
                control.value = value
                press.start(CHOICE_SECONDS)
                press.look(figures)
            control.value = default
    press.start(WHOLE_SECONDS)
    for figure in figures:  # what was trained is looked at with every choice
        for control in filter(_is_choice, figure.controls.values()):
            default = control.value
            for value in (*live.settings(control), default):
                control.value = value
                press.look(figures)
    job._show = show
    return list(press.found)


class _Press:
    """One job, its buttons, and what pressing them has shown."""

    def __init__(self, job: live.Job) -> None:
        self._job = job
        self.found: dict[str, None] = {}  # complaints, each once, in order

    def start(self, seconds: float) -> None:
        """Press Start, and Stop after `seconds`, or at once: then it stops at its first result."""
        job = self._job
        job._start_button.click()
        if seconds:
            job.wait(seconds)
        job._stop_button.click()
        job.wait(JOB_SECONDS)
        if job.running:
            self._complain(f"does not stop within {JOB_SECONDS} s")
        if job.error is not None:
            self._complain(job.error)
        elif job.result is None:
            self._complain("leaves no result when it is stopped")

    def look(self, figures: list[live.LiveFigure]) -> None:
        """Complain about each figure that cannot follow what the job has handed over."""
        for figure in figures:
            if figure.error is not None:
                self._complain(f"its figure says: {figure.error.splitlines()[0]}")

    def _complain(self, text: str) -> None:
        self.found.setdefault(text)


def _refreshed(show: Any) -> list[live.LiveFigure]:
    """The live figures that a function, or one that it calls, names or has as its own."""
    found, seen, left = [], set(), [show]
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, live.LiveFigure):
            found.append(thing)
        elif inspect.ismethod(thing):
            left.append(thing.__self__)
        elif inspect.isfunction(thing):
            named = inspect.getclosurevars(thing)
            left += [*named.globals.values(), *named.nonlocals.values()]
    return found


def _is_choice(control: widgets.Widget) -> bool:
    return hasattr(control, "options") or isinstance(control.value, bool)


def _ends(figure: live.LiveFigure) -> Iterator[dict[str, Any]]:
    start, every = figure.values, _every(figure)
    for name, values in every.items():
        for value in (values[0], values[-1]):
            yield {**start, name: value}
    yield start
    for end in (0, -1):
        yield {name: values[end] for name, values in every.items()}


def _random(figure: live.LiveFigure, count: int) -> Iterator[dict[str, Any]]:
    rng, every = np.random.default_rng(SAME_WALK), _every(figure)
    for _ in range(count):
        yield {name: values[rng.integers(len(values))] for name, values in every.items()}


def _every(figure: live.LiveFigure) -> dict[str, list[Any]]:
    return {name: live.settings(control) for name, control in figure.controls.items()}


class _Drive:
    """One drive of one figure: where it went and what it met."""

    def __init__(self, figure: live.LiveFigure) -> None:
        self._figure = figure
        self._found: dict[str, str] = {}  # complaint -> the first setting at which it was met
        self._sentences = {figure.status}
        self._effective: set[str] = set()  # controls that changed the picture at some setting
        self._moved: set[str] = set()
        self._looked: set[str] = set()  # settings whose picture was looked at closely

    def go(self, settings: dict[str, Any], closely: bool = True) -> None:
        """Move one control after the other to `settings`; look at the last picture closely, or only at its change.

        A default may be an end, too: what was looked at closely once is not again.
        """
        for name, value in settings.items():
            before, old = self._figure.pixels(), self._figure.controls[name].value
            self._figure.controls[name].value = value
            if value != old:
                self._moved.add(name)
                self._look_at_move(name, before)
        where = self._where()
        if closely and where not in self._looked and self._figure.error is None:
            self._looked.add(where)
            self._look_closely()

    def press_buttons(self) -> None:
        """Press every button inside a control: it has to change the control's value."""
        for name, control in self._figure.controls.items():
            for button in getattr(control, "children", ()):
                if isinstance(button, widgets.Button):
                    before, old = self._figure.pixels(), control.value
                    button.click()
                    if control.value == old:
                        self._complain(f"the button {button.description!r} does nothing")
                    self._look_at_move(name, before)

    def complaints(self, first_picture: np.ndarray | None) -> list[str]:
        """Return all complaints, after a last look at what the whole drive has shown."""
        found = [f"{text} (first at {where})" for text, where in self._found.items()]
        for name in sorted(self._figure.controls.keys() - self._effective):
            moved = name in self._moved
            found.append(
                f"control {name} {'never changes the picture' if moved else 'cannot move'}"
            )
        if len(self._sentences) == 1:
            found.append("the sentence below the picture never changes")
        if first_picture is not None and not np.array_equal(self._figure.pixels(), first_picture):
            found.append("shows another picture than at first, for the same values")
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and pyplot.get_fignums():
            found.append(f"pyplot holds open figures: {pyplot.get_fignums()}")
        width = self._figure._canvas.figure.get_figwidth() * BASE_DPI
        if width > WIDEST:
            found.append(f"is {width:.0f} CSS pixels wide; a column has {WIDEST}")
        return found

    def _complain(self, text: str) -> None:
        self._found.setdefault(text, self._where())

    def _where(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self._figure.values.items())

    def _look_at_move(self, name: str, before: np.ndarray) -> None:
        self._sentences.add(self._figure.status)
        if self._figure.error is not None:
            self._complain(self._figure.error.splitlines()[0])
        elif not self._figure.status.strip():
            self._complain("the sentence below the picture is empty")
        if not np.array_equal(self._figure.pixels(), before):
            self._effective.add(name)

    def _look_closely(self) -> None:
        with drawn_texts() as texts:
            full = drawn_by_matplotlib(self._figure)
        # Matplotlib marks what it draws; with these marks the next move would be drawn in full, not as a reader's.
        self._figure._canvas._remember()
        differing = np.any(self._figure.pixels() != full, axis=2).sum()
        if differing:
            self._complain(f"{differing} pixels differ from what Matplotlib alone draws")
        for problem in text_problems(texts, full.shape[1::-1]):
            self._complain(problem)
