"""The net against independent ones: loops over single units, finite differences, full enumeration,
scikit-learn."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network import MLPClassifier

from dropout_lib.masks import enumerate_masks, mask_probabilities, sample_masks
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax

SIZES = (5, 7, 6, 3)
BATCH = 4
ACTIVATIONS = ["relu", "tanh", "linear"]


def small_net(activation="tanh", sizes=SIZES, seed=0, dtype=np.float64):
    """A net whose biases are not 0, so that no test can pass by forgetting them."""
    rng = np.random.default_rng(seed)
    net = MLP(sizes, rng, activation=activation, dtype=dtype)
    for b in net.parameters[1::2]:
        b += rng.normal(0, 0.5, b.shape)
    return net


def small_batch(seed=1, sizes=SIZES, n=BATCH):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, sizes[0])), rng.integers(sizes[-1], size=n)


def loops_logits(net, x_row, factors):
    """The logits of one example, unit by unit with plain Python numbers."""
    function = {"relu": lambda z: max(z, 0.0), "tanh": math.tanh, "linear": lambda z: z}
    layer = [float(v) for v in x_row]
    for i in range(len(net.sizes) - 1):
        W, b = net.parameters[2 * i], net.parameters[2 * i + 1]
        layer = [v * float(f) for v, f in zip(layer, factors[i], strict=True)]
        z = [
            sum(layer[j] * float(W[j, unit]) for j in range(len(layer))) + float(b[unit])
            for unit in range(W.shape[1])
        ]
        layer = z if i == len(net.sizes) - 2 else [function[net.activation](v) for v in z]
    return layer


def loops_loss(net, x, y, masks, keeps, inverted, weight_decay):
    """Cross-entropy with the given masks plus the penalty, from the formulas alone."""
    total = 0.0
    for row, label in enumerate(y):
        factors = [
            [m / k if inverted else m for m in mask[row]]
            for mask, k in zip(masks, keeps, strict=True)
        ]
        logits = loops_logits(net, x[row], factors)
        total += math.log(sum(math.exp(z) for z in logits)) - logits[label]
    penalty = sum(float(w) ** 2 for W in net.parameters[0::2] for w in W.ravel())
    return total / len(y) + weight_decay / 2 * penalty


def numeric_gradients(net, loss):
    """Central differences of `loss()`, one parameter after the other."""
    step = 1e-5
    gradients = []
    for parameter in net.parameters:
        gradient = np.empty_like(parameter)
        for place in np.ndindex(parameter.shape):
            value = parameter[place]
            parameter[place] = value + step
            up = loss()
            parameter[place] = value - step
            down = loss()
            parameter[place] = value
            gradient[place] = (up - down) / (2 * step)
        gradients.append(gradient)
    return gradients


def assert_same_gradients(gradients, expected, relative=1e-6):
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert gradient.shape == wanted.shape
        assert np.linalg.norm(gradient - wanted) <= relative * np.linalg.norm(wanted)


# Loss and gradients


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("keep", [0.8, 0.5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_agree_with_central_differences(activation, keep, inverted):
    net = small_net(activation)
    x, y = small_batch()

    def with_dropout():  # the same seed, so the same masks, at every call
        return net.loss_and_gradients(
            x, y, (keep, keep), np.random.default_rng(7), inverted=inverted, weight_decay=0.1
        )

    assert_same_gradients(with_dropout()[1], numeric_gradients(net, lambda: with_dropout()[0]))


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("keep", [0.8, 0.5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_and_gradients_with_given_masks_agree_with_loops(activation, keep, inverted):
    net = small_net(activation)
    x, y = small_batch()
    rng = np.random.default_rng(3)
    masks = [sample_masks(BATCH, n, keep, rng) for n in SIZES[:-1]]

    def reference():
        return loops_loss(net, x, y, masks, [keep] * 3, inverted, weight_decay=0.1)

    loss, gradients = net.loss_and_gradients(
        x, y, (keep, keep), masks=masks, inverted=inverted, weight_decay=0.1
    )
    assert loss == pytest.approx(reference(), rel=1e-12)
    assert_same_gradients(gradients, numeric_gradients(net, reference))


@pytest.mark.parametrize("inverted", [True, False])
def test_drawn_masks_are_those_of_sample_masks_layer_by_layer(inverted):
    net = small_net()
    x, y = small_batch()
    keeps = (0.9, 0.6, 0.3)
    rng = np.random.default_rng(5)
    masks = [sample_masks(BATCH, n, k, rng) for n, k in zip(SIZES[:-1], keeps, strict=True)]
    loss, _ = net.loss_and_gradients(x, y, keeps, np.random.default_rng(5), inverted=inverted)
    expected = loops_loss(net, x, y, masks, keeps, inverted, weight_decay=0)
    assert loss == pytest.approx(expected, rel=1e-12)


def test_keep_may_be_given_per_unit_and_a_mask_for_the_whole_batch():
    net = small_net("relu")
    x, y = small_batch()
    keeps = [np.linspace(0.4, 1, n) for n in SIZES[:-1]]
    masks = [np.arange(n) % 3 > 0 for n in SIZES[:-1]]
    loss, gradients = net.loss_and_gradients(x, y, keeps, masks=masks)
    wide = [np.tile(m / k, (BATCH, 1)) for m, k in zip(masks, keeps, strict=True)]

    def reference():
        return loops_loss(net, x, y, wide, [1.0] * 3, inverted=False, weight_decay=0)

    assert loss == pytest.approx(reference(), rel=1e-12)
    assert_same_gradients(gradients, numeric_gradients(net, reference))


def test_a_pair_gives_all_hidden_layers_the_same_keep():
    net = small_net()
    assert net.layer_keeps((0.8, 0.5)) == (0.8, 0.5, 0.5)
    assert net.layer_keeps([0.8, 0.5, 0.4]) == (0.8, 0.5, 0.4)
    assert MLP((4, 2), np.random.default_rng(0)).layer_keeps((0.8, 0.5)) == (0.8,)


def test_weight_decay_adds_to_the_weights_and_leaves_the_biases_out():
    net = small_net()
    x, y = small_batch()
    plain_loss, plain = net.loss_and_gradients(x, y)
    loss, decayed = net.loss_and_gradients(x, y, weight_decay=0.3)
    squares = sum((W**2).sum() for W in net.parameters[0::2])
    assert loss - plain_loss == pytest.approx(0.15 * squares, rel=1e-12)
    for i, (without, with_decay) in enumerate(zip(plain, decayed, strict=True)):
        if i % 2 == 0:
            added = 0.3 * net.parameters[i]
            np.testing.assert_allclose(with_decay - without, added, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(with_decay, without)


def test_a_unit_that_every_example_drops_gets_no_gradient():
    net = small_net()
    x, y = small_batch()
    mask = np.ones(7)
    mask[2] = 0
    _, gradients = net.loss_and_gradients(x, y, (1, 0.5), masks=[None, mask, None])
    assert not gradients[0][:, 2].any()
    assert gradients[1][2] == 0
    assert not gradients[2][2].any()
    one_keeps_it = np.tile(mask, (BATCH, 1))
    one_keeps_it[0, 2] = 1
    _, gradients = net.loss_and_gradients(x, y, (1, 0.5), masks=[None, one_keeps_it, None])
    assert gradients[0][:, 2].all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_without_dropout_it_is_the_net_of_scikit_learn(activation, weight_decay):
    # One step of plain gradient descent at learning rate 1 changes every parameter by its gradient.
    # scikit-learn divides its penalty by the number of examples: alpha = weight_decay · n.
    net = small_net(activation)
    x, y = small_batch(n=20)
    assert set(y) == {0, 1, 2}
    theirs = MLPClassifier(
        SIZES[1:-1],
        activation={"linear": "identity"}.get(activation, activation),
        solver="sgd",
        momentum=0,
        alpha=weight_decay * len(x),
        batch_size=len(x),
        learning_rate_init=1.0,
        shuffle=False,
    )
    theirs.partial_fit(x, y, classes=[0, 1, 2])  # makes the arrays that are filled here:
    for i, (W, b) in enumerate(zip(net.parameters[0::2], net.parameters[1::2], strict=True)):
        theirs.coefs_[i][...] = W
        theirs.intercepts_[i][...] = b
    probabilities = theirs.predict_proba(x)
    theirs.partial_fit(x, y)
    loss, gradients = net.loss_and_gradients(x, y, weight_decay=weight_decay)
    assert loss == pytest.approx(theirs.loss_, rel=1e-12)
    pairs = zip(theirs.coefs_, theirs.intercepts_, strict=True)
    after = [array for pair in pairs for array in pair]
    steps = [before - now for before, now in zip(net.parameters, after, strict=True)]
    assert_same_gradients(gradients, steps, relative=1e-10)
    np.testing.assert_allclose(net.predict_proba(x), probabilities, rtol=1e-10)
    np.testing.assert_array_equal(net.predict(x), probabilities.argmax(axis=1))


def test_float32_agrees_with_float64_to_single_precision():
    x, y = small_batch()
    loss, gradients = small_net().loss_and_gradients(x, y, (0.8, 0.5), np.random.default_rng(0))
    single = small_net(dtype=np.float32)
    loss32, gradients32 = single.loss_and_gradients(x, y, (0.8, 0.5), np.random.default_rng(0))
    assert {a.dtype for a in [*single.parameters, *gradients32]} == {np.dtype(np.float32)}
    assert single.predict_proba(x).dtype == np.float32
    assert loss32 == pytest.approx(loss, rel=1e-5)
    assert_same_gradients(gradients32, gradients, relative=1e-5)


def test_gradients_are_new_arrays_at_each_call():
    net = small_net()
    x, y = small_batch()
    _, first = net.loss_and_gradients(x, y)
    kept = [g.copy() for g in first]
    net.loss_and_gradients(-x, y)
    for now, then in zip(first, kept, strict=True):
        np.testing.assert_array_equal(now, then)


# The masks drawn for training


def test_each_example_draws_its_own_masks_and_each_call_new_ones():
    net = MLP((200, 200, 2), np.random.default_rng(0))
    keeps = net.layer_keeps((0.8, 0.5))
    rng = np.random.default_rng(1)
    first, second = (net.sample_gains(3, keeps, rng, inverted=True) for _ in range(2))
    rows = [row for gain in zip(first, second, strict=True) for g in gain for row in g]
    assert [len(row) for row in rows] == [200] * 12
    assert len({(row > 0).tobytes() for row in rows}) == 12


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("keep", [0.8, 0.3])
def test_units_are_kept_with_probability_keep_and_scaled_by_one_over_it(keep, inverted):
    net = MLP((1000, 1000, 2), np.random.default_rng(0))
    gains = net.sample_gains(100, net.layer_keeps((keep, keep)), np.random.default_rng(1), inverted)
    for gain in gains:
        assert set(np.unique(gain)) == {0, 1 / keep if inverted else 1}
        kept = (gain > 0).mean()
        assert abs(kept - keep) < 5 * math.sqrt(keep * (1 - keep) / gain.size)


def test_keep_per_unit_is_drawn_per_unit():
    net = MLP((3, 2), np.random.default_rng(0))
    keep = np.array([0.2, 0.5, 1.0])
    (gain,) = net.sample_gains(20_000, net.layer_keeps((keep, 1)), np.random.default_rng(1), True)
    assert np.abs((gain > 0).mean(axis=0) - keep).max() < 5 * 0.5 / math.sqrt(20_000)
    np.testing.assert_allclose(gain.max(axis=0), 1 / keep)


def test_nothing_is_drawn_where_keep_is_one():
    net = small_net()
    rng = np.random.default_rng(1)
    state = rng.bit_generator.state
    assert net.sample_gains(4, net.layer_keeps((1, 1.0)), rng, inverted=True) == [None] * 3
    assert rng.bit_generator.state == state
    net.loss_and_gradients(*small_batch())  # so no rng is needed


# Prediction


def exact_expected_logits(net, x_row, keep, inverted):
    """Σ p(μ) logits(x, μ) over every mask of every layer at once."""
    n_units = sum(net.sizes[:-1])
    masks = enumerate_masks(n_units)
    splits = np.split(masks, np.cumsum(net.sizes[:-2]), axis=1)
    factors = [part / keep if inverted else part for part in splits]
    logits = net.forward(x_row, factors)
    return mask_probabilities(masks, keep) @ logits


@pytest.mark.parametrize("keep", [0.8, 0.5, 0.3])
@pytest.mark.parametrize("inverted", [True, False])
def test_weight_scaling_is_the_mean_over_all_masks_of_a_linear_net(keep, inverted):
    net = small_net("linear", sizes=(4, 3, 4, 3))
    x, _ = small_batch(n=1, sizes=(4, 3, 4, 3))
    if not inverted:
        net.prediction_keep = (keep, keep)
    expected = exact_expected_logits(net, x, keep, inverted)
    np.testing.assert_allclose(net.predict_logits(x)[0], expected, rtol=1e-10)
    np.testing.assert_allclose(net.predict_proba(x)[0], softmax(expected), rtol=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_standard_prediction_is_that_of_a_net_with_scaled_weights(activation):
    net = small_net(activation)
    x, _ = small_batch()
    net.prediction_keep = (0.8, 0.5, 0.25)
    scaled = small_net(activation)
    for W, keep in zip(scaled.parameters[0::2], (0.8, 0.5, 0.25), strict=True):
        W *= keep
    np.testing.assert_allclose(net.predict_proba(x), scaled.predict_proba(x), rtol=1e-12)
    assert np.abs(net.predict_proba(x) - small_net(activation).predict_proba(x)).max() > 1e-3


def test_prediction_keep_per_unit_is_in_the_dtype_of_the_net():
    net = small_net(dtype=np.float32)
    x, _ = small_batch()
    per_unit = np.linspace(0.2, 1, 5)
    net.prediction_keep = (per_unit, 1)
    prediction = net.predict_proba(x)
    assert prediction.dtype == np.float32
    np.testing.assert_allclose(prediction, softmax(net.forward(x * per_unit)), rtol=1e-5)


def test_prediction_is_deterministic():
    net = small_net("relu")
    x, _ = small_batch()
    np.testing.assert_array_equal(net.predict_proba(x), net.predict_proba(x))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_agrees_with_loops_and_multiplies_masks_as_they_are(activation):
    net = small_net(activation)
    x, _ = small_batch()
    rng = np.random.default_rng(2)
    masks = [rng.normal(1, 0.5, (BATCH, n)) for n in SIZES[:-1]]  # not only 0 and 1
    expected = [loops_logits(net, x[r], [m[r] for m in masks]) for r in range(BATCH)]
    np.testing.assert_allclose(net.forward(x, masks), expected, rtol=1e-10)
    ones = [np.ones(n) for n in SIZES[:-1]]
    np.testing.assert_allclose(net.forward(x), net.forward(x, ones), rtol=1e-12)
    np.testing.assert_allclose(net.forward(x)[0], loops_logits(net, x[0], ones), rtol=1e-10)


def test_silencing_a_unit_is_zeroing_its_outgoing_weights():
    net = small_net("relu")
    x, _ = small_batch()
    mask = np.array([1, 1, 0, 1, 0, 1, 1])
    silenced = net.forward(x, [None, mask, None])
    net.parameters[2][mask == 0] = 0
    np.testing.assert_allclose(silenced, net.forward(x), rtol=1e-12)


def test_one_example_meets_every_mask():
    net = small_net("relu")
    x, _ = small_batch(n=1)
    masks = enumerate_masks(7)
    together = net.forward(x, [None, masks, None])
    alone = [net.forward(x, [None, mask, None])[0] for mask in masks]
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


def test_hidden_activations_are_what_the_next_layer_sees():
    net = small_net("relu")
    x, _ = small_batch()
    W1, b1, W2, b2, W3, b3 = net.parameters
    first = np.where(x @ W1 + b1 > 0, x @ W1 + b1, 0)
    second = np.where(first @ W2 + b2 > 0, first @ W2 + b2, 0)
    for hidden, expected in zip(net.hidden_activations(x), [first, second], strict=True):
        np.testing.assert_allclose(hidden, expected, rtol=1e-12)
    np.testing.assert_allclose(net.hidden_activations(x)[1] @ W3 + b3, net.forward(x))
    mask = np.array([1, 0, 2, 0, 1, 1, 1])
    masked = net.hidden_activations(x, [None, mask, None])[0]
    np.testing.assert_allclose(masked, first * mask, rtol=1e-12)


# The net as a thing


def test_first_parameters():
    wide = (400, 300, 10)
    he = MLP(wide, np.random.default_rng(0)).parameters
    assert [p.shape for p in he] == [(400, 300), (300,), (300, 10), (10,)]
    assert not any(b.any() for b in he[1::2])
    assert he[0].var() == pytest.approx(2 / 400, rel=0.05)
    for chosen in [{"activation": "tanh"}, {"initialisation": "glorot"}]:
        glorot = MLP(wide, np.random.default_rng(0), **chosen).parameters
        assert np.abs(glorot[0]).max() <= math.sqrt(6 / 700)
    he_tanh = MLP(wide, np.random.default_rng(0), activation="tanh", initialisation="he")
    np.testing.assert_array_equal(he_tanh.parameters[0], he[0])
    single = MLP(wide, np.random.default_rng(0), dtype="float32").parameters
    np.testing.assert_array_equal(single[0], he[0].astype(np.float32))


def test_a_copy_lives_on_its_own():
    net = small_net()
    net.prediction_keep = (0.5, 0.5)
    twin = net.copy()
    x, _ = small_batch()
    prediction = net.predict_proba(x)
    np.testing.assert_array_equal(twin.predict_proba(x), prediction)
    twin.parameters[0][...] = 0
    twin.prediction_keep = (1, 1)
    np.testing.assert_array_equal(net.predict_proba(x), prediction)


def test_repr_says_what_it_is():
    assert repr(small_net("relu")) == "MLP((5, 7, 6, 3), activation='relu', dtype=float64)"


def test_importing_the_net_loads_no_pictures_and_no_widgets():
    code = (
        "import sys, dropout_lib.nets.training; "
        "print([m for m in ('matplotlib', 'sympy', 'ipywidgets') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, check=True, text=True)
    assert loaded.stdout.strip() == "[]"


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    n_examples=st.integers(1, 5),
    keep=st.tuples(st.floats(0.05, 1), st.floats(0.05, 1)),
    inverted=st.booleans(),
    activation=st.sampled_from(ACTIVATIONS),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1000),
)
def test_any_net_has_finite_gradients_and_probabilities(
    sizes, n_examples, keep, inverted, activation, dtype, seed
):
    rng = np.random.default_rng(seed)
    net = MLP(sizes, rng, activation=activation, dtype=dtype)
    x, y = rng.normal(size=(n_examples, sizes[0])), rng.integers(sizes[-1], size=n_examples)
    loss, gradients = net.loss_and_gradients(x, y, keep, rng, inverted=inverted)
    assert math.isfinite(loss)
    assert [g.shape for g in gradients] == [p.shape for p in net.parameters]
    assert all(np.isfinite(g).all() for g in gradients)
    probabilities = net.predict_proba(x)
    assert probabilities.shape == (n_examples, sizes[-1])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


# Bad input

RNG = np.random.default_rng(0)
BAD_KEEPS = [-1, 0, 1.5, math.nan, math.inf, "half", [0.5, 0.5], [], None, True]


@pytest.mark.parametrize("bad", BAD_KEEPS, ids=repr)
@pytest.mark.parametrize("place", [0, 1])
def test_bad_keep_is_refused(bad, place):
    keep = [0.5, 0.5]
    keep[place] = bad
    net, (x, y) = small_net(), small_batch()
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    with pytest.raises(ValueError, match=rf"^keep\[{place}\] must"):
        net.loss_and_gradients(x, y, keep, rng)
    with pytest.raises(ValueError, match=rf"^prediction_keep\[{place}\] must"):
        net.prediction_keep = keep
    assert rng.bit_generator.state == state
    assert net.prediction_keep == (1, 1, 1)


@pytest.mark.parametrize("bad", [0.5, (0.5,), (0.5,) * 4, "ab", np.array([0.5, 0.5]), None])
def test_keep_that_is_no_pair_is_refused(bad):
    with pytest.raises(ValueError, match=r"^keep must be \(keep_input, keep_hidden\)"):
        small_net().loss_and_gradients(*small_batch(), bad, np.random.default_rng(0))


def test_keep_hidden_is_checked_even_without_a_hidden_layer():
    with pytest.raises(ValueError, match=r"^keep\[1\]"):
        MLP((4, 2), np.random.default_rng(0)).layer_keeps((0.5, 7))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("x", {"x": np.zeros((BATCH, 6))}),
        ("x", {"x": np.zeros(5)}),
        ("x", {"x": np.zeros((0, 5))}),
        ("x", {"x": np.full((BATCH, 5), np.nan)}),
        ("x", {"x": [["a"] * 5] * BATCH}),
        ("y", {"y": np.zeros(BATCH + 1, int)}),
        ("y", {"y": np.full(BATCH, 3)}),
        ("y", {"y": np.full(BATCH, -1)}),
        ("y", {"y": np.zeros(BATCH)}),
        ("y", {"y": np.zeros((BATCH, 1), int)}),
        ("rng", {"rng": None}),
        ("rng", {"rng": 7}),
        ("weight_decay", {"weight_decay": -0.1}),
        ("weight_decay", {"weight_decay": math.nan}),
        ("weight_decay", {"weight_decay": "1"}),
        ("inverted", {"inverted": "standard"}),
        ("masks", {"masks": np.ones(5)}),
        ("masks", {"masks": [None, None]}),
        (r"masks\[0\]", {"masks": [np.ones(4), None, None]}),
        (r"masks\[1\]", {"masks": [None, np.ones((BATCH + 1, 7)), None]}),
        (r"masks\[1\]", {"masks": [None, np.full(7, 0.5), None]}),
        (r"masks\[2\]", {"masks": [None, None, np.full(6, np.nan)]}),
        (r"masks\[2\]", {"masks": [None, None, 1]}),
    ],
)
def test_bad_arguments_of_loss_and_gradients_are_refused(name, changes):
    x, y = small_batch()
    arguments = {"x": x, "y": y, "keep": (0.5, 0.5), "rng": RNG, **changes}
    with pytest.raises(ValueError, match=f"^{name} "):
        small_net().loss_and_gradients(**arguments)


@pytest.mark.parametrize(
    ("name", "masks"),
    [
        (r"masks\[1\]", [None, np.ones((3, 7)), None]),
        (r"masks\[1\]", [None, np.ones((1, 1, 7)), None]),
        (r"masks\[0\]", [np.full(5, np.inf), None, None]),
        ("masks", [None]),
        ("masks", "111"),
    ],
)
@pytest.mark.parametrize("method", ["forward", "hidden_activations"])
def test_bad_masks_are_refused_in_the_forward_pass(name, masks, method):
    x, _ = small_batch()
    with pytest.raises(ValueError, match=f"^{name} "):
        getattr(small_net(), method)(x, masks)


def test_masks_that_disagree_about_their_number_are_refused():
    x, _ = small_batch(n=1)
    with pytest.raises(ValueError, match=r"^masks\[2\]"):
        small_net().forward(x, [None, np.ones((3, 7)), np.ones((4, 6))])


def test_one_example_still_needs_one_mask_to_learn_from():
    x, y = small_batch(n=1)
    with pytest.raises(ValueError, match=r"^masks\[1\]"):
        small_net().loss_and_gradients(x, y, (1, 0.5), masks=[None, np.ones((3, 7)), None])


@pytest.mark.parametrize("method", ["forward", "hidden_activations", "predict_proba", "predict"])
@pytest.mark.parametrize("x", [np.zeros((2, 4)), np.zeros(5), [[np.inf] * 5], None, "x"], ids=str)
def test_bad_examples_are_refused_in_prediction(method, x):
    with pytest.raises(ValueError, match=r"^x "):
        getattr(small_net(), method)(x)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("sizes", {"sizes": 5}),
        ("sizes", {"sizes": (5,)}),
        ("sizes", {"sizes": "64"}),
        (r"sizes\[1\]", {"sizes": (5, 0, 3)}),
        (r"sizes\[0\]", {"sizes": (5.0, 3)}),
        (r"sizes\[1\]", {"sizes": (5, True)}),
        ("rng", {"rng": 0}),
        ("rng", {"rng": None}),
        ("activation", {"activation": "sigmoid"}),
        ("activation", {"activation": None}),
        ("dtype", {"dtype": int}),
        ("dtype", {"dtype": np.float16}),
        ("dtype", {"dtype": None}),
        ("dtype", {"dtype": "single precision"}),
        ("initialisation", {"initialisation": "zeros"}),
        ("initialisation", {"initialisation": ""}),
    ],
)
def test_bad_arguments_of_the_net_are_refused(name, changes):
    arguments = {"sizes": SIZES, "rng": RNG, **changes}
    with pytest.raises(ValueError, match=f"^{name} "):
        MLP(**arguments)
