"""Play without Docker what Binder would do with this repository, and execute a notebook there.

    python tools/replay_binder.py [--python PYTHON] [--notebook NOTEBOOK] [--uncommitted]

Binder builds an image with jupyter-repo2docker. This script asks repo2docker's own Python interface
which build pack it would choose and which scripts it would run, and runs those very scripts

- in a clean clone of the last commit (`--uncommitted`: with what was changed since),
- in a fresh environment of the Python that Binder would use, filled beforehand with the packages
  that Binder's base image brings, in the same releases.

It ends with exit code 1 and a line that says why if a script fails, if a package of the base image
is displaced by another release, or if the notebook does not run to its end without an error.
Linux and macOS; building takes about two minutes and 1 GB of temporary files.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from steps import Failure, clean_copy, find_python, make_venv, note, run

# Runs in the environment that repo2docker was installed in, in the clone.
ASK_REPO2DOCKER = """
import json, pathlib
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import conda

app = Repo2Docker()
packs = (kind(app.base_image) for kind in app.buildpacks)
pack = next((pack for pack in packs if pack.detect()), None)
if pack is None:
    raise SystemExit("no build pack takes this repository")
base = pathlib.Path(conda.HERE, f"environment.py-{pack.python_version}")
print(json.dumps({
    "pack": type(pack).__name__,
    "python": pack.python_version,
    "scripts": [
        *(script for _, script in pack.get_preassemble_scripts()),
        *(script for _, script in pack.get_assemble_scripts()),
        *pack.get_post_build_scripts(),
    ],
    "start": pack.get_start_script(),
    "asked": base.with_name(base.name + ".yml").read_text(),
    "lock": base.with_name(base.name + "-linux-64.lock").read_text(),
}))
"""
# The packages that Binder asks for by name which are called otherwise or do not exist for pip.
NAMES_FOR_PIP = {"jupyterhub-singleuser": "jupyterhub", "python": None, "nodejs": None, "pip": None}
ALLOWED_TO_MOVE = {"ipykernel"}  # requirements.txt says why Binder's release of it is refused


def releases(lock: str) -> dict[str, str]:
    """The release of each package in a conda lock file whose name and release pip can read."""
    found = re.findall(r"/([a-z0-9][\w.-]*)-([0-9][0-9.]*)-[^-/\s]+\.(?:conda|tar\.bz2)", lock)
    return {name.lower().replace("_", "-"): release for name, release in found}


def installed(python: Path) -> dict[str, str]:
    listing = run("pip list", [python, "-m", "pip", "list", "--format=json"])
    return {
        package["name"].lower().replace("_", "-"): package["version"]
        for package in json.loads(listing)
    }


def install_base(python: Path, plan: dict, folder: Path) -> dict[str, str]:
    """Install what Binder's base image brings and return the releases."""
    locked = releases(plan["lock"])
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}=={release}\n" for name, release in locked.items()))
    asked = re.findall(r"^- ([\w-]+)", plan["asked"].partition("dependencies:")[2], re.MULTILINE)
    names = [name for name in (NAMES_FOR_PIP.get(name, name) for name in asked) if name]
    pip = [python, "-m", "pip", "install", "--quiet"]
    run("Binder's pip", [*pip, f"pip=={locked['pip']}"], cwd=folder)
    run(f"base image: {', '.join(names)}", [*pip, "-c", constraints, *names], cwd=folder)
    return installed(python)


def displaced(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """name → what became of it, for each package whose release is another one than before."""
    return {
        name: f"{name} {release} -> {after.get(name, 'gone')}"
        for name, release in before.items()
        if after.get(name) != release
    }


def errors_in(notebook: Path) -> list[str]:
    """The errors among the outputs of an executed notebook; those in widgets do not stop it."""
    found: list[str] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            if value.get("output_type") == "error":
                found.append(f"{value.get('ename')}: {value.get('evalue')}")
            for part in value.values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    look(json.loads(notebook.read_text(encoding="utf-8")))
    return found


def replay(arguments: argparse.Namespace, folder: Path) -> None:
    """Do all steps in `folder`; raise Failure at the first that is not as it should be."""
    clone = folder / "clone"
    clean_copy(clone, uncommitted=arguments.uncommitted)
    notebooks = sorted(path.relative_to(clone) for path in clone.glob("notebooks/*.ipynb"))
    notebook = arguments.notebook or next(iter(notebooks), None)
    if notebook is None or not (clone / notebook).is_file():
        raise Failure(f"There is no {notebook or 'notebooks/*.ipynb'} in the clone.")

    asker = make_venv(sys.executable, folder / "repo2docker")
    pip = [asker, "-m", "pip", "install", "--quiet", "jupyter-repo2docker"]
    run("jupyter-repo2docker", pip, cwd=folder)
    plan = json.loads(run("its plan", [asker, "-c", ASK_REPO2DOCKER], cwd=clone))
    note(f"{plan['pack']}, Python {plan['python']}, start {plan['start']}")

    python = make_venv(find_python(plan["python"], arguments.python), folder / "binder")
    before = install_base(python, plan, folder)
    prefix = str(python.parent.parent)
    env = {
        **os.environ,
        "HOME": str(folder),
        "KERNEL_PYTHON_PREFIX": prefix,
        "NB_PYTHON_PREFIX": prefix,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "REPO_DIR": str(clone),
    }
    for script in plan["scripts"]:
        run(script, ["sh", "-c", script], cwd=clone, env=env)

    after = installed(python)
    moved = displaced(before, after)
    unwanted = [move for name, move in moved.items() if name not in ALLOWED_TO_MOVE]
    if unwanted:
        raise Failure(f"The base image's packages are displaced: {', '.join(unwanted)}.")
    shown = ", ".join(f"{name} {after[name]}" for name in ("jupyterlab", "ipywidgets", "notebook"))
    note(f"{len(before) - len(moved)} base packages stayed: {shown}; {len(after)} now")
    note(f"had to move: {', '.join(moved.values()) or 'none'}")

    start = os.path.expandvars(plan["start"].replace("${REPO_DIR}", str(clone)))
    threads = [python, "-c", "import os; print(os.environ.get('OPENBLAS_NUM_THREADS'))"]
    if run("start script", ["bash", start, *threads], cwd=clone, env=env).strip() != "1":
        raise Failure("binder/start does not ask for one BLAS thread.")
    execute = ["jupyter", "nbconvert", "--to", "notebook", "--execute", notebook]
    executed = folder / "executed.ipynb"
    command = ["bash", start, *execute, "--output", executed]
    run(f"execute {notebook}", command, cwd=clone, env=env)
    errors = errors_in(executed)
    if errors:
        raise Failure(f"Errors in {notebook}: {'; '.join(errors)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", help="the Python of Binder's version (default: from PATH)")
    parser.add_argument("--notebook", help="the notebook to execute (default: the first)")
    parser.add_argument(
        "--uncommitted", action="store_true", help="take the files as they are, not the last commit"
    )
    with tempfile.TemporaryDirectory(prefix="binder-") as folder:
        try:
            replay(parser.parse_args(), Path(folder))
        except Failure as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            return 1
    print("Binder would build this repository, and the notebook runs there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
