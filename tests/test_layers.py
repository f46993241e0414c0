"""What layers compute: softmax and cross-entropy by their definitions, slopes, first weights."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dropout_lib.nets.passes import (
    ACTIVATIONS,
    backpropagate,
    cross_entropy,
    forward_layers,
    glorot_weights,
    he_weights,
    log_softmax,
    softmax,
)

LARGE = st.floats(-1e30, 1e30)
logit_rows = arrays(
    np.float64, array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6), elements=LARGE
)


@given(logit_rows)
def test_probabilities_are_finite_and_sum_to_one_for_extreme_logits(logits):
    probabilities = softmax(logits)
    assert probabilities.shape == logits.shape
    assert np.isfinite(log_softmax(logits)).all()
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-12)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=8))
def test_softmax_equals_its_definition(row):
    exponentials = [math.exp(z) for z in row]
    total = math.fsum(exponentials)
    np.testing.assert_allclose(softmax(row), [e / total for e in exponentials], rtol=1e-12)
    expected = [z - math.log(total) for z in row]
    np.testing.assert_allclose(log_softmax(row), expected, rtol=1e-12, atol=1e-12)


def test_log_softmax_where_the_softmax_rounds_to_zero():
    np.testing.assert_array_equal(log_softmax([0.0, -5000.0, 1e4]), [-1e4, -15000.0, 0.0])
    np.testing.assert_array_equal(softmax([0.0, -5000.0, 1e4]), [0, 0, 1])


def test_softmax_keeps_float32():
    logits = np.array([[1e30, -1e30], [100, 101]], dtype=np.float32)
    assert softmax(logits).dtype == np.float32
    np.testing.assert_allclose(softmax(logits)[1, 1], 1 / (1 + math.exp(-1)), rtol=1e-6)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("bad", [[np.nan, 0], [np.inf, 0], "ab", [], 3.0, [[1], [1, 2]]])
def test_softmax_refuses_what_has_no_softmax(function, bad):
    with pytest.raises(ValueError, match="logits"):
        function(bad)


def test_cross_entropy_and_its_gradient():
    rng = np.random.default_rng(0)
    logits, y = rng.normal(size=(4, 3)), np.array([2, 0, 0, 1])
    loss, gradient = cross_entropy(logits, y)
    picked = [softmax(row)[label] for row, label in zip(logits, y, strict=True)]
    assert loss == pytest.approx(-np.mean(np.log(picked)), rel=1e-12)
    step = 1e-5
    for place in np.ndindex(logits.shape):
        up, down = logits.copy(), logits.copy()
        up[place] += step
        down[place] -= step
        slope = (cross_entropy(up, y)[0] - cross_entropy(down, y)[0]) / (2 * step)
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-10)


def test_a_nan_among_the_logits_reaches_the_loss():
    assert math.isnan(cross_entropy(np.array([[np.nan, 0.0]]), np.array([1]))[0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_of_the_activations(name):
    function, slope = ACTIVATIONS[name]
    z, step = np.array([-2.0, -0.3, 0.4, 1.7]), 1e-6
    numeric = (function(z + step) - function(z - step)) / (2 * step)
    np.testing.assert_allclose(slope(function(z.copy())) * np.ones(4), numeric, rtol=1e-8)


def test_the_activations_are_what_they_are_called():
    z = np.array([-1.5, 0.0, 2.0])
    values = {name: function(z.copy()) for name, (function, _) in ACTIVATIONS.items()}
    np.testing.assert_array_equal(values["relu"], [0, 0, 2])
    np.testing.assert_allclose(values["tanh"], [math.tanh(-1.5), 0, math.tanh(2.0)], rtol=1e-14)
    np.testing.assert_array_equal(values["linear"], z)


def test_he_weights_are_normal_with_variance_two_over_inputs():
    weights = he_weights(50, 4000, np.random.default_rng(0))
    assert weights.shape == (50, 4000)
    z = weights.ravel() / math.sqrt(2 / 50)
    n = z.size
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)  # Var z⁴ = 105 − 9 for a normal z


def test_glorot_weights_are_uniform_with_variance_two_over_inputs_and_units():
    weights = glorot_weights(20, 3000, np.random.default_rng(0))
    assert weights.shape == (20, 3000)
    limit = math.sqrt(6 / 3020)
    u = weights.ravel() / limit
    n = u.size
    assert abs(u).max() < 1
    assert abs(u).max() > 1 - 20 / n
    assert abs(u.mean()) < 5 * math.sqrt(1 / 3 / n)
    assert abs(u.var() - 1 / 3) < 5 * math.sqrt(4 / 45 / n)  # Var u² = 1/5 − 1/9


def test_the_passes_leave_their_arguments_alone():
    rng = np.random.default_rng(0)
    parameters = [rng.normal(size=shape) for shape in [(3, 4), (4,), (4, 2), (2,)]]
    x, y = rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    gains = [rng.random((5, 3)), rng.random(4)]
    arguments = [*parameters, x, y, *gains]
    before = [a.copy() for a in arguments]
    gradients = [np.empty_like(p) for p in parameters]
    for activation in ACTIVATIONS:
        forward_layers(parameters, x, gains, activation)
        backpropagate(parameters, x, y, gains, activation, 0.1, gradients)
    for now, then in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(now, then)
