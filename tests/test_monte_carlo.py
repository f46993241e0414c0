"""Monte Carlo passes against nets run mask by mask, all subnetworks at once, and the binomial law."""

import tracemalloc

import numpy as np
import pytest
from all_masks import softmax as softmax_by_hand

from dropout_lib.ensembles import exact_network_ensemble
from dropout_lib.ensembles import random_masks as module
from dropout_lib.ensembles.random_masks import KeptUnits, monte_carlo
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax

SIZES = (4, 5, 3, 3)
N_DROP = 5 + 3


def rng(*seed):
    return np.random.default_rng(seed)


def new_net(sizes=SIZES, dtype=np.float64, seed=0, activation="relu"):
    net = MLP(sizes, rng(seed), dtype=dtype, activation=activation)
    for bias in net.parameters[1::2]:
        bias += rng(seed, 1).normal(size=bias.shape) / 2
    return net


def inputs(n=3, n_inputs=SIZES[0]):
    return rng(5).normal(size=(n, n_inputs))


def masks_drawn(net, keep, n_rows, seed):
    """The masks that `monte_carlo` draws with this seed, one array for each layer."""
    units = KeptUnits(net.sizes[:-1], net.layer_keeps(keep), rng(seed))
    kept = units.draw(n_rows)
    return [None if columns is None else kept[:, columns] for columns in units.columns]


@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("keep", [(1.0, 0.5), (0.9, 0.6), (0.7, 1.0), (0.8, 0.3, [0.2, 1.0, 0.9])])
def test_each_pass_is_the_subnetwork_of_its_mask(keep, activation):
    net, x, k = new_net(activation=activation), inputs(), 4
    said = monte_carlo(net, x, k, keep, rng(7))
    assert said.shape == (k, 3, 3)
    drawn = masks_drawn(net, keep, k * 3, 7)
    for row, answer in enumerate(said.reshape(-1, 3)):
        gains = [
            None if mask is None else mask[row] / np.asarray(kept)
            for mask, kept in zip(drawn, net.layer_keeps(keep), strict=True)
        ]
        logits = net.forward(x[row % 3][None], gains)[0]
        assert answer == pytest.approx(softmax_by_hand(logits.tolist()), abs=1e-12)


def test_after_standard_dropout_the_kept_units_are_not_scaled():
    net, x = new_net(), inputs()
    net.prediction_keep = (1.0, 0.6)
    said = monte_carlo(net, x, 2, (1.0, 0.6), rng(7))
    masks = [
        None if mask is None else mask.reshape(2, 3, -1)[0]
        for mask in masks_drawn(net, (1.0, 0.6), 6, 7)
    ]
    np.testing.assert_allclose(said[0], softmax(net.forward(x, masks)), atol=1e-12)


def exact_average(net, x, keep):
    def forward(masks):
        logits = [
            net.forward(row[None], [None, masks[:, :5] / keep, masks[:, 5:] / keep]) for row in x
        ]
        return np.stack(logits, axis=1)

    return exact_network_ensemble(forward, N_DROP, keep).arithmetic


@pytest.mark.parametrize("keep", [0.5, 0.7, 0.9])
def test_the_average_of_the_passes_lies_where_hoeffding_says_it_must(keep):
    """A correct program fails here with probability at most 1e-6.

    Each of the 3 × 9 means is over n independent draws from [0, 1], so it misses its expectation by t
    or more with probability at most 2 exp(−2 n t²) (Hoeffding 1963, theorem 2). With
    t² = ln(2 · 27 / 1e-6) / 2n these add up to 1e-6 at most.
    """
    net, x, n = new_net(), inputs(), 40_000
    n_means = 3 * x.shape[0] * net.sizes[-1]  # of the three values of keep together
    t = np.sqrt(np.log(2 * n_means / 1e-6) / (2 * n))
    mean = monte_carlo(net, x, n, (1.0, keep), rng(1)).mean(axis=0)
    assert t < 0.016
    assert np.abs(mean - exact_average(net, x, keep)).max() < t


@pytest.mark.parametrize("keep", [0.5, 0.7])
def test_the_average_of_k_misses_by_the_predicted_standard_error(keep):
    """800 averages of k = 25 passes: their mean square distance is Σ σ²/k.

    The sum over all masks gives σ². An average is nearly normal, so its squared distance is a weighted
    sum of squares of normal numbers, and 800 of them lie no wider about their mean than a χ² with 800
    degrees of freedom. That one is 40 % off with probability at most 2 (1.4 exp(−0.4))^400 < 1e-10
    (Chernoff's bound), which leaves room for "nearly".
    """
    net, x, k, repeats = new_net(), inputs(1), 25, 800
    exact = exact_average(net, x, keep)[0]

    def squares(masks):
        gains = [None, masks[:, :5] / keep, masks[:, 5:] / keep]
        return softmax(net.forward(x, gains)) ** 2

    every = np.array(
        [list(np.binary_repr(number, N_DROP)) for number in range(2**N_DROP)], dtype=int
    )
    p = keep ** every.sum(axis=1) * (1 - keep) ** (N_DROP - every.sum(axis=1))
    variance = (p @ squares(every)) - exact**2
    passes = monte_carlo(net, x, k * repeats, (1.0, keep), rng(2))[:, 0]
    averages = passes.reshape(repeats, k, -1).mean(axis=1)
    measured = ((averages - exact) ** 2).sum(axis=1).mean()
    assert measured == pytest.approx(variance.sum() / k, rel=0.4)


# The draws


@pytest.mark.parametrize("keep", [0.5, 0.3, 0.9, 1 / 256, 0.999, 0.7001, 2.0**-53])
def test_a_unit_is_kept_with_probability_keep_to_the_last_bit(keep):
    units = KeptUnits((8,), (keep,), rng(0))
    whole, rest = units._whole[:8].astype(int), np.zeros(8)
    rest[units._tied] = units._rest
    np.testing.assert_array_equal((whole + rest) / 256, keep)  # below, or a tie that is won


def five_deviations(p, n):
    """Beyond 5.5 standard deviations a binomial count lies less than once in 10⁷ times (normal law)."""
    return 5.5 * np.sqrt(p * (1 - p) / n)


def test_the_kept_units_follow_the_binomial_law():
    keeps, n = np.array([0.02, 0.3, 0.5, 0.501, 0.9, 0.999, 1.0]), 60_000
    units = KeptUnits((7, 4, 3), (keeps, 1.0, 0.6), rng(3))
    kept = units.draw(n)
    assert kept.shape == (n, 10)
    assert units.columns == [slice(0, 7), None, slice(7, 10)]
    wanted = np.append(keeps, [0.6] * 3)
    assert np.all(np.abs(kept.mean(axis=0) - wanted) <= five_deviations(wanted, n))
    assert kept[:, 6].all()


def test_ties_are_decided_by_what_keep_lacks():
    """Of many draws at keep = 1/512 half of the ties with the byte 0 must be won."""
    n = 400_000
    kept = KeptUnits((8,), (1 / 512,), rng(4)).draw(n)
    assert abs(kept.mean() - 1 / 512) < five_deviations(1 / 512, 8 * n)


def test_units_and_rows_are_independent():
    n = 50_000
    kept = KeptUnits((9,), (0.7,), rng(5)).draw(n).astype(float)
    columns = np.corrcoef(kept.T) - np.eye(9)
    rows = np.corrcoef(np.hstack([kept[1:], kept[:-1]]).T)[:9, 9:]
    assert np.abs(columns).max() < 5.5 / np.sqrt(n)
    assert np.abs(rows).max() < 5.5 / np.sqrt(n)


# Blocks, seeds, memory


@pytest.mark.parametrize("keep", [(1.0, 0.5), (0.9, 0.7), (0.8, 0.3, [0.2, 1.0, 0.9])])
@pytest.mark.parametrize("entries", [1, 60, 350])
def test_the_size_of_the_blocks_changes_nothing(monkeypatch, entries, keep):
    net, x = new_net(), inputs(7)
    whole = monte_carlo(net, x, 11, keep, rng(1))
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", entries)
    np.testing.assert_allclose(monte_carlo(net, x, 11, keep, rng(1)), whole, rtol=0, atol=1e-14)


def test_the_first_samples_of_many_are_those_of_few():
    net, x = new_net(), inputs()
    many = monte_carlo(net, x, 50, (0.9, 0.7), rng(1))
    np.testing.assert_allclose(monte_carlo(net, x, 8, (0.9, 0.7), rng(1)), many[:8], atol=1e-14)


def test_one_seed_gives_one_result_and_another_seed_another():
    net, x = new_net(), inputs()
    one, same, other = (monte_carlo(net, x, 5, (1.0, 0.6), rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)
    assert np.any(one[0] != one[1])
    assert np.any(monte_carlo(net, x[[0, 0]], 5, (1.0, 0.6), rng(1))[:, 0] != one[:, 1])


def test_one_rng_does_not_repeat_itself():
    net, x, draws = new_net(), inputs(), rng(1)
    first = monte_carlo(net, x, 5, (1.0, 0.6), draws)
    assert np.any(first != monte_carlo(net, x, 5, (1.0, 0.6), draws))


def test_with_keep_1_every_pass_is_the_scaled_one():
    net, x = new_net(), inputs()
    said = monte_carlo(net, x, 4, (1.0, 1.0), rng(0))
    assert said.shape == (4, 3, 3)
    for one in said:
        np.testing.assert_allclose(one, net.predict_proba(x), atol=1e-14)


def test_nothing_is_changed_and_float32_stays():
    net, x = new_net(dtype=np.float32), inputs().astype(np.float32)
    before = [parameter.copy() for parameter in net.parameters], x.copy()
    said = monte_carlo(net, x, 3, (0.9, 0.5), rng(0))
    assert said.dtype == np.float32
    np.testing.assert_allclose(said.sum(axis=-1), 1, atol=1e-6)
    for now, then in zip(net.parameters, before[0], strict=True):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_array_equal(x, before[1])


def test_memory_does_not_grow_with_k():
    net, x = new_net((64, 256, 256, 10), np.float32), rng(0).random((200, 64)).astype(np.float32)

    def peak_beside_the_answer(k):
        tracemalloc.start()
        said = monte_carlo(net, x, k, (0.9, 0.5), rng(1))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - said.nbytes

    few, many = peak_beside_the_answer(8), peak_beside_the_answer(64)
    assert many < 1.2 * few < 20e6  # all hidden layers of 64 samples at once would be 26 MB


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("net", inputs(), 3, (1.0, 0.5), rng(0)), "net must be an MLP; got 'net'"),
        (
            (new_net(), inputs(3, 5), 3, (1.0, 0.5), rng(0)),
            r"x must be an array of shape \(any, 4\)",
        ),
        ((new_net(), inputs() * np.nan, 3, (1.0, 0.5), rng(0)), "x must be finite"),
        ((new_net(), inputs(), 0, (1.0, 0.5), rng(0)), "k must be a whole number of at least 1"),
        ((new_net(), inputs(), 2.0, (1.0, 0.5), rng(0)), "k must be a whole number"),
        ((new_net(), inputs(), 3, (1.0, 0.0), rng(0)), r"keep\[1\] must be"),
        ((new_net(), inputs(), 3, 0.5, rng(0)), r"keep must be \(keep_input, keep_hidden\)"),
        ((new_net(), inputs(), 3, (1.0, 0.5), 7), r"default_rng\(7\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        monte_carlo(*arguments)
