"""Long work in the background: progress, stop, partial result, errors in words."""

import threading

import pytest

from dropout_lib import live

PATIENCE = 20  # seconds until a test gives up waiting for a condition


class Steps:
    """Work of ten steps that waits for leave before each: the test decides how far it gets."""

    def __init__(self):
        self.leave = threading.Semaphore(0)
        self.reached = threading.Semaphore(0)
        self.done = 0

    def __call__(self, start=0):
        for step in range(10):
            assert self.leave.acquire(timeout=PATIENCE)
            self.done += 1
            yield (step + 1) / 10, start + step + 1
            self.reached.release()


def test_it_runs_to_the_end_with_the_values_of_its_controls():
    shown = []
    work = Steps()
    job = live.Job(work, shown.append, start=live.slider("start", 0, 100, 40))
    job.controls["start"].value = 60
    job.start()
    work.leave.release(10)
    assert job.wait(PATIENCE) == 70
    assert not job.running
    assert shown[-1] == 70


def test_stop_keeps_the_partial_result_and_no_further_step_begins():
    work = Steps()
    job = live.Job(work)
    job.start()
    work.leave.release(3)
    for _ in range(2):
        assert work.reached.acquire(timeout=PATIENCE)
    job.stop()
    work.leave.release(7)
    job.wait(PATIENCE)
    assert not job.running
    assert job.result == work.done < 10


def test_start_while_running_does_nothing_and_afterwards_starts_anew():
    work = Steps()
    job = live.Job(work)
    job.start()
    job.start()
    work.leave.release(10)
    assert job.wait(PATIENCE) == 10
    assert work.done == 10
    job.start()
    work.leave.release(10)
    job.wait(PATIENCE)
    assert work.done == 20


def test_an_error_in_the_work_is_told_in_words_and_the_result_so_far_stays():
    def work():
        yield 0.5, "half"
        raise ValueError("the loss is NaN")

    job = live.Job(work)
    job.start()
    assert job.wait(PATIENCE) == "half"
    assert job.error == "ValueError: the loss is NaN"


def test_interrupting_the_wait_stops_the_work(monkeypatch):
    work = Steps()
    job = live.Job(work)
    job.start()
    thread, join = job._thread, job._thread.join
    calls = []

    def interrupted(timeout=None):
        calls.append(timeout)
        if len(calls) == 1:
            work.leave.release(10)
            raise KeyboardInterrupt
        join(PATIENCE)

    monkeypatch.setattr(thread, "join", interrupted)
    job.wait()
    assert len(calls) == 2
    assert not job.running
    assert job.result is None or job.result <= work.done


@pytest.mark.parametrize("which", ["start", "stop"])
def test_the_buttons_do_it(which):
    work = Steps()
    job = live.Job(work)
    start, stop = job._box.children[1].children[:2]
    start.click()
    assert job.running
    assert (start.disabled, stop.disabled) == (True, False)
    if which == "stop":
        stop.click()
    work.leave.release(10)
    job.wait(PATIENCE)
    assert (start.disabled, stop.disabled) == (False, True)
    assert (job.result < 10) == (which == "stop")
