"""Helpers behind the dropout notebooks: masks, networks, ensembles, and figures that follow sliders.

Importing this package is cheap: it loads neither NumPy, Matplotlib, SymPy nor ipywidgets. It only asks the
BLAS library that NumPy will load for one thread. The matrices of these lessons are small; a second thread
costs more in waiting than it brings, up to thirty times on a busy two-core machine.
"""

import os
import sys

_BLAS_THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

#: True if the one-thread setting can take effect: the variables are read once, when NumPy loads.
ONE_BLAS_THREAD = "numpy" not in sys.modules or os.environ.get("OPENBLAS_NUM_THREADS") == "1"

for _variable in _BLAS_THREAD_VARIABLES:
    os.environ.setdefault(_variable, "1")  # a value the user chose stays

if "MPLCONFIGDIR" not in os.environ and not os.access(os.path.expanduser("~"), os.W_OK):
    # Matplotlib would make such a folder, too, but complain about it above the first figure.
    import atexit
    import shutil
    import tempfile

    os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="matplotlib-")
    atexit.register(shutil.rmtree, os.environ["MPLCONFIGDIR"], ignore_errors=True)

__version__ = "0.1.0"
