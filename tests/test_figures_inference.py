"""The pictures of notebook 06: what is drawn, against the numbers that were given."""

import numpy as np
import pytest

from dropout_lib.pictures import basics as figures
from dropout_lib.pictures.inference import Cloud, Funnel, UncertaintyCurves, show_signed, signed


def axes():
    return figures.subplots()[1]


def test_a_funnel_is_two_standard_errors_wide_about_the_exact_value():
    ax = axes()
    funnel = Funnel(ax, 100)
    running = np.linspace(0.2, 0.5, 100)
    funnel.set_values(0.5, 0.3, running, 25, 0.65)
    (path,) = funnel._band.get_paths()
    at_25 = path.vertices[path.vertices[:, 0] == 25][:, 1]
    assert at_25.min() == pytest.approx(0.5 - 2 * 0.3 / 5)
    assert at_25.max() == pytest.approx(0.5 + 2 * 0.3 / 5)
    assert path.vertices[:, 1].min() >= 0  # a probability
    assert path.vertices[:, 1].max() <= 1
    assert set(funnel._exact.get_ydata()) == {0.5}
    assert set(funnel._scaled.get_ydata()) == {0.65}
    np.testing.assert_array_equal(funnel._line.get_ydata(), running)
    assert (funnel._dot.get_xdata()[0], funnel._dot.get_ydata()[0]) == (25, running[24])


def test_a_cloud_puts_each_answer_above_its_class():
    ax = axes()
    cloud = Cloud(ax, 20, 3)
    probs = np.random.default_rng(0).dirichlet(np.ones(3), size=20)
    scaled = np.array([0.2, 0.3, 0.5])
    cloud.set_values(probs, scaled)
    places = cloud._dots.get_offsets().reshape(20, 3, 2)
    np.testing.assert_allclose(places[..., 1], probs)
    assert np.abs(places[..., 0] - np.arange(3)).max() <= 0.28
    assert len(set(places[:, 0, 0].round(6))) == 20  # no two above each other
    np.testing.assert_allclose(cloud._mean.get_ydata(), probs.mean(axis=0))
    np.testing.assert_allclose(cloud._scaled.get_ydata(), scaled)


def test_the_curves_and_the_place_are_shown_up_to_the_largest_entropy():
    ax = axes()
    curves = UncertaintyCurves(ax, [0, 1, 2], 10)
    curves.set_values(np.array([0.1, 2.0, 0.3]), np.array([0.0, 1.0, 0.2]), 1)
    np.testing.assert_array_equal(curves._entropy.get_ydata(), [0.1, 2.0, 0.3])
    np.testing.assert_array_equal(curves._information.get_ydata(), [0.0, 1.0, 0.2])
    assert list(curves._here.get_xdata()) == [1, 1]
    assert ax.get_ylim() == (0, pytest.approx(np.log(10)))


def test_signed_values_keep_their_signs_and_fill_the_colours():
    values = np.linspace(-2, 1, 64)
    picture = signed(values)
    assert picture.shape == (8, 8)
    assert picture.min() == -1
    np.testing.assert_allclose(picture.ravel() * 2, values)
    np.testing.assert_array_equal(signed(np.zeros(64)), np.zeros((8, 8)))  # no division by zero
    assert show_signed(axes(), "gradient").get_clim() == (-1, 1)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="reshape"):
        signed(np.zeros(63))
