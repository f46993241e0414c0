"""What lies over what: a change in one place is drawn right, whatever lies over, under or beside it."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from twin_figures import Twins, scene

X = np.linspace(0, 4, 9)
WAVES = [np.sin(X), np.cos(X), X / 2 - 1, np.sin(2 * X)]


def two_axes(prepare=None):
    """Return a function that makes two small axes, the left one with a line, and prepares them."""

    def make():
        fig = Figure(figsize=(4.03, 1.97))
        left, right = fig.subplots(1, 2)
        for ax in (left, right):
            ax.set(xticks=[0, 4], yticks=[0, 1])  # few, as ticks take most of the time
        made = scene(fig, left=left, right=right, line=left.plot(X, WAVES[0], lw=4)[0])
        if prepare is not None:
            prepare(made)
        return made

    return make


def move(made, k):
    made.line.set_ydata(WAVES[k % 4])


def with_artist(name, add):
    """Return a preparation that keeps the artist that `add` makes under `name`."""
    return lambda made: setattr(made, name, add(made))


def bars(made):
    made.bars = made.right.bar(range(5), 3)
    made.right.tick_params(colors="red")


def move_bars(made, k):
    for place, bar in enumerate(made.bars):
        bar.set_height((place * k) % 5 + 0.3)


def twin(made):
    made.twin = made.left.twinx()
    (made.upper,) = made.twin.plot(X, X, "r", lw=4)


def overlap(made):
    made.over = made.fig.add_axes((0.2, 0.3, 0.3, 0.5))
    (made.upper,) = made.over.plot(X, X, "r", lw=4)


def inset(made):
    made.inset = made.left.inset_axes((0.4, 0.4, 0.8, 0.5), xlim=(1, 2), ylim=(-1, 1))
    (made.upper,) = made.inset.plot(X, X - 2)
    made.left.indicate_inset_zoom(made.inset)


def other_projection(projection, *data):
    def prepare(made):
        made.right.remove()
        made.right = made.fig.add_subplot(1, 2, 2, projection=projection)
        (made.curve,) = made.right.plot(*data)

    return prepare


def note(made):
    made.note = made.left.annotate(
        "note", (1, 0), (2, 0.5), arrowprops={"arrowstyle": "->"}, bbox={"fc": "white"}
    )


def replace(made, k):
    for old in made.left.lines[1:]:
        old.remove()
    made.left.plot(X, WAVES[k % 4], "k")


def loose_line(made):
    made.line.set(clip_on=False, zorder=1)
    made.left.set(ylim=(-0.5, 0.5), axisbelow=False)


def lines_over_a_legend(made):
    made.left.legend(["line"]).set_zorder(1)


UNCLEAR = r"$x_{y_{z_q}}$", "ace", r"$\frac{\frac{1}{2}}{3}$", ""
COLOURS = ["red", "green", "blue", "orange"]
PLACES = [(0.5, 0.5), (3, -0.5), (5.5, 0.5), (-2, 0)]

# What stands there before, and what is done with k = 1, 2, 3, …
CASES = {
    "figure text over a line": (lambda s: s.fig.text(0.2, 0.4, "FIGURE", fontsize=20), move),
    "figure text": (
        with_artist("word", lambda s: s.fig.text(0.2, 0.4, "word", fontsize=20)),
        lambda s, k: (s.word.set_text("word" * k), move(s, k) if k > 2 else None),
    ),
    "figure face": (None, lambda s, k: s.fig.set_facecolor(COLOURS[k])),
    "patch under the axes": (
        with_artist("patch", lambda s: s.fig.add_artist(Rectangle((0, 0), 0.5, 0.5, zorder=-1))),
        lambda s, k: s.patch.set_width(k / 4),
    ),
    "lower twin": (twin, move),
    "upper twin": (twin, lambda s, k: s.upper.set_ydata(X / k)),
    "lower of overlapping axes": (overlap, move),
    "upper of overlapping axes": (overlap, lambda s, k: s.upper.set_ydata(X / k)),
    "line under an inset": (inset, move),
    "line in an inset": (inset, lambda s, k: s.upper.set_ydata(X / k - 1)),
    "limits of an inset": (inset, lambda s, k: s.inset.set_xlim(1, 2 + k / 2)),
    "frame": (None, lambda s, k: (s.left.set_frame_on(k % 2 == 0), move(s, k))),
    "translucent face": (
        lambda s: s.fig.set_facecolor("yellow"),
        lambda s, k: s.left.set_facecolor((1, 0, 0, k / 5)),
    ),
    "array of a scatter": (
        with_artist("points", lambda s: s.right.scatter(X, X, c=X)),
        lambda s, k: s.points.set_array(X**k),
    ),
    "dashes around points": (
        with_artist("points", lambda s: s.right.scatter(X, X, s=300, lw=3, edgecolors="red")),
        lambda s, k: s.points.set_linestyle(["-", "--", ":", "-."][k]),
    ),
    "array of a mesh": (
        with_artist("mesh", lambda s: s.right.pcolormesh(np.eye(3))),
        lambda s, k: s.mesh.set_array(np.eye(3, k=k - 2)),
    ),
    "where a note points": (note, lambda s, k: setattr(s.note, "xy", PLACES[k])),
    "where a note stands": (note, lambda s, k: s.note.set_position(PLACES[k])),
    "arrow of a note": (note, lambda s, k: s.note.arrow_patch.set_color(COLOURS[k])),
    "frame of a note": (note, lambda s, k: s.note.get_bbox_patch().set_facecolor(COLOURS[k])),
    "new frame of a note": (
        note,
        lambda s, k: s.note.set_bbox({"fc": COLOURS[k]} if k < 3 else None),
    ),
    "legend under a line": (lines_over_a_legend, move),
    "title under ticks": (
        lambda s: s.left.xaxis.tick_top(),
        lambda s, k: s.left.set_title(UNCLEAR[k % 4]),
    ),
    "large title": (None, lambda s, k: s.left.set_title(UNCLEAR[k % 4], fontsize=30)),
    "title beside an exponent": (
        lambda s: s.left.set(ylim=(0, 1e9), yticks=[0, 1e9]),
        lambda s, k: s.left.set_title("title " * k, loc="right"),
    ),
    "text that reaches the neighbour": (
        with_artist("word", lambda s: s.left.text(0, 0, "word", fontsize=16, color="red")),
        lambda s, k: s.word.set_position(PLACES[k]),
    ),
    "text of the neighbour": (lambda s: s.right.text(-4, 0.5, "reaches", zorder=0), move),
    "line that is not clipped": (loose_line, move),
    "bars under an axis": (lambda s: (bars(s), s.right.set_axisbelow(False)), move_bars),
    "bars with an axis across": (
        lambda s: (bars(s), s.right.spines["bottom"].set_position(("data", 1.5))),
        move_bars,
    ),
    "bars under tick labels": (
        lambda s: (bars(s), s.right.tick_params(axis="y", pad=-25)),
        move_bars,
    ),
    "image without spines": (
        lambda s: (
            with_artist("im", lambda s: s.right.imshow(np.eye(3)))(s),
            s.right.spines[:].set_visible(False),
        ),
        lambda s, k: s.im.set_data(np.eye(3, k=k - 2)),
    ),
    "polar angle": (other_projection("polar", X, X), lambda s, k: s.right.set_theta_offset(k)),
    "view in 3D": (other_projection("3d", X, X, X), lambda s, k: s.right.view_init(10 * k, 20)),
    "replaced line": (None, replace),
    "scale": (None, lambda s, k: s.left.set_yscale(["linear", "symlog"][k % 2])),
    "aspect": (None, lambda s, k: s.left.set_aspect(k)),
    "position": (None, lambda s, k: s.left.set_position((0.1, 0.1, 0.1 * k, 0.8))),
    "axes hidden": (None, lambda s, k: (s.left.set_visible(k % 2 == 0), move(s, k))),
    "axes removed": (None, lambda s, k: s.right.remove() if k == 2 else move(s, k)),
    "size": (None, lambda s, k: s.fig.set_size_inches(3 + k / 3, 2)),
}


@pytest.mark.parametrize(("prepare", "action"), CASES.values(), ids=CASES)
def test_a_change_is_drawn_as_in_full(prepare, action):
    twins = Twins(two_axes(prepare))
    for k in (1, 2, 3):
        twins.change(lambda made, k=k: action(made, k))
        twins.assert_equal()
    for k in (1, 2):  # a known line moves among what was changed
        twins.change(lambda made, k=k: move(made, k))
    twins.assert_equal()
