"""The installation check names each fault in words."""

from importlib.metadata import PackageNotFoundError

import pytest

import dropout_lib
from dropout_lib.course import checkup


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    monkeypatch.setattr(dropout_lib, "ONE_BLAS_THREAD", True)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


def test_the_five_packages_and_the_kernel_are_checked_where_they_are():
    names = {package.name for package in checkup.run_time_packages()}
    assert names == {"jupyterlab", "numpy", "matplotlib", "ipywidgets", "sympy", "ipykernel"}


@pytest.mark.parametrize("without", [{"jupyterlab"}, {"jupyterlab", "ipykernel"}])
def test_a_python_in_a_browser_needs_neither_jupyterlab_nor_this_kernel(monkeypatch, without):
    real = checkup.version

    def version(name):
        if name in without:
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(checkup, "version", version)
    assert checkup.faults() == []
    assert not any(name in checkup.report() for name in without)
    assert "numpy" in checkup.report()


def test_here_all_is_well():
    assert checkup.faults() == []
    assert checkup.report().count("✓") == 3


@pytest.mark.parametrize(
    ("package", "release", "said"),
    [
        ("numpy", "1.0", "numpy is 1.0; >="),
        ("ipykernel", "7.2.0", "ipykernel is 7.2.0; !=7.0.*,!=7.1.*,!=7.2.*"),  # loses messages
    ],
)
def test_a_package_that_will_not_do_is_named_with_what_is_needed(
    monkeypatch, package, release, said
):
    real = checkup.version
    monkeypatch.setattr(checkup, "version", lambda n: release if n == package else real(n))
    (fault,) = checkup.faults()
    assert fault.startswith(said)
    assert "start.py" in fault
    assert checkup.report().startswith("✗")


def test_a_missing_package_is_named(monkeypatch):
    real = checkup.version

    def version(name):
        if name == "sympy":
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(checkup, "version", version)
    assert checkup.faults()[0].startswith("sympy is missing.")


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(checkup.platform, "python_version", lambda: "3.8.1")
    assert checkup.faults()[0].startswith("This is Python 3.8.1; >=3.10")


def test_a_package_that_is_not_installed_is_said_to_be(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(checkup, "distribution", distribution)
    assert "dropout_lib is not installed" in checkup.report()


def test_numpy_that_was_loaded_too_early_is_found(monkeypatch):
    monkeypatch.setattr(dropout_lib, "ONE_BLAS_THREAD", False)
    (fault,) = checkup.faults()
    assert "several threads" in fault
    assert "Restart the kernel" in fault


def test_all_faults_are_told_one_on_each_line(monkeypatch):
    monkeypatch.setattr(checkup, "version", lambda _: "0.1")
    monkeypatch.setattr(checkup.platform, "python_version", lambda: "3.8.1")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    lines = checkup.report().splitlines()
    assert len(lines) == 1 + 6 + 1
    assert all(line.startswith("✗ ") for line in lines)


@pytest.mark.parametrize("threads", ["4", None])
def test_more_blas_threads_are_found(monkeypatch, threads):
    if threads is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    else:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    assert "several threads" in checkup.faults()[0]
