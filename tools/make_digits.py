"""Remake `dropout_lib/digits.npz` from the copy of the digits inside scikit-learn.

    python tools/make_digits.py             # needs scikit-learn, which the tests install

The file holds the arrays `pixels` (1797, 64) uint8, 0 … 16, and `labels` (1797,) uint8, 0 … 9. The
entries of the archive carry no date, so that making it again shows no difference.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).resolve().parent.parent / "dropout_lib" / "digits.npz"
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can name


def archive() -> bytes:
    """scikit-learn's digits as a compressed .npz archive."""
    bunch = load_digits()
    arrays = {"pixels": bunch.data.astype(np.uint8), "labels": bunch.target.astype(np.uint8)}
    if not np.array_equal(arrays["pixels"], bunch.data):
        raise SystemExit("scikit-learn's pixels are not whole numbers in 0 … 255; nothing written")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.save(entry, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_NO_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, entry.getvalue(), compresslevel=9)
    return content.getvalue()


if __name__ == "__main__":
    TARGET.write_bytes(archive())
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes")
