"""LiveFigure with real widgets: it follows, says so, shows errors, recovers, and leaves nothing open."""

import io
import threading
from pathlib import Path

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from dropout_lib import live

PATIENCE = 20  # seconds until a test gives up
GRACE = 0.3  # seconds in which a second drawing that did not wait for the first would be done


@pytest.fixture(autouse=True)
def no_figure_is_left_by_a_test():
    yield
    plt.close("all")


def make(update=None, **options):
    """A figure with one line, and a live figure that moves it."""
    fig, ax = plt.subplots(figsize=(3, 2))
    (line,) = ax.plot([0, 1], [0, 1])
    ax.set_ylim(0, 10)

    def follow(height):
        if height == 7:
            raise RuntimeError("seven <is> not & allowed")
        line.set_ydata([0, height])
        return f"height <{height}>"

    controls = options or {"height": live.slider("height", 0, 10, 2)}
    return fig, live.LiveFigure(fig, update or follow, **controls)


def plain_drawing(fig):
    """What Matplotlib's own full draw gives, by a canvas of its own."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def test_a_move_draws_what_a_full_drawing_gives():
    fig, figure = make()
    for height in (3, 10, 0, 5):
        figure.controls["height"].value = height
        assert figure.status == f"height <{height}>"
        assert np.array_equal(figure.pixels(), plain_drawing(fig))


@pytest.mark.parametrize("ratio", [1, 1.5, 2, 3])
def test_the_sent_picture_has_a_pixel_for_each_pixel_of_the_screen(ratio):
    _, figure = make()
    figure._screen.ratio.value = ratio
    assert figure._picture.layout.width == "300px"
    assert figure._picture.layout.max_width == "100%"
    for height in (3, 4):
        with Image.open(io.BytesIO(figure.png)) as image:
            assert image.size == (300 * ratio, 200 * ratio)
            assert np.array_equal(np.asarray(image), figure.pixels())
        figure.controls["height"].value = height


def test_the_picture_follows_and_is_what_is_sent():
    _, figure = make()
    before = figure.png
    figure.controls["height"].value = 9
    assert figure.png != before
    with Image.open(io.BytesIO(figure.png)) as image:
        assert np.array_equal(np.asarray(image), figure.pixels())


def test_pyplot_holds_no_figure():
    make()
    assert plt.get_fignums() == []


def test_an_error_is_shown_in_words_and_the_next_move_recovers():
    fig, figure = make()
    picture = figure.png
    figure.controls["height"].value = 7
    assert "RuntimeError: seven <is> not & allowed" in figure.error
    culprit = 'raise RuntimeError("seven <is> not & allowed")'
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = [text.strip() for text in source].index(culprit) + 1
    assert f"in follow, line {line}: {culprit}" in figure.error
    assert figure.png == picture
    assert figure.status == "height <2>"
    figure.controls["height"].value = 8
    assert figure.error is None
    assert figure.status == "height <8>"
    assert figure._message.value == ""
    assert np.array_equal(figure.pixels(), plain_drawing(fig))


def test_a_text_that_cannot_be_drawn_is_an_error_like_any_other():
    fig, ax = plt.subplots(figsize=(3, 2))
    formulas = ["$x$", r"$\frac{1}$", "$y$"]
    control = live.choice("formula", formulas, "$x$")
    figure = live.LiveFigure(fig, lambda formula: ax.set_title(formula).get_text(), formula=control)
    picture = figure.png
    control.value = formulas[1]
    assert "ValueError" in figure.error
    assert figure.png == picture
    control.value = "$y$"
    assert figure.error is None
    assert np.array_equal(figure.pixels(), plain_drawing(fig))


def test_text_is_escaped_and_announced_to_screen_readers():
    _, figure = make()
    assert "height &lt;2&gt;</p>" in figure._sentence.value
    assert 'role="status"' in figure._sentence.value
    figure.controls["height"].value = 7
    assert "seven &lt;is&gt; not &amp; allowed" in figure._message.value
    assert 'role="alert"' in figure._message.value


def test_an_error_in_the_first_call_is_raised():
    with pytest.raises(RuntimeError, match="seven"):
        make(height=live.slider("height", 0, 10, 7))


def test_a_control_without_a_value_is_refused():
    with pytest.raises(ValueError, match="height"):
        make(height=widgets.HBox())


def test_draw_at_shows_other_values_and_leaves_the_figure_as_it_was():
    _, figure = make()
    picture = figure.png
    elsewhere = figure.draw_at(height=9)
    assert figure.values == {"height": 2}
    assert figure.png == picture
    assert figure.status == "height <2>"
    figure.controls["height"].value = 9
    assert figure.png == elsewhere


def test_draw_at_refuses_what_is_no_control_and_raises_what_update_raises():
    _, figure = make()
    with pytest.raises(ValueError, match="width"):
        figure.draw_at(width=3)
    with pytest.raises(RuntimeError, match="seven"):
        figure.draw_at(height=7)
    assert figure.error is None
    assert figure.status == "height <2>"


def test_a_later_move_waits_for_the_drawing_of_an_earlier_one():
    """The second move comes while the first one is being worked on; the picture ends with both."""
    fig, ax = plt.subplots(figsize=(3, 2))
    (dot,) = ax.plot([0], [0], "o")
    ax.set(xlim=(0, 2), ylim=(0, 2))
    x, y = live.slider("x", 0, 2, 0), live.slider("y", 0, 2, 0)
    second_moved, second_drawn = threading.Event(), threading.Event()
    second = threading.Thread(target=lambda: setattr(y, "value", 1))

    def update(x, y):
        if (x, y) == (1, 0):
            second.start()
            assert second_moved.wait(PATIENCE)
            second_drawn.wait(GRACE)
        dot.set_data([x], [y])
        if y:
            second_drawn.set()
        return f"{x}, {y}"

    y.observe(lambda _: second_moved.set(), "value")  # called before the figure is
    figure = live.LiveFigure(fig, update, x=x, y=y)
    x.value = 1
    second.join(PATIENCE)
    assert figure.status == "1, 1"
    dot.set_data([1], [1])
    assert np.array_equal(figure.pixels(), plain_drawing(fig))


def test_moves_from_several_threads_end_in_the_picture_of_the_last_values():
    fig, figure = make()
    control = figure.controls["height"]

    def drag():
        for height in (1, 4, 6, 9, 3):
            control.value = height

    threads = [threading.Thread(target=drag) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert figure.error is None
    assert figure.status == f"height <{control.value}>"
    assert np.array_equal(figure.pixels(), plain_drawing(fig))


def test_it_shows_itself_as_a_widget_and_in_words():
    _, figure = make()
    bundle = figure._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "height <2>"
