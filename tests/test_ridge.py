"""Dropout on linear regression: against all masks, against scikit-learn's Ridge, against training."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from dropout_lib.experiments.ridge import (
    column_lengths,
    dropout_training,
    dropout_weights,
    equal_strength,
    expected_loss,
    ridge_weights,
    standardise,
)

KEEPS = [0.2, 0.5, 0.8, 1.0]


def problem(seed=0, n=30, d=3, sizes=(0.3, 1.0, 5.0)):
    """Correlated, centred features of different size, and a centred target."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, 1)) + rng.normal(size=(n, d))) * sizes
    y = X @ rng.normal(size=d) + rng.normal(size=n)
    return X - X.mean(axis=0), y - y.mean()


def loss_over_all_masks(X, y, w, keep):
    """The mean of the squared loss, one mask after the other; one keep for each column."""
    keeps = np.broadcast_to(keep, X.shape[1])
    total = 0.0
    for bits in product((0, 1), repeat=X.size):
        mask = np.reshape(bits, X.shape)
        chance = np.prod(np.where(mask == 1, keeps, 1 - keeps))
        total += chance * np.sum((y - (mask * X / keeps) @ w) ** 2)
    return total


@pytest.mark.claim("R02")
@pytest.mark.parametrize("keep", [*KEEPS, (0.3, 0.9)])
def test_the_expected_loss_is_the_mean_over_all_masks(keep):
    X, y = problem(n=4, d=2, sizes=(0.5, 3.0))
    w = np.array([0.7, -1.1])
    assert expected_loss(X, y, w, keep) == pytest.approx(
        loss_over_all_masks(X, y, w, keep), rel=1e-12
    )


@pytest.mark.claim("R02")
@pytest.mark.parametrize("keep", [*KEEPS, (0.3, 0.9, 0.6)])
def test_the_closed_form_is_where_the_expected_loss_is_smallest(keep):
    X, y = problem()
    w = dropout_weights(X, y, keep)
    step = 1e-5 * np.eye(3)
    slopes = [expected_loss(X, y, w + s, keep) - expected_loss(X, y, w - s, keep) for s in step]
    np.testing.assert_allclose(slopes, 0, atol=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert expected_loss(X, y, w + rng.normal(size=3), keep) > expected_loss(X, y, w, keep)


@pytest.mark.claim("R02")
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8])
def test_standardised_dropout_is_the_ridge_of_scikit_learn(keep):
    X, y = problem()
    X = standardise(X)
    theirs = Ridge(alpha=len(X) * (1 - keep) / keep, fit_intercept=False).fit(X, y).coef_
    np.testing.assert_allclose(dropout_weights(X, y, keep), theirs, rtol=1e-10)
    assert equal_strength(X, keep) == pytest.approx(len(X) * (1 - keep) / keep)


@pytest.mark.claim("R02")
@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8])
def test_otherwise_it_is_the_ridge_of_scaled_features_and_no_other(keep):
    X, y = problem()
    lengths = np.sqrt(np.diag(X.T @ X))
    theirs = Ridge(alpha=(1 - keep) / keep, fit_intercept=False).fit(X / lengths, y).coef_ / lengths
    np.testing.assert_allclose(dropout_weights(X, y, keep), theirs, rtol=1e-10)
    for strength in np.geomspace(1e-3, 1e4, 60):
        plain = Ridge(alpha=strength, fit_intercept=False).fit(X, y).coef_
        assert np.abs(share(X, plain) - share(X, theirs)).max() > 0.01


def share(X, w):
    return w * np.linalg.norm(X, axis=0)


@pytest.mark.parametrize("strength", [0.0, 0.3, 20.0])
def test_plain_ridge_is_that_of_scikit_learn(strength):
    X, y = problem()
    theirs = Ridge(alpha=strength, fit_intercept=False).fit(X, y).coef_
    np.testing.assert_allclose(ridge_weights(X, y, strength), theirs, rtol=1e-9)


@given(
    unit=st.floats(-3, 3).map(lambda power: 10.0**power),
    keep=st.floats(0.1, 0.95),
    seed=st.integers(0, 50),
)
def test_in_other_units_dropout_predicts_the_same(unit, keep, seed):
    X, y = problem(seed)
    scaled = X * [unit, 1, 1]
    np.testing.assert_allclose(
        scaled @ dropout_weights(scaled, y, keep), X @ dropout_weights(X, y, keep), atol=1e-8
    )


def test_in_other_units_plain_ridge_does_not():
    X, y = problem()
    scaled = X * [0.1, 1, 1]
    gap = scaled @ ridge_weights(scaled, y, 10) - X @ ridge_weights(X, y, 10)
    assert np.abs(gap).max() > 0.05


@pytest.mark.claim("R02")
@pytest.mark.parametrize("keep", [0.4, 0.8, (0.4, 0.9, 0.7)])
def test_training_with_masks_goes_to_the_closed_form_on_average(keep):
    X, y = problem()
    path = np.array(
        [*dropout_training(X, y, keep, steps=500, runs=300, rng=np.random.default_rng(2))]
    )
    assert path.shape == (500, 300, 3)
    means = path[250:].mean(axis=0)  # one for each run: runs are independent, steps are not
    error = means.std(axis=0) / np.sqrt(len(means))
    closed = dropout_weights(X, y, keep)
    assert np.all(np.abs(means.mean(axis=0) - closed) < 5 * error)
    assert np.all(5 * error < 0.2 * np.abs(closed - ridge_weights(X, y, 0)).max())  # it could fail


def test_training_without_masks_goes_to_least_squares():
    X, y = problem()
    *_, last = dropout_training(X, y, 1.0, steps=4000, rng=np.random.default_rng(0))
    np.testing.assert_allclose(last[0], np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-6)


def test_one_seed_gives_one_path_and_each_step_an_array_of_its_own():
    X, y = problem()
    paths = [
        [*dropout_training(X, y, 0.5, steps=5, runs=2, rng=np.random.default_rng(3))]
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*paths)
    assert len({id(w) for w in paths[0]}) == 5


def test_columns_are_standardised_and_measured():
    X, _ = problem()
    Z = standardise(X + 4)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(column_lengths(Z), np.sqrt(len(X)))
    assert column_lengths([[3.0, 0.0], [4.0, 2.0]]).tolist() == [5, 2]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda X, _: standardise(X * [1, 0, 1]), "column 1"),
        (lambda X, y: expected_loss(X, y[:-1], [1, 1, 1], 0.5), "y must be"),
        (lambda X, y: expected_loss(X, y, [1, 1], 0.5), "w must be"),
        (lambda X, y: dropout_weights(X, y, 0.0), "keep"),
        (lambda X, y: dropout_weights(X, y, (0.5, 0.5)), "keep"),
        (lambda X, y: dropout_weights(X * [1, 0, 1], y, 0.5), "X must have independent columns"),
        (lambda X, y: ridge_weights(X[:, [0, 0, 1]], y, 0), "X must have independent columns"),
        (lambda X, y: ridge_weights(X, y, -1), "strength"),
        (
            lambda X, y: next(dropout_training(X, y, 0.5, steps=0, rng=np.random.default_rng())),
            "steps",
        ),
        (lambda X, y: next(dropout_training(X, y, 0.5, steps=1, rng=7)), "rng"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, named):
    with pytest.raises(ValueError, match=named):
        call(*problem())
