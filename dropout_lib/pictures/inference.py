"""Pictures of what random passes say: how their average settles, how they scatter, and gradients."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from dropout_lib.pictures.basics import COLOURS

_DEVIATIONS = 2  # half-width of a funnel: an average lies inside 95 times in 100
_JITTER = 0.28  # largest step of a dot of a cloud to the side
_DOT = 14  # points², a dot of a cloud


class Funnel:
    """A running average that settles, over k on a logarithmic axis, in a band of two standard errors.

    Args:
        ax: where it is drawn.
        k_max: how many members there are.
    """

    def __init__(self, ax: Axes, k_max: int) -> None:
        self._ks = np.arange(1, k_max + 1)
        flat = np.zeros(k_max)
        self._band = ax.fill_between(self._ks, flat, flat, color="#222222", alpha=0.14, lw=0)
        self._exact = ax.axhline(0, color=COLOURS["exact ensemble"])
        self._scaled = ax.axhline(0, color=COLOURS["weight scaling"], ls="--")
        (self._line,) = ax.plot(self._ks, flat, color=COLOURS["Monte Carlo"])
        (self._dot,) = ax.plot([1], [0], "o", ms=11, color=COLOURS["Monte Carlo"], mec="white")
        ax.set(xscale="log", xlabel="passes k", xlim=(0.9, 1.1 * k_max), ylim=(-0.02, 1.02))

    def set_values(
        self, exact: float, deviation: float, running: np.ndarray, k: int, scaled: float
    ) -> None:
        """Show the average of all, σ, the running average (k_max,) with a dot at k, and one scaled pass."""
        half = _DEVIATIONS * deviation / np.sqrt(self._ks)
        low, high = np.clip([exact - half, exact + half], 0, 1)
        self._band.set_paths(
            [np.column_stack([np.r_[self._ks, self._ks[::-1]], np.r_[low, high[::-1]]])]
        )
        self._exact.set_ydata([exact, exact])
        self._scaled.set_ydata([scaled, scaled])
        self._line.set_ydata(running)
        self._dot.set_data([k], [running[k - 1]])


class Cloud:
    """What each of several members says, a dot for each class, with their average and one scaled pass.

    Args:
        ax: where it is drawn.
        n_members, n_classes: how many.
    """

    def __init__(self, ax: Axes, n_members: int, n_classes: int) -> None:
        classes = np.arange(n_classes)
        # equal steps in an order that looks random, so that no draw has to be taken
        aside = (np.arange(n_members) * (np.sqrt(5) - 1) / 2 % 1 - 0.5) * 2 * _JITTER
        self._across = (classes + aside[:, None]).ravel()
        self._dots = ax.scatter(
            self._across, 0 * self._across, s=_DOT, color=COLOURS["Monte Carlo"], alpha=0.35, lw=0
        )
        (self._mean,) = ax.plot(
            classes, 0.0 * classes, "_", ms=24, mew=3.5, color=COLOURS["exact ensemble"]
        )
        (self._scaled,) = ax.plot(
            classes, 0.0 * classes, "D", ms=7, color=COLOURS["weight scaling"], mec="white"
        )
        ax.set(xlabel="class", xticks=classes, xlim=(-0.6, n_classes - 0.4))
        ax.set(ylabel="probability", ylim=(-0.03, 1.03))

    def set_values(self, probs: np.ndarray, scaled: np.ndarray) -> None:
        """Show (members, classes) probabilities, and those of one scaled pass, (classes,)."""
        self._dots.set_offsets(np.column_stack([self._across, np.ravel(probs)]))
        self._mean.set_ydata(np.mean(probs, axis=0))
        self._scaled.set_ydata(scaled)


class UncertaintyCurves:
    """Predictive entropy (solid) and mutual information (dashed) over what is done to a picture.

    Args:
        ax: where they are drawn.
        x: (n,) places.
        n_classes: fixes the upper end, log(n_classes).
    """

    def __init__(self, ax: Axes, x: Sequence[float], n_classes: int) -> None:
        self.ax = ax
        self.x = np.asarray(x, dtype=float)
        colour = COLOURS["exact ensemble"]
        (self._entropy,) = ax.plot(self.x, 0 * self.x, color=colour)
        (self._information,) = ax.plot(self.x, 0 * self.x, "--", color=colour)
        self._here = ax.axvline(self.x[0], color=colour, lw=1, ls=":")
        ax.set(xlim=(self.x[0], self.x[-1]), ylim=(0, np.log(n_classes)), ylabel="nats")
        ax.set_title("solid: entropy   dashed: information", fontsize=12)

    def set_values(self, entropy: np.ndarray, information: np.ndarray, here: float) -> None:
        """Show both curves, (n,), and a dotted line at `here`."""
        self._entropy.set_ydata(entropy)
        self._information.set_ydata(information)
        self._here.set_xdata([here, here])


def show_signed(ax: Axes, title: str) -> AxesImage:
    """Draw an empty 8 × 8 picture for values from −1 (red) over 0 (white) to 1 (blue), without ticks."""
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(True)
    return ax.imshow(np.zeros((8, 8)), cmap="RdBu", vmin=-1, vmax=1)


def signed(values: np.ndarray) -> np.ndarray:
    """64 values as an 8 × 8 picture for `show_signed`: the one of the largest size becomes ±1."""
    values = np.reshape(values, (8, 8))
    largest = np.abs(values).max()
    return values / largest if largest > 0 else values
