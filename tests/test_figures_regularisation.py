"""The pictures of notebook 07 show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgba

from dropout_lib.experiments import published
from dropout_lib.pictures import basics as figures
from dropout_lib.pictures.basics import COLOURS
from dropout_lib.pictures.regularisation import (
    CurvePanels,
    LossContours,
    PublishedBars,
    StepByStep,
    Whiskers,
    error_axes,
)


def test_each_panel_shows_its_two_nets_and_the_epoch():
    panels = CurvePanels(["first", "second"], 4)
    rows = np.array([[4.0, 3, 2, 1], [6, 5, 4, 3]])
    panels.set_curves("second", "plain net", rows)
    panels.set_epoch(3)
    first, second = panels.figure.axes
    assert [ax.get_title(loc="left") or ax.get_title() for ax in (first, second)] == [
        "first",
        "second",
    ]
    [line] = [
        line for line in second.lines if to_hex(line.get_color()).upper() == COLOURS["plain net"]
    ]
    assert line.get_ydata().tolist() == [5, 4, 3, 2]
    assert not any(np.any(np.asarray(line.get_ydata()) == 5) for line in first.lines)
    assert [list(ax.lines[-1].get_xdata()) for ax in (first, second)] == [[3, 3]] * 2


def test_a_step_is_shown_in_full_with_its_verdict():
    _, ax = figures.subplots()
    steps = StepByStep(ax, ["one", "two", "three"])
    steps.set_steps([True, False, True])
    steps.show(1, "because " * 20, r"\frac{a}{b}", "c", holds=False)
    texts = [text.get_text() for text in ax.texts]
    assert texts[:3] == ["✓", "✗", "✓"]
    assert to_hex(ax.texts[1].get_color()).upper() == COLOURS["plain net"]
    assert [text.get_fontweight() for text in ax.texts[3:6]] == ["normal", "bold", "normal"]
    assert steps._left.latex == r"\dfrac{a}{b}"
    assert steps._right.latex == r"\neq\quad c"
    [reason] = [text for text in texts if text.startswith("because")]
    assert max(map(len, reason.split("\n"))) <= 75
    steps.show(1, "so", "a", "c", holds=True)
    assert steps._right.latex == r"=\quad c"


def test_the_ring_has_the_length_of_the_weights_and_the_contours_their_bottom():
    _, ax = figures.subplots()
    H, bottom = np.array([[1.0, 0.5], [0.5, 2.0]]), np.array([2.0, 1.0])
    contours = LossContours(ax, H, bottom, (-1, 4))
    contours.set_path(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0.6, 0.8]))
    path, ring, dot = ax.lines[1:4]
    np.testing.assert_allclose(np.hypot(*ring.get_data()), 1)
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([0.6], [0.8])
    assert path.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert list(ax.lines[0].get_xydata()[0]) == bottom.tolist()
    # A collection of its own for each level in older Matplotlib, one for all of them in newer ones.
    paths = [path.vertices - bottom for drawn in ax.collections for path in drawn.get_paths()]
    losses = [np.einsum("ni,ij,nj->n", w, H, w) for w in paths]
    for loss in losses:
        np.testing.assert_allclose(loss, loss.mean(), rtol=0.03)
    levels = 28 * np.linspace(0.05, 0.9, 7) ** 2  # the largest loss in the picture, at (4, 4), is 28
    nearest = [np.abs(levels - loss.mean()).argmin() for loss in losses]
    assert set(nearest) == set(range(7))
    np.testing.assert_allclose([loss.mean() for loss in losses], levels[nearest], rtol=0.03)


def test_whiskers_reach_from_low_to_high():
    _, ax = error_axes([0.1, 0.9])
    whiskers = Whiskers(ax, [0, 2], ["#000000", "#ff0000"])
    whiskers.set_values(np.array([3.0, 5.0]), np.array([1.0, 0.5]))
    bars, dots = ax.collections
    assert [segment.tolist() for segment in bars.get_segments()] == [
        [[0, 2], [0, 4]],
        [[2, 4.5], [2, 5.5]],
    ]
    assert dots.get_offsets().tolist() == [[0, 3], [2, 5]]


@pytest.mark.parametrize("name", published.TABLES)
def test_the_chart_shows_the_published_rows(name):
    _, ax = figures.subplots()
    bars = PublishedBars(ax)
    for rows in (
        next(iter(published.TABLES.values())),
        published.TABLES[name],
    ):  # no row is left over
        bars.set_results(rows)
    shown = [bar for bar in ax.patches if bar.get_width()]
    assert [bar.get_width() for bar in shown] == [row.error for row in rows]
    for bar, row in zip(shown, rows, strict=True):
        role = "dropout net" if row.dropout else "plain net"
        assert bar.get_facecolor() == to_rgba(COLOURS[role])
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    assert texts == [row.method for row in rows] + [f"{row.error:.2f}" for row in rows]


def test_too_many_rows_are_refused():
    _, ax = figures.subplots()
    bars = PublishedBars(ax)
    for rows in ([], [("a", 1.0, True)] * 10):
        with pytest.raises(ValueError, match="results must have 1 to 9 rows"):
            bars.set_results(rows)
