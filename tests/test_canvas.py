"""The canvas redraws in part; the picture must be, pixel for pixel, what Matplotlib's full draw gives."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from dropout_lib.live.canvas import Canvas


def plain_drawing(fig):
    agg = FigureCanvasAgg(fig)
    agg.draw()
    return np.array(agg.buffer_rgba())


class Scene:
    """Two axes with one artist of each kind, and changes to them by name."""

    def __init__(self):
        self.fig = Figure(figsize=(5, 2.4), dpi=100, layout="constrained")
        self.left, self.right = self.fig.subplots(1, 2)
        rng = np.random.default_rng(0)
        self.image = self.left.imshow(rng.random((4, 4)), extent=(0, 3, 0, 3))
        (self.line,) = self.left.plot([0, 3], [0, 3], color="red", alpha=0.5)
        self.static_text = self.left.text(1, 1, "over", zorder=5)
        self.title = self.left.set_title("left")
        self.bars = self.right.bar(range(3), [1, 2, 3])
        self.points = self.right.scatter([0, 1], [1, 2], s=80)
        self.steps = self.right.stairs([1, 2], [0, 1, 2], fill=True, alpha=0.4)
        self.band = self.right.fill_between([0, 1, 2], 0, [1, 2, 1], alpha=0.3)
        self.note = self.right.annotate("here", (1, 2), (1.5, 2.5), arrowprops={"arrowstyle": "->"})
        self.right.grid(True)
        self.legend = self.right.legend([self.points], ["dots"], loc="upper left")
        self.footer = self.fig.text(0.5, 0.01, "footer")

    CHANGES = (
        "image line both_lines title bars points steps note footer colour hide show limits add remove "
        "axis_off tick_label cover zorder face nothing"
    ).split()

    def apply(self, name, k):
        actions = {
            "image": lambda: self.image.set_data(np.random.default_rng(k).random((4, 4))),
            "line": lambda: self.line.set_ydata([0, k % 4]),
            "both_lines": lambda: (
                self.line.set_xdata([k % 3, 3]),
                self.points.set_offsets([[1, k % 3]]),
            ),
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
                patch.remove() for patch in self.right.patches if isinstance(patch, Circle)
            ],
            "axis_off": lambda: self.left.set_axis_off() if k % 2 else self.left.set_axis_on(),
            "tick_label": lambda: self.right.set_xticks([0, 1, 2], [f"a{k}", "b", "c"]),
            "cover": lambda: self.static_text.set_text(f"over {k}"),
            "zorder": lambda: self.line.set_zorder(1 + k % 4),
            "face": lambda: self.left.set_facecolor("yellow" if k % 2 else "white"),
            "nothing": lambda: None,
        }
        actions[name]()


@pytest.fixture
def scene():
    return Scene()


@pytest.mark.parametrize("name", Scene.CHANGES)
def test_each_change_gives_the_full_drawing(scene, name):
    canvas = Canvas(scene.fig)
    canvas.update(lambda: None)
    for k in range(4):
        canvas.update(lambda k=k: scene.apply(name, k))
        assert np.array_equal(canvas.pixels(), plain_drawing(scene.fig)), (name, k)


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes_gives_the_full_drawing(scene, seed):
    rng = np.random.default_rng(seed)
    canvas = Canvas(scene.fig, ratio=1 + seed % 2)
    canvas.update(lambda: None)
    for step in range(8):
        names = rng.choice(Scene.CHANGES, size=rng.integers(1, 4))
        canvas.update(lambda names=names, step=step: [scene.apply(name, step) for name in names])
        assert np.array_equal(canvas.pixels(), plain_drawing(scene.fig)), (step, list(names))


def test_a_known_artist_moves_without_a_full_draw(scene, monkeypatch):
    canvas = Canvas(scene.fig)
    canvas.update(lambda: scene.apply("line", 1))
    draws = []
    full = Figure.draw
    monkeypatch.setattr(
        Figure, "draw", lambda self, renderer: (draws.append(1), full(self, renderer))
    )
    canvas.update(lambda: scene.apply("line", 2))
    assert draws == []
    canvas.update(lambda: scene.apply("limits", 2))
    assert draws


def test_an_exception_passes_through_and_the_next_update_is_right(scene):
    canvas = Canvas(scene.fig)
    canvas.update(lambda: None)
    before = canvas.pixels()

    def half_done():
        scene.apply("line", 3)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        canvas.update(half_done)
    assert np.array_equal(canvas.pixels(), before)
    canvas.update(lambda: scene.apply("bars", 2))
    assert np.array_equal(canvas.pixels(), plain_drawing(scene.fig))


def test_overlapping_axes_are_stacked_as_in_a_full_drawing():
    fig = Figure(figsize=(3, 2), dpi=100)
    below, above = fig.add_axes((0.1, 0.1, 0.7, 0.8)), fig.add_axes((0.5, 0.4, 0.4, 0.5))
    (line,) = below.plot([0, 1], [0, 1])
    above.plot([0, 1], [1, 0])
    canvas = Canvas(fig)
    for height in (0.2, 0.9, 0.5):
        canvas.update(lambda height=height: line.set_ydata([height, 1]))
        assert np.array_equal(canvas.pixels(), plain_drawing(fig))


def test_the_density_scales_the_picture(scene):
    canvas = Canvas(scene.fig, ratio=2)
    canvas.update(lambda: None)
    assert canvas.pixels().shape == (480, 1000, 4)
    canvas.set_ratio(1)
    canvas.redraw()
    assert canvas.pixels().shape == (240, 500, 4)
