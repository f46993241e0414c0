"""Momentum against its closed form, max-norm against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dropout_lib.nets.descent import Momentum, cap_norms

matrices = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-1e3, 1e3, allow_subnormal=False),
)


@given(matrices, st.floats(1e-3, 1e3))
def test_cap_norms_shortens_the_columns_that_are_too_long_and_no_others(weights, max_norm):
    before = weights.copy()
    cap_norms(weights, max_norm)
    for old, new in zip(before.T, weights.T, strict=True):
        length = np.linalg.norm(old)
        if length <= max_norm * (1 - 1e-9):
            np.testing.assert_array_equal(new, old)
        elif length > max_norm * (1 + 1e-9):
            np.testing.assert_allclose(new, old * (max_norm / length), rtol=1e-9)
            assert np.linalg.norm(new) == pytest.approx(max_norm, rel=1e-9)


def test_cap_norms_takes_the_incoming_weights_of_a_unit_for_a_column():
    weights = np.array([[3.0, 0.1, 0.0], [4.0, 0.1, 0.0]])
    cap_norms(weights, 1.0)
    np.testing.assert_allclose(weights, [[0.6, 0.1, 0], [0.8, 0.1, 0]], rtol=1e-15)


@given(st.floats(0, 0.99), st.floats(1e-3, 1), st.integers(1, 30))
def test_momentum_under_a_constant_gradient(momentum, learning_rate, n_steps):
    # v_t = −learning_rate · g · (1 + m + … + m^(t−1)), and θ is the sum of the velocities
    g = np.array([1.0, -2.0])
    start = np.array([0.5, 0.25])
    parameters = [start.copy()]
    descent = Momentum(parameters, learning_rate, momentum)
    for _ in range(n_steps):
        descent.step([g.copy()])
    paces = [sum(momentum**s for s in range(t)) for t in range(1, n_steps + 1)]
    np.testing.assert_allclose(
        parameters[0], start - learning_rate * g * sum(paces), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forgetting_touches_only_what_cannot_matter(dtype):
    tiny = np.finfo(dtype).tiny
    descent = Momentum([np.zeros(5, dtype)], 0.1, 0.9)
    descent.velocities[0][:] = [tiny / 2, -tiny, 0, 1e-20, -1]
    descent.forget_the_negligible()
    np.testing.assert_array_equal(descent.velocities[0], np.array([0, 0, 0, 1e-20, -1], dtype))


def test_the_velocity_of_a_dead_unit_never_becomes_subnormal():
    descent = Momentum([np.zeros(3, np.float32)], 0.1, 0.5)
    descent.step([np.ones(3, np.float32)])
    for _ in range(100):  # far enough to pass the smallest normal number, 2⁻¹²⁶, several times
        for _ in range(10):
            descent.step([np.zeros(3, np.float32)])
        descent.forget_the_negligible()
        velocity = np.abs(descent.velocities[0])
        assert ((velocity == 0) | (velocity >= np.finfo(np.float32).tiny)).all()
    assert (descent.velocities[0] == 0).all()
