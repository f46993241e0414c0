"""Open the dropout notebooks with one command; Python 3.10 or newer is all it needs.

    python3 start.py              make .venv, install the packages there, open JupyterLab
    python3 start.py lab ARGS     the same, with ARGS for JupyterLab, such as --no-browser
    python3 start.py test ARGS    install what the tests need as well, run pytest with ARGS

On Windows write `py` instead of `python3`. To start afresh, delete the folder .venv.
"""

import sys

try:
    import hashlib
    import os
    import re
    import shutil
    import signal
    import subprocess
    import venv
    from pathlib import Path
except ImportError as gap:  # Debian's python3-minimal
    sys.exit(str(gap) + ": this Python is incomplete; on Debian: sudo apt install python3-venv")

OLDEST_PYTHON: tuple = (3, 10)  # a "syntax error" here means Python 2: use python3
ROOT = Path(__file__).resolve().parent
NOTEBOOK = "notebooks/00_start_here.ipynb"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PIP = PYTHON.with_name("pip.exe" if os.name == "nt" else "pip")  # whoever activates .venv types it
UNFINISHED = VENV / "unfinished"  # is there while .venv is being filled
STAMPS = {extra: VENV / ("installed-" + (extra or "run")) for extra in ("", "test")}
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

DISK_FULL = (
    r"Errno (28|122)\b|(os |Win)error (28|112|122)\b|No space left|quota exceeded|No usable temp"
)
NO_NETWORK = (
    r"Connection(Pool|Error)|Connection (aborted|broken|refused|reset)|Timeout|timed out|"
    r"NameResolution|ProxyError|IncompleteRead|error sending request|dns error"
)
ADVICE = {  # what an installer or the system said -> what to do about it
    DISK_FULL: "The disk is full: make room (2 GB) for this folder, temporary files and caches.",
    NO_NETWORK: "The package index cannot be reached: check your network and proxy settings.",
    "No module named '?(ensurepip|pip)": (
        "This Python cannot make environments; on Debian and Ubuntu: sudo apt install python3-venv"
    ),
}
PROGRESS = re.compile(r"\s*(Downloading|Using cached|Building|Installing|Prepared)")


class Problem(Exception):
    """What stands in the way and what to do about it, in one line."""


def advice(said: str) -> str:
    """The advice for what an installer or the system said; empty if the cause is not known."""
    return next((text for cause, text in ADVICE.items() if re.search(cause, said, re.I)), "")


def environment() -> dict:
    """The environment as if .venv were activated, with one BLAS thread unless the user set it."""
    one_thread = dict.fromkeys(BLAS_THREADS, "1")  # the matrices here are too small for more
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    path = str(PYTHON.parent) + os.pathsep + env.get("PATH", os.defpath)
    return {**one_thread, **env, "VIRTUAL_ENV": str(VENV), "PATH": path, "PIP_USER": "0"}


def fingerprint() -> bytes:
    """What an installation depends on; the folder counts because .venv holds its path."""
    wanted = b"".join((ROOT / name).read_bytes() for name in ("requirements.txt", "pyproject.toml"))
    return os.fsencode(ROOT) + b"\n" + hashlib.sha256(wanted).hexdigest().encode()


def fault() -> str:
    """Why .venv has to be made anew; empty if it can be used or added to."""
    if not VENV.is_dir():
        return "there is none yet"
    if UNFINISHED.exists():
        return "its installation broke off"
    ask = [str(PYTHON), "-I", "-c", "import sys; print(sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except OSError:
        return "its Python is gone"
    if answer.decode().strip() != str(sys.version_info[:2]):
        return "its Python is another one"
    if any(stamp.exists() for stamp in STAMPS.values()) and not PIP.exists():
        return "it has no pip"
    here = os.fsencode(ROOT) + b"\n"
    if not all(stamp.read_bytes().startswith(here) for stamp in STAMPS.values() if stamp.exists()):
        return "the folder was moved or copied"
    return ""


def make_venv() -> None:
    """Put a new .venv in the place of whatever was there, without pip, which a Python may lack."""
    if os.pathsep in str(ROOT):
        raise Problem(f"No .venv can be made in {ROOT}: rename the folder, without any {os.pathsep}.")
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    UNFINISHED.touch()
    venv.create(VENV, symlinks=os.name != "nt")


def run(command: list) -> tuple:
    """Run an installer, show how it gets on, and return its exit code and what it said."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    text = {"encoding": "utf-8", "errors": "replace"}
    try:
        installer = subprocess.Popen(command, cwd=ROOT, env=environment(), **pipes, **text)
    except OSError as error:
        return 1, str(error)
    width = (shutil.get_terminal_size().columns or 80) - 1  # some terminals do not know theirs
    show = f"\r{{:{width}}}" if sys.stdout.isatty() else "{}\n"  # one line that changes, or many
    said = ""
    with installer:
        try:
            for line in installer.stdout:
                said += line
                if PROGRESS.match(line):
                    print(show.format(line.strip()[:width]), end="", flush=True)
        except BaseException:  # Ctrl-C: nothing goes on installing in the background
            installer.terminate()
            raise
    print(end="\n" if "\r" in show else "")
    return installer.returncode, said


def install(extra: str) -> None:
    """Install requirements.txt, the package and what `extra` names, with uv or else with pip."""
    print("Installing the packages; the first time this takes a few minutes.", flush=True)
    UNFINISHED.touch()
    wanted = ["-r", "requirements.txt", "-e", f".[{extra}]" if extra else "."]
    uv, python = shutil.which("uv"), str(PYTHON)
    code, said = run([uv, "pip", "install", "--python", python, "pip", *wanted]) if uv else (1, "")
    if code > 0 and not re.search(DISK_FULL, said, re.I):
        if uv:  # pip may know an index or a proxy that uv does not
            print("That did not work with uv; trying pip.", flush=True)
        ours = ["ensurepip", "--default-pip"]  # without this there is a pip3 only
        for step in (ours, ["pip", "install", "--disable-pip-version-check", *wanted]):
            code, more = run([python, "-m", *step])
            said += more
    if code:
        if advice(said) == ADVICE[NO_NETWORK]:
            UNFINISHED.unlink()  # all is fetched before anything is installed: .venv is as it was
        elif not advice(said):
            print("".join(said.splitlines(True)[-15:]), end="", file=sys.stderr)
        raise Problem(advice(said) or f"The installer failed with exit code {code}.")
    for stamp in STAMPS.values():
        stamp.unlink(missing_ok=True)
    UNFINISHED.unlink()
    for done in {"", extra}:
        STAMPS[done].write_bytes(fingerprint())


def prepare(extra: str) -> None:
    """See to it that .venv holds all that `extra` asks for; at once if it does already."""
    reason = fault()
    if reason:
        print(f"Making .venv: {reason}.", flush=True)
        make_venv()
    if not STAMPS[extra].exists() or STAMPS[extra].read_bytes() != fingerprint():
        install(extra)


def hand_over(arguments: list) -> int:
    """Go on as `.venv/bin/python -m ARGUMENTS`, so that its exit code and Ctrl-C are its own."""
    command = [str(PYTHON), "-m", *arguments]
    os.chdir(str(ROOT))
    if os.name != "nt":
        os.execve(command[0], command, environment())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows cannot replace a process: wait for it
    return subprocess.call(command, env=environment())


def main(arguments: list) -> int:
    """Do what the command line asks for and return the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        version = ".".join(map(str, sys.version_info[:3]))
        needed = "Python 3.10 or newer is needed; this is {}. Install one and start this with it."
        print(needed.format(version), file=sys.stderr)
        return 1
    command, *rest = arguments or ["lab"]
    if command in ("-h", "--help"):
        print(__doc__)
        return 0
    if command not in ("lab", "test"):
        print(f"{command} is not a command; start.py knows lab, test and --help.", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(errors="replace")  # a package's name never stops an installation
    try:
        if command == "lab" and not (ROOT / NOTEBOOK).is_file():
            raise Problem(f"{NOTEBOOK} is missing: get the whole project.")
        prepare("test" if command == "test" else "")
        if command == "test":
            return hand_over(["pytest", *rest])
        root = ["--allow-root"] if os.name != "nt" and os.geteuid() == 0 else []  # a bare container
        here = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{NOTEBOOK}"]
        return hand_over(["jupyterlab", *here, *root, *rest])
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to finish.", file=sys.stderr)
        return 130
    except (OSError, ValueError, Problem) as problem:  # venv refuses by a ValueError
        todo = str(problem) if isinstance(problem, Problem) else advice(str(problem))
        todo = todo or f"{problem}. You must be allowed to write here, and nothing may use .venv."
        print(f"{todo} Then run the same command again.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
