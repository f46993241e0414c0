"""Long work in the background: progress, stop, partial result, errors in words."""

import asyncio
import html
import re
import threading
from types import SimpleNamespace

import pytest

from dropout_lib import live

PATIENCE = 20  # seconds until a test gives up waiting for a condition


def parts(job):
    """What a reader sees of a job: its buttons, its bar and its words."""
    start, stop, bar, text = job._box.children[1].children
    words = (
        html.unescape(re.fullmatch(r'<span role="status">(.*)</span>', text.value)[1])
        if text.value
        else ""
    )
    assert bar.max == 1
    return SimpleNamespace(start=start, stop=stop, bar=bar.value, text=words)


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


def test_stop_takes_effect_at_the_end_of_the_step():
    begun = []

    def work():
        for step in range(10):
            begun.append(step)
            if step == 3:
                job.stop()
            yield step / 10, begun[:]

    job = live.Job(work)
    job.start()
    assert job.wait(PATIENCE) == begun == [0, 1, 2, 3]
    assert parts(job).text.startswith("stopped after")
    assert parts(job).bar == 0.3


def test_it_shows_how_far_it_is_but_not_too_often(monkeypatch):
    """A clock that the work itself moves on: 0.04 s for each step."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(live.job, "time", clock)
    seen, shown = [], []

    def work():
        for step in range(1, 11):
            clock.now += 0.04
            yield step / 10, step
            seen.append((parts(job).bar, parts(job).text))

    job = live.Job(work, shown.append)
    job.start()
    job.wait(PATIENCE)
    assert [bar for bar, _ in seen] == [0, 0, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6, 0.9, 0.9]
    assert [text for _, text in seen[1:3]] == ["starting", "30%, 0 s"]
    assert shown == [3, 6, 9, 10]
    assert (parts(job).bar, parts(job).text) == (1.0, "done after 0.4 s")


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
        raise ValueError("the loss is <NaN>")

    job = live.Job(work)
    job.start()
    assert job.wait(PATIENCE) == "half"
    assert job.error == parts(job).text == "ValueError: the loss is <NaN>"


def no_generator():
    return None


def fails_at_once():
    raise ValueError("no data")
    yield 0.0, None


def fine():
    yield 1.0, "result"


def fails_to_show(_):
    raise ValueError("no axes")


@pytest.mark.parametrize(
    ("work", "show", "error"),
    [
        (no_generator, None, "TypeError: 'NoneType' object is not iterable"),
        (fails_at_once, None, "ValueError: no data"),
        (fine, fails_to_show, "ValueError: no axes"),
    ],
)
def test_whatever_fails_is_told_and_a_new_start_is_possible(work, show, error):
    job = live.Job(work, show)
    job.start()
    job.wait(PATIENCE)
    assert job.error == parts(job).text == error
    assert (parts(job).start.disabled, parts(job).stop.disabled) == (False, True)
    job._work, job._show = fine, None  # as after the cell was corrected
    job.start()
    assert job.wait(PATIENCE) == "result"
    assert job.error is None
    assert parts(job).text.startswith("done")


def test_without_a_start_there_is_nothing_to_wait_for_or_to_stop():
    job = live.Job(fine)
    assert job.wait() is None
    job.stop()
    assert not job.running
    job.start()
    assert job.wait(PATIENCE) == "result"


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
    start, stop = parts(job).start, parts(job).stop
    start.click()
    assert job.running
    assert (start.disabled, stop.disabled) == (True, False)
    if which == "stop":
        stop.click()
    work.leave.release(10)
    job.wait(PATIENCE)
    assert (start.disabled, stop.disabled) == (False, True)
    assert (job.result < 10) == (which == "stop")


def test_it_says_in_words_what_it_is_where_there_are_no_widgets():
    bundle = live.Job(fine, label="train 10 nets")._repr_mimebundle_()
    assert bundle["text/plain"].startswith("[train 10 nets]")
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("work",), "work is 'work'; it should be a function"),
        ((fine, 3), "show is 3; it should be a function"),
        ((fine, None, 3), "label is 3; it should be a text"),
    ],
)
def test_what_makes_no_job_is_refused(arguments, named):
    with pytest.raises(ValueError, match=named):
        live.Job(*arguments)
    with pytest.raises(ValueError, match="epochs is 60; it should be a control"):
        live.Job(fine, epochs=60)


# Where no thread can be started


@pytest.fixture
def no_threads(monkeypatch):
    def start(_self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when the work lets it."""
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(live.job, "time", clock)
    return clock


def ten_steps(clock, met):
    for step in range(1, 11):
        clock.now += 0.06
        met.append(step)
        yield step / 10, step


NOTE = " (no threads here: the work goes on, and Stop acts, only between cells)"


@pytest.mark.usefixtures("no_threads")
def test_without_threads_and_without_an_event_loop_it_runs_to_the_end_at_once(clock):
    shown, met = [], []
    job = live.Job(lambda: ten_steps(clock, met), shown.append)
    job.start()
    assert not job.running
    assert job.wait() == 10
    assert met == [*range(1, 11)]
    assert shown[-1] == 10
    assert parts(job).text == "done after 0.6 s" + NOTE
    assert (parts(job).start.disabled, parts(job).stop.disabled) == (False, True)


@pytest.mark.usefixtures("no_threads")
def test_without_threads_it_goes_on_whenever_the_kernel_has_nothing_else_to_do(clock):
    met, bars = [], []

    async def kernel():
        job = live.Job(lambda: ten_steps(clock, met))
        job.start()
        assert met == []  # the cell ends first
        assert parts(job).stop.disabled is False
        while job.running:
            await asyncio.sleep(0)
            bars.append(parts(job).bar)
            if parts(job).bar >= 0.4 and not job._stop.is_set():
                assert parts(job).text == f"{parts(job).bar:.0%}, 0 s" + NOTE
                parts(job).stop.click()  # a message that came in between
        return job

    job = asyncio.run(kernel())
    assert parts(job).text == "stopped after 0.3 s" + NOTE
    assert job.result == met[-1] == 5
    assert sorted(set(bars)) == [0.2, 0.4, 0.5]


@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize(("timeout", "running", "result"), [(None, False, 10), (0.1, True, 2)])
def test_without_threads_waiting_is_doing(clock, timeout, running, result):
    async def kernel():
        job = live.Job(lambda: ten_steps(clock, []))
        job.start()
        job.wait(timeout)
        assert job.running == running
        assert job.result == result
        return job.wait()

    assert asyncio.run(kernel()) == 10


@pytest.mark.usefixtures("no_threads")
def test_without_threads_an_interrupt_stops_the_work_and_keeps_its_result():
    def work():
        yield 0.5, "half"
        raise KeyboardInterrupt

    job = live.Job(work)
    job.start()
    assert job.wait() == "half"
    assert parts(job).text.startswith("stopped after")
    assert not job.running


@pytest.mark.usefixtures("no_threads")
def test_without_threads_an_error_is_told_and_a_new_start_is_possible():
    job = live.Job(fails_at_once)
    job.start()
    assert job.error == "ValueError: no data"
    job._work = fine
    job.start()
    assert job.wait() == "result"
