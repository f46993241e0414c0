"""The grids of notebook 07: which settings its sweeps train.

Source of the questions: Srivastava et al., "Dropout", JMLR 15, 2014: §7.3 (keep), §7.4 (size of the
training set), §6.5 (other regularisers), figure 4 (architectures), §10 (Gaussian noise).
"""

from collections.abc import Sequence
from itertools import product

from dropout_lib.experiments.sweeps import BATCH_SIZE, EPOCHS, LABELS, N_TRAIN, Setting

KEEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FIXED_WIDTHS = (16, 64, 256)  #: units in each of two hidden layers, whatever keep is
KEPT_UNITS = (16, 64)  #: keep · width: units that are there on average
SIZES = (50, 100, 200, 400, 700, 1000, 1400)
GAUSSIAN_KEEPS = KEEPS[2:9]
ARCHITECTURES = {
    "one layer of 512": (512,),
    "two layers of 256": (256, 256),
    "two layers of 512": (512, 512),
    "three layers of 256": (256, 256, 256),
}
NET_KEEPS = {"plain net": 1.0, "dropout net": 0.5}
CAPS = (0.15, 0.2, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
#: Units whose incoming weights a cap holds: those of the hidden layers, of the softmax layer, or all.
CAPPED = {
    "hidden units": ("max_norm",),
    "softmax layer": ("max_norm_output",),
    "both": ("max_norm", "max_norm_output"),
}
BUDGETS = ("60 epochs", "1,920 steps")  #: how long to train: the first as everywhere

_POOL = max(SIZES)


def width_for(keep: float, kept_units: int) -> int:
    """The width at which so many units are kept on average."""
    return round(kept_units / keep)


def at_fixed_width(labels: str, width: int) -> list[Setting]:
    """keep runs through `KEEPS`; the layers stay as wide as they are."""
    return [Setting(labels, keep, hidden=(width, width)) for keep in KEEPS]


def at_fixed_kept_units(labels: str, kept_units: int) -> list[Setting]:
    """keep runs through `KEEPS`; the layers grow as keep falls."""
    widths = [width_for(keep, kept_units) for keep in KEEPS]
    pairs = zip(KEEPS, widths, strict=True)
    return [Setting(labels, keep, hidden=(width, width)) for keep, width in pairs]


def by_size(labels: str, keep: float, budget: str) -> list[Setting]:
    """The training set grows through `SIZES`; the 397 test images are the same for all.

    With the budget "1,920 steps" small sets are gone through more often, so that each net takes
    about as many steps as with 1,000 images in 60 epochs.
    """
    n_steps = EPOCHS * -(-N_TRAIN // BATCH_SIZE)
    epochs = [
        EPOCHS if budget == BUDGETS[0] else round(n_steps / -(-n // BATCH_SIZE)) for n in SIZES
    ]
    return [
        Setting(labels, keep, n_train=n, pool=_POOL, n_validation=0, epochs=e)
        for n, e in zip(SIZES, epochs, strict=True)
    ]


def gaussian(labels: str) -> list[Setting]:
    """Gaussian noise with the mean and variance of dropout."""
    return [Setting(labels, keep, noise="gaussian") for keep in GAUSSIAN_KEEPS]


def architecture(labels: str, shape: str, net: str) -> Setting:
    """One net of the headline figure, measured after each epoch on all 797 other images."""
    hidden = ARCHITECTURES[shape]
    return Setting(labels, NET_KEEPS[net], hidden=hidden, n_validation=0, curve=True)


def stopped_early(labels: str) -> Setting:
    """The plain net, measured after each epoch on the images to choose by, too."""
    return Setting(labels, curve=True)


def cap_at(labels: str, where: str, cap: float, keep: float = 1.0) -> Setting:
    """One cap on the units that `where` names, one of `CAPPED`."""
    return Setting(labels, keep, **dict.fromkeys(CAPPED[where], cap))


def regularisers(labels: str) -> dict[str, list[Setting]]:
    """The candidates of each regulariser, of which one is chosen by validation.

    Six for each that stands alone. A mixture has the same six values of keep, each with two
    strengths of what is added: twelve, so that it can choose whatever dropout alone can.
    """
    decays = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    keeps = KEEPS[2:8]

    def capped(where: str, caps: Sequence[float], keeps: Sequence[float] = (1.0,)) -> list[Setting]:
        return [cap_at(labels, where, cap, keep) for keep, cap in product(keeps, caps)]

    both = ((1e-3, 1.0), (3e-3, 0.5))
    return {
        "weight decay": [Setting(labels, weight_decay=decay) for decay in decays],
        "max-norm": capped("hidden units", (*CAPS[:5], 1.0)),
        "max-norm, softmax too": capped("both", CAPS[3:]),
        "dropout": [Setting(labels, keep) for keep in keeps],
        "dropout, inputs too": [
            Setting(labels, keep, keep_input=k) for keep, k in product(keeps, (0.9, 0.8))
        ],
        "dropout + weight decay": [
            Setting(labels, keep, weight_decay=d) for keep, d in product(keeps, (1e-3, 3e-3))
        ],
        "dropout + max-norm": capped("hidden units", (0.5, 1.0), keeps),
        "dropout + max-norm, softmax too": capped("both", (1.0, 2.0), keeps),
        "all three": [
            Setting(labels, keep, weight_decay=decay, max_norm=norm)
            for keep, (decay, norm) in product(keeps, both)
        ],
    }


def everything() -> dict[str, list[Setting]]:
    """All settings of the notebook, by the sweep that they belong to."""
    return {
        "architectures": [
            architecture(*which) for which in product(LABELS, ARCHITECTURES, NET_KEEPS)
        ],
        "keep": [
            setting
            for labels in LABELS
            for grid, values in ((at_fixed_width, FIXED_WIDTHS), (at_fixed_kept_units, KEPT_UNITS))
            for value in values
            for setting in grid(labels, value)
        ],
        "size": [
            setting
            for labels, keep, budget in product(LABELS, NET_KEEPS.values(), BUDGETS)
            for setting in by_size(labels, keep, budget)
        ],
        "caps": [cap_at(*which) for which in product(LABELS, CAPPED, CAPS)],
        "regularisers": [
            setting
            for labels in LABELS
            for candidates in [[stopped_early(labels)], *regularisers(labels).values()]
            for setting in candidates
        ],
        "gaussian": [setting for labels in LABELS for setting in gaussian(labels)],
    }
