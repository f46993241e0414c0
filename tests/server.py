"""A JupyterLab server for the tests: on a copy of the notebooks, a free port, fresh folders."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
NOTEBOOKS = REPO / "notebooks"

START_SECONDS = 60  # a cold start on a busy machine
STOP_SECONDS = 15
POLL_SECONDS = 0.05

FRONTENDS = {"lab": "lab/tree/", "notebook": "notebooks/", "voila": "voila/render/"}

_NOTEBOOK_SETTINGS = "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
# Asks for news once per user, over the notebook: a fresh user would see it each time.
_NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


@dataclass(frozen=True)
class Server:
    """A running server: its address (ends in /), its token, the copy of the notebooks it serves."""

    base: str
    token: str
    notebooks: Path

    def address(self, name: str, frontend: str = "lab") -> str:
        """Return the address of notebook `name` in one of `FRONTENDS`."""
        return f"{self.base}{FRONTENDS[frontend]}{name}?token={self.token}"


def fresh_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which Jupyter keeps all in `folder` and finds `dropout_lib`."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for place in places.values():
        (folder / place).mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, [str(REPO), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        **{name: str(folder / place) for name, place in places.items()},
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONPATH": path,
    }


@contextmanager
def lab_server(notebook_dir: Path = NOTEBOOKS, whole_page: bool = True) -> Iterator[Server]:
    """Serve a copy of `notebook_dir`; one server answers for JupyterLab, Notebook 7 and Voilà.

    `whole_page` keeps all cells in the page. By default some versions of JupyterLab take out what
    is far from the window, and what is not there cannot be looked at.
    """
    # A kernel that is just ending may still write into the folder while it is being removed.
    with tempfile.TemporaryDirectory(prefix="dropout-lab-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        copy = folder / "notebooks"
        shutil.copytree(notebook_dir, copy, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        token = secrets.token_hex(16)
        environment = fresh_environment(folder) | {"JUPYTER_TOKEN": token}
        _write_json(folder / "config/labconfig/page_config.json", _NO_NEWS)
        if whole_page:
            _write_json(folder / "settings" / _NOTEBOOK_SETTINGS, {"windowingMode": "none"})
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={_free_port()}"),
                    f"--ServerApp.root_dir={copy}",
                    "--LabApp.expose_app_in_browser=True",
                    "--JupyterNotebookApp.expose_app_in_browser=True",
                    "--LabApp.extension_manager=readonly",
                ],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield Server(_wait_for_server(process, folder, token), token, copy)
            finally:
                _end(process, folder, token)


def _write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _free_port() -> int:
    # Should the port be taken in between, the server moves on and writes the new one to its file.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for_server(process: subprocess.Popen, folder: Path, token: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        base = _base(folder)
        if base is not None and _request(f"{base}api/status", token):
            return base
        time.sleep(POLL_SECONDS)
    log = (folder / "server.log").read_text(errors="replace")[-3000:]
    raise RuntimeError(f"JupyterLab did not start within {START_SECONDS} s:\n{log}")


def _base(folder: Path) -> str | None:
    """Return the address from the information file that the server writes when it listens."""
    for file in (folder / "runtime").glob("jpserver-*.json"):
        try:
            return json.loads(file.read_text())["url"]
        except json.JSONDecodeError:  # half-written
            return None
    return None


def _request(url: str, token: str, method: str = "GET") -> bool:
    request = urllib.request.Request(
        url, method=method, headers={"Authorization": f"token {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=STOP_SECONDS) as answer:
            return answer.status == 200
    except OSError:  # not listening yet, or already gone
        return False


def _end(process: subprocess.Popen, folder: Path, token: str) -> None:
    base = _base(folder)
    if process.poll() is None and base is not None:
        _request(f"{base}api/shutdown", token, "POST")  # ends its kernels too
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
