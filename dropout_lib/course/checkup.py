"""Says in words whether the lessons can run here, and if not, what to do."""

import os
import platform
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement  # Matplotlib depends on it
from packaging.specifiers import SpecifierSet

import dropout_lib

_REPAIR = "Close JupyterLab and start it again with `python3 start.py` (Windows: `py start.py`)."


def run_time_packages() -> list[Requirement]:
    """Return what dropout_lib needs, and what opens notebooks as far as it is here.

    A Python that runs in a browser has no JupyterLab and another kernel.
    """
    wanted = []
    for requirement in map(Requirement, distribution("dropout_lib").requires or []):
        opens_notebooks = str(requirement.marker) == 'extra == "lab"'
        if requirement.marker is None or (opens_notebooks and _release(requirement.name)):
            wanted.append(requirement)
    return wanted


def _release(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def faults() -> list[str]:
    """Return what is wrong here, one sentence each; an empty list if all is well."""
    try:
        about = distribution("dropout_lib").metadata
    except PackageNotFoundError:
        return [f"The package dropout_lib is not installed in this Python. {_REPAIR}"]
    found = []
    python = platform.python_version()
    if not SpecifierSet(about["Requires-Python"]).contains(python, prereleases=True):
        found.append(f"This is Python {python}; {about['Requires-Python']} is needed. {_REPAIR}")
    for package in run_time_packages():
        here = _release(package.name)
        if here is None:
            found.append(f"{package.name} is missing. {_REPAIR}")
        elif not package.specifier.contains(here, prereleases=True):
            found.append(f"{package.name} is {here}; {package.specifier} is needed. {_REPAIR}")
    if not (dropout_lib.ONE_BLAS_THREAD and os.environ.get("OPENBLAS_NUM_THREADS") == "1"):
        found.append(
            "NumPy may use several threads, which makes small networks train slowly. "
            "Restart the kernel (Kernel menu) and run the cells from the top."
        )
    return found


def report() -> str:
    """Return one line for each thing that is at fault, or what was found in order."""
    found = faults()
    if found:
        return "\n".join(f"✗ {fault}" for fault in found)
    packages = ", ".join(f"{package.name} {version(package.name)}" for package in run_time_packages())
    return f"✓ Python {platform.python_version()}\n✓ {packages}\n✓ one BLAS thread"
