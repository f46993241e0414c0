"""The pictures of how ensembles err: what stands where."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from dropout_lib.derivations import ERROR_VARIANTS, ensemble_error_steps
from dropout_lib.pictures import basics as figures
from dropout_lib.pictures.variance import (
    PARTS,
    Chain,
    ErrorCurve,
    MemberScatter,
    MomentBars,
    MomentMatrix,
)


def test_the_curve_shows_what_it_is_given():
    figure, ax = figures.subplots()
    curve = ErrorCurve(ax, np.arange(1, 6), 2.0, role="dropout net", title="bag")
    predicted = np.array([1.0, 0.8, 0.7, np.nan, np.nan])
    curve.set_curve(predicted, 0.4, 3)
    curve.set_points([1.1, 0.7, 0.6], np.array([0.2, 0.1, 0.05]))
    figure.draw_without_rendering()
    floor, at, line, points = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), predicted)
    assert list(floor.get_ydata()) == [0.4, 0.4]
    assert list(at.get_xdata()) == [3, 3]
    np.testing.assert_array_equal(points.get_data(), [[1, 2, 3], [1.1, 0.7, 0.6]])
    assert to_rgba(points.get_color()) == to_rgba(figures.COLOURS["dropout net"])
    segments = ax.collections[0].get_segments()
    expected = [[[1, 0.9], [1, 1.3]], [[2, 0.6], [2, 0.8]], [[3, 0.55], [3, 0.65]]]
    np.testing.assert_allclose(segments, expected)
    assert "bag" in (ax.get_title(), ax.get_title(loc="left"))


def test_points_stand_at_their_ks_even_without_bars():
    _, ax = figures.subplots()
    curve = ErrorCurve(ax, np.array([1, 10, 100]), 1.0)
    curve.set_points([0.3, 0.2])
    np.testing.assert_array_equal(ax.lines[3].get_data(), [[1, 10], [0.3, 0.2]])


def test_a_point_beyond_the_limits_stays_at_the_edge():
    _, ax = figures.subplots()
    scatter = MemberScatter(ax, limit=2)
    scatter.set_errors(np.array([0.5, -9.0]), np.array([7.0, 1.0]))
    x, y = ax.lines[2].get_data()
    np.testing.assert_allclose(x, [0.5, -1.96])
    np.testing.assert_allclose(y, [1.96, 1.0])
    np.testing.assert_allclose(np.ravel(ax.lines[3].get_data()), [-4.25, 4.0])  # the true mean


@pytest.mark.parametrize(("k", "correlation"), [(2, -1.0), (3, -0.5), (12, 0.2), (5, 1.0)])
def test_the_eigenvalues_lie_on_their_lines(k, correlation):
    _, (left, right) = figures.subplots(1, 2)
    picture = MomentMatrix(left, right)
    matrix = np.full((k, k), correlation) + (1 - correlation) * np.eye(k)
    picture.set_matrix(matrix, np.linalg.eigvalsh(matrix))
    np.testing.assert_array_equal(left.images[0].get_array(), matrix)
    bound, *lines, dots = right.lines
    assert bound.get_xdata()[0] == pytest.approx(-1 / (k - 1))
    x, y = dots.get_data()
    assert set(x) == {correlation}
    heights = [np.interp(correlation, *line.get_data()) for line in lines]
    inside = [h for h in heights if right.get_ylim()[0] <= h <= right.get_ylim()[1]]
    for height in inside:
        assert np.min(np.abs(y - height)) < 1e-9
    for height in y:
        assert np.min(np.abs(np.array(heights) - height)) < 1e-9


def test_an_eigenvalue_far_below_zero_stays_in_sight():
    _, (left, right) = figures.subplots(1, 2)
    picture = MomentMatrix(left, right)
    matrix = np.full((12, 12), -0.5) + 1.5 * np.eye(12)
    picture.set_matrix(matrix, np.linalg.eigvalsh(matrix))  # −4.5 once, 1.5 eleven times
    y = np.asarray(right.lines[-1].get_ydata())
    np.testing.assert_allclose(np.sort(y), [right.get_ylim()[0]] + [1.5] * 11)


def test_the_parts_stand_end_to_end_with_a_mark_at_c():
    figure, ax = figures.subplots()
    bars = MomentBars(ax, ["one", "two"], right=1.0)
    parts = np.array([[0.1, 0.2, 0.3], [0.4, 0.0, 0.1]])
    bars.set_parts(parts)
    figure.draw_without_rendering()
    for number in range(len(PARTS)):
        for row, bar in enumerate(ax.containers[number]):
            assert bar.get_x() == pytest.approx(parts[row, :number].sum())
            assert bar.get_width() == pytest.approx(parts[row, number])
    marks = ax.collections[0].get_segments()
    assert [mark[0][0] for mark in marks] == pytest.approx([0.3, 0.4])
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("variant", ERROR_VARIANTS)
def test_a_derivation_shows_its_crosses(variant):
    figure, ax = figures.subplots(width=9.9, height=8.6)
    steps = ensemble_error_steps(variant)
    chain = Chain(ax, [steps])
    holds = [step.check() == 0 for step in steps]
    chain.set_steps(steps, holds, "left over")
    figure.draw_without_rendering()
    shown = [text.get_text() for text in ax.texts]
    assert shown.count("✓") == sum(holds)
    assert shown.count("✗") == 7 - sum(holds)
    assert f"{chain._start.latex} {chain._rows[0][3].latex}" == steps[0].latex
    assert [row[3].latex for row in chain._rows] == [f"= {step.latex.split(' = ')[1]}" for step in steps]
    assert len(ax.patches) == 8
    assert "left over" in shown
    titles = [text for text in shown if text in {step.title for step in steps}]
    assert titles == [step.title for step in steps]
