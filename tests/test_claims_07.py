"""The claims of notebook 07, by code of its own: the notebook's cells are not used.

What can be trained in seconds is trained here, on three seeds; the wider statements are read from the
stored results by loops over settings that are spelt out here. The last part makes points of them anew.
"""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from trained import parts, trained

from dropout_lib import published, sweeps
from dropout_lib.data import load_digits, split
from dropout_lib.masks import enumerate_masks, mask_probabilities
from dropout_lib.network import MLP
from dropout_lib.noise import GaussianMLP
from dropout_lib.sweeps import Setting
from dropout_lib.training import fit

ROOT = Path(__file__).resolve().parent.parent
STORED = sweeps.read(ROOT / "notebooks" / "stored" / "07_regularisation.json")
SEEDS = range(3)
T_95 = 2.776  # Student's t for five values
NOISE = {"noisy": 0.3, "clean": 0.0}
ARCHITECTURES = ((512,), (256, 256), (512, 512), (256, 256, 256))
KEEPS = [k / 10 for k in range(1, 11)]


def rng(*seed):
    return np.random.default_rng(seed)


def errors(
    labels, keep, hidden=(256, 256), *, n_train=1000, epochs=60, seeds=SEEDS, cls=MLP, **more
):
    """Test error in %, one row for each seed: at 1 and at one half after each epoch, else after the last."""
    if cls is MLP and not more:
        settings = {"noise": NOISE[labels], "hidden": hidden, "n_train": n_train, "epochs": epochs}
        settings["curve"] = keep in (1.0, 0.5) and n_train == 1000  # those are asked for elsewhere, too
        runs = [trained(keep, seed, **settings)[1].validation_error for seed in seeds]
        return 100 * np.array(runs)
    return 100 * np.array([[_last_error(labels, keep, hidden, seed, cls, more)] for seed in seeds])


def _last_error(labels, keep, hidden, seed, cls, more):
    x, y, test = parts(seed, NOISE[labels])
    net = cls((64, *hidden, 10), rng(seed, 2), dtype=np.float32)
    settings = {"epochs": 60, "learning_rate": 0.02, "rng": rng(seed, 3), "evaluate_every": 60}
    fit(net, x, y, keep=(1.0, keep), **settings, **more)
    return np.mean(net.predict(test.x) != test.y)


def stored(part="test", **setting):
    return STORED[Setting(**setting).name][part]


def curve(labels, hidden, keep):
    return stored(labels=labels, hidden=hidden, keep=keep, n_validation=0, curve=True)


def mean_and_half(values):
    return np.mean(values), T_95 * np.std(values, ddof=1) / np.sqrt(5)


# R01 and R03: a price, and a cap


@pytest.mark.claim("R01")
@pytest.mark.parametrize("strength", [0.01, 0.3])
def test_weight_decay_adds_half_the_squared_weights_and_leaves_biases_out(strength):
    net, x, y = MLP((5, 4, 3), rng(0)), rng(1).normal(size=(6, 5)), rng(2).integers(3, size=6)
    for b in net.parameters[1::2]:
        b += rng(3).normal(size=b.shape)

    def added():
        with_price, _ = net.loss_and_gradients(x, y, weight_decay=strength)
        return with_price - net.loss_and_gradients(x, y)[0]

    squares = sum(w**2 for W in net.parameters[0::2] for w in W.ravel())
    assert added() == pytest.approx(strength / 2 * squares)
    before, (_, plain), (_, priced) = (
        added(), net.loss_and_gradients(x, y), net.loss_and_gradients(x, y, weight_decay=strength)
    )  # fmt: skip
    for number, parameter in enumerate(net.parameters):
        parameter[0] += 1e-6
        slope = (added() - before) / 1e-6  # moves a row of W, or one entry of b
        parameter[0] -= 1e-6
        extra = (priced[number] - plain[number])[0].sum()
        assert slope == pytest.approx(extra, abs=1e-4)
        assert (number % 2 == 0) == bool(abs(extra) > 1e-9)


@pytest.mark.claim("R03")
@pytest.mark.parametrize("keep", [0.6, 1.0])
def test_max_norm_caps_every_unit_after_every_epoch(keep):
    longest = {}
    for cap in (None, 1.0):
        train, _ = split(*load_digits(), 300, rng(0))
        net = MLP((64, 40, 40, 10), rng(1))
        seen = longest[cap] = []

        def measure(_history, net=net, seen=seen):
            seen.append(max(np.linalg.norm(unit) for W in net.parameters[0::2] for unit in W.T))

        fit(net, *train, keep=(1.0, keep), epochs=15, learning_rate=0.02, max_norm=cap, rng=rng(2),
            on_epoch=measure)  # fmt: skip
    assert len(longest[1.0]) == 15
    assert max(longest[1.0]) <= 1 + 1e-9
    assert min(longest[None]) > 1.3


@pytest.mark.claim("R03")
def test_on_noisy_labels_the_cap_takes_most_of_the_harm_away():
    free = errors("noisy", 1.0)[:, -1]
    capped = errors("noisy", 1.0, max_norm=1.0)[:, -1]
    assert np.all(free - capped > 6)


# R04 to R06: how much to keep, how much data, how many units


@pytest.mark.claim("R04")
def test_the_error_is_flat_over_keep_on_clean_labels_and_not_on_noisy_ones():
    gaps = {
        labels: np.mean(errors(labels, 0.8)[:, -1] - errors(labels, 0.4)[:, -1]) for labels in NOISE
    }
    assert gaps["noisy"] > 4
    assert abs(gaps["clean"]) < 1.2


@pytest.mark.claim("R04")
def test_the_stored_validation_curves_give_the_ranges_that_the_ledger_states():
    ranges = {}
    for labels in NOISE:
        means = {keep: stored("validation", labels=labels, keep=keep).mean() for keep in KEEPS}
        good = [keep for keep, mean in means.items() if mean <= min(means.values()) + 1]
        ranges[labels] = min(good), max(good)
    assert ranges == {"noisy": (0.4, 0.4), "clean": (0.4, 1.0)}


@pytest.mark.claim("R05")
def test_with_fifty_images_dropout_gains_on_noisy_labels_and_nothing_on_clean_ones():
    gains = {
        labels: errors(labels, 1.0, n_train=50, seeds=range(8))[:, -1]
        - errors(labels, 0.5, n_train=50, seeds=range(8))[:, -1]
        for labels in NOISE
    }
    standard_error = {labels: gain.std(ddof=1) / np.sqrt(8) for labels, gain in gains.items()}
    assert gains["noisy"].mean() > 2 * standard_error["noisy"]
    assert abs(gains["clean"].mean()) < 2
    assert gains["clean"].mean() < gains["noisy"].mean()


@pytest.mark.claim("R05")
def test_the_gain_grows_with_the_training_set_only_where_labels_are_noisy():
    for labels in NOISE:
        gains = []
        for n in (50, 200, 1000):
            plain, dropout = (
                stored(labels=labels, keep=keep, n_train=n, pool=1400, n_validation=0)
                for keep in (1.0, 0.5)
            )
            gains.append(mean_and_half(plain - dropout))
        middles = [gain for gain, _ in gains]
        if labels == "noisy":
            assert middles == sorted(middles)
            assert all(gain > half for gain, half in gains)
            assert middles[-1] > 2 * middles[0]
        else:
            assert all(abs(gain) < half for gain, half in gains)


@pytest.mark.claim("R06")
@pytest.mark.parametrize("labels", NOISE)
def test_n_over_keep_units_make_up_for_what_n_units_lose(labels):
    plain, narrow, wide = (
        errors(labels, keep, (n, n))[:, -1].mean() for keep, n in ((1.0, 16), (0.5, 16), (0.5, 32))
    )
    assert narrow > plain + 5
    assert narrow > wide + 5
    assert (wide < plain) == (
        labels == "noisy"
    )  # on clean labels it does not make up for all of it


@pytest.mark.claim("R06")
@pytest.mark.parametrize(("n", "keeps"), [(16, KEEPS[2:9]), (64, KEEPS[1:4])])
def test_the_wider_net_is_better_where_units_are_scarce(n, keeps):
    for labels, keep in product(NOISE, keeps):
        grown = stored(labels=labels, keep=keep, hidden=(round(n / keep),) * 2).mean()
        assert grown < stored(labels=labels, keep=keep, hidden=(n, n)).mean() + 0.1


@pytest.mark.claim("R06")
def test_where_units_abound_more_of_them_only_overfit_more():
    kept = [stored(keep=0.8, hidden=(n, n)).mean() for n in (64, 80)]
    assert kept[1] > kept[0] + 1


# R07: the table


def chosen(settings):
    """Test errors of five seeds, each with the setting that its own validation images prefer."""
    ends = []
    for seed in range(5):
        best = min(settings, key=lambda s: STORED[s.name]["validation"][seed])
        ends.append(STORED[best.name]["test"][seed])
    return np.array(ends)


TRIED = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
ADDED = {"decay": [{"weight_decay": d} for d in (1e-3, 3e-3)], "cap": [{"max_norm": c} for c in (1.0, 2.0)]}


@pytest.mark.claim("R07")
@pytest.mark.parametrize("labels", NOISE)
def test_beside_a_tuned_keep_nothing_adds_anything_certain(labels):
    dropout = chosen([Setting(labels, k) for k in TRIED])
    for added in ADDED.values():
        gain, half = mean_and_half(dropout - chosen([Setting(labels, k, **a) for k in TRIED for a in added]))
        assert abs(gain) < half


@pytest.mark.claim("R07")
def test_on_noisy_labels_each_alone_is_far_better_than_nothing_and_close_to_dropout():
    dropout = chosen([Setting(keep=k) for k in TRIED])
    decay = chosen([Setting(weight_decay=d) for d in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)])
    cap = chosen([Setting(max_norm=c) for c in (0.5, 0.7, 1.0, 1.4, 2.0, 3.0)])
    for alone in (dropout, decay, cap):
        assert np.all(stored() - alone > 5)
    for other in (decay, cap):
        gain, half = mean_and_half(other - dropout)
        assert abs(gain) < half


@pytest.mark.claim("R07")
@pytest.mark.parametrize("keep", [0.3, 0.7])
@pytest.mark.parametrize("added", ADDED)
def test_a_keep_that_is_off_is_repaired_on_noisy_labels_and_needs_no_repair_on_clean_ones(keep, added):
    for labels in NOISE:
        mixed = chosen([Setting(labels, keep, **a) for a in ADDED[added]])
        gain, half = mean_and_half(chosen([Setting(labels, keep)]) - mixed)
        assert gain > half if labels == "noisy" else abs(gain) < 0.5


@pytest.mark.claim("R07")
def test_weight_decay_alone_repairs_most_of_it():
    assert np.all(errors("noisy", 1.0)[:, -1] - errors("noisy", 1.0, weight_decay=0.01)[:, -1] > 6)


# R08 and R12: curves


def epochs_needed(row, points=1.0):
    return next(epoch for epoch, error in enumerate(row, start=1) if error <= min(row) + points)


@pytest.mark.claim("R08")
@pytest.mark.parametrize("labels", NOISE)
def test_dropout_gets_lower_and_takes_longer(labels):
    plain, dropout = (errors(labels, keep) for keep in (1.0, 0.5))
    assert dropout.min(axis=1).mean() < plain.min(axis=1).mean()
    needed = [np.mean([epochs_needed(row) for row in rows]) for rows in (plain, dropout)]
    assert needed[1] > 1.2 * needed[0]


@pytest.mark.claim("R08")
@pytest.mark.parametrize("labels", NOISE)
def test_over_all_architectures_too(labels):
    best, needed = {}, {}
    for keep in (1.0, 0.5):
        rows = [row for hidden in ARCHITECTURES for row in curve(labels, hidden, keep)]
        best[keep], needed[keep] = (
            np.mean([min(r) for r in rows]),
            np.mean([*map(epochs_needed, rows)]),
        )
    assert best[0.5] < best[1.0]
    assert needed[0.5] > 1.2 * needed[1.0]


@pytest.mark.claim("R08")
@pytest.mark.parametrize("labels", NOISE)
def test_to_one_and_the_same_error_only_deep_nets_take_much_longer(labels):
    taken = {}
    for hidden in ARCHITECTURES:
        plain, dropout = (curve(labels, hidden, keep).mean(axis=0) for keep in (1.0, 0.5))
        level = min(plain) + 1
        taken[hidden] = [
            next(e for e, x in enumerate(row) if x <= level) + 1 for row in (plain, dropout)
        ]
    assert taken[256, 256, 256][1] > 1.5 * taken[256, 256, 256][0]
    assert all(
        dropout >= plain - 1 for plain, dropout in taken.values()
    )  # never faster to speak of
    assert taken[(512,)][1] <= taken[(512,)][0]


@pytest.mark.claim("R12")
@pytest.mark.parametrize("hidden", ARCHITECTURES, ids=str)
def test_every_architecture_gains_on_noisy_labels_and_hardly_any_on_clean_ones(hidden):
    gain = {
        labels: mean_and_half(curve(labels, hidden, 1.0)[:, -1] - curve(labels, hidden, 0.5)[:, -1])
        for labels in NOISE
    }
    assert gain["noisy"][0] > max(4, gain["noisy"][1])
    assert abs(gain["clean"][0]) < 1


@pytest.mark.claim("R12")
def test_a_fifth_architecture_behaves_like_the_four():
    hidden = (128, 64)
    gain = {
        labels: np.mean(errors(labels, 1.0, hidden)[:, -1] - errors(labels, 0.7, hidden)[:, -1])
        for labels in NOISE
    }
    assert gain["noisy"] > 4
    assert abs(gain["clean"]) < 1.5


# R09 to R11: other noise, where it is left out, what was published


@pytest.mark.claim("R09")
@pytest.mark.parametrize("labels", NOISE)
def test_gaussian_noise_ends_where_masks_end(labels):
    masks, gaussian = (errors(labels, 0.4, cls=cls)[:, -1] for cls in (MLP, GaussianMLP))
    assert abs(np.mean(gaussian - masks)) < 2
    if labels == "noisy":
        assert np.all(errors(labels, 1.0)[:, -1] - gaussian > 6)


@pytest.mark.claim("R09")
def test_the_best_of_both_kinds_of_noise_are_within_two_points():
    for labels in NOISE:
        best = [
            min(stored(labels=labels, keep=keep, noise=noise).mean() for keep in KEEPS[2:9])
            for noise in ("bernoulli", "gaussian")
        ]
        assert abs(best[0] - best[1]) < 2


@pytest.mark.claim("R10")
@pytest.mark.parametrize("keep", [0.3, 0.5, 0.8])
def test_masks_add_variance_that_is_missing_at_test_time(keep):
    """Exact: all masks of four units, for each of some inputs."""
    h, w = np.maximum(rng(0).normal(0.3, 1, (200, 4)), 0), rng(1).normal(size=4)
    every = enumerate_masks(4)
    sums = np.array([(h * mask / keep) @ w for mask in every])
    chances = mask_probabilities(every, keep)
    first, second = chances @ sums.mean(axis=1), chances @ np.mean(sums**2, axis=1)
    in_training, at_test = second - first**2, np.var(h @ w)
    assert first == pytest.approx(np.mean(h @ w))
    extra = (1 - keep) / keep * np.mean(h**2, axis=0) @ w**2
    assert in_training == pytest.approx(at_test + extra)
    assert np.sqrt(at_test / in_training) < (0.95 if keep == 0.8 else 0.8)


@pytest.mark.claim("R10")
def test_after_one_epoch_dropout_is_behind():
    plain, dropout = (
        errors("clean", keep, (256,) * 3, epochs=1)[:, 0] for keep in (1.0, 0.5)
    )
    assert np.mean(dropout - plain) > 2


@pytest.mark.claim("R11")
def test_the_published_numbers_are_those_of_the_paper():
    """Typed a second time, from tables 2 and 9; DBN and DBM from table 2 as well."""
    nets, pretrained, one_net = published.TABLES.values()
    assert [row.error for row in nets] == [1.6, 1.4, 1.35, 1.25, 1.06, 1.04, 1.01, 0.95, 0.94]
    assert [row.dropout for row in nets] == [False] * 2 + [True] * 7
    assert [row[1:] for row in pretrained] == [
        (1.18, False),
        (0.92, True),
        (0.96, False),
        (0.79, True),
    ]
    assert [row.error for row in one_net] == [1.62, 1.6, 1.55, 1.35, 1.25, 1.05]
    assert [row.dropout for row in one_net] == [False] * 4 + [True] * 2
    for rows in published.TABLES.values():
        for row in rows:
            assert row.dropout == ("dropout" in row.method)


@pytest.mark.claim("R11")
def test_the_published_gains_are_a_fifth_to_a_third():
    gains = [published.gain(rows) for rows in published.TABLES.values()]
    np.testing.assert_allclose(gains, [1 - 0.94 / 1.4, 1 - 0.79 / 0.96, 1 - 1.05 / 1.35])
    assert 0.15 < min(gains) < max(gains) < 0.35


# The stored results, made anew


@pytest.mark.parametrize(
    ("setting", "seed"),
    [
        (Setting(keep=0.5, hidden=(64, 64)), 0),
        (Setting("clean", 0.8, weight_decay=0.0), 3),
        (Setting(keep=0.5, noise="gaussian"), 1),
        (Setting(keep=0.5, n_train=50, pool=1400, n_validation=0), 2),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_point_made_anew_is_the_stored_one(setting, seed):
    *_, (_, made) = sweeps.train_steps(setting, seed)
    for part, values in STORED[setting.name].items():
        # Another BLAS rounds differently, and sixty epochs make more of it: within what seeds differ by.
        assert made[part][-1] == pytest.approx(
            values[seed], abs=max(2.5, 2 * np.std(values, ddof=1))
        )


def test_the_curves_are_those_that_notebook_03_stores():
    other = json.loads((ROOT / "notebooks" / "stored" / "03_bagging.json").read_text("utf-8"))
    for labels, (name, keep) in product(NOISE, (("plain net", 1.0), ("dropout net", 0.5))):
        means = [
            np.mean(rows, axis=0)
            for rows in (other["curves"][labels][name], curve(labels, (256, 256), keep))
        ]
        np.testing.assert_allclose(*means, atol=3)  # the same nets, perhaps rounded by two machines
