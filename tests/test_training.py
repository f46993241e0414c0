"""Training against scikit-learn's, twice with one seed, on the digits, stopped and gone wrong."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network import MLPClassifier

from dropout_lib.data import corrupt_labels, load_digits, split
from dropout_lib.nets import training
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.training import History, TrainingDiverged, evaluate, fit, fit_steps

SIZES = (6, 8, 7, 3)
N = 50
BATCH = 16  # does not divide N: the last batch of an epoch is smaller


def small_net(seed=0, sizes=SIZES, cls=MLP, **options):
    return cls(sizes, np.random.default_rng(seed), **options)


def small_data(seed=1, n=N):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, SIZES[0])), rng.integers(SIZES[-1], size=n)


def small_fit(net, seed=2, **changes):
    """A short run in which everything is switched on."""
    x, y = small_data()
    settings = {
        "keep": (0.9, 0.5),
        "epochs": 4,
        "batch_size": BATCH,
        "weight_decay": 0.01,
        "max_norm": 2.0,
        "rng": np.random.default_rng(seed),
    }
    return fit(net, x, y, **{**settings, **changes})


def copies(net):
    return [parameter.copy() for parameter in net.parameters]


def assert_bit_identical(net, parameters):
    for now, then in zip(net.parameters, parameters, strict=True):
        np.testing.assert_array_equal(now, then)


def differ(net, parameters):
    return any((now != then).any() for now, then in zip(net.parameters, parameters, strict=True))


class RecordingMLP(MLP):
    """Writes down the gains of every batch."""

    def sample_gains(self, n_examples, keeps, rng, inverted):
        gains = super().sample_gains(n_examples, keeps, rng, inverted)
        self.__dict__.setdefault("batches", []).append((n_examples, gains))
        return gains


# The same steps as scikit-learn takes


def scikit_net(net, x, y, **options):
    """scikit-learn's classifier with the weights of `net`, its momentum still at rest."""
    activation = {"linear": "identity"}.get(net.activation, net.activation)
    theirs = MLPClassifier(
        net.sizes[1:-1], activation=activation, solver="sgd", nesterovs_momentum=False, **options
    )
    theirs.partial_fit(x, y, classes=range(net.sizes[-1]))  # makes the arrays that are filled here
    for i, (W, b) in enumerate(zip(net.parameters[0::2], net.parameters[1::2], strict=True)):
        theirs.coefs_[i][...] = W
        theirs.intercepts_[i][...] = b
    for velocity in theirs._optimizer.velocities:
        velocity[...] = 0
    return theirs


@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_run_is_that_of_scikit_learn(activation, momentum):
    # The examples come in the order in which rng.permutation puts them. Each batch is fed to
    # scikit-learn on its own; it divides its penalty by the batch: alpha = weight_decay · batch.
    x, y = small_data(n=60)
    net = small_net(activation=activation)
    batch_size, weight_decay, learning_rate = 20, 0.05, 0.1
    theirs = scikit_net(
        net,
        x,
        y,
        momentum=momentum,
        learning_rate_init=learning_rate,
        alpha=weight_decay * batch_size,
        shuffle=False,
    )
    rng = np.random.default_rng(3)
    for _ in range(5):
        order = rng.permutation(len(x))
        for first in range(0, len(x), batch_size):
            rows = order[first : first + batch_size]
            theirs.partial_fit(x[rows], y[rows])
    fit(
        net,
        x,
        y,
        epochs=5,
        learning_rate=learning_rate,
        momentum=momentum,
        batch_size=batch_size,
        weight_decay=weight_decay,
        rng=np.random.default_rng(3),
    )
    for W, wanted in zip(net.parameters[0::2], theirs.coefs_, strict=True):
        np.testing.assert_allclose(W, wanted, rtol=1e-8, atol=1e-10)
    for b, wanted in zip(net.parameters[1::2], theirs.intercepts_, strict=True):
        np.testing.assert_allclose(b, wanted, rtol=1e-8, atol=1e-10)


# Seeds


@pytest.mark.claim("M12")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_seed_gives_one_result_bit_for_bit(dtype):
    first, second = small_net(dtype=dtype), small_net(dtype=dtype)
    histories = [small_fit(net, validation=small_data(5)) for net in (first, second)]
    assert_bit_identical(first, second.parameters)
    assert histories[0] == histories[1]
    assert len(histories[0].validation_loss) == 4


@pytest.mark.claim("M12")
def test_another_seed_gives_another_result():
    net, other = small_net(), small_net()
    small_fit(net)
    small_fit(other, seed=3)
    assert differ(net, other.parameters)


def test_neither_validation_nor_recording_changes_the_net():
    net = small_net()
    small_fit(net)
    for watched in [
        {"validation": small_data(5)},
        {"validation": (small_data(5)[0], small_data(6)[1])},  # other labels
        {"evaluate_every": 3},
        {"on_epoch": lambda _: None, "stop": lambda: False},
    ]:
        other = small_net()
        small_fit(other, **watched)
        assert_bit_identical(other, net.parameters)


def test_the_arrays_of_the_caller_stay_as_they_are():
    x, y = small_data()
    x_before, y_before = x.copy(), y.copy()
    fit(small_net(), x, y, epochs=2, rng=np.random.default_rng(0), validation=(x, y))
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(y, y_before)


# What the settings do


def test_every_batch_draws_masks_of_its_own_for_all_its_examples():
    net = small_net(cls=RecordingMLP)
    small_fit(net, keep=(0.8, 0.5), epochs=2)
    assert [n for n, _ in net.batches] == [16, 16, 16, 2] * 2
    for layer, n_units in enumerate(SIZES[:-1]):
        assert [gains[layer].shape for _, gains in net.batches] == [
            (n, n_units) for n, _ in net.batches
        ]
    rows = [row.tobytes() for _, gains in net.batches for row in np.hstack(gains)]
    assert len(rows) == 2 * N
    assert len(set(rows)) > 1.9 * N  # 21 units: a pair of equal masks is rare


def test_inverted_says_which_convention_the_run_and_its_prediction_follow():
    inverted, standard = small_net(cls=RecordingMLP), small_net(cls=RecordingMLP)
    small_fit(inverted, keep=(0.8, 0.5))
    small_fit(standard, keep=(0.8, 0.5), inverted=False)
    for net, wanted in [(inverted, [1.25, 2.0, 2.0]), (standard, [1.0, 1.0, 1.0])]:
        gains = [max(g[layer].max() for _, g in net.batches) for layer in range(3)]
        assert gains == wanted
    assert inverted.prediction_keep == (1, 1, 1)
    assert standard.prediction_keep == (0.8, 0.5, 0.5)
    small_fit(standard, keep=(0.8, 0.5))
    assert standard.prediction_keep == (1, 1, 1)


def column_lengths(net):
    return [np.linalg.norm(W, axis=0) for W in net.parameters[0::2]]


@pytest.mark.parametrize(
    "caps",
    [{"max_norm": 0.7}, {"max_norm_output": 0.6}, {"max_norm": 0.7, "max_norm_output": 0.6}],
    ids=lambda caps: " and ".join(caps),
)
def test_a_cap_holds_for_the_units_that_it_is_for_and_for_no_others(caps):
    net = small_net()
    small_fit(net, **{"max_norm": None, "weight_decay": 0.0, **caps}, epochs=20)
    *hidden, output = (lengths.max() for lengths in column_lengths(net))
    for name, layers in (("max_norm", hidden), ("max_norm_output", [output])):
        for longest in layers:
            if name in caps:
                assert longest == pytest.approx(caps[name], rel=1e-12)  # no unit is longer, and it was at work
            else:
                assert longest > 0.8


def test_a_max_norm_that_is_never_reached_changes_nothing():
    free, capped = small_net(), small_net()
    small_fit(free, max_norm=None)
    small_fit(capped, max_norm=1e6, max_norm_output=1e6)
    assert_bit_identical(capped, free.parameters)


def test_weight_decay_shrinks_weights_and_never_biases():
    # With x = 0 only the last bias feels the data; everything else feels weight decay alone.
    net = small_net()
    for b in net.parameters[1:-1:2]:
        b -= 1  # below the kink of every ReLU: no gradient comes through
    before = copies(net)
    fit(
        net,
        np.zeros((4, 6)),
        np.array([0, 1, 2, 0]),
        epochs=1,
        learning_rate=0.1,
        momentum=0,
        weight_decay=0.5,
        rng=np.random.default_rng(0),
    )
    for W, old in zip(net.parameters[0::2], before[0::2], strict=True):
        np.testing.assert_allclose(W, old * (1 - 0.1 * 0.5), rtol=1e-12)
    for b, old in zip(net.parameters[1:-1:2], before[1:-1:2], strict=True):
        np.testing.assert_array_equal(b, old)


# The history


def test_the_history_follows_the_net_that_predicts():
    net, (x, y), validation = small_net(), small_data(), small_data(5)
    curves = []

    def measure(history):
        curves.append((*evaluate(net, x, y), *evaluate(net, *validation)))
        assert history.progress == pytest.approx(len(curves) / 4)

    history = small_fit(net, validation=validation, on_epoch=measure)
    recorded = zip(
        history.train_loss,
        history.train_error,
        history.validation_loss,
        history.validation_error,
        strict=True,
    )
    assert list(recorded) == curves
    assert history.epochs == [1, 2, 3, 4]
    assert history.epochs_done == history.epochs_planned == 4
    assert history.seconds > 0


def test_evaluate_by_hand():
    net, (x, y) = small_net(), small_data()
    loss, error = evaluate(net, x, y)
    probabilities = net.predict_proba(x)
    assert loss == pytest.approx(-np.mean(np.log(probabilities[np.arange(N), y])), rel=1e-12)
    assert error == sum(p.argmax() != label for p, label in zip(probabilities, y, strict=True)) / N


def test_batch_loss_is_the_mean_over_examples_of_what_training_saw():
    # So small a step that the net stays: then it is the loss of the net on all examples, whatever
    # the size of the last batch.
    net, (x, y) = small_net(), small_data()
    loss, _ = net.loss_and_gradients(x, y, weight_decay=0.1)
    rng = np.random.default_rng(0)
    history = fit(
        net, x, y, epochs=1, learning_rate=1e-12, batch_size=BATCH, weight_decay=0.1, rng=rng
    )
    assert history.batch_loss == pytest.approx([loss], rel=1e-9)
    assert history.train_loss[0] < loss  # without the penalty


def test_the_history_may_be_kept_at_some_epochs_only():
    full = small_fit(small_net(), epochs=7, validation=small_data(5))
    sparse = small_fit(small_net(), epochs=7, validation=small_data(5), evaluate_every=3)
    assert sparse.epochs == [3, 6, 7]
    for curve in ["batch_loss", "train_loss", "train_error", "validation_loss", "validation_error"]:
        assert getattr(sparse, curve) == [getattr(full, curve)[e - 1] for e in sparse.epochs]


def test_without_validation_data_its_curves_are_empty():
    history = small_fit(small_net())
    assert history.validation_loss == history.validation_error == []


# Stopping


def test_on_epoch_stops_the_run_early():
    short, stopped = small_net(), small_net()
    small_fit(short, epochs=3)
    history = small_fit(stopped, epochs=50, on_epoch=lambda h: h.epochs_done == 3)
    assert (history.epochs_done, history.epochs) == (3, [1, 2, 3])
    assert history.progress == pytest.approx(3 / 50)
    assert_bit_identical(stopped, short.parameters)


def test_on_epoch_sees_every_epoch_once_even_between_other_yields(monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_YIELDS", 0)
    seen = []
    small_fit(small_net(), on_epoch=lambda h: seen.append(h.epochs_done))
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("n_checks", [1, 2, 6])
def test_a_stop_takes_effect_within_an_epoch_and_leaves_a_usable_net(monkeypatch, n_checks):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_YIELDS", 0)  # hand over after each of 4 batches
    net, (x, _) = small_net(cls=RecordingMLP), small_data()
    start = copies(net)
    answers = iter([False] * (n_checks - 1) + [True])
    history = small_fit(net, epochs=50, stop=lambda: next(answers))
    assert len(net.batches) == n_checks - n_checks // 5  # one check in five ends an epoch
    assert history.epochs_done == n_checks // 5
    assert 0 < history.progress < 0.05
    assert differ(net, start)
    np.testing.assert_allclose(net.predict_proba(x).sum(axis=1), 1)
    assert small_fit(net, epochs=2).epochs_done == 2  # and it can be trained on


def test_a_stop_is_asked_for_after_each_epoch():
    asked = []
    small_fit(small_net(), stop=lambda: asked.append(True))
    assert len(asked) == 4


def test_fit_steps_yields_the_history_after_every_epoch():
    net, other = small_net(), small_net()
    x, y = small_data()
    rng = np.random.default_rng(2)
    done = []
    for history in fit_steps(net, x, y, keep=(0.9, 0.5), epochs=3, rng=rng):
        assert isinstance(history, History)
        done.append((history.epochs_done, len(history.train_loss), history.progress))
    assert done == [(1, 1, pytest.approx(1 / 3)), (2, 2, pytest.approx(2 / 3)), (3, 3, 1)]
    fit(other, x, y, keep=(0.9, 0.5), epochs=3, rng=np.random.default_rng(2))
    assert_bit_identical(net, other.parameters)


def test_fit_steps_hands_over_within_a_long_epoch(monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_YIELDS", 0)
    net, (x, y) = small_net(), small_data()
    steps = fit_steps(net, x, y, epochs=2, batch_size=BATCH, rng=np.random.default_rng(2))
    progress = [(h.epochs_done, h.progress) for h in steps]
    assert [done for done, _ in progress] == [0] * 4 + [1] * 5 + [2]
    shares = [share for _, share in progress]
    assert shares == pytest.approx([0.16, 0.32, 0.48, 0.5, 0.5, 0.66, 0.82, 0.98, 1.0, 1.0])
    other = small_net()
    fit(other, x, y, epochs=2, batch_size=BATCH, rng=np.random.default_rng(2))
    assert_bit_identical(net, other.parameters)


def test_a_generator_that_is_left_leaves_a_usable_net():
    net, (x, y) = small_net(), small_data()
    steps = fit_steps(net, x, y, epochs=50, rng=np.random.default_rng(2))
    next(steps)
    steps.close()
    other = small_net()
    fit(other, x, y, epochs=1, rng=np.random.default_rng(2))
    assert_bit_identical(net, other.parameters)


def test_waiting_between_steps_is_not_counted_as_training(monkeypatch):
    clock = iter(range(0, 100_000, 10))
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(training, "SECONDS_BETWEEN_YIELDS", math.inf)
    x, y = small_data()
    steps = fit_steps(small_net(), x, y, epochs=2, batch_size=N, rng=np.random.default_rng(2))
    next(steps)  # looked at the clock at the start, after the batch and at the end: 20 s
    for _ in range(7):
        next(clock)
    assert next(steps).seconds == 40


# A run that goes wrong


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("evaluate_every", [1, 100])
def test_a_run_that_diverges_says_so_and_undoes_the_epoch(dtype, evaluate_every):
    net, (x, y) = small_net(dtype=dtype), small_data()
    before = [copies(net)]
    with pytest.raises(TrainingDiverged) as caught:
        fit(
            net,
            1000 * x,
            y,
            epochs=100,
            learning_rate=1e4,
            weight_decay=1.0,
            batch_size=BATCH,
            rng=np.random.default_rng(0),
            on_epoch=lambda _: before.append(copies(net)),
            evaluate_every=evaluate_every,
        )
    message = str(caught.value)
    assert f"in epoch {len(before)} " in message
    assert "learning_rate = 10000 " in message
    assert "Try learning_rate = 1000," in message
    assert isinstance(caught.value, FloatingPointError)
    assert_bit_identical(net, before[-1])
    assert all(np.isfinite(p).all() for p in net.parameters)


# On the digits


@pytest.fixture(scope="module")
def digits():
    return split(*load_digits(), 1000, np.random.default_rng(0))


def digits_net(**options):
    return MLP((64, 128, 128, 10), np.random.default_rng(1), dtype=np.float32, **options)


def test_digits_are_learnt(digits):
    train, test = digits
    history = fit(digits_net(), *train, epochs=20, rng=np.random.default_rng(2), validation=test)
    assert history.train_error[-1] == 0
    assert history.validation_error[-1] < 0.05
    assert history.train_loss[-1] < history.train_loss[0] / 20


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_digits_are_learnt_with_dropout_in_both_conventions(digits, inverted, activation):
    train, test = digits
    net = digits_net(activation=activation)
    fit(
        net,
        *train,
        keep=(0.9, 0.7),
        epochs=20,
        rng=np.random.default_rng(2),
        inverted=inverted,
    )
    assert evaluate(net, *test)[1] < 0.08


def test_a_wide_net_memorises_wrong_labels_and_dropout_keeps_it_from_it(digits):
    train, test = digits
    noisy = corrupt_labels(train.y, 0.3, np.random.default_rng(3))
    errors = {}
    for keep in [(1.0, 1.0), (1.0, 0.5)]:
        history = fit(
            MLP((64, 256, 256, 10), np.random.default_rng(4), dtype=np.float32),
            train.x,
            noisy,
            keep=keep,
            epochs=60,
            rng=np.random.default_rng(5),
            validation=test,
            evaluate_every=20,
        )
        errors[keep] = history.train_error[-1], history.validation_error[-1]
    assert errors[1.0, 1.0][0] < 0.01
    assert errors[1.0, 1.0][1] > 0.12
    assert errors[1.0, 0.5][0] > 0.15
    assert errors[1.0, 0.5][1] < 0.11


# Any settings, and bad ones


@settings(max_examples=40)
@given(
    keep=st.tuples(st.floats(0.2, 1), st.floats(0.2, 1)),
    batch_size=st.integers(1, 60),
    epochs=st.integers(1, 3),
    momentum=st.floats(0, 0.95),
    weight_decay=st.floats(0, 0.1),
    max_norm=st.none() | st.floats(0.1, 5),
    max_norm_output=st.none() | st.floats(0.1, 5),
    inverted=st.booleans(),
    evaluate_every=st.integers(1, 5),
)
def test_any_settings_give_finite_nets_and_whole_histories(epochs, evaluate_every, **changes):
    net, (x, y) = small_net(), small_data()
    history = fit(
        net,
        x,
        y,
        epochs=epochs,
        evaluate_every=evaluate_every,
        learning_rate=0.01,
        rng=np.random.default_rng(0),
        validation=(x, y),
        **changes,
    )
    assert history.epochs_done == epochs
    assert history.epochs[-1] == epochs
    assert all(b - a == evaluate_every for a, b in pairwise(history.epochs[:-1]))
    assert history.train_loss == history.validation_loss
    assert len(history.batch_loss) == len(history.train_error) == len(history.epochs)
    assert all(np.isfinite(p).all() for p in net.parameters)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("x", {"x": np.zeros((N, 5))}),
        ("x", {"x": np.full((N, 6), np.nan)}),
        ("x", {"x": []}),
        ("y", {"y": np.zeros(N - 1, int)}),
        ("y", {"y": np.full(N, 3)}),
        ("y", {"y": np.zeros(N)}),
        ("keep", {"keep": 0.5}),
        (r"keep\[1\]", {"keep": (1, 0)}),
        (r"keep\[0\]", {"keep": (math.nan, 1)}),
        ("epochs", {"epochs": 0}),
        ("epochs", {"epochs": 2.5}),
        ("learning_rate", {"learning_rate": 0}),
        ("learning_rate", {"learning_rate": -1}),
        ("learning_rate", {"learning_rate": math.inf}),
        ("learning_rate", {"learning_rate": "fast"}),
        ("momentum", {"momentum": 1}),
        ("momentum", {"momentum": -0.1}),
        ("momentum", {"momentum": math.nan}),
        ("batch_size", {"batch_size": 0}),
        ("batch_size", {"batch_size": True}),
        ("weight_decay", {"weight_decay": -1e-9}),
        ("max_norm", {"max_norm": 0}),
        ("max_norm", {"max_norm": math.nan}),
        ("max_norm_output", {"max_norm_output": 0}),
        ("max_norm_output", {"max_norm_output": "1"}),
        ("rng", {"rng": 5}),
        ("rng", {"rng": np.random}),
        ("inverted", {"inverted": 1}),
        ("evaluate_every", {"evaluate_every": 0}),
        ("validation", {"validation": np.zeros((N, 6))}),
        ("validation x", {"validation": (np.zeros((4, 5)), np.zeros(4, int))}),
        ("validation y", {"validation": (np.zeros((4, 6)), np.zeros(3, int))}),
        ("validation y", {"validation": (np.zeros((4, 6)), np.full(4, 3))}),
    ],
)
@pytest.mark.parametrize("function", [fit, fit_steps])
def test_bad_arguments_are_refused_before_anything_is_done(function, name, changes):
    net, (x, y) = small_net(), small_data()
    rng = np.random.default_rng(0)
    before, state = copies(net), rng.bit_generator.state
    arguments = {"x": x, "y": y, "epochs": 2, "keep": (1, 0.5), "rng": rng, "inverted": False}
    with pytest.raises(ValueError, match=f"^{name} must"):
        function(net, **{**arguments, **changes})
    assert_bit_identical(net, before)
    assert rng.bit_generator.state == state
    assert net.prediction_keep == (1, 1, 1)


@pytest.mark.parametrize("net", ["net", None, MLP, SIZES, small_net().parameters], ids=repr)
def test_what_is_no_net_is_refused_in_words(net):
    x, y = small_data()
    for function in (fit, fit_steps):
        with pytest.raises(ValueError, match=r"^net must be a net, such as"):
            function(net, x, y, epochs=1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^net must be a net, such as"):
        evaluate(net, x, y)


@pytest.mark.parametrize("name", ["on_epoch", "stop"])
@pytest.mark.parametrize("value", [True, "stop", 3])
def test_a_callback_that_cannot_be_called_is_refused_before_anything_is_done(name, value):
    net, (x, y) = small_net(), small_data()
    before = copies(net)
    with pytest.raises(ValueError, match=rf"^{name} must be a function, or None; got"):
        fit(net, x, y, epochs=1, rng=np.random.default_rng(0), **{name: value})
    assert_bit_identical(net, before)


@pytest.mark.parametrize(
    ("name", "changes"), [("x", {"x": np.zeros((3, 5))}), ("y", {"y": np.array([0, 1, 3])})]
)
def test_evaluate_refuses_what_does_not_fit(name, changes):
    arguments = {"x": np.zeros((3, 6)), "y": np.array([0, 1, 2]), **changes}
    with pytest.raises(ValueError, match=f"^{name} must"):
        evaluate(small_net(), **arguments)
