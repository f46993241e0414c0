"""The PNG encoder, read back by Pillow, which Matplotlib brings along."""

import io

import numpy as np
import pytest
from PIL import Image

from dropout_lib.live._png import encode_png


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 4), (64, 201)])
def test_what_is_encoded_is_read_back(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 4), dtype=np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), pixels)


def test_a_flat_picture_is_small():
    assert len(encode_png(np.full((300, 400, 4), 255, np.uint8))) < 10_000


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 2, 3), np.uint8),
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 4)),
        np.zeros((0, 2, 4), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(pixels):
    with pytest.raises(ValueError, match="pixels"):
        encode_png(pixels)
