"""The claims of notebook 01, each on five seeds, by code of its own: the notebook's cells are not used."""

from pathlib import Path

import numpy as np
import pytest
from trained import trained

SEEDS = range(5)
WIDTH = 256
KEEPS = {"plain": 1.0, "dropout": 0.5}
NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "01_co_adaptation.ipynb"


def train(keep, seed, **settings):
    """Return (net, history, test part); everything but `keep` is the same on both sides."""
    return trained(keep, seed, hidden=(WIDTH, WIDTH), **settings)


@pytest.fixture(scope="module")
def noisy():
    """name -> the five runs on noisy labels"""
    return {name: [train(keep, seed) for seed in SEEDS] for name, keep in KEEPS.items()}


def errors(runs):
    return np.array([history.validation_error[-1] for _, history, _ in runs])


def error_with(net, test, masks, x=None):
    logits = net.forward(test.x if x is None else x, masks)
    return np.mean(logits.argmax(axis=1) != test.y)


def silenced(n_kept, rng, layers=(1, 2)):
    """Masks that leave `n_kept` units of the given hidden layers, scaled up to make good the loss."""
    masks = [None, None, None]
    for layer in layers:
        masks[layer] = np.zeros(WIDTH)
        masks[layer][rng.choice(WIDTH, n_kept, replace=False)] = WIDTH / n_kept
    return masks


@pytest.mark.claim("C01")
def test_the_plain_net_learns_its_labels_by_heart(noisy):
    train_errors = [history.train_error[-1] for _, history, _ in noisy["plain"]]
    assert max(train_errors) < 0.03
    assert errors(noisy["plain"]).min() > 0.12


@pytest.mark.claim("C02")
def test_dropout_closes_the_gap_on_noisy_labels(noisy):
    assert (errors(noisy["plain"]) - errors(noisy["dropout"])).min() > 0.05


@pytest.mark.claim("C02")
def test_on_clean_labels_the_two_nearly_meet():
    ends = {
        name: errors([train(keep, seed, noise=0.0) for seed in SEEDS])
        for name, keep in KEEPS.items()
    }
    assert ends["plain"].max() < 0.04
    assert abs((ends["plain"] - ends["dropout"]).mean()) < 0.015


@pytest.mark.claim("C02")
def test_on_100_images_dropout_loses_while_training_is_short():
    ends = {
        name: errors([train(keep, seed, n_train=100, noise=0.0, epochs=20) for seed in SEEDS])
        for name, keep in KEEPS.items()
    }
    assert ends["dropout"].mean() > ends["plain"].mean()


@pytest.mark.claim("C03")
def test_half_of_the_units_silenced_ruins_the_plain_net_only(noisy):
    rise = {}
    for name, runs in noisy.items():
        rng = np.random.default_rng(0)
        rise[name] = [
            np.mean([error_with(net, test, silenced(WIDTH // 2, rng)) for _ in range(5)])
            - history.validation_error[-1]
            for net, history, test in runs
        ]
    assert min(rise["plain"]) > 0.2
    assert max(rise["dropout"]) < 0.2


@pytest.mark.claim("C04")
def test_few_units_of_the_dropout_net_know_the_answer_but_one_alone_does_not(noisy):
    accuracy = {}
    for name, runs in noisy.items():
        rng = np.random.default_rng(0)
        for n_kept in (1, 16):
            accuracy[name, n_kept] = np.mean(
                [
                    1 - error_with(net, test, silenced(n_kept, rng, layers=(2,)))
                    for net, _, test in runs
                    for _ in range(10)
                ]
            )
    assert accuracy["dropout", 16] > 0.4 > accuracy["plain", 16]
    assert accuracy["dropout", 1] < 0.25  # guessing gives 0.1


def hidden(runs, layer):
    return [net.hidden_activations(test.x)[layer] for net, _, test in runs]


@pytest.mark.claim("C05")
@pytest.mark.parametrize("layer", [0, 1])
def test_activations_are_sparser_and_smaller(noisy, layer):
    silent = {n: [np.mean(h == 0) for h in hidden(runs, layer)] for n, runs in noisy.items()}
    mean = {n: [h.mean() for h in hidden(runs, layer)] for n, runs in noisy.items()}
    assert np.mean(silent["dropout"]) > np.mean(silent["plain"])
    assert max(mean["dropout"]) < min(mean["plain"])


def mean_absolute_correlation(h):
    """From the definition, over all pairs of units that vary."""
    centred = h - h.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    unit = centred[:, lengths > 1e-6] / lengths[lengths > 1e-6]
    pairs = np.abs(unit.T @ unit)[np.triu_indices(unit.shape[1], k=1)]
    return pairs.mean()


@pytest.mark.claim("C06")
def test_correlation_falls_in_the_first_layer_and_rises_in_the_second(noisy):
    values = {
        name: np.array(
            [[mean_absolute_correlation(h) for h in hidden(runs, layer)] for layer in (0, 1)]
        )
        for name, runs in noisy.items()
    }
    difference = (
        values["dropout"] - values["plain"]
    )  # (layers, seeds), the same seeds on both sides
    assert (difference[0] < 0).all()
    assert (difference[1] > 0).mean() >= 0.8


@pytest.mark.claim("C06")
def test_units_of_the_second_layer_that_agree_follow_the_class_and_are_no_copies(noisy):
    among = {}
    for name, runs in noisy.items():
        among[name] = []
        for h, (_, _, test) in zip(hidden(runs, 1), runs, strict=True):
            inside = np.concatenate([h[test.y == c] - h[test.y == c].mean(axis=0) for c in range(10)])
            among[name].append(mean_absolute_correlation(inside))
    assert np.mean(among["dropout"]) < np.mean(among["plain"])


@pytest.mark.claim("C07")
def test_the_dropout_net_copes_better_with_noise_on_its_input(noisy):
    lead = []
    for (plain, _, test), (dropped, _, _) in zip(noisy["plain"], noisy["dropout"], strict=True):
        x = test.x + np.random.default_rng(0).normal(0, 0.3, test.x.shape).astype(np.float32)
        undisturbed = error_with(plain, test, None) - error_with(dropped, test, None)
        lead.append(error_with(plain, test, None, x) - error_with(dropped, test, None, x))
        assert lead[-1] > undisturbed > 0  # not only ahead, but further ahead than without noise


@pytest.mark.claim("C08")
def test_both_pictures_in_words_stand_beside_what_silencing_units_shows():
    text = NOTEBOOK.read_text(encoding="utf-8")
    start = text.index("## Silence half of the units")
    section = text[start : text.index("## How few units")]
    assert "**team**" in section
    assert "**genes**" in section
    assert 'measured[\\"C03\\"]' in section


@pytest.mark.claim("C09")
def test_a_convolution_has_few_parameters_because_places_share_them():
    side, channels_in, channels_out = 8, 16, 32
    dense, shared = set(), set()
    for place in np.ndindex(side, side):
        for out in range(channels_out):
            dense.add(("bias", place, out))
            shared.add(("bias", out))
            for row, column, channel in np.ndindex(side, side, channels_in):
                offset = row - place[0], column - place[1]
                dense.add((place, out, row, column, channel))
                if max(map(abs, offset)) <= 1:
                    shared.add((offset, out, channel))
    assert (len(dense), len(shared)) == (2_099_200, 4_640)
