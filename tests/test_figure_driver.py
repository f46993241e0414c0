"""The driver of live figures reports each kind of broken figure, and nothing about a sound one."""

import gc
import time
import warnings
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from figure_driver import _refreshed, drive, drive_job, move

from dropout_lib import live
from dropout_lib.pictures import basics as figures

X = np.linspace(0, 6, 50)
OTHER = 1, -0.7  # where the figure's other word stands
FEW = 3  # random settings: enough, as every fault here shows at an end or everywhere


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        figures.use_style()
        yield


def sound(change=None, status="n = {n}, {big}, {seed}".format, width=4, **more_controls):
    """A figure with a line, a word and three controls; the arguments break it."""
    fig, ax = figures.subplots(width=width, height=3)
    (line,) = ax.plot(X, np.sin(X))
    word = ax.text(3, 0.5, "word")
    ax.text(*OTHER, "other")
    ax.set(ylim=(-1.1, 1.1), xlabel="x", title="title")

    def update(n, big, seed, **_):
        phase = np.random.default_rng(seed).random()
        line.set_ydata(np.sin(n * X + phase) * (1 if big else 0.5))
        if change is not None:
            change(word, n)
        return status(n=n, big=big, seed=seed)

    controls = {"n": live.slider("n", 1, 5, 2), "big": live.toggle("big", True)}
    return live.LiveFigure(fig, update, **controls, seed=live.seed(), **more_controls)


def raising(_, n):
    if n == 5:
        raise ZeroDivisionError("five")


def warning(_, n):
    if n == 5:
        warnings.warn("mean of empty slice", RuntimeWarning, stacklevel=1)


FAULTS = {
    "raises": (raising, "ZeroDivisionError: five"),
    "warns": (warning, "RuntimeWarning: mean of empty slice"),
    "text leaves the canvas": (
        lambda word, n: word.set_x(7 if n == 5 else 3),
        "text 'word' is cut off",
    ),
    "two lines leave the canvas": (
        lambda word, n: word.set(text="two\nlines" if n == 5 else "word", x=6.4 if n == 5 else 3),
        r"text 'two\nlines' is cut off",
    ),
    "text on text": (
        lambda word, n: word.set_position(OTHER if n == 5 else (3, 0.5)),
        "texts 'word' and 'other' overlap",
    ),
}


def complaints(figure, **options):
    """All that the driver says, as one text."""
    return "\n".join(drive(figure, FEW, **options))


def test_a_sound_figure_passes_and_keeps_its_values():
    figure = sound()
    before, picture = figure.values, figure.pixels()
    assert complaints(figure, first_picture=picture) == ""
    assert figure.values == before
    assert np.array_equal(figure.pixels(), picture)


@pytest.mark.parametrize(("change", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_at_one_setting_is_reported_with_the_setting(change, words):
    said = complaints(sound(change=change))
    assert words in said
    assert "first at n = 5" in said


def test_a_control_without_effect_is_reported():
    idle, stuck = live.slider("idle", 0, 1, 0), live.choice("stuck", ["only"], "only")
    said = complaints(sound(idle=idle, stuck=stuck))
    assert said == "control idle never changes the picture\ncontrol stuck cannot move"


def test_a_button_without_effect_is_reported(monkeypatch):
    monkeypatch.setattr(live.Seed, "next", lambda _: None)
    assert "the button 'new draw' does nothing" in complaints(sound())


def test_a_sentence_that_is_empty_or_never_changes_is_reported():
    assert "is empty (first at n = 5" in complaints(
        sound(status=lambda n, **_: "" if n == 5 else f"{n}")
    )
    assert "the sentence below the picture never changes" in complaints(
        sound(status=lambda **_: "always the same")
    )


def test_a_picture_that_depends_on_the_way_there_is_reported():
    calls = []

    def creep(word, n):
        calls.append(n)
        word.set_x(min(3 + 0.01 * len(calls), 4))

    figure = sound(change=creep)
    assert "another picture than at first" in complaints(figure, first_picture=figure.pixels())


def test_a_shortcut_in_drawing_that_shows_is_reported(monkeypatch):
    figure = sound(change=lambda word, n: word.set_x(n / 2))
    draw_layer = figure._canvas._draw_layer

    def forget_the_last():
        figure._canvas._layer = figure._canvas._layer[:-1]
        draw_layer()

    monkeypatch.setattr(figure._canvas, "_draw_layer", forget_the_last)
    assert "pixels differ from what Matplotlib alone draws" in complaints(figure)


def test_a_figure_that_pyplot_holds_is_reported():
    from matplotlib import pyplot

    leaked = pyplot.figure()
    try:
        assert f"pyplot holds open figures: [{leaked.number}]" in complaints(sound())
    finally:
        pyplot.close(leaked)


def test_a_figure_wider_than_a_column_is_reported():
    assert "is 1100 CSS pixels wide" in complaints(sound(width=11))


def work(n):
    for step in range(n):
        yield step / n, step


def broken_work(n):
    raise ValueError("no data")
    yield 0.5, n


def test_jobs_are_started_and_stopped():
    assert drive_job(live.Job(work, n=live.slider("n", 1, 9, 5))) == []
    assert drive_job(live.Job(broken_work, n=live.slider("n", 1, 9, 5))) == ["ValueError: no data"]
    assert drive_job(live.Job(lambda: iter(()))) == ["leaves no result when it is stopped"]


def counts(change=lambda own: own):
    """A job that puts one number after the other into a figure of two, and the figure."""
    own = {}
    fig, ax = figures.subplots(width=4, height=3)
    (dots,) = ax.plot([0, 1], [1, 1], "o")

    def update(kept):
        dots.set_ydata(np.array([change(own).get((kept, n), np.nan) for n in range(2)], dtype=float))
        return f"{len(own)} of {kept}"

    view = live.LiveFigure(fig, update, kept=live.choice("kept", ["few", "all"], "few"))

    def train(seed):
        for n in range(2):
            own[view.values["kept"], n] = seed + n
            time.sleep(0.05)  # longer than it takes to press Stop
            yield (n + 1) / 2, own

    return live.Job(train, show=lambda _: view.refresh(), seed=live.seed(5)), view


def listed(own):
    """What is trained is a list, what is not is a number: some of each cannot be drawn."""
    return {setting: [value] for setting, value in own.items()}


def only_all(own):
    if len([kept for kept, _ in own if kept == "all"]):
        raise ZeroDivisionError("with all kept")
    return own


def test_the_figure_that_a_job_refreshes_follows_each_of_its_hand_overs():
    job, view = counts()
    values, show = view.values, job._show
    assert drive_job(job) == []
    assert (view.values, view.status, job._show) == (values, "4 of few", show)


@pytest.mark.parametrize(
    ("change", "words"),
    [(listed, "ValueError: setting an array element"), (only_all, "ZeroDivisionError: with all kept")],
)
def test_a_figure_that_cannot_follow_its_job_is_reported(change, words):
    job, _ = counts(change)
    found = "\n".join(drive_job(job))
    assert f"its figure says: This figure could not follow: {words}" in found


def test_the_figures_of_a_job_are_found_through_functions_and_methods():
    _, view = counts()

    def refresh():
        view.refresh()

    assert _refreshed(view.refresh) == _refreshed(lambda _: refresh()) == [view]
    assert _refreshed(None) == _refreshed(print) == []


def test_errors_after_cells_were_run_again_are_reported():
    assert move(sound(), FEW) == []
    [said] = move(sound(change=raising), FEW)
    assert said.startswith("This figure could not follow: ZeroDivisionError: five (after cells were run again")


def ran(source, result=None):
    """Tell the watch that a cell was run."""
    import figure_watch

    figure_watch._look(SimpleNamespace(info=SimpleNamespace(raw_cell=source), result=result))


def test_the_watch_finds_new_figures_and_remembers_their_first_picture(monkeypatch):
    import figure_watch

    monkeypatch.setattr(figure_watch, "_figures", [])
    monkeypatch.setattr(figure_watch, "_watching", True)
    gc.collect()
    ran("whatever earlier tests have left")
    before = len(figure_watch._figures)
    figure = sound()
    first = figure.pixels()
    ran("sound()")
    figure.controls["n"].value = 4
    ran("4")
    [(_, found, picture)] = figure_watch._figures[before:]
    assert found is figure
    assert np.array_equal(picture, first)


def test_the_watch_knows_what_the_last_run_of_each_cell_shows(monkeypatch):
    import figure_watch

    for name, empty in {"_figures": [], "_jobs": [], "_numbers": {}, "_shown": {}}.items():
        monkeypatch.setattr(figure_watch, name, empty)
    monkeypatch.setattr(figure_watch, "_watching", True)
    gc.collect()
    ran("whatever earlier tests have left")
    first = sound()
    ran("view = sound()")
    ran("view", first)
    second = sound()
    ran("view = sound()")
    assert figure_watch._shown[2] == [second]
    assert figure_watch._shown[3] == [first]
