"""start.py, run for real on a small project whose packages lie beside it as wheel files.

The small project has the same shape as this one (requirements.txt, a package, a `test` extra), but
its JupyterLab and pytest only report how they were started and end with exit code 7. So every
installation here is a true one, by uv or by pip, and takes a second or three and no network.
"""

import ast
import ensurepip
import errno
import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SEARCH_PATH = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
UV = shutil.which("uv", path=SEARCH_PATH)
POSIX = os.name == "posix"
STUB_EXIT_CODE = 7
PATIENCE = 60  # seconds after which something hangs
WHEELS_OF_PYTHON = (Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels"))

REPORT = f"""
import json, os, sys
sys.path.remove(os.getcwd())  # a notebook's kernel runs elsewhere
import small, small_lib
print("REPORT" + json.dumps({{
    "module": __package__, "arguments": sys.argv[1:], "cwd": os.getcwd(), "pid": os.getpid(),
    "prefix": sys.prefix,
    "threads": [os.environ.get(name + "_NUM_THREADS") for name in ("OPENBLAS", "OMP", "MKL")],
    "small": small.VERSION, "lib": small_lib.__file__,
}}))
sys.exit({STUB_EXIT_CODE})
"""
BACKEND = '''
"""Builds the small project without any build package; waits as long as a file `slow` is there."""
import pathlib, time, zipfile

METADATA = """Metadata-Version: 2.1
Name: small-lib
Version: 1.0
Provides-Extra: test
Requires-Dist: pytest; extra == 'test'
"""

def build(folder, part, content):
    pathlib.Path("building").touch()
    while pathlib.Path("slow").exists():
        time.sleep(0.05)
    name, info = "small_lib-1.0-py3-none-any.whl", "small_lib-1.0.dist-info/"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr(part, content)
        wheel.writestr(info + "METADATA", METADATA)
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "")
    return name

def build_editable(folder, config_settings=None, metadata_directory=None):
    return build(folder, "small_lib.pth", str(pathlib.Path.cwd()))

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return build(folder, "small_lib.py", "")
'''
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "small-lib"
version = "1.0"
[project.optional-dependencies]
test = ["pytest"]
"""


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str | bytes]) -> None:
    info = f"{name}-{version}.dist-info"
    files = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, content)


def hear_ctrl_c() -> None:
    """Undo what a shell does to what it runs in the background: it has it ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Project:
    """A small project in a folder with a blank and an umlaut in its name, and a way to start it."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / "höhere Mathematik"
        self.wheels = parent / "wheels"
        (self.folder / "notebooks").mkdir(parents=True)
        self.wheels.mkdir()
        shutil.copy(ROOT / "start.py", self.folder)
        self.write("notebooks/00_start_here.ipynb", "{}")
        self.write("requirements.txt", "jupyterlab\nsmall\n")
        self.write("pyproject.toml", PYPROJECT)
        self.write("backend.py", BACKEND)
        self.write("small_lib.py", "")
        for version in ("1.0", "2.0.0"):  # of unequal length: bytecode is told apart by size
            write_wheel(self.wheels, "small", version, {"small.py": f"VERSION = {version!r}\n"})
        for name in ("jupyterlab", "pytest"):
            write_wheel(self.wheels, name, "1.0", {f"{name}/__main__.py": REPORT})
        for place in WHEELS_OF_PYTHON:
            for wheel in place.glob("pip-*.whl"):
                shutil.copy(wheel, self.wheels)
        path = os.environ["PATH"].split(os.pathsep)
        self.path_without_uv = os.pathsep.join(d for d in path if not shutil.which("uv", path=d))
        cache = parent / "cache"
        ours = ("PIP_", "UV_", "VIRTUAL_ENV", "OPENBLAS", "OMP_", "MKL_", "PYTHON")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_CACHE_DIR": str(cache / "pip")}
        self.env |= {"PIP_RETRIES": "1"}  # with none, pip does not say why it found nothing
        self.env |= {"UV_NO_CONFIG": "1", "UV_HTTP_RETRIES": "0", "UV_CACHE_DIR": str(cache / "uv")}
        self.use_network()
        self.use_fastest()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def use(self, installer: str) -> None:
        path = self.path_without_uv
        if installer == "uv":
            if not UV:
                pytest.skip("uv is not installed")
            path = str(Path(UV).parent) + os.pathsep + path
        self.env["PATH"] = path

    def use_fastest(self) -> None:
        self.use("uv" if UV else "pip")

    def use_network(self) -> None:
        """Let the installers find the wheel files and nothing else."""
        self.env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        self.env |= {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(self.wheels)}

    def cut_network(self) -> None:
        """Let the installers ask an index at a loopback port on which nobody listens."""
        for name in ("NO_INDEX", "FIND_LINKS", "OFFLINE"):
            self.env.pop("PIP_" + name, None)
            self.env.pop("UV_" + name, None)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            index = f"http://127.0.0.1:{probe.getsockname()[1]}/simple"
        self.env |= {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index}

    def popen(self, *arguments: str, python: str = sys.executable) -> subprocess.Popen:
        command = [python, str(self.folder / "start.py"), *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        text = {"encoding": "utf-8", "errors": "replace"}
        alone = {"start_new_session": True, "preexec_fn": hear_ctrl_c} if POSIX else {}
        cwd = self.folder.parent
        return subprocess.Popen(command, env=self.env, cwd=cwd, **alone, **pipes, **text)

    def start(self, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess:
        with self.popen(*arguments, python=python) as process:
            out, err = process.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def report(self, *arguments: str, python: str = sys.executable) -> dict:
        """What JupyterLab or pytest said of how it was started, plus what start.py had printed."""
        done = self.start(*arguments, python=python)
        assert done.returncode == STUB_EXIT_CODE, done.stdout + done.stderr
        printed, _, report = done.stdout.partition("REPORT")
        return {**json.loads(report), "printed": printed}

    def module(self):
        """Its start.py as a module, for what can only be played from inside."""
        spec = importlib.util.spec_from_file_location("start_of_project", self.folder / "start.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


both_installers = pytest.mark.parametrize("installer", ["uv", "pip"])


def assert_one_line(done: subprocess.CompletedProcess, *words: str) -> None:
    """The command failed with a single line on stderr that says these words."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@both_installers
def test_first_call_installs_and_opens_the_first_notebook(project, installer):
    project.use(installer)
    report = project.report()
    assert "Installing" in report["printed"]
    assert report["module"] == "jupyterlab"
    assert f"--ServerApp.root_dir={project.folder}" in report["arguments"]
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in report["arguments"]
    assert ("--allow-root" in report["arguments"]) == (POSIX and os.geteuid() == 0)
    assert Path(report["prefix"]) == project.folder / ".venv"
    assert Path(report["lib"]) == project.folder / "small_lib.py"  # editable: the folder itself
    assert report["small"] == "2.0.0"
    assert report["threads"] == ["1", "1", "1"]


@both_installers
def test_who_activates_it_and_types_pip_installs_into_it(project, installer):
    project.use(installer)
    report = project.report()
    pip = project.module().PIP
    assert pip.parent.parent == Path(report["prefix"])
    done = subprocess.run([pip, "--version"], capture_output=True, text=True, check=True)
    assert str(project.folder / ".venv") in done.stdout


def test_a_venv_of_an_older_start_that_has_no_pip_is_made_anew(project):
    project.report()
    project.module().PIP.unlink()
    report = project.report()
    assert "Making .venv: it has no pip." in report["printed"]
    assert project.module().PIP.exists()


@pytest.mark.skipif(not POSIX, reason="such a folder cannot exist on Windows")
def test_a_folder_in_which_no_venv_can_be_made_is_one_line_and_recovers(project):
    """A Finder folder "Week 3/4" is stored so."""
    good, bad = project.folder, project.folder.parent / "Week 3:4"
    project.folder = good.rename(bad)
    assert_one_line(project.start(), "Week 3:4", "rename the folder, without any :")
    assert not (bad / ".venv").exists()
    project.folder = bad.rename(good)
    assert project.report()["small"] == "2.0.0"


def test_whatever_else_venv_refuses_is_one_line(project, monkeypatch, capsys):
    start = project.module()

    def refuse(*_arguments, **_named):
        raise ValueError("Refusing to create a venv")

    monkeypatch.setattr(start.venv, "create", refuse)
    assert start.main([]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Refusing to create a venv.")


@pytest.mark.skipif(not POSIX, reason="Windows cannot replace a process")
def test_the_program_takes_the_place_of_start_so_that_signals_reach_it(project):
    with project.popen() as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert json.loads(out.partition("REPORT")[2])["pid"] == process.pid


def test_second_call_starts_at_once_and_needs_no_installer(project):
    project.report()
    project.cut_network()
    project.env["PATH"] = project.path_without_uv
    report = project.report("lab", "--no-browser", "--port=9999")
    assert report["printed"] == ""
    assert report["arguments"][-2:] == ["--no-browser", "--port=9999"]


def test_threads_set_by_the_user_stay(project):
    project.env["OPENBLAS_NUM_THREADS"] = "3"
    assert project.report()["threads"] == ["3", "1", "1"]


def test_settings_that_break_environments_do_no_harm(project):
    project.use("pip")
    other = project.folder.parent / "other"
    other.mkdir()
    (other / "small.py").write_text("VERSION = 'somebody else'\n")
    project.env |= {"PIP_USER": "1", "PYTHONPATH": str(other)}
    assert project.report()["small"] == "2.0.0"


def test_changed_requirements_are_noticed_and_added_to_the_same_venv(project):
    project.write("requirements.txt", "jupyterlab\nsmall<2\n")
    assert project.report()["small"] == "1.0"
    (project.folder / ".venv/mine").touch()
    project.write("requirements.txt", "jupyterlab\nsmall>=2\n")
    report = project.report()
    assert report["small"] == "2.0.0"
    assert (project.folder / ".venv/mine").exists()
    assert project.report()["printed"] == ""


def test_changed_pyproject_is_noticed(project):
    project.report()
    project.write("pyproject.toml", PYPROJECT + "# changed\n")
    assert "Installing" in project.report()["printed"]


def test_test_command_adds_the_extra_and_passes_arguments_and_exit_code_on(project):
    report = project.report("test", "-k", "a or b", "--co")
    assert report["module"] == "pytest"
    assert report["arguments"] == ["-k", "a or b", "--co"]
    assert Path(report["cwd"]) == project.folder
    assert project.report("test")["printed"] == ""
    assert project.report()["printed"] == ""  # what the tests need includes what running needs


def test_test_command_installs_again_after_only_the_rest_was_brought_up_to_date(project):
    project.report("test")
    project.write("requirements.txt", "jupyterlab\nsmall>=1\n")
    project.report()
    assert "Installing" in project.report("test")["printed"]


def test_stamps_of_older_requirements_are_not_believed_when_these_come_back(project):
    project.write("requirements.txt", "jupyterlab\nsmall<2\n")
    assert project.report("test")["small"] == "1.0"
    project.write("requirements.txt", "jupyterlab\nsmall>=2\n")
    assert project.report()["small"] == "2.0.0"
    project.write("requirements.txt", "jupyterlab\nsmall<2\n")
    assert project.report("test")["small"] == "1.0"


@both_installers
def test_no_network_is_one_line_and_the_next_call_recovers(project, installer):
    project.use(installer)
    project.cut_network()
    assert_one_line(project.start(), "index cannot be reached", "run the same command again")
    project.use_network()
    project.use_fastest()
    assert project.report()["small"] == "2.0.0"


def test_a_working_venv_survives_a_failed_addition(project):
    project.report()
    project.cut_network()
    assert_one_line(project.start("test"), "index cannot be reached")
    assert project.report()["printed"] == ""


def fake_uv(project: Project, script: str) -> None:
    if not POSIX:
        pytest.skip("needs shell scripts")
    folder = project.folder.parent / "fake"
    folder.mkdir()
    (folder / "uv").write_text(script)
    (folder / "uv").chmod(stat.S_IRWXU)
    project.env["PATH"] = str(folder) + os.pathsep + project.path_without_uv


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\necho uv: command not found; exit 127\n", "no program for this machine"]
)
def test_uv_that_does_not_work_is_replaced_by_pip(project, script):
    fake_uv(project, script)
    report = project.report()
    assert "trying pip" in report["printed"]
    assert report["small"] == "2.0.0"


def test_uv_that_was_killed_is_not_replaced_by_pip(project):
    fake_uv(project, "#!/bin/sh\nkill -9 $$\n")
    done = project.start()
    assert_one_line(done, "exit code -9", "run the same command again")
    assert "pip" not in done.stdout
    project.use_fastest()
    assert "broke off" in project.report()["printed"]


def test_disk_full_in_uv_is_one_line_and_pip_is_not_tried(project):
    fake_uv(project, "#!/bin/sh\necho 'No space left on device (os error 28)'; exit 2\n")
    done = project.start()
    assert_one_line(done, "disk is full", "run the same command again")
    assert "pip" not in done.stdout
    project.use_fastest()
    assert "broke off" in project.report()["printed"]  # half of it may be there: not to be trusted


SMALL_DISK = """
mount -t tmpfs -o size=$1 tmpfs "$2" && cp -r "$3/." "$2" || exit 99
"$4" "$2/start.py"; echo "CODE $?"
mount -o remount,size=200m "$2" || exit 99
PATH="$5" "$4" "$2/start.py"; echo "CODE $?"
"""


@pytest.mark.parametrize(("installer", "size"), [("uv", "80k"), ("uv", "2m"), ("pip", "30m")])
def test_a_disk_that_is_really_full(project, installer, size):
    """On a file system in memory, too small for the first call and large enough for the second."""
    unshare = ["unshare", "--map-root-user", "--mount"]
    try:
        mount = [*unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]  # seen by this process alone
        able = subprocess.run(mount, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no unshare on this system")
    if able.returncode:
        pytest.skip("this user may not mount a file system")
    project.use(installer)
    filling = os.urandom(2**20) * 32  # MB: more than either disk holds
    write_wheel(project.wheels, "small", "3.0", {"small.py": "VERSION = '3.0'", "filling": filling})
    disk = project.folder.parent / "disk"
    disk.mkdir()
    env = dict(project.env)
    project.use_fastest()
    script = ["sh", "-c", SMALL_DISK, "sh", size, disk, project.folder, sys.executable]
    command = [*unshare, *script, project.env["PATH"]]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert "CODE 1\n" in done.stdout, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "The disk is full" in done.stderr
    assert json.loads(done.stdout.partition("REPORT")[2].partition("CODE")[0])["small"] == "3.0"
    assert done.stdout.endswith(f"CODE {STUB_EXIT_CODE}\n")


def raise_error(number: int, text: str):
    def fail(*_arguments, **_named):
        raise OSError(number, text, "some/file")

    return fail


@pytest.mark.parametrize(
    ("number", "text", "advice"),
    [
        (errno.ENOSPC, "No space left on device", "The disk is full"),
        (errno.EDQUOT, "Disk quota exceeded", "The disk is full"),
        (errno.EACCES, "Permission denied", "allowed to write here"),
    ],
)
@pytest.mark.parametrize("step", ["venv.create", "Path.mkdir", "Path.write_bytes"])
def test_errors_of_our_own_writes_are_one_line(
    project, monkeypatch, capsys, number, text, advice, step
):
    start = project.module()
    monkeypatch.setattr(start, "run", lambda _command: (0, ""))
    owner, name = step.split(".")
    monkeypatch.setattr(getattr(start, owner), name, raise_error(number, text))
    assert start.main(["test"]) == 1
    err = capsys.readouterr().err
    assert advice in err
    assert len(err.splitlines()) == 1
    monkeypatch.undo()
    assert "Installing" in project.report()["printed"]  # no stamp was left


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "that never happened"
        time.sleep(0.02)


def half_install(project: Project, how: int) -> subprocess.CompletedProcess:
    """Start an installation, wait until it is under way, end it and its children by a signal."""
    project.write("slow", "")
    process = project.popen()
    wait_until(lambda: (project.folder / "building").exists())
    os.killpg(process.pid, how)
    out, err = process.communicate(timeout=PATIENCE)
    (project.folder / "slow").unlink()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.skipif(not POSIX, reason="needs process groups")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_an_installation_that_was_killed_is_made_anew(project, how):
    assert half_install(project, signal.Signals[how]).returncode == -signal.Signals[how]
    site = next(project.folder.glob(".venv/lib/python3*/site-packages"))
    info = site / "small-2.0.0.dist-info"  # half a package; installers take it for a whole one
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small\nVersion: 2.0.0\n")
    report = project.report()
    assert "broke off" in report["printed"]
    assert report["small"] == "2.0.0"


@pytest.mark.skipif(not POSIX, reason="needs process groups")
def test_ctrl_c_while_installing_is_quiet_and_the_next_call_recovers(project):
    done = half_install(project, signal.SIGINT)
    assert done.returncode == 130
    assert done.stderr.strip() == "Stopped. Run the same command again to finish."
    assert project.report()["small"] == "2.0.0"


@pytest.mark.skipif(not POSIX, reason="needs process groups")
def test_ctrl_c_to_start_alone_ends_the_installer_too(project):
    fake_uv(project, f"#!/bin/sh\ntouch building; exec sleep {PATIENCE}\n")
    process = project.popen()
    wait_until(lambda: (project.folder / "building").exists())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    wait_until(lambda: not group_is_alive(process.pid))


def group_is_alive(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def break_python(project: Project) -> None:
    for python in (project.folder / ".venv/bin").glob("python*"):
        python.unlink()


def break_base(project: Project) -> None:
    """As after an upgrade of the system's Python: the links lead nowhere."""
    break_python(project)
    (project.folder / ".venv/bin/python").symlink_to(project.folder / "gone")


def break_format(project: Project) -> None:
    """A file that is no program here, as from another kind of machine."""
    break_python(project)
    python = project.folder / ".venv/bin/python"
    python.write_bytes(b"\x7fELF nonsense")
    python.chmod(stat.S_IRWXU)


def replace_by_file(project: Project) -> None:
    shutil.rmtree(project.folder / ".venv")
    project.write(".venv", "a file")


def replace_by_dangling_link(project: Project) -> None:
    shutil.rmtree(project.folder / ".venv")
    (project.folder / ".venv").symlink_to(project.folder / "nowhere")


def empty_it(project: Project) -> None:
    shutil.rmtree(project.folder / ".venv")
    (project.folder / ".venv").mkdir()


@pytest.mark.skipif(not POSIX, reason="makes symbolic links")
@pytest.mark.parametrize(
    "damage",
    [
        break_python,
        break_base,
        break_format,
        replace_by_file,
        replace_by_dangling_link,
        empty_it,
    ],
)
def test_a_broken_venv_is_made_anew(project, damage):
    project.report()
    damage(project)
    report = project.report()
    assert "Making .venv" in report["printed"]
    assert report["small"] == "2.0.0"
    assert project.report()["printed"] == ""


def test_a_damaged_stamp_only_installs_again(project):
    project.report()
    (project.folder / ".venv/installed-run").write_bytes(b"\xff\x00")
    assert project.report()["small"] == "2.0.0"


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_a_moved_or_copied_project_gets_its_own_venv(project, way):
    project.report()
    elsewhere = project.folder.parent / "elsewhere"
    way(project.folder, elsewhere)
    project.folder = elsewhere
    report = project.report()
    assert "moved or copied" in report["printed"]
    assert Path(report["lib"]) == elsewhere / "small_lib.py"


def test_a_venv_of_another_python_is_made_anew(project, monkeypatch):
    project.report()
    start = project.module()
    assert start.fault() == ""
    monkeypatch.setattr(sys, "version_info", (*sys.version_info[:1], 99, 0))
    assert "Python is another one" in start.fault()


def test_a_venv_that_somebody_else_made_is_kept(project):
    command = [sys.executable, "-m", "venv", "--without-pip", project.folder / ".venv"]
    subprocess.run(command, check=True)
    (project.folder / ".venv/mine").touch()
    assert project.report()["small"] == "2.0.0"
    assert (project.folder / ".venv/mine").exists()


@pytest.fixture(scope="session")
def python_without_ensurepip(tmp_path_factory) -> str:
    """A Python as Debian ships it without python3-venv: a copy whose library lacks ensurepip."""
    if sys.platform != "linux":
        pytest.skip("plays Debian")
    home = tmp_path_factory.mktemp("debian")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = home / "lib" / version
    library.mkdir(parents=True)
    for entry in Path(sysconfig.get_path("stdlib")).iterdir():
        if entry.name not in ("ensurepip", "site-packages", "dist-packages"):
            (library / entry.name).symlink_to(entry)
    for shared in Path(sys.base_prefix, "lib").glob("libpython*"):
        (home / "lib" / shared.name).symlink_to(shared)
    (home / "bin").mkdir()
    python = home / "bin" / version
    shutil.copy(Path(sys.executable).resolve(), python)
    probe = [python, "-c", "import venv, ensurepip"]
    said = subprocess.run(probe, capture_output=True, text=True).stderr
    if "No module named 'ensurepip'" not in said:
        pytest.skip(f"this Python cannot be copied: {said}")
    return str(python)


def test_python_without_ensurepip_and_without_uv_says_what_to_install(
    project, python_without_ensurepip
):
    project.use("pip")
    done = project.start(python=python_without_ensurepip)
    assert_one_line(done, "sudo apt install python3-venv", "run the same command again")
    project.use_fastest()
    assert project.report()["small"] == "2.0.0"  # as after installing it


def test_python_without_ensurepip_is_enough_for_uv(project, python_without_ensurepip):
    project.use("uv")
    assert project.report(python=python_without_ensurepip)["small"] == "2.0.0"


def test_no_network_is_named_even_if_pip_cannot_be_tried(project, python_without_ensurepip):
    project.use("uv")
    project.cut_network()
    assert_one_line(project.start(python=python_without_ensurepip), "index cannot be reached")


def test_python_without_parts_of_its_library_is_one_line(project):
    """Debian's python3-minimal lacks shutil and venv among others."""
    hide = "import sys, runpy; sys.modules['venv'] = None; runpy.run_path(sys.argv[1])"
    command = [sys.executable, "-c", hide, str(project.folder / "start.py")]
    assert_one_line(subprocess.run(command, capture_output=True, text=True), "python3-venv")


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 8, 18), (3, 9, 99)])
def test_an_old_python_is_told_so(project, monkeypatch, capsys, version):
    start = project.module()
    monkeypatch.setattr(sys, "version_info", version)
    code = start.main([])
    monkeypatch.undo()
    out, err = capsys.readouterr()
    assert code == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "Python 3.10 or newer is needed" in err
    assert ".".join(map(str, version)) in err
    assert not (project.folder / ".venv").exists()


def test_an_old_python_can_read_start_py():
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_real_old_pythons_are_told_so():
    names = [f"python3.{minor}" for minor in range(6, 10)]
    found = [name for name in names if can_run(name)]
    if not found:
        pytest.skip("no Python older than 3.10 on this machine")
    for name in found:
        done = subprocess.run([name, ROOT / "start.py"], capture_output=True, text=True)
        assert_one_line(done, "Python 3.10 or newer is needed", f"this is {name[6:]}.")


def can_run(name: str) -> bool:
    if shutil.which(name) is None:
        return False
    return subprocess.run([name, "-V"], capture_output=True).returncode == 0  # not so a bare shim


def test_an_unknown_command_is_one_line_and_makes_nothing(project):
    done = project.start("tset")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in ("tset", "lab", "test", "--help"))
    assert not (project.folder / ".venv").exists()


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_shows_the_commands_and_makes_nothing(project, word):
    done = project.start(word)
    assert done.returncode == 0
    assert all(line in done.stdout for line in ("start.py lab ARGS", "start.py test ARGS", "py"))
    assert not (project.folder / ".venv").exists()


def test_a_missing_notebook_is_one_line_and_makes_nothing(project):
    (project.folder / "notebooks/00_start_here.ipynb").unlink()
    assert_one_line(project.start(), "00_start_here.ipynb is missing")
    assert not (project.folder / ".venv").exists()


def test_an_unknown_failure_shows_the_installers_own_words_and_the_next_call_recovers(project):
    project.write("requirements.txt", "jupyterlab\nno-such-package\n")
    done = project.start()
    assert done.returncode == 1
    assert "no-such-package" in done.stderr
    assert "Traceback" not in done.stderr
    project.write("requirements.txt", "jupyterlab\nsmall\n")
    assert project.report()["small"] == "2.0.0"


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "disk"),
        ("error: failed to copy file: Disk quota exceeded (os error 122)", "disk"),
        ("OSError: [WinError 112] Es steht nicht genug Speicherplatz zur Verfügung", "disk"),
        ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp']", "disk"),
        ("after connection broken by 'NewConnectionError('<pip._vendor.urllib3", "network"),
        ("after connection broken by 'NameResolutionError(", "network"),
        ("after connection broken by 'ProxyError('Cannot connect to proxy.'", "network"),
        ("  cause: error sending request for url", "network"),
        ("ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out.", "network"),
        ("IncompleteRead(120 bytes read, 9000 more expected)", "network"),
        (".venv/bin/python: No module named ensurepip", "python3-venv"),
        ("ERROR: No matching distribution found for numpy==99", ""),
        ("error: subprocess-exited-with-error: gcc: fatal error", ""),
    ],
)
def test_what_installers_say_is_understood(project, said, known):
    advice = project.module().advice(f"Collecting small\n{said}\nmore\n")
    assert bool(advice) == bool(known)
    assert known in advice


@pytest.mark.skipif(not POSIX, reason="needs a pseudo-terminal")
def test_on_a_terminal_progress_stays_on_one_line(project):
    import pty

    mine, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, project.folder / "start.py"], env=project.env, stdout=terminal
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(mine, 4096)
        except OSError:  # the other end was closed: on Linux that is an error
            break
        if not part:
            break
        shown += part
    os.close(mine)
    assert process.wait(timeout=PATIENCE) == STUB_EXIT_CODE
    before_report = shown.decode().partition("REPORT")[0].split("\n")
    progress = [line for line in before_report if "\r" in line.strip("\r")]
    assert len(progress) == 1
    assert "Prepared" in progress[0] or "Installing collected packages" in progress[0]


def test_where_a_process_cannot_be_replaced_its_exit_code_is_passed_on(project, monkeypatch):
    """Windows: start.py waits for the program and leaves Ctrl-C to it."""
    project.report()
    start = project.module()
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(start.os, "name", "nt")
    code = start.hand_over(["jupyterlab"])
    monkeypatch.undo()
    assert code == STUB_EXIT_CODE
