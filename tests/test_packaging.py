"""What surrounds the code: the package, the files for Binder, the citation, CI, the style."""

import ast
import importlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import dropout_lib
import start

ROOT = Path(__file__).resolve().parent.parent
RUN_TIME = {"jupyterlab", "numpy", "matplotlib", "ipywidgets", "sympy"}
KERNEL = "ipykernel"  # JupyterLab brings it; asked for to refuse releases that lose messages
BINDERS_OWN = {"jupyterlab": "4.4.9", "ipywidgets": "8.1.7"}  # in its base image for Python 3.12
METADATA = importlib.metadata.metadata("dropout-lib")

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


def requirements() -> dict[str, Requirement]:
    """What requirements.txt asks for."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = (line.partition("#")[0].strip() for line in lines)
    found = [Requirement(line) for line in asked if line]
    return {requirement.name: requirement for requirement in found}


def test_five_packages_and_a_sound_kernel_are_asked_for_without_upper_bounds():
    assert set(requirements()) == RUN_TIME | {KERNEL}
    for name, requirement in requirements().items():
        operators = [part.operator for part in requirement.specifier]
        assert operators.count(">=") == 1
        assert set(operators) == ({">=", "!="} if name == KERNEL else {">="})


@pytest.mark.parametrize("release", ["6.31.0", "7.4.0", "8.0.0"])
def test_kernels_that_read_every_message_are_allowed(release):
    assert requirements()[KERNEL].specifier.contains(release)


@pytest.mark.parametrize("release", ["7.0.0", "7.0.1", "7.1.0", "7.2.0", "7.3.0"])
def test_kernels_that_lose_messages_are_refused(release):
    assert not requirements()[KERNEL].specifier.contains(release)


def asked_by_the_package(marker: str) -> dict[str, str]:
    """name -> bounds that the installed package asks for under this marker"""
    installed = map(Requirement, importlib.metadata.requires("dropout-lib"))
    return {one.name: str(one.specifier) for one in installed if str(one.marker) == marker}


def test_the_package_asks_for_what_the_library_needs_and_an_extra_for_what_opens_notebooks():
    """Together they are requirements.txt, with the same bounds."""
    needed, opens = asked_by_the_package("None"), asked_by_the_package('extra == "lab"')
    assert set(needed) == RUN_TIME - {"jupyterlab"}, "install the package again"
    assert set(opens) == {"jupyterlab", KERNEL}
    wanted = {name: str(requirement.specifier) for name, requirement in requirements().items()}
    assert needed | opens == wanted


def test_the_library_imports_nothing_that_opens_notebooks_and_all_that_it_imports_is_asked_for():
    allowed = RUN_TIME - {"jupyterlab"} | {"dropout_lib", *sys.stdlib_module_names}
    brought = {"PIL": "matplotlib", "packaging": "matplotlib", "traitlets": "ipywidgets"}
    for path in (ROOT / "dropout_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                package = name.partition(".")[0]
                assert package in allowed | brought.keys(), f"{path}: {name}"
    for module, package in brought.items():
        asked = importlib.metadata.requires(package)
        assert any(Requirement(one).name.lower() in (module.lower(), "pillow") for one in asked)


def test_the_style_is_checked_by_one_release_only():
    (ruff,) = (spec for name, spec in asked_by_the_package('extra == "test"').items() if name == "ruff")
    assert ruff.startswith("==")
    assert ruff == f"=={importlib.metadata.version('ruff')}"


def test_the_oldest_releases_that_are_tried_are_the_bounds():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        bounds = importlib.import_module("test_oldest").bounds(importlib.metadata.requires("dropout-lib"))
    finally:
        sys.path.remove(str(ROOT / "tools"))
    wanted = {
        name: next(part.version for part in requirement.specifier if part.operator == ">=")
        for name, requirement in requirements().items()
    }
    assert wanted.items() <= bounds.items()
    assert bounds["ruff"] == asked_by_the_package('extra == "test"')["ruff"].removeprefix("==")
    assert bounds.keys() == wanted.keys() | asked_by_the_package('extra == "test"').keys()


@pytest.mark.parametrize("name", BINDERS_OWN)
def test_binders_own_release_is_not_displaced(name):
    assert requirements()[name].specifier.contains(BINDERS_OWN[name])


def test_the_oldest_python_is_the_same_everywhere():
    oldest = ".".join(map(str, start.OLDEST_PYTHON))
    assert METADATA["Requires-Python"] == f">={oldest}"
    assert f'OLDEST_PYTHON = "{oldest}"' in (ROOT / "tools/test_oldest.py").read_text()
    assert f'python: ["{oldest}",' in (ROOT / ".github/workflows/tests.yml").read_text()
    assert f"Python {oldest} or newer is needed" in (ROOT / "start.py").read_text()


def test_the_version_is_the_same_everywhere():
    assert METADATA["Version"] == dropout_lib.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {dropout_lib.__version__}\n" in citation


def test_a_built_package_holds_every_file_of_the_library_and_nothing_else(tmp_path):
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "dropout_lib", tmp_path / "dropout_lib", ignore=ignore)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=ignore)
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    wheel = tmp_path / done.stdout.splitlines()[-1]
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    library = (path for path in (tmp_path / "dropout_lib").rglob("*") if path.is_file())
    assert packed == {path.relative_to(tmp_path).as_posix() for path in library}
    assert {"dropout_lib/digits.npz", "dropout_lib/pictures/dropout.mplstyle"} <= packed


@posix_only
@pytest.mark.parametrize("writable", [True, False])
def test_the_first_cell_says_nothing_where_the_home_folder_cannot_be_written(tmp_path, writable):
    (tmp_path / "tmp").mkdir()
    code = "import dropout_lib, os; from dropout_lib import pictures; pictures.use_style(); "
    code += "import matplotlib; print(matplotlib.get_cachedir(), matplotlib.get_configdir())"
    ours = ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env |= {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path if writable else tmp_path / "no")}
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert all((tmp_path / "tmp" in Path(one).parents) != writable for one in done.stdout.split())
    assert list((tmp_path / "tmp").iterdir()) == []  # nothing is left behind


def test_no_file_names_a_machine_or_a_registry():
    private = re.compile(
        r"/(root|work|Users|home/\w+)/|C:\\Users|pyenv/version[s]|pythonhoste[d]|pypi\.org/simple"
    )
    made = {".git", ".venv", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache"}
    made |= {".ipynb_checkpoints", "build", "dist", "dropout_lib.egg-info"}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in made]
        for path in (Path(folder, name) for name in files):
            if path.suffix not in {".npz", ".png"}:
                found = private.search(path.read_text(encoding="utf-8"))
                assert found is None, f"{path}: {found}"


def test_binder_takes_the_same_requirements_and_a_python_that_is_allowed():
    asked = (ROOT / "binder/requirements.txt").read_text().splitlines()
    asked = [line for line in asked if not line.startswith("#")]
    assert asked == ["-r ../requirements.txt", "-e .", "ipykernel<7"]
    runtime = (ROOT / "binder/runtime.txt").read_text().strip()
    assert runtime.startswith("python-")
    assert Version(runtime.removeprefix("python-")) in SpecifierSet(METADATA["Requires-Python"])


@posix_only
def test_binders_start_script_asks_for_one_thread_and_goes_on_as_the_command():
    script = ROOT / "binder/start"
    assert os.access(script, os.X_OK)
    code = "import os, sys; print(os.environ['OPENBLAS_NUM_THREADS'], sys.argv[1:]); sys.exit(5)"
    env = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
    command = [script, sys.executable, "-c", code, "a b", "c"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.stdout == "1 ['a b', 'c']\n"
    assert done.returncode == 5


PASSED = '<testcase classname="tests.test_browser" name="test_slides"/>'
SKIPPED = '<testcase classname="tests.test_browser" name="test_slides"><skipped/></testcase>'
OTHER = '<testcase classname="tests.test_masks" name="test_sums"><skipped/></testcase>'


@pytest.mark.parametrize(
    ("cases", "complaint"),
    [
        (PASSED + OTHER, ""),
        (OTHER, "no test of test_browser.py was run"),
        (PASSED + SKIPPED, "skipped in test_browser.py: test_slides"),
    ],
)
def test_browser_tests_that_did_not_run_are_found_out(tmp_path, cases, complaint):
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    command = [sys.executable, ROOT / "tools/check_browser_ran.py", report]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr.strip() == complaint
    assert done.returncode == bool(complaint)


FAKES = {
    # Writes the report that a run of the suite would write, and ends as that run would.
    "python3": """
        case $1 in
        start.py) echo "REQUIRE_BROWSER=$REQUIRE_BROWSER" "$@"
            for word; do case $word in --junitxml=*) printf %s "$CASES" > "${word#*=}";; esac; done
            exit "$TESTS_EXIT";;
        tools/test_processors.py) echo "$@"; exit "$PROCESSORS_EXIT";;
        *) exec "$REAL_PYTHON" "$@";;
        esac
    """,
    # Installs a browser, if its lists are fresh.
    "apt-get": """
        echo "apt-get $*"
        case $1 in
        update) touch "$HERE/updated";;
        install) [ -e "$HERE/updated" ] && [ "$APT" = works ] || exit 100
            cp "$HERE/python3" "$HERE/chromium";;
        esac
    """,
    "sudo": 'exec "$@"',
}


def run_ci(
    folder: Path,
    *,
    browser: bool,
    apt: str = "works",
    tests: int = 0,
    processors: int = 0,
    cases: str = PASSED,
):
    """Run .ci/run with the commands in FAKES, and no others but the shell's usual ones."""
    for name, script in FAKES.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    for name in ("bash", "cp", "dirname", "id", "mktemp", "printf", "rm", "sh", "touch"):
        (folder / name).symlink_to(shutil.which(name))
    if browser:
        shutil.copy(folder / "python3", folder / "google-chrome")
    env = {
        "PATH": str(folder),
        "HERE": str(folder),
        "REAL_PYTHON": sys.executable,
        "VENV_PYTHON": str(folder / "python3"),
        "APT": apt,
        "TESTS_EXIT": str(tests),
        "PROCESSORS_EXIT": str(processors),
        "CASES": f"<testsuites>{cases}</testsuites>",
    }
    command = [folder / "bash", ROOT / ".ci/run"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@posix_only
def test_ci_runs_the_suite_and_requires_the_browser(tmp_path):
    done = run_ci(tmp_path, browser=True)
    assert done.returncode == 0, done.stderr
    assert "REQUIRE_BROWSER=1 start.py test" in done.stdout
    assert "test_processors.py --kinds Prescott --notebooks training" in done.stdout
    assert "apt-get" not in done.stdout


@posix_only
def test_ci_installs_a_browser_if_there_is_none(tmp_path):
    done = run_ci(tmp_path, browser=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"apt-get update\napt-get install .*chromium", done.stdout)
    assert "start.py test" in done.stdout


@posix_only
@pytest.mark.parametrize(
    "trouble",
    [
        {"browser": False, "apt": "fails"},
        {"browser": True, "tests": 1},
        {"browser": True, "processors": 1},
        {"browser": True, "tests": 5, "cases": ""},
        {"browser": True, "cases": ""},
        {"browser": True, "cases": SKIPPED},
    ],
)
def test_ci_fails_if_anything_does(tmp_path, trouble):
    assert run_ci(tmp_path, **trouble).returncode != 0


def test_nothing_is_wrong_with_the_style():
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
    done = subprocess.run([ruff, "check", "--output-format=concise", ROOT], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
