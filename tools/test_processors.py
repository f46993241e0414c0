"""Run every notebook as other computers would: what trained nets say must hold on all of them.

    python tools/test_processors.py [--kinds Prescott,threads] [--notebooks 01,06] [--oldest]

Kinds: the kernels of OpenBLAS for other processors, the fast paths of NumPy switched off, two threads for BLAS,
first weights disturbed in their seventh digit, a Python that cannot start threads (there the buttons of all jobs
are pressed, too), and with `--oldest` the oldest releases allowed, which it installs. Each notebook is run once, in
a process of its own, two at a time. Prints a table notebook × kind of errors and of claims that are not borne out,
then for each claim about a trained net the smallest margin. Exits with 1 on any error or cross.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from steps import ROOT, Failure, find_python, note

sys.path.insert(0, str(ROOT / "tests"))  # what executes a notebook lives with the tests

from notebook_runner import NO_THREADS, calls_training

NOTEBOOKS = ROOT / "notebooks"
RUNNER = ROOT / "tests" / "notebook_runner.py"
AT_A_TIME = 2
RUN_SECONDS = 900  # a notebook that takes longer hangs
CORES = ["Haswell", "Sandybridge", "Nehalem", "Prescott", "Zen", "SkylakeX"]
# The names under which OpenBLAS reports the kernels that it takes for an old core: they are the same.
SAME_KERNELS = {"Prescott": {"Prescott", "Katmai", "Coppermine", "Northwood", "Banias"}}
# Set on some machines: they would decide for the kinds below.
PRESET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES")

# What a child really uses: kernels and threads of BLAS, and the fast paths of NumPy.
PROBE = """
import json, numpy, threadpoolctl
try:
    from numpy._core import _multiarray_umath as umath
except ImportError:
    from numpy.core import _multiarray_umath as umath
numpy.ones((300, 300)) @ numpy.ones((300, 300))
[blas] = [info for info in threadpoolctl.threadpool_info() if "numpy" in info["filepath"]] or [{}]
print(json.dumps({
    "core": blas.get("architecture"), "threads": blas.get("num_threads"),
    "fast": [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]],
}))
"""
# A hidden first cell: weights of the library's nets change by some units of their seventh digit.
DISTURBED = """
import dropout_lib
import numpy as _np
from dropout_lib.nets.mlp import MLP as _MLP
_make = _MLP.__init__
def _disturbed(self, *arguments, **settings):
    _make(self, *arguments, **settings)
    dice = _np.random.default_rng(7)
    for parameter in self.parameters:
        parameter *= 1 + 5e-7 * dice.choice([-1, 1], parameter.shape).astype(parameter.dtype)
_MLP.__init__ = _disturbed
"""


@dataclass(frozen=True)
class Kind:
    """One kind of computer, and how to be one."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    # What is wrong with what `PROBE` found: the machine or the library cannot be this kind. Empty: nothing.
    unlike: Callable[[dict], str] = lambda _: ""
    first_cell: str = ""
    press_jobs: bool = False
    python: str = sys.executable

    def child_environment(self) -> dict[str, str]:
        """The environment of its processes."""
        own = {name: value for name, value in os.environ.items() if name not in PRESET}
        return own | self.environment

    def missing(self) -> str:
        """Why this machine cannot be of this kind; empty if it can."""
        done = subprocess.run(
            [self.python, "-W", "error::ImportWarning", "-c", PROBE],
            env=self.child_environment() | {"PYTHONPATH": ""},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            return last[0]
        return self.unlike(json.loads(done.stdout))


def kinds() -> list[Kind]:
    """All kinds that need nothing installed."""
    plain = Kind("own")
    fast = _probed(plain)["fast"]
    threads = str(AT_A_TIME)
    return [
        plain,
        *(Kind(core, {"OPENBLAS_CORETYPE": core}, _has_core(core)) for core in CORES),
        Kind(
            "slow NumPy",
            {"NPY_DISABLE_CPU_FEATURES": " ".join(fast)} if fast else {},
            lambda found: "" if fast and not found["fast"] else f"fast paths: {fast} → {found['fast']}",
        ),
        Kind(
            "two BLAS threads",
            {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            lambda found: "" if found["threads"] == AT_A_TIME else f"{found['threads']} BLAS threads",
        ),
        Kind("seventh digit", first_cell=DISTURBED),
        Kind("no threads", first_cell=NO_THREADS, press_jobs=True),
    ]


def _probed(kind: Kind) -> dict:
    command = [kind.python, "-c", PROBE]
    done = subprocess.run(command, env=kind.child_environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _has_core(core: str) -> Callable[[dict], str]:
    wanted = SAME_KERNELS.get(core, {core})

    def unlike(found: dict) -> str:
        got = found["core"]
        return "" if got in wanted else f"this OpenBLAS, on this machine, uses {got} kernels for it"

    return unlike


def oldest(folder: Path) -> Kind:
    """The oldest releases that are allowed, in a new environment in `folder`."""
    from test_oldest import OLDEST_PYTHON, make_oldest

    return Kind("oldest", python=str(make_oldest(find_python(OLDEST_PYTHON), folder)))


def run(kind: Kind, notebook: Path) -> dict:
    """What the notebook's runner says, as JSON; a runner that fails is a problem, too."""
    command = [kind.python, RUNNER, notebook, "--once", f"--before={kind.first_cell}"]
    try:
        done = subprocess.run(
            [*command, "--press-jobs"] if kind.press_jobs else command,
            env=kind.child_environment(),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"problems": [f"takes more than {RUN_SECONDS} s"], "complaints": [], "claims": {}}
    except json.JSONDecodeError:
        return {"problems": [f"no result: {done.stderr[-500:]}"], "complaints": [], "claims": {}}


def faults(result: dict) -> tuple[list[str], list[str]]:
    """The errors of a run, and the claims that it did not bear out."""
    crosses = [
        f"{claim} ✗ {words}"
        for claim, parts in result["claims"].items()
        for holds, words, _ in parts
        if not holds
    ]
    return result["problems"] + result["complaints"], crosses


def cell(result: dict) -> str:
    """A run in the table."""
    errors, crosses = faults(result)
    said = [f"{len(errors)} errors"] * bool(errors) + [f"{len(crosses)} ✗"] * bool(crosses)
    return ", ".join(said) or "ok"


def smallest_margins(results: Mapping[tuple[str, str], dict]) -> dict[str, tuple[float, str]]:
    """claim -> its smallest margin over all kinds, and the kind where it was met."""
    smallest: dict[str, tuple[float, str]] = {}
    for (kind, _), result in results.items():
        for claim, parts in result["claims"].items():
            for margin in (margin for *_, margin in parts if margin is not None):
                smallest[claim] = min(smallest.get(claim, (margin, kind)), (margin, kind))
    return dict(sorted(smallest.items()))


def report(wanted: list[Kind], notebooks: list[Path]) -> bool:
    """Run the notebooks as all kinds and print what was found; return True if all is clean."""
    able = []
    for kind in wanted:
        missing = kind.missing()
        if missing:
            note(f"{kind.name}: not here: {missing}")
        else:
            able.append(kind)
    pairs = [(kind, notebook) for kind in able for notebook in notebooks]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        done = pool.map(lambda pair: run(*pair), pairs)
        results = {(kind.name, path.name): found for (kind, path), found in zip(pairs, done, strict=True)}
    print(f"| notebook | {' | '.join(kind.name for kind in able)} |")
    print(f"|:--|{':-:|' * len(able)}")
    for path in notebooks:
        print(f"| {path.name[:2]} | {' | '.join(cell(results[kind.name, path.name]) for kind in able)} |")
    judged = {pair: faults(result) for pair, result in results.items()}
    found = {pair: [*errors, *crosses] for pair, (errors, crosses) in judged.items()}
    for (kind, name), texts in found.items():
        for text in texts:
            print(f"{kind}, {name}: {text}")
    print("\nsmallest margins of trained nets:")
    for claim, (margin, kind) in smallest_margins(results).items():
        print(f"  {claim}  {margin:.2f}  ({kind})")
    bad = sum(map(bool, found.values()))
    print(f"{len(found) - bad} passed, {bad} failed")
    return bool(able) and not bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kinds", help="some of them, with commas between")
    parser.add_argument("--notebooks", help="numbers with commas between, or `training`: those that train nets")
    parser.add_argument("--oldest", action="store_true", help="also on the oldest releases allowed")
    options = parser.parse_args()
    every = sorted(NOTEBOOKS.glob("*.ipynb"))
    notebooks = every
    if options.notebooks == "training":
        notebooks = [path for path in every if calls_training(path)]
    elif options.notebooks:
        notebooks = [path for path in every if path.name[:2] in options.notebooks.split(",")]
    known = kinds()
    names = [kind.name for kind in known]
    asked = options.kinds.split(",") if options.kinds else names
    unknown = sorted(set(asked) - set(names))
    if unknown or not notebooks:
        parser.error(f"kinds are {', '.join(names)}; notebooks {', '.join(path.name[:2] for path in every)}")
    wanted = [kind for kind in known if kind.name in asked]
    with tempfile.TemporaryDirectory(prefix="oldest-") as folder:
        try:
            if options.oldest:
                wanted.append(oldest(Path(folder)))
            return 0 if report(wanted, notebooks) else 1
        except Failure as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
