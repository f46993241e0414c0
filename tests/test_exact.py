"""Every subnetwork of a net run once, against nets written out with loops."""

import math
import tracemalloc

import numpy as np
import pytest
from all_masks import loop, softmax

from dropout_lib.ensembles import all_masks as exact
from dropout_lib.ensembles.all_masks import exact_network_ensemble
from dropout_lib.masks import enumerate_masks
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax as library_softmax

KEEPS = [0.2, 0.9, 0.5, 0.35]


def two_layers(seed=0, sizes=(4, 3, 3)):
    """Weights and biases of a net with one hidden layer, and an input, as lists."""
    rng = np.random.default_rng(seed)
    n_inputs, n_hidden, n_classes = sizes
    shapes = ((n_inputs, n_hidden), (n_hidden,), (n_hidden, n_classes), (n_classes,), (n_inputs,))
    return [rng.normal(scale=1.5, size=shape).tolist() for shape in shapes]


def run(net, f, input_mask=None, hidden_mask=None):
    """The logits of one subnetwork, one unit at a time."""
    W1, b1, W2, b2, x = net
    inputs = [x_i * m for x_i, m in zip(x, input_mask or [1] * len(x), strict=True)]
    hidden = []
    for unit, bias in enumerate(b1):
        hidden.append(f(bias + sum(h * W1[i][unit] for i, h in enumerate(inputs))))
    hidden = [h * m for h, m in zip(hidden, hidden_mask or [1] * len(hidden), strict=True)]
    return [bias + sum(h * W2[i][y] for i, h in enumerate(hidden)) for y, bias in enumerate(b2)]


def as_arrays(net, f):
    """The same net for many masks at a time: (input masks, hidden masks) -> logits."""
    W1, b1, W2, b2, x = map(np.array, net)
    return lambda inputs, hidden: (f((x * inputs) @ W1 + b1) * hidden) @ W2 + b2


def relu(z):
    return max(z, 0.0)


def relu_array(z):
    return np.maximum(z, 0)


def linear(z):
    return z


def assert_same(found, wanted, tolerance=1e-12):
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours == pytest.approx(np.asarray(theirs), abs=tolerance, rel=0)


@pytest.mark.claim("B02")
@pytest.mark.parametrize("keep", [KEEPS, 0.3])
@pytest.mark.parametrize(("f", "arrays"), [(relu, relu_array), (math.tanh, np.tanh)])
def test_masks_on_the_input(f, arrays, keep):
    net = two_layers()
    found = exact_network_ensemble(lambda m: as_arrays(net, arrays)(m, 1), 4, keep)
    wanted = loop(lambda m: run(net, f, input_mask=m), np.broadcast_to(keep, 4).tolist())
    assert_same(found, wanted)


def test_masks_on_the_input_and_on_the_hidden_layer():
    net = two_layers(seed=1, sizes=(3, 4, 2))
    keeps = [0.9, 0.8, 0.7, 0.2, 0.5, 0.6, 0.4]
    forward = as_arrays(net, relu_array)
    found = exact_network_ensemble(lambda m: forward(m[:, :3], m[:, 3:]), 7, keeps)
    assert_same(found, loop(lambda m: run(net, relu, m[:3], m[3:]), keeps))


@pytest.mark.parametrize("per_call", [1, 4, 8])
def test_blocks_do_not_show(per_call, monkeypatch):
    seen = []

    def forward(masks):
        seen.append(masks)
        return masks @ np.arange(15.0).reshape(5, 3)

    whole = exact_network_ensemble(forward, 5, 0.3)
    assert [len(masks) for masks in seen] == [32]
    seen.clear()
    monkeypatch.setattr(exact, "_MASKS_PER_CALL", per_call)
    assert_same(exact_network_ensemble(forward, 5, 0.3), whole, tolerance=1e-15)
    assert [len(masks) for masks in seen] == [per_call] * (32 // per_call)
    assert np.array_equal(np.vstack(seen), enumerate_masks(5))


def test_a_net_of_the_library_with_a_batch():
    """An MLP meets all masks with one example; for more, the examples go on a middle axis."""
    net = MLP((4, 6, 3), np.random.default_rng(0), "tanh")
    x = np.random.default_rng(1).normal(size=(2, 4))
    keeps = np.array(KEEPS)

    def forward(masks):
        return np.stack([net.forward(x[[row]], [masks, None]) for row in (0, 1)], axis=1)

    found = exact_network_ensemble(forward, 4, keeps)
    assert found.arithmetic.shape == found.geometric.shape == (2, 3)
    assert found.missing_mass.shape == (2,)
    W1, b1, W2, b2 = (parameter.tolist() for parameter in net.parameters)
    for row in (0, 1):
        parts = [W1, b1, W2, b2, x[row].tolist()]
        wanted = loop(lambda m, parts=parts: run(parts, math.tanh, input_mask=m), KEEPS)
        assert_same([part[row] for part in found], wanted)


def test_inverted_dropout_divides_by_keep():
    net = MLP((3, 4, 2), np.random.default_rng(2))
    x = np.random.default_rng(3).normal(size=(1, 3))
    keep = 0.4
    found = exact_network_ensemble(lambda m: net.forward(x, [m / keep, None]), 3, keep)
    parts = [*(parameter.tolist() for parameter in net.parameters), (x[0] / keep).tolist()]
    assert_same(found, loop(lambda m: run(parts, relu, input_mask=m), [keep] * 3))


@pytest.mark.claim("G09")
@pytest.mark.parametrize("keep", [0.3, 0.5, KEEPS])
def test_weight_scaling_is_exact_for_a_deep_linear_net(keep):
    """With masks on both layers: the logits are linear in each mask, and the masks independent."""
    net = two_layers(seed=4, sizes=(4, 4, 3))
    keeps = np.broadcast_to(keep, 4).tolist()
    wanted = loop(lambda m: run(net, linear, m[:4], m[4:]), keeps * 2)
    scaled = softmax(run(net, linear, keeps, keeps))
    assert scaled == pytest.approx(wanted.geometric, abs=1e-14)
    forward = as_arrays(net, linear)
    found = exact_network_ensemble(lambda m: forward(m[:, :4], m[:, 4:]), 8, keeps * 2)
    assert_same(found, wanted)
    assert library_softmax(forward(keeps, keeps)) == pytest.approx(found.geometric, abs=1e-14)
    assert np.abs(found.arithmetic - found.geometric).max() > 1e-3


@pytest.mark.claim("G09")
def test_one_mask_for_two_linear_layers_is_not_the_scaled_pass():
    """The mean of a product of tosses: keep² for two of them, but keep for a toss with itself."""
    net, keep = two_layers(seed=7, sizes=(4, 4, 3)), 0.7
    W1, _, W2, _, x = map(np.array, net)
    forward = as_arrays(net, linear)
    found = exact_network_ensemble(lambda m: forward(m, m), 4, keep)
    assert_same(found, loop(lambda m: run(net, linear, m, m), [keep] * 4))
    scaled = forward(keep, keep)
    with_itself = keep * (1 - keep) * (x * np.diag(W1)) @ W2
    assert library_softmax(scaled + with_itself) == pytest.approx(found.geometric, abs=1e-14)
    assert np.abs(library_softmax(scaled) - found.geometric).max() > 0.01


@pytest.mark.claim("G04", "G09")
def test_a_hidden_bias_goes_through_the_mask_of_its_unit():
    net, keep = two_layers(seed=7, sizes=(4, 4, 3)), 0.7
    forward, (_, b1, W2, *_) = as_arrays(net, linear), map(np.array, net)
    found = exact_network_ensemble(lambda m: forward(m[:, :4], m[:, 4:]), 8, keep)
    scaled, bias_whole = forward(keep, keep), forward(keep, keep) + (1 - keep) * b1 @ W2
    assert library_softmax(scaled) == pytest.approx(found.geometric, abs=1e-14)
    assert np.abs(library_softmax(bias_whole) - found.geometric).max() > 0.01


@pytest.mark.claim("G09")
@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_weight_scaling_is_not_exact_if_hidden_units_bend(name):
    net = two_layers(seed=23)  # one in which the gap grows all the way
    bend = {"relu": relu_array, "tanh": np.tanh}[name]
    gaps = []
    for bent in (0.0, 0.25, 0.5, 1.0):
        forward = as_arrays(net, lambda z, bent=bent: (1 - bent) * z + bent * bend(z))
        found = exact_network_ensemble(lambda m, forward=forward: forward(m, 1), 4, KEEPS)
        gaps.append(np.abs(library_softmax(forward(np.array(KEEPS), 1)) - found.geometric).max())
    assert gaps[0] < 1e-14
    assert gaps == sorted(gaps)
    assert gaps[-1] > 0.01


def test_memory_stays_small():
    W = np.random.default_rng(0).normal(size=(16, 10))
    tracemalloc.start()
    exact_network_ensemble(lambda masks: masks @ W, 16, 0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_extreme_logits_do_not_overflow():
    W = np.array([[800.0, -800.0, 0.0], [-1600.0, 1.0, 2.0], [3.0, 800.0, -800.0]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = exact_network_ensemble(lambda masks: masks @ W, 3, KEEPS[:3])
    assert_same(found, loop(lambda m: list(np.array(m) @ W), KEEPS[:3]))


@pytest.mark.parametrize(
    ("forward", "n_units", "keep", "message"),
    [
        (np.asarray, 0, 0.5, "n_units must be a whole number from 1 to 24; got 0"),
        (np.asarray, 25, 0.5, "n_units must be a whole number from 1 to 24; got 25"),
        (np.asarray, 3, 0.0, "keep must be a number in"),
        (np.asarray, 3, [0.5, 0.5], "keep must be one number, or 3"),
        (lambda masks: masks[:, 0], 3, 0.5, r"must be logits \(8, ..., classes\)"),
        (lambda masks: masks[:-1], 3, 0.5, r"must be logits \(8, ..., classes\)"),
        (lambda masks: np.full(masks.shape, np.nan), 3, 0.5, "forward returns must be finite"),
    ],
)
def test_bad_input_is_named(forward, n_units, keep, message):
    with pytest.raises(ValueError, match=message):
        exact_network_ensemble(forward, n_units, keep)
