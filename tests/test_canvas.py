"""The canvas redraws in part; the picture is, pixel for pixel, what a full draw of a twin gives."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from twin_figures import Twins

from dropout_lib.live.canvas import Canvas

DATA = ["image", "line", "both", "bars", "points", "steps", "note", "hide"]
TEXT = ["title", "footer", "heading", "cover", "legend"]
LOOK = ["colour", "span", "band", "face", "spine", "nothing"]
STRUCTURE = ["limits", "add", "axis_off", "tick_label", "zorder", "tick_side", "grid"]
CHANGES = [*DATA, *TEXT, *LOOK, *STRUCTURE, "show", "remove", "blank"]


class Scene:
    """Two axes with one artist of each kind, and changes to them by name."""

    def __init__(self, layout=None):
        self.fig = Figure(figsize=(5, 2.4), dpi=100, layout=layout)
        self.left, self.right = self.fig.subplots(1, 2)
        for ax in (self.left, self.right):
            ax.set(xticks=[0, 2], yticks=[0, 1])  # few, as ticks take most of the time
        rng = np.random.default_rng(0)
        self.image = self.left.imshow(rng.random((4, 4)), extent=(0, 3, 0, 3))
        (self.line,) = self.left.plot([0, 3], [0, 3], color="red", alpha=0.5)
        self.static_text = self.left.text(1, 1, "over", zorder=5)
        self.span = self.left.axvspan(0.5, 1.5, color="orange", alpha=0.5)
        self.title = self.left.set_title("left")
        self.bars = self.right.bar(range(3), [1, 2, 3])
        self.points = self.right.scatter([0, 1], [1, 2], s=80)
        self.steps = self.right.stairs([1, 2], [0, 1, 2], fill=True, alpha=0.4)
        self.band = self.right.fill_between([0, 1, 2], 0, [1, 2, 1], alpha=0.3)
        self.note = self.right.annotate("here", (1, 2), (1.5, 2.5), arrowprops={"arrowstyle": "->"})
        self.right.grid(True)
        self.legend = self.right.legend([self.points], ["dots"], loc="upper left")
        self.footer = self.fig.text(0.5, 0.01, "footer")
        self.heading = self.fig.suptitle("heading")

    def apply(self, name, k):
        actions = {
            "image": lambda: self.image.set_data(np.random.default_rng(k).random((4, 4))),
            "line": lambda: self.line.set_ydata([0, k % 4]),
            "both": lambda: (self.apply("line", k + 1), self.apply("points", k + 1)),
            "title": lambda: self.title.set_text(f"left {k}"),
            "bars": lambda: self.bars[k % 3].set_height(k % 4),
            "points": lambda: self.points.set_offsets([[0, k % 3], [1, 1]]),
            "steps": lambda: self.steps.set_data([k % 3, 1]),
            "note": lambda: self.note.set_position((0.5, 1 + k % 2)),
            "footer": lambda: self.footer.set_text(f"footer {k}"),
            "colour": lambda: self.line.set_color("green" if k % 2 else "red"),
            "hide": lambda: self.points.set_visible(False),
            "show": lambda: self.points.set_visible(True),
            "limits": lambda: self.right.set_ylim(0, 3 + k % 3),
            "add": lambda: self.right.add_patch(Circle((1, 1), 0.3)),
            "remove": lambda: [
                one.remove() for one in self.right.patches[3:] if type(one) is Circle
            ],
            "axis_off": lambda: self.left.set_axis_off() if k % 2 else self.left.set_axis_on(),
            "tick_label": lambda: self.right.set_xticks([0, 1, 2], [f"a{k}", "b", "c"]),
            "cover": lambda: self.static_text.set_text(f"over {k}"),
            "zorder": lambda: self.line.set_zorder(1 + k % 4),
            "face": lambda: self.left.set_facecolor("yellow" if k % 2 else "white"),
            "nothing": lambda: None,
            "span": lambda: self.span.set_alpha(0.2 + k % 4 / 5),
            "band": lambda: self.band.set_alpha(0.2 + k % 4 / 5),
            "heading": lambda: self.heading.set_text(f"heading {k}"),
            "blank": lambda: self.image.set_visible(bool(k % 2)),
            "tick_side": lambda: self.right.tick_params(direction=["in", "out", "inout"][k % 3]),
            "grid": lambda: self.right.grid(bool(k % 2)),
            "spine": lambda: self.right.spines["left"].set_color(["red", "black"][k % 2]),
            "legend": lambda: self.legend.get_texts()[0].set_text(f"{k} dots"),
        }
        actions[name]()


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_gives_the_full_drawing(name):
    twins = Twins(Scene)
    for k in range(3):
        twins.change(lambda scene, k=k: scene.apply(name, k))
        twins.assert_equal()


CHANGE = st.tuples(st.sampled_from(CHANGES), st.integers(0, 11))
UPDATES = st.lists(st.lists(CHANGE, min_size=1, max_size=3), min_size=2, max_size=5)


@settings(max_examples=10)
@given(updates=UPDATES, ratio=st.sampled_from([1, 1.25, 2]))
def test_any_sequence_of_changes_gives_the_full_drawing(updates, ratio):
    twins = Twins(Scene, ratio)
    for changes in updates:
        twins.change(lambda scene, changes=changes: [scene.apply(*change) for change in changes])
        twins.assert_equal()


@pytest.fixture
def full_draws(monkeypatch):
    """A list that grows with every full draw."""
    draws, draw = [], Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda fig, agg: (draws.append(fig), draw(fig, agg)))
    return draws


def test_known_artists_move_without_a_full_draw(full_draws):
    scene = Scene()
    canvas = Canvas(scene.fig)
    moves = [*DATA, *TEXT, *LOOK]
    canvas.update(lambda: [scene.apply(name, 1) for name in moves])
    assert full_draws
    for name in moves:
        full_draws.clear()
        canvas.update(lambda name=name: scene.apply(name, 4))
        assert full_draws == [], name


def test_what_moves_other_things_is_drawn_in_full(full_draws):
    scene = Scene()
    canvas = Canvas(scene.fig)
    canvas.update(lambda: [scene.apply(name, 1) for name in STRUCTURE])
    for name in STRUCTURE:
        full_draws.clear()
        canvas.update(lambda name=name: scene.apply(name, 2))
        assert full_draws, name


@pytest.mark.parametrize("first", ["nothing", "line"])  # a line new to the canvas, or known to it
def test_an_exception_passes_through_and_the_next_update_is_right(first):
    twins = Twins(Scene)
    twins.change(lambda scene: scene.apply(first, 2))
    before = twins.canvas.pixels()

    def half_done():
        twins.live.apply("line", 3)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        twins.canvas.update(half_done)
    assert np.array_equal(twins.canvas.pixels(), before)
    twins.plain.apply("line", 3)
    twins.change(lambda scene: scene.apply("bars", 2))
    twins.assert_equal()


@pytest.mark.parametrize("first", ["nothing", "title"])
def test_what_cannot_be_drawn_leaves_the_picture_and_the_next_update_is_right(first):
    twins = Twins(Scene)
    twins.change(lambda scene: scene.apply(first, 2))
    before = twins.canvas.pixels()
    with pytest.raises(ValueError, match="frac"):
        twins.canvas.update(lambda: twins.live.title.set_text(r"$\frac{1}$"))
    assert np.array_equal(twins.canvas.pixels(), before)
    twins.change(lambda scene: scene.apply("title", 3))
    twins.assert_equal()


def test_what_changed_between_two_updates_is_seen():
    twins = Twins(Scene)
    for k in (1, 2):
        for copy in (twins.live, twins.plain):
            copy.apply("colour", k)
            copy.apply("note", k)
        twins.change(lambda scene, k=k: scene.apply("bars", k))
        twins.assert_equal()


def test_the_layout_is_that_of_the_first_drawing():
    twins = Twins(lambda: Scene(layout="constrained"))
    first = [ax.get_position().bounds for ax in twins.plain.fig.axes]
    twins.change(lambda scene: scene.right.set_ylabel("two\nlines", fontsize=20))
    twins.assert_equal()
    assert [ax.get_position().bounds for ax in twins.live.fig.axes] == first


def test_removed_artists_are_forgotten():
    scene = Scene()
    canvas = Canvas(scene.fig)
    canvas.update(lambda: scene.apply("add", 0))
    circle = weakref.ref(scene.right.patches[-1])
    canvas.update(lambda: circle().set_radius(0.5))
    canvas.update(lambda: scene.apply("remove", 0))
    gc.collect()
    assert circle() is None


def test_the_density_scales_the_picture():
    twins = Twins(Scene, ratio=2)
    assert twins.canvas.pixels().shape == (480, 1000, 4)
    twins.canvas.set_ratio(1)
    twins.plain.fig.set_dpi(100)
    twins.canvas.redraw()
    assert twins.canvas.pixels().shape == (240, 500, 4)
    for k in (2, 3):
        twins.change(lambda scene, k=k: scene.apply("line", k))
        twins.assert_equal()
