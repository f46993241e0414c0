"""Pictures on an Axes: they show what they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from dropout_lib.pictures import basics as figures


@pytest.fixture
def ax():
    return figures.subplots()[1]


def test_a_network_shows_its_masks(ax):
    network = figures.NetworkPicture(ax, (2, 3, 1))
    network.set_masks([np.ones(2), np.array([1, 0, 1]), np.ones(1)])
    units, crosses = network._units, network._crosses
    colours = [tuple(colour) for colour in units.get_facecolor()]
    kept, dropped = to_rgba(figures.COLOURS["kept"]), to_rgba(figures.COLOURS["dropped"])
    assert [colour == kept for colour in colours] == [True, True, True, False, True, True]
    assert colours[3] == dropped
    assert len(crosses.get_offsets()) == 1
    assert np.allclose(crosses.get_offsets()[0], units.get_offsets()[3])
    visible = np.asarray(network._edges.get_alpha()) > 0
    assert visible.sum() == 2 * 2 + 2 * 1  # both inputs to two kept units, those to the output


def test_a_network_refuses_masks_of_other_lengths(ax):
    with pytest.raises(ValueError, match=r"\(2, 2, 1\).*\(2, 3, 1\)"):
        figures.NetworkPicture(ax, (2, 3, 1)).set_masks([np.ones(2), np.ones(2), np.ones(1)])


def test_a_histogram_shows_weighted_shares_and_counts_what_lies_outside_at_the_ends(ax):
    values, weights = np.array([-5.0, 0.5, 1.5, 1.6, 9.0]), np.array([1.0, 1.0, 2.0, 2.0, 4.0])
    histogram = figures.Histogram(ax, [0, 1, 2, 3], "kept")
    histogram.set_values(values, weights)
    assert np.allclose(histogram._steps.get_data().values, [0.2, 0.4, 0.4])
    tall = figures.Histogram(ax, [0, 1, 2, 3], "kept", tallest_is_one=True)
    tall.set_values(values)
    assert np.allclose(tall._steps.get_data().values, [1, 1, 0.5])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_histogram_equals_that_of_numpy(ax, weighted):
    rng = np.random.default_rng(0)
    edges = np.linspace(-2, 3, 12)
    values = rng.uniform(-2, 3, (20, 30))
    weights = rng.random(600) if weighted else np.ones(600)
    histogram = figures.Histogram(ax, edges, "kept")
    histogram.set_values(values, weights if weighted else None)
    density, _ = np.histogram(values.ravel(), edges, weights=weights, density=True)
    drawn = histogram._steps.get_data()
    np.testing.assert_allclose(drawn.values, density * np.diff(edges))
    np.testing.assert_array_equal(drawn.edges, edges)


@pytest.mark.parametrize("n_kept", [0, 1, 4])
def test_each_dropped_unit_has_a_cross_and_no_connections(ax, n_kept):
    network = figures.NetworkPicture(ax, (4, 4), ("in", "out"))
    mask = np.arange(4) < n_kept
    for masks in ([mask, mask], [np.ones(4), mask]):
        network.set_masks(masks)
        ends = zip(network._edges.get_segments(), network._edges.get_alpha(), strict=True)
        connected = {tuple(end) for segment, alpha in ends if alpha > 0 for end in segment}
        crossed = {tuple(place) for place in network._crosses.get_offsets()}
        places = {tuple(place) for place in network._units.get_offsets()}
        assert len(crossed) == 8 - np.sum(masks)
        assert connected.isdisjoint(crossed)
        if n_kept:
            assert connected | crossed == places
    assert [text.get_text() for text in ax.texts] == ["in", "out"]


def test_an_image_runs_from_white_to_black_whatever_its_values(ax):
    picture = figures.show_image(ax, np.array([[0.2, 0.4]]), "a title")
    assert picture.get_clim() == (0, 1)
    titles = {ax.get_title(place) for place in ("left", "center")}  # the style moves it to the left
    assert "a title" in titles
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_a_band_runs_from_the_lowest_to_the_highest_curve(ax):
    band = figures.Band(ax, [0, 1, 2], "plain net")
    curves = np.array([[1.0, 5.0, 2.0], [3.0, 1.0, 2.0]])
    band.set_curves(curves)
    assert np.allclose(band._line.get_ydata(), [2, 3, 2])
    outline = band._between.get_paths()[0].vertices
    for x, low, high in zip(range(3), curves.min(axis=0), curves.max(axis=0), strict=True):
        heights = outline[outline[:, 0] == x, 1]
        assert (heights.min(), heights.max()) == (low, high)


def test_bars_take_their_lengths(ax):
    bars = ax.bar(range(3), [0, 0, 0])
    figures.set_heights(bars, [1, 2, 3])
    assert [bar.get_height() for bar in bars] == [1, 2, 3]
    with pytest.raises(ValueError, match=r"shorter|longer"):
        figures.set_heights(bars, [1, 2])
    _, lying = figures.error_bars(["a", "b"], ["plain net", "dropout net"])
    figures.set_widths(lying, [30, 60])
    assert [bar.get_width() for bar in lying] == [30, 60]


def test_a_mask_has_the_colours_of_kept_and_dropped_units(ax):
    picture = figures.show_mask(ax, np.array([[0, 1]]))
    dropped, kept = picture.to_rgba(np.array([[0, 1]]))[0]
    assert tuple(kept) == to_rgba(figures.COLOURS["kept"])
    assert tuple(dropped) != tuple(kept)


def test_subplots_are_no_pyplot_figures():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figures.subplots(1, 2)
    assert pyplot.get_fignums() == []


def test_an_axis_that_ends_there_already_is_left_alone(ax):
    figures.set_top(ax, 24)
    assert ax.get_ylim() == (0, 24)
    ax.yaxis.stale = False
    figures.set_top(ax, 24)
    assert not ax.yaxis.stale
    figures.set_top(ax, 6.5)
    assert ax.get_ylim() == (0, 6.5)
    assert ax.yaxis.stale
