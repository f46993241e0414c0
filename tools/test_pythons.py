"""Run `start.py test` under several Pythons, each in a clean copy of its own.

    python tools/test_pythons.py [--python PYTHON ...] [--uncommitted] [pytest's ARGS]

Takes python3.10 to python3.13 from PATH, or the interpreters named. The exit code is 1 if one of
them is missing or fails; a table at the end says which.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from steps import Failure, clean_copy, find_python

VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def verdict(python: str, uncommitted: bool, pytest_arguments: list[str]) -> str:
    """Run the suite in a clean copy and say how it went."""
    with tempfile.TemporaryDirectory(prefix="python-") as folder:
        copy = Path(folder) / "copy"
        clean_copy(copy, uncommitted=uncommitted)
        command = [python, copy / "start.py", "test", *pytest_arguments]
        code = subprocess.call(command, stdin=subprocess.DEVNULL)
    return "passed" if code == 0 else f"exit code {code}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", dest="pythons", action="append", help="instead of those found")
    parser.add_argument(
        "--uncommitted", action="store_true", help="take the files as they are, not the last commit"
    )
    arguments, pytest_arguments = parser.parse_known_args()
    verdicts = {}
    for name in arguments.pythons or VERSIONS:
        try:
            python = name if arguments.pythons else find_python(name)
            verdicts[name] = verdict(python, arguments.uncommitted, pytest_arguments)
        except (Failure, OSError) as problem:
            verdicts[name] = str(problem)
    print()
    for name, text in verdicts.items():
        print(f"{name:>6}  {text}")
    return int(any(text != "passed" for text in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
