"""Remakes notebooks/stored/07_regularisation.json, the results of notebook 07 that take minutes.

    python tools/remake_07.py              # trains everything anew
    python tools/remake_07.py --resume     # keeps what the file holds and trains the rest

One thread, about a quarter of an hour on a quiet core. Each number is a share of images classified
wrongly, in %, one for each of five seeds. Another version of NumPy or of its BLAS rounds
differently; single numbers then move by a point or two, the intervals hardly.
"""

import argparse
import time
from pathlib import Path

from dropout_lib import grids, sweeps

STORED = Path(__file__).resolve().parent.parent / "notebooks" / "stored" / "07_regularisation.json"

SEEDS = range(5)
_SAVE_EVERY = 20.0  # seconds of work that a break may cost


def main() -> None:
    """Write the file, and say where the work is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true", help="keep what the file holds")
    found = sweeps.read(STORED) if parser.parse_args().resume else {}
    for name, settings in grids.everything().items():
        started = time.process_time()
        saved = time.monotonic()
        for _ in sweeps.run(settings, SEEDS, found):
            if time.monotonic() - saved > _SAVE_EVERY:
                _save(found)
                saved = time.monotonic()
        _save(found)
        print(f"{name}: {time.process_time() - started:.0f} s of processor time", flush=True)


def _save(found: sweeps.Found) -> None:
    sweeps.write(found, STORED, "python tools/remake_07.py", SEEDS)


if __name__ == "__main__":
    main()
