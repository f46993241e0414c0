"""The harness itself: servers end whatever happens, a missing browser is said clearly."""

import os
import urllib.error
import urllib.request

import conftest
import lab
import pytest
import server

import dropout_lib


def test_a_server_ends_with_its_block_even_if_that_fails(tmp_path):
    (tmp_path / "data.txt").write_text("copied")
    seen = []

    def break_off():
        with lab.lab_server(tmp_path) as started:
            seen.append(started)
            assert (started.notebooks / "data.txt").read_text() == "copied"
            assert started.notebooks != tmp_path
            raise KeyError("broken test")

    with pytest.raises(KeyError, match="broken test"):
        break_off()
    [ended] = seen
    assert not ended.notebooks.exists()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{ended.base}api/status?token={ended.token}", timeout=5)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Python is a shell script")
def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(server.sys, "executable", _failing_python(tmp_path))
    with (
        pytest.raises(RuntimeError, match="no such module") as refusal,
        lab.lab_server(tmp_path),
    ):
        pytest.fail("the block should not be entered")
    assert "did not start" in str(refusal.value)


def _failing_python(folder):
    script = folder / "python"
    script.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    script.chmod(0o755)
    return str(script)


def test_the_browser_that_is_named_is_taken(tmp_path, monkeypatch):
    named = tmp_path / "my-chrome"
    named.touch()
    monkeypatch.setenv("CHROMIUM", str(named))
    assert lab.find_browser() == str(named)
    named.unlink()
    assert lab.find_browser() != str(named)


@pytest.mark.parametrize(
    ("required", "outcome"),
    [("1", pytest.fail.Exception), ("0", pytest.skip.Exception), (None, pytest.skip.Exception)],
)
def test_without_a_browser_tests_are_skipped_unless_one_is_required(monkeypatch, required, outcome):
    monkeypatch.setattr(conftest, "find_browser", lambda: None)
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    if required is not None:
        monkeypatch.setenv("REQUIRE_BROWSER", required)
    with pytest.raises(outcome, match="no Chromium or Chrome found"):
        conftest.require_browser()
    with pytest.raises(outcome, match="the package no_such_frontend is not installed"):
        conftest.require_package("no_such_frontend")


def test_a_claim_is_borne_out_by_tests_that_pass_only():
    class Report:
        def __init__(self, nodeid):
            self.nodeid = nodeid

    claims = {"a": {"M01", "M02"}, "b": {"M02", "M03"}, "c": {"M03"}, "d": {"M04"}}
    stats = {
        "passed": [Report("a"), Report("c")],
        "failed": [Report("b")],
        "skipped": [Report("d"), Report("unmarked")],
    }
    assert conftest.verdicts(stats, claims) == {
        "M01": "borne out",
        "M02": "failed",
        "M03": "failed",
        "M04": "skipped",
    }


def test_the_tests_compute_with_one_thread_also_when_pytest_is_called_directly():
    assert dropout_lib.ONE_BLAS_THREAD
