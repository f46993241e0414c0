"""LiveFigure with real widgets: it follows, says so, shows errors, recovers, and leaves nothing open."""

import io
import linecache
import threading
from base64 import b64decode
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


def test_an_error_in_the_first_call_is_shown_and_the_next_move_recovers():
    fig, figure = make(height=live.slider("height", 0, 10, 7))
    assert "RuntimeError: seven <is> not & allowed" in figure.error
    assert 'role="alert"' in figure._message.value
    assert "There is no picture yet" in figure._message.value
    assert "<p" in figure._sentence.value  # the page looks for it
    with Image.open(io.BytesIO(figure.png)) as image:
        assert image.size == (600, 400)
        assert image.getextrema() == ((255, 255),) * 4  # blank
    bundle, _ = figure._repr_mimebundle_()
    assert bundle["text/plain"] == figure.error
    assert "image/png" not in bundle
    figure._screen.ratio.value = 1  # the page says so, and the message stays
    assert "seven" in figure.error
    with Image.open(io.BytesIO(figure.png)) as image:
        assert image.size == (300, 200)
    figure.controls["height"].value = 3
    assert figure.error is None
    assert figure._message.value == ""
    assert np.array_equal(figure.pixels(), plain_drawing(fig))


def in_a_notebook(*cells):
    """Run cells as IPython does: each one compiled under a name of its own, all with the same globals."""
    names = {"__name__": "__main__", "live": live, "plt": plt}
    for number, cell in enumerate(cells):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), names)  # a notebook's cell is nothing else
    return names


FIGURE = """
fig, ax = plt.subplots(figsize=(3, 2))
line, = ax.plot([0, 1], [0, 1])
"""
FOLLOW = """
def update(height):
    line.set_ydata([0, height])
    return f"height {height}"

view = live.LiveFigure(fig, update, height=live.slider("height", 0, 10, 2))
"""


@pytest.mark.parametrize(
    ("helper", "update", "place"),
    [
        ("", "    return 1 / 0", "in update, line 2: return 1 / 0"),
        ("def half(x):\n\n    return x / 0", "    return half(height)", "in half, line 3: return x / 0"),
        ("", "    line.set_data('no', [[[]]])\n    fig.canvas.draw()", "in update, line "),
        ("", "    return live.slider('x', 2, 1, 0)", "in update, line 2: return live.slider("),
    ],
)
def test_the_message_names_the_line_of_the_readers_own_cell(helper, update, place):
    """Also where the error comes from a function of another cell, or from deep inside of a library."""
    show = "live.LiveFigure(fig, update, height=live.slider('height', 0, 10, 2))"
    cell = f"def update(height):\n{update}\nview = {show}"
    figure = in_a_notebook(FIGURE, helper, cell)["view"]
    assert place in figure.error
    assert len(figure.error.splitlines()) <= 4


def test_an_update_that_returns_no_sentence_is_told_so():
    _, figure = make(lambda height: None)  # noqa: ARG005
    assert "update returned None; it should return the sentence" in figure.error


def test_a_figure_whose_artists_were_made_anew_elsewhere_says_so():
    """The same cell twice, as copied to compare two settings: `update` finds the newer artists."""
    first = in_a_notebook(FIGURE + FOLLOW)
    older = first["view"]
    exec(FIGURE + FOLLOW, first)
    newer = first["view"]
    picture = older.png
    older.controls["height"].value = 5
    assert "made anew by another run" in older.error
    assert "run the cell of this one again" in older._message.value
    assert older.status == "height 2"  # as the picture shows
    assert older.png == picture
    newer.controls["height"].value = 4
    assert newer.error is None
    assert newer.status == "height 4"
    assert np.array_equal(newer.pixels(), plain_drawing(first["fig"]))


def test_a_move_that_changes_the_sentence_alone_is_no_fault_though_other_figures_are_there():
    _, other = make()
    _, figure = make(lambda height: f"{height} and nothing to draw")
    other.controls["height"].value = 7  # leaves its artists half-way
    figure.controls["height"].value = 5
    assert figure.error is None
    assert figure.status == "5 and nothing to draw"


def test_a_figure_may_set_another_one_if_it_changes_itself():
    _, other = make()
    fig, ax = plt.subplots(figsize=(3, 2))

    def both(height):
        ax.set_title(f"{height}")
        other._canvas.figure.axes[0].set_title(f"{height}")
        return f"{height} twice"

    figure = live.LiveFigure(fig, both, height=live.slider("height", 0, 10, 2))
    other.redraw()
    figure.controls["height"].value = 5
    assert figure.error is None


@pytest.mark.parametrize(
    ("fig", "update", "named"),
    [
        ("fig", str, "fig is 'fig'; it should be a Matplotlib figure"),
        (plt.Figure(), "update", "update is 'update'; it should be a function"),
    ],
)
def test_what_is_no_figure_and_what_is_no_function_is_refused(fig, update, named):
    with pytest.raises(ValueError, match=named):
        live.LiveFigure(fig, update)


@pytest.mark.parametrize("control", [widgets.HBox(), 3, None])
def test_a_control_without_a_value_is_refused(control):
    with pytest.raises(ValueError, match=r"height is .* it should be a control"):
        make(height=control)


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


def test_it_shows_itself_as_a_widget_and_in_words_and_as_a_small_picture():
    _, figure = make()
    figure.controls["height"].value = 5
    bundle, metadata = figure._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "height <5>"
    assert metadata == {"image/png": {"width": 300, "height": 200}}
    with Image.open(io.BytesIO(b64decode(bundle["image/png"]))) as image:
        assert image.size == (300, 200)
        small = np.asarray(image.convert("RGB"), float)
    averaged = figure.pixels()[..., :3].reshape(200, 2, 300, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - averaged).mean() < 1  # of 255: as near as 256 colours can be


def test_the_picture_of_the_most_crowded_figure_fits_into_a_notebook():
    """A picture that compresses badly: discs of many colours all over a figure of full width."""
    fig, ax = plt.subplots(figsize=(9.6, 4))
    angles = np.linspace(0, 60, 400)
    ax.scatter(np.cos(angles) * angles, np.sin(angles) * angles, c=angles, s=60)
    figure = live.LiveFigure(fig, lambda: "crowded")
    bundle, _ = figure._repr_mimebundle_()
    assert len(b64decode(bundle["image/png"])) < 60_000 < len(figure.png)
