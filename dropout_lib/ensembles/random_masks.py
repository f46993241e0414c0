"""Monte Carlo dropout: the answers of k subnetworks that are drawn at random at prediction time.

`ensembles` then averages them. The masks cost little beside the matrix products, because one random
byte decides about a unit, except where it is a tie and a uniform number has to decide.

Source: Srivastava et al., "Dropout", JMLR 15, 2014, §7.5 (weight scaling compared with Monte Carlo
model averaging). Gal & Ghahramani, "Dropout as a Bayesian approximation", 2016, equation 6.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dropout_lib._checks import check_array, check_count, check_rng, describe
from dropout_lib.nets.mlp import MLP, LayerKeeps
from dropout_lib.nets.passes import ACTIVATIONS, Array, softmax

_BLOCK_ENTRIES = 2**19  # units of all layers times rows: about 2 MiB of float32 stay in the cache
_BYTE_VALUES = 256
_WORD_BYTES = 8  # bytes of the 64-bit words that a generator makes


def monte_carlo(net: MLP, x: ArrayLike, k: int, keep: ArrayLike, rng: np.random.Generator) -> Array:
    """Class probabilities by k subnetworks, with a mask of its own for each sample, example and layer.

    The masks are scaled so that each unit is multiplied by its `prediction_keep` on average: by μ/keep
    after inverted dropout, by μ after standard dropout, as in training.

    Args:
        net: a trained net.
        x: (batch, inputs).
        k: how many subnetworks each example meets.
        keep: (keep_input, keep_hidden), or one entry for the input layer and one for each hidden layer:
            as in training.
        rng: draws the masks. The first samples of a large k are those of a small one.
    Returns: (k, batch, classes), typed like the net. Beyond that, memory grows with the batch as in one
        ordinary pass, and does not grow with k.
    Raises: ValueError for a bad argument.
    Source: Srivastava et al. 2014, §7.5.
    """
    if not isinstance(net, MLP):
        raise ValueError(f"net must be an MLP; got {describe(net)}")
    x = check_array(x, "x", (None, net.sizes[0])).astype(net.dtype, copy=False)
    k = check_count(k, "k")
    keeps = net.layer_keeps(keep)
    masks = KeptUnits(net.sizes[:-1], keeps, check_rng(rng))
    weights = _scaled_weights(net, keeps)
    n_fixed = 0  # what comes before the first mask is the same in all samples
    while n_fixed < len(weights) and masks.columns[n_fixed] is None:
        x = _layer(net, n_fixed, x, weights)
        n_fixed += 1
    if n_fixed == len(weights):
        return np.repeat(softmax(x)[None], k, axis=0)

    batch = len(x)
    answers = np.empty((k * batch, net.sizes[-1]), net.dtype)
    n_rows = min(k * batch, max(1, _BLOCK_ENTRIES // sum(net.sizes)))
    # used again for each block, because new memory of this size costs as much as a layer
    buffers = [np.empty((n_rows, n_units), net.dtype) for n_units in net.sizes[n_fixed:]]
    for first in range(0, k * batch, n_rows):
        rows = np.arange(first, min(first + n_rows, k * batch)) % batch
        kept = masks.draw(len(rows))
        h, *outputs = (buffer[: len(rows)] for buffer in buffers)
        np.take(x, rows, axis=0, out=h, mode="clip")  # no row is clipped; "raise" would copy twice
        for layer, out in enumerate(outputs, start=n_fixed):
            if masks.columns[layer] is not None:
                h *= kept[:, masks.columns[layer]]
            h = _layer(net, layer, h, weights, out)
        answers[first : first + n_rows] = softmax(h)
    return answers.reshape(k, batch, -1)


class KeptUnits:
    """Draws which units are kept, for all layers that drop, row by row.

    A random byte is below ⌊256 keep⌋ with probability ⌊256 keep⌋/256, and equal to it, a tie, with
    probability 1/256. A tie is decided by a uniform number with what keep lacks: together that is
    Bernoulli(keep) to within 2⁻⁶¹, for little more than the price of a byte.

    Bytes and ties come from two streams, and a row takes whole words from the first: so what is drawn
    does not depend on how many rows are drawn at a time.

    Args:
        sizes: units of each layer that may drop.
        keeps: from `MLP.layer_keeps`.
        rng: the randomness.
    Attributes:
        columns: for each layer its columns in what `draw` returns, or None if it never drops.
    """

    def __init__(self, sizes: tuple[int, ...], keeps: LayerKeeps, rng: np.random.Generator) -> None:
        self.columns: list[slice | None] = []
        thresholds = [np.empty(0)]
        n_columns = 0
        for n_units, keep in zip(sizes, keeps, strict=True):
            if np.all(keep == 1):
                self.columns.append(None)
                continue
            self.columns.append(slice(n_columns, n_columns + n_units))
            thresholds.append(np.broadcast_to(_BYTE_VALUES * np.asarray(keep), n_units))
            n_columns += n_units
        self._n_columns = n_columns
        thresholds.append(np.zeros(-n_columns % _WORD_BYTES))  # up to a whole word, never kept
        threshold = np.concatenate(thresholds)
        # a keep of 1 (beside others in its layer) is a tie at the largest byte, always won
        whole = np.minimum(np.floor(threshold), _BYTE_VALUES - 1)
        self._whole = whole.astype(np.uint8)
        rest = threshold - whole
        words = np.flatnonzero(rest.reshape(-1, _WORD_BYTES).any(axis=1))  # in which a tie matters
        first, last = (words[0], words[-1] + 1) if len(words) else (0, 0)
        self._tied = slice(first * _WORD_BYTES, last * _WORD_BYTES)
        self._rest = rest[self._tied]
        self._rng = rng
        self._ties_rng = np.random.default_rng(rng.integers(2**63, size=4))

    def draw(self, n_rows: int) -> NDArray[np.bool_]:
        """(n_rows, columns): True where a unit is kept."""
        size = n_rows, len(self._whole) // _WORD_BYTES
        words = self._rng.integers(2**64 - 1, size=size, dtype=np.uint64, endpoint=True)
        drawn = words.view(np.uint8)
        kept = drawn < self._whole
        if len(self._rest):
            row, column = _places(drawn[:, self._tied] == self._whole[self._tied])
            won = self._ties_rng.random(len(row)) < self._rest[column]
            kept[:, self._tied][row[won], column[won]] = True
        return kept[:, : self._n_columns]


def _places(rare: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`numpy.nonzero`, faster where most words of eight entries are all False."""
    words = np.flatnonzero(rare.view(np.uint64) != 0)
    places = np.flatnonzero(rare.reshape(-1, _WORD_BYTES)[words])
    row, word = np.divmod(words[places // _WORD_BYTES], rare.shape[1] // _WORD_BYTES)
    return row, word * _WORD_BYTES + places % _WORD_BYTES


def _scaled_weights(net: MLP, keeps: LayerKeeps) -> list[Array]:
    """The weights with the scale of the masks in them, so that a mask is 0 or 1."""
    scales = (
        np.atleast_1d(wanted / kept)[:, None]
        for wanted, kept in zip(net.prediction_keep, keeps, strict=True)
    )
    return [
        (W * scale).astype(net.dtype) for W, scale in zip(net.parameters[0::2], scales, strict=True)
    ]


def _layer(net: MLP, layer: int, h: Array, weights: list[Array], out: Array | None = None) -> Array:
    z = np.matmul(h, weights[layer], out=out)
    z += net.parameters[2 * layer + 1]
    is_last = layer == len(weights) - 1
    return z if is_last else ACTIVATIONS[net.activation][0](z)
