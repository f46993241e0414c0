"""Run the test suite on the oldest versions that requirements.txt and pyproject.toml allow.

    python tools/test_oldest.py [--python PYTHON] [--try NAME==VERSION ...] [pytest's ARGS]

Makes a fresh environment of the oldest Python allowed (`--python`, or python3.10 from PATH),
installs each package at its lower bound, the tests' own packages too, and runs pytest. So it shows
whether the bounds are honest. `--try numpy==1.21.6` tries another version of one package, to find
out whether a bound could be lower or must be higher. The exit code is pytest's.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from steps import ROOT, Failure, find_python, make_venv, note, run

OLDEST_PYTHON = "3.10"
# Old releases of two packages use names that newer ones of their own requirements announce to
# drop. Readers never see such an announcement; in the suite every warning is an error.
COMPANIONS = ["pyparsing<3.3", "mpmath<1.4"]  # of Matplotlib before 3.10.7 and SymPy before 1.12.1
BOUND = re.compile(r"([\w-]+?)(?:!=[\w.*]+,)*[>=]=([\w.]+)(?:,!=[\w.*]+)*$")
TEST = re.compile(r"""; extra == ["']test["']$""")
ASK_FOR_EXTRAS = """
import importlib.metadata, json
print(json.dumps(importlib.metadata.requires("dropout-lib")))
"""
ASK_FOR_RELEASES = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


def bounds(of_the_package: list[str]) -> dict[str, str]:
    """The oldest release of each package that requirements.txt, or the extra `test`, allows."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in (line.partition("#")[0].strip() for line in lines) if line]
    wanted += [TEST.sub("", line) for line in of_the_package if TEST.search(line)]
    found = {line: BOUND.match(line) for line in wanted}
    unbounded = [line for line, bound in found.items() if bound is None]
    if unbounded:
        raise Failure(f"no lower bound, or an upper one: {'; '.join(unbounded)}")
    return {bound[1]: bound[2] for bound in found.values() if bound}


def make_oldest(python: str, folder: Path, tried: Sequence[str] = ()) -> Path:
    """Make an environment with the oldest releases, or those `tried`, in `folder`; return its Python."""
    python = make_venv(python, folder / "oldest")
    uv = shutil.which("uv")
    with_uv = [uv, "pip", "install", "--quiet", "--python", python]
    install = with_uv if uv else [python, "-m", "pip", "install", "--quiet"]
    run("dropout_lib", [*install, "--no-deps", "--editable", ROOT])
    pins = bounds(json.loads(run("its extra `test`", [python, "-c", ASK_FOR_EXTRAS])))
    for name, version in (text.split("==") for text in tried):
        pins[name] = version
    exactly = [f"{name}=={version}" for name, version in pins.items()]
    note(", ".join(exactly))
    run("oldest packages", [*install, *exactly, *COMPANIONS])
    releases = json.loads(run("their releases", [python, "-c", ASK_FOR_RELEASES, *pins]))
    for name, version in pins.items():
        if not f"{releases[name]}.0.0".startswith(f"{version}."):
            raise Failure(f"{name} {releases[name]} was installed instead of {version}")
    return python


def test(arguments: argparse.Namespace, pytest_arguments: list[str], folder: Path) -> int:
    """Do all steps in `folder` and return pytest's exit code."""
    python = make_oldest(find_python(OLDEST_PYTHON, arguments.python), folder, arguments.tried)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(folder / "oldest")}
    return subprocess.call([python, "-m", "pytest", *pytest_arguments], cwd=ROOT, env=env)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", help=f"a Python {OLDEST_PYTHON} (default: from PATH)")
    parser.add_argument(
        "--try", dest="tried", action="append", default=[], metavar="NAME==VERSION", help="instead"
    )
    arguments, pytest_arguments = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="oldest-") as folder:
        try:
            return test(arguments, pytest_arguments, Path(folder))
        except Failure as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
