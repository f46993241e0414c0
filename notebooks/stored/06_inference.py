"""Remakes 06_inference.npz: what ten nets with dropout say about their test images, in one pass and in many.

    python notebooks/stored/06_inference.py

One thread, half a minute on a quiet core. The nets are the stored ones (`experiments.stored_net`), trained
with keep ½, five seeds for each kind of LABELS; each of their 797 test images meets subnetworks drawn at
random. The arrays, whose first axis is always the five seeds:

    small/0 … 5      weights and biases of a net 64-7-7-10 (no seeds)
    LABELS/scores    (5, 2 averages, 4 repeats, 8 numbers of passes, 4 measures)
    LABELS/scaled    (5, 4 measures) the one scaled pass
    LABELS/changed   (5, 8 numbers of passes) % of the images that two runs put into different classes
    LABELS/turned    (5, 13 angles, 3 ways, 5 measures) all images turned, 100 passes
    LABELS/unsure    (5, 13 angles, 2) mean entropy and mutual information of those passes
    LABELS/images    (5, upright and on their side, 7 columns, 797) image by image, 100 passes

Measures, averages, ways and columns are named below. Another processor rounds differently: an image or two
then change class.
"""

from itertools import product
from pathlib import Path

# isort: off
import dropout_lib  # noqa: F401 (before NumPy: it asks for one BLAS thread)
import numpy as np
# isort: on
from dropout_lib.ensembles import arithmetic_mean, geometric_mean
from dropout_lib.ensembles.random_masks import monte_carlo
from dropout_lib.ensembles.uncertainty import entropy, mutual_information, rotate
from dropout_lib.experiments import LABELS, SEEDS, digits_for, stored_net
from dropout_lib.nets import training
from dropout_lib.nets.mlp import MLP
from dropout_lib.nets.passes import softmax

STORED = Path(__file__).resolve().with_suffix(".npz")
KEEP = (1.0, 0.5)
MEASURES = ("error, %", "log loss", "log loss at the fitted temperature", "temperature")
AVERAGES = {"arithmetic": arithmetic_mean, "geometric": geometric_mean}
#: When turned each has five measures: the first three, the mean sureness, and % wrong and > 0.9 sure.
WAYS = (*AVERAGES, "scaled")
COLUMNS = (
    *("entropy", "information", "scaled entropy", "sureness", "scaled sureness"),
    *("right", "scaled right"),
)
PASSES = (1, 2, 3, 5, 10, 20, 50, 100)
REPEATS = 4
ANGLES = range(0, 181, 15)
SIDE = 90
HALVINGS = 40  # of an interval of log β: leaves 1e-11 of it


def small_net() -> list[np.ndarray]:
    """Weights and biases of a net with so few hidden units that all its subnetworks can be asked."""
    train, _ = digits_for(0, "clean")
    net = MLP((64, 7, 7, 10), np.random.default_rng([1, 2]))
    rng = np.random.default_rng([1, 3])
    settings = {"keep": (1.0, 0.8), "epochs": 60, "learning_rate": 0.02, "evaluate_every": 60}
    training.fit(net, train.x, train.y, rng=rng, **settings)
    return net.parameters


def log_loss(p: np.ndarray, y: np.ndarray) -> float:
    """Mean of −log p(right class)."""
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def temperature(p: np.ndarray, y: np.ndarray) -> float:
    """The T for which softmax(log p / T) has the lowest log loss: by bisection, as it is convex in β = 1/T."""
    logs = np.log(p)
    low, high = np.log(1 / 20), np.log(20)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = (softmax(np.exp(middle) * logs) * logs).sum(axis=1)
        if (expected - logs[np.arange(len(y)), y]).mean() > 0:  # the slope of the log loss
            high = middle
        else:
            low = middle
    return float(np.exp(-low))


def measures(p: np.ndarray, y: np.ndarray, upright: np.ndarray | None = None) -> list[float]:
    """The four MEASURES. Each half of the images gets the temperature that fits the other half best.

    With `upright`, what is said about the same images as they are, the temperatures come from that.
    """
    half = np.arange(len(y)) % 2
    fit_on = p if upright is None else upright
    fitted = [temperature(fit_on[half != h], y[half != h]) for h in (0, 1)]
    at_fitted = softmax(np.log(p) / np.take(fitted, half)[:, None])
    error = 100 * np.mean(p.argmax(axis=1) != y)
    return [error, log_loss(p, y), log_loss(at_fitted, y), float(np.mean(fitted))]


def ask(net: MLP, x: np.ndarray, k: int, seed: list[int]) -> np.ndarray:
    """Ask k random subnetworks: (k, images, classes) in 64 bits, above 0, adding up to 1."""
    passes = monte_carlo(net, x, k, KEEP, np.random.default_rng(seed)).astype(np.float64)
    passes = np.maximum(passes, np.finfo(np.float32).tiny)
    return passes / passes.sum(axis=-1, keepdims=True)


def one_pass(net: MLP, x: np.ndarray) -> np.ndarray:
    """What the scaled pass says, in 64 bits."""
    return softmax(net.predict_logits(x).astype(np.float64))


def by_passes(labels: str, seed: int) -> dict[str, np.ndarray]:
    """`scores`, `scaled` and `changed` of one net; no pass serves in two repeats."""
    net, _ = stored_net("dropout", seed, labels)
    _, (x, y) = digits_for(seed, labels)
    passes = ask(net, x, REPEATS * max(PASSES), [seed, 4])
    scores = np.empty((len(AVERAGES), REPEATS, len(PASSES), len(MEASURES)))
    changed = np.empty(len(PASSES))
    for at, k in enumerate(PASSES):
        runs = passes[: REPEATS * k].reshape(REPEATS, k, *passes.shape[1:])
        for number, combine in enumerate(AVERAGES.values()):
            scores[number, :, at] = [measures(combine(run), y) for run in runs]
        one, other = (run.mean(axis=0).argmax(axis=1) for run in runs[:2])
        changed[at] = 100 * np.mean(one != other)
    scaled = np.array(measures(one_pass(net, x), y))
    return {"scores": scores, "scaled": scaled, "changed": changed}


def by_angle(labels: str, seed: int, angles: range = ANGLES) -> dict[str, np.ndarray]:
    """`turned`, `unsure` and `images` of one net; the first of the angles has to be 0."""
    net, _ = stored_net("dropout", seed, labels)
    _, (x, y) = digits_for(seed, labels)
    turned, unsure, images, upright = [], [], [], {}
    for angle in angles:
        seen = rotate(x, angle)
        passes = ask(net, seen, max(PASSES), [seed, 5, angle])
        said = {name: combine(passes) for name, combine in AVERAGES.items()}
        said["scaled"] = one_pass(net, seen)
        upright = upright or said
        turned.append([_turned(said[way], y, upright[way]) for way in WAYS])
        mean, scaled = said["arithmetic"], said["scaled"]
        doubts = entropy(mean), mutual_information(passes)
        unsure.append([doubt.mean() for doubt in doubts])
        if angle in (0, SIDE):
            sure = mean.max(axis=1), scaled.max(axis=1)
            right = mean.argmax(axis=1) == y, scaled.argmax(axis=1) == y
            images.append(np.array([*doubts, entropy(scaled), *sure, *right]))
    return {
        "turned": np.array(turned),
        "unsure": np.array(unsure),
        "images": np.array(images, dtype=np.float32),
    }


def _turned(p: np.ndarray, y: np.ndarray, upright: np.ndarray) -> list[float]:
    sureness, wrong = p.max(axis=1), p.argmax(axis=1) != y
    return [*measures(p, y, upright)[:3], sureness.mean(), 100 * np.mean(wrong & (sureness > 0.9))]


def main() -> None:
    """Write the file, and say where the work is."""
    found: dict[str, list[np.ndarray]] = {}
    for labels, seed in product(LABELS, SEEDS):
        print(labels, seed, flush=True)
        for name, array in (by_passes(labels, seed) | by_angle(labels, seed)).items():
            found.setdefault(f"{labels}/{name}", []).append(array)
    arrays = {name: np.array(parts) for name, parts in found.items()}
    arrays |= {f"small/{n}": parameter for n, parameter in enumerate(small_net())}
    np.savez_compressed(STORED, **arrays)


if __name__ == "__main__":
    main()
