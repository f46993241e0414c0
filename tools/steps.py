"""What the scripts beside it share: steps that are timed and stop at a failure, clean copies."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP_SECONDS = 1800  # a step that takes longer hangs
LAST_CHARACTERS = 4000  # of what a failing step wrote


class Failure(Exception):
    """Why a script cannot report success, in one line."""


def run(title: str, command: list, *, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run one step, print how long it took, and return what it wrote to stdout.

    Raises Failure if it cannot be started, hangs or ends with another exit code than 0.
    """
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=STEP_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Failure(f"{title}: {problem}") from None
    print(f"{time.perf_counter() - began:6.1f} s  {title}", flush=True)
    if done.returncode:
        print((done.stdout + done.stderr)[-LAST_CHARACTERS:], file=sys.stderr)
        raise Failure(f"{title}: exit code {done.returncode}, see above")
    return done.stdout


def note(text: str) -> None:
    """Print what a step found, below its line."""
    print(f"          {text}", flush=True)


def clean_copy(folder: Path, *, uncommitted: bool) -> None:
    """Clone the last commit into `folder`, or copy all files there that git does not ignore."""
    git = ["git", "-C", ROOT]
    changed = run("git status", [*git, "status", "--porcelain"]).splitlines()
    if not uncommitted:
        run("git clone", ["git", "clone", "--quiet", ROOT, folder])
        if changed:
            note(f"{len(changed)} changes are not committed, so they are not in it")
        return
    listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in run("git ls-files", listing).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def find_python(version: str, named: str | None = None) -> str:
    """Return the Python `named`, or else pythonX.Y from PATH; raise Failure if it is not X.Y."""
    candidate = named or shutil.which(f"python{version}") or sys.executable
    ask = [candidate, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]
    try:
        found = subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    except OSError:
        found = ""
    if found != version:
        what = f"is Python {found}" if found else "does not run"
        raise Failure(f"Python {version} is needed, but {candidate} {what}: name one with --python")
    return candidate


def make_venv(python: str, folder: Path) -> Path:
    """Make an environment in `folder` and return its Python."""
    run(f"environment {folder.name}", [python, "-m", "venv", folder])
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
