"""All subnetworks by halves, against a plain loop over masks, arrays over all masks, and mpmath."""

import tracemalloc
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from all_masks import layer_logits, loop, weighted_masks
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_lib.ensembles import _all_masks_fast as fast
from dropout_lib.ensembles import weight_scaled_softmax
from dropout_lib.ensembles.all_masks import exact_network_ensemble, exact_softmax_ensemble
from dropout_lib.masks import enumerate_masks, mask_probabilities
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import log_softmax

EXACT = 1e-12


def layer(n, classes, scale=1.0, seed=0):
    """W, b, v of a softmax layer, with logits of about this size, and a keep for each unit."""
    rng = np.random.default_rng([n, classes, seed])
    W, b = rng.normal(size=(n, classes)) * scale, rng.normal(size=classes) * scale
    return W, b, rng.normal(size=n), rng.uniform(0.05, 1, n)


def by_loop(W, b, v, keeps):
    keeps = np.broadcast_to(keeps, len(v)).tolist()
    W, b, v = W.tolist(), b.tolist(), v.tolist()
    return loop(lambda mask: layer_logits(W, b, v, mask), keeps)


def at_once(W, b, v, keep):
    """Arrays over all masks: simple, and too slow and large beyond 20 units."""
    masks = enumerate_masks(len(v))
    weights = mask_probabilities(masks, keep)
    log_p = log_softmax((masks * v) @ W + b)
    mean_log = weights @ log_p
    geometric = np.exp(mean_log) / np.exp(mean_log).sum()
    return weights @ np.exp(log_p), geometric, 1 - np.exp(mean_log).sum()


def assert_same(found, wanted, tolerance=EXACT):
    for ours, theirs in zip(found, wanted, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        assert ours == pytest.approx(np.asarray(theirs), abs=tolerance, rel=0)


# Against a loop


@pytest.mark.claim("B02", "G01", "G05")
@pytest.mark.parametrize("scale", [1, 30, 800])
@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 3, 6, 9, 10])
def test_it_is_the_average_over_all_masks(n, classes, scale):
    W, b, v, keeps = layer(n, classes, scale)
    for keep in (keeps, 0.3):
        assert_same(exact_softmax_ensemble(W, b, v, keep), by_loop(W, b, v, keep))


@settings(max_examples=60)
@given(
    n=st.integers(1, 6),
    classes=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
def test_it_is_the_average_for_any_layer(n, classes, seed, data):
    entry = st.floats(-1e3, 1e3)
    W = np.array(data.draw(st.lists(entry, min_size=n * classes, max_size=n * classes)))
    b = np.array(data.draw(st.lists(entry, min_size=classes, max_size=classes)))
    rng = np.random.default_rng(seed)
    v, keeps = rng.normal(size=n), 1 - rng.random(n)
    W = W.reshape(n, classes)
    assert_same(exact_softmax_ensemble(W, b, v, keeps), by_loop(W, b, v, keeps))


@pytest.mark.parametrize("scale", [1, 800])
@pytest.mark.parametrize("n", [15, 16, 17, 18])
def test_it_is_the_average_where_there_are_more_masks_than_in_one_tile(n, scale):
    W, b, v, keeps = layer(n, 3, scale)
    assert_same(exact_softmax_ensemble(W, b, v, keeps), at_once(W, b, v, keeps))


@pytest.mark.parametrize("half", [1, 2, 3])
def test_it_is_the_average_whatever_the_size_of_the_tiles(half, monkeypatch):
    """Small ones stand for what n ≥ 25 does with tiles of the usual size."""
    fast._prepared.cache_clear()
    monkeypatch.setattr(fast, "_HALF", half)
    W, b, v, keeps = layer(9, 3)
    for keep in (keeps, 0.3):
        assert_same(exact_softmax_ensemble(W, b, v, keep), by_loop(W, b, v, keep))


@pytest.mark.parametrize("forget", [True, False])
@pytest.mark.parametrize("logit", [-800, 800])
def test_halves_that_favour_different_classes_do_not_underflow(logit, forget, monkeypatch):
    """Each half is sure of another class: A Bᵀ is 0 though one class has probability 1."""
    fast._prepared.cache_clear()
    monkeypatch.setattr(fast, "_REMEMBERED", 0 if forget else 1)
    W = np.array([[0, logit], [logit + 1, 0], [0.5, logit], [logit, 2]], dtype=float)
    b, v = np.array([0.25, -0.5]), np.ones(4)
    keeps = np.array([0.9, 0.3, 0.2, 0.6])
    with mpmath.workdps(60):
        members = [
            (mpmath.mpf(weight), [mpmath.mpf(z) for z in layer_logits(W, b, v, mask)])
            for mask, weight in weighted_masks(keeps.tolist())
        ]
        normalisers = [mpmath.fsum(map(mpmath.exp, logits)) for _, logits in members]
        arithmetic = [
            mpmath.fsum(
                w * mpmath.exp(z[y]) / Z for (w, z), Z in zip(members, normalisers, strict=True)
            )
            for y in (0, 1)
        ]
        logs = [
            mpmath.fsum(
                w * (z[y] - mpmath.log(Z)) for (w, z), Z in zip(members, normalisers, strict=True)
            )
            for y in (0, 1)
        ]
        total = mpmath.exp(logs[0]) + mpmath.exp(logs[1])
        geometric = [float(mpmath.exp(log) / total) for log in logs]
        wanted = [float(p) for p in arithmetic], geometric, float(1 - total)
    for _ in range(2):  # worked out, then perhaps remembered
        assert_same(exact_softmax_ensemble(W, b, v, keeps), wanted)


def test_extreme_logits_raise_no_floating_point_error():
    W, b, v, keeps = layer(17, 4, scale=800)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = exact_softmax_ensemble(W, b, v, keeps)
    assert np.isfinite(np.hstack(found)).all()
    assert found.arithmetic.sum() == pytest.approx(1, abs=EXACT)


def test_one_class_is_certain():
    W, b, v, keeps = layer(18, 1, scale=50)
    assert_same(exact_softmax_ensemble(W, b, v, keeps), ([1], [1], 0))


def test_with_keep_one_there_is_one_subnetwork():
    W, b, v, _ = layer(17, 5)
    whole = np.exp(log_softmax(v @ W + b))
    assert_same(exact_softmax_ensemble(W, b, v, 1.0), (whole, whole, 0))


def test_some_units_may_never_drop():
    W, b, v, keeps = layer(7, 3)
    keeps[[0, 3]] = 1
    assert_same(exact_softmax_ensemble(W, b, v, keeps), by_loop(W, b, v, keeps))


@pytest.mark.parametrize("n_silent", [1, 6, 59])
def test_units_that_reach_no_logit_make_no_difference(n_silent):
    W, b, v, keeps = layer(5, 3)
    wanted = by_loop(W, b, v, keeps)
    rng = np.random.default_rng(1)
    order = rng.permutation(5 + n_silent)
    W = np.vstack([W, rng.normal(size=(n_silent, 3))])[order]
    v = np.append(v, np.zeros(n_silent))[order]
    keeps = np.append(keeps, rng.uniform(0.1, 1, n_silent))[order]
    assert_same(exact_softmax_ensemble(W, b, v, keeps), wanted)


def test_if_no_unit_reaches_a_logit_the_bias_decides():
    b = np.array([0.5, -1, 3])
    whole = np.exp(log_softmax(b))
    found = exact_softmax_ensemble(np.zeros((4, 3)), b, np.ones(4), 0.3)
    assert_same(found, (whole, whole, 0))


def test_a_batch_is_each_example_alone():
    W, b, v, keeps = layer(6, 3)
    batch = np.stack([v, 2 * v, -v, np.zeros(6)])
    found = exact_softmax_ensemble(W, b, batch, keeps)
    assert found.arithmetic.shape == found.geometric.shape == (4, 3)
    assert found.missing_mass.shape == (4,)
    for row, example in enumerate(batch):
        alone = exact_softmax_ensemble(W, b, example, keeps)
        assert_same([part[row] for part in found], alone, tolerance=0)


def test_lists_and_float32_are_welcome_and_stay_as_they_are():
    W, b, v, _ = layer(4, 3)
    W32, b32, v32 = (array.astype(np.float32) for array in (W, b, v))
    before = W32.copy(), b32.copy(), v32.copy()
    found = exact_softmax_ensemble(W32, b32, v32, 0.3)
    assert_same(found, by_loop(W32.astype(float), b32.astype(float), v32.astype(float), 0.3))
    assert found.arithmetic.dtype == np.float64
    assert_same(
        exact_softmax_ensemble(W.tolist(), b.tolist(), v.tolist(), 0.3), by_loop(W, b, v, 0.3)
    )
    assert all(np.array_equal(*pair) for pair in zip(before, (W32, b32, v32), strict=True))


# Another keep, memory


def watch_tiles(monkeypatch):
    """For each Z that is asked for from now on: was it there already?"""
    remembered = []
    tile = fast._Halves._tile

    def watched(self, number):
        remembered.append(number in self._tiles)
        return tile(self, number)

    monkeypatch.setattr(fast._Halves, "_tile", watched)
    return remembered


@pytest.mark.parametrize("n", [3, 12, 18])
@pytest.mark.parametrize("scale", [1, 800])
def test_another_keep_reuses_what_does_not_depend_on_it(n, scale, monkeypatch):
    W, b, v, keeps = layer(n, 3, scale)
    fast._prepared.cache_clear()
    wanted = exact_softmax_ensemble(W, b, v, keeps)
    first = exact_softmax_ensemble(W, b, v, 0.3)
    remembered = watch_tiles(monkeypatch)
    assert_same(exact_softmax_ensemble(W, b, v, keeps), wanted, tolerance=1e-15)
    assert_same(exact_softmax_ensemble(W, b, v, 0.3), first, tolerance=1e-15)
    assert all(remembered)
    assert np.isfinite(exact_softmax_ensemble(W, b, 2 * v, 0.3).arithmetic).all()
    assert not all(remembered)  # another layer is worked out anew


@pytest.mark.parametrize("room", [0, 3])
def test_it_is_the_same_if_the_room_to_remember_runs_out(room, monkeypatch):
    W, b, v, keeps = layer(19, 3)
    wanted = exact_softmax_ensemble(W, b, v, keeps)
    fast._prepared.cache_clear()
    monkeypatch.setattr(fast, "_REMEMBERED", room)
    exact_softmax_ensemble(W, b, v, 0.3)
    assert_same(exact_softmax_ensemble(W, b, v, keeps), wanted, tolerance=1e-15)


def test_memory_does_not_grow_with_the_number_of_masks():
    peaks = []
    for n in (22, 24, 25):
        W, b, v, keeps = layer(n, 10)
        fast._prepared.cache_clear()
        tracemalloc.start()
        exact_softmax_ensemble(W, b, v, keeps)
        exact_softmax_ensemble(W, b, v, 0.3)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 250e6  # the interpreter and NumPy take less than the 50 MB to 300
    assert all(later < 1.4 * earlier for earlier, later in pairwise(peaks))


def test_memory_stays_bounded_where_all_entries_have_to_be_worked_out_directly():
    W, b, v, keeps = layer(18, 200, scale=3000)
    tracemalloc.start()
    exact_softmax_ensemble(W, b, v, keeps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 250e6


# On top of a net


@pytest.mark.claim("G09")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_dropout_on_the_last_hidden_layer_of_a_net(activation):
    """No non-linearity follows the mask but the softmax: there weight scaling is exact again."""
    net = MLP((5, 8, 7, 3), np.random.default_rng(3), activation)
    for bias in net.parameters[1::2]:
        bias += np.random.default_rng(4).normal(size=bias.shape)
    x = np.random.default_rng(5).normal(size=(1, 5))
    keep = np.linspace(0.2, 0.95, 7)
    hidden = net.hidden_activations(x)[-1][0]
    W, b = net.parameters[-2:]
    found = exact_softmax_ensemble(W, b, hidden, keep)
    assert_same(found, exact_network_ensemble(lambda m: net.forward(x, [None, None, m]), 7, keep))
    assert found.geometric == pytest.approx(weight_scaled_softmax(W, b, hidden, keep), abs=EXACT)
    assert np.abs(found.arithmetic - found.geometric).max() > 1e-3


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.ones(3)}, "W must be an array of shape"),
        ({"W": np.full((3, 2), np.nan)}, "W must be finite"),
        ({"b": np.ones(3)}, "b must be an array of shape"),
        ({"b": [0, np.inf]}, "b must be finite"),
        ({"v": np.ones(4)}, "v must be an array of shape"),
        ({"v": np.ones((2, 4))}, "v must be an array of shape"),
        ({"v": np.ones((2, 2, 3))}, "v must be an array of shape"),
        ({"keep": 0}, "keep must be a number in"),
        ({"keep": [0.5, 0.5]}, "keep must be one number, or 3"),
        ({"keep": [0.5, 1.5, 0.5]}, r"keep\[1\] must be a number in"),
        ({"W": np.full((3, 2), 1e200), "v": np.full(3, 1e200)}, "must give logits of at most"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"W": np.ones((3, 2)), "b": np.ones(2), "v": np.ones(3), "keep": 0.5} | change
    with pytest.raises(ValueError, match=message):
        exact_softmax_ensemble(**arguments)


def test_too_many_units_are_refused_at_once():
    with pytest.raises(ValueError, match=r"v must have at most 32 units .*got 41"):
        exact_softmax_ensemble(np.ones((64, 2)), np.zeros(2), np.arange(64) > 22, 0.5)
