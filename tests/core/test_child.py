"""A process that works for another: orders, answers, errors, cancel, sudden end. Real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.child import at_work
from core.errors import CheckpointError, LabError

WORKER = """
import os, sys, time
from core.child import work_off
from core.errors import CheckpointError

answers = os.dup(1)

def work(orders, say):
    print("a library's chatter")
    say({"got": orders["what"], "pid": os.getpid()})
    if orders["what"] == "fail":
        raise CheckpointError("a title", "a hint")
    if orders["what"] == "die":
        print("the last of its words", file=sys.stderr)
        os._exit(3)
    if orders["what"] == "die at length":
        os.write(answers, b'{"got": "' + b"x" * 9_000)
        os._exit(3)
    while orders["what"] == "wait":
        time.sleep(0.01)

sys.exit(work_off(work))
"""


@pytest.fixture(autouse=True)
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_orders_go_in_and_answers_come_out_without_the_chatter_between() -> None:
    with at_work("a_worker", {"what": "é\u2028"}, threading.Event()) as child:
        (answer,) = child.answers()
        assert answer["got"] == "é\u2028"
        assert child.wait() == 0
        assert child.last_words() == "a library's chatter"
    assert not psutil.pid_exists(answer["pid"])


def test_an_error_of_ours_comes_as_what_it_is() -> None:
    with at_work("a_worker", {"what": "fail"}, threading.Event()) as child:
        answers = child.answers()
        assert next(answers)["got"] == "fail"
        with pytest.raises(CheckpointError) as caught:
            next(answers)
    assert (caught.value.title, caught.value.hint) == ("a title", "a hint")


def test_a_sudden_end_leaves_its_last_words() -> None:
    with at_work("a_worker", {"what": "die"}, threading.Event()) as child:
        assert [answer["got"] for answer in child.answers()] == ["die"]
        assert child.wait() == 3
        assert child.last_words() == "the last of its words"


def test_a_long_answer_that_a_sudden_end_tears_is_none() -> None:
    with at_work("a_worker", {"what": "die at length"}, threading.Event()) as child:
        assert [answer["got"] for answer in child.answers()] == ["die at length"]
        assert child.wait() == 3


def test_who_dies_before_it_has_read_its_orders_is_told_by_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "a_worker.py").write_text("raise SystemExit('it could not start')")
    with at_work("a_worker", {"what": "x" * 1_000_000}, threading.Event()) as child:
        assert list(child.answers()) == []
        assert child.wait() == 1
        assert child.last_words() == "it could not start"


def test_cancelled_it_is_gone_and_so_it_is_when_nobody_listens_any_more() -> None:
    cancelled = threading.Event()
    with at_work("a_worker", {"what": "wait"}, cancelled) as child:
        answers = child.answers()
        first = next(answers)["pid"]
        cancelled.set()
        assert list(answers) == []
        assert child.wait() != 0
    with at_work("a_worker", {"what": "wait"}, threading.Event()) as child:
        second = next(child.answers())["pid"]
    assert not psutil.pid_exists(first) and not psutil.pid_exists(second)


ASKER = """
import threading
from core.child import at_work
with at_work("a_worker", {"what": "wait"}, threading.Event()) as child:
    for answer in child.answers():
        print(answer["pid"], flush=True)
"""


def test_it_is_gone_when_whoever_asked_was_killed() -> None:
    asker = subprocess.Popen([sys.executable, "-c", ASKER], stdout=subprocess.PIPE, text=True)
    assert asker.stdout
    worker = psutil.Process(int(asker.stdout.readline()))
    asker.kill()
    asker.wait()
    asker.stdout.close()
    until = time.monotonic() + 60
    with suppress(psutil.NoSuchProcess):
        while worker.status() != psutil.STATUS_ZOMBIE:  # which nobody may come to clear away
            assert time.monotonic() < until, "it works on for nobody"
            time.sleep(0.02)


def test_its_settings_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_SETTING", raising=False)
    with at_work("a_worker", {"what": "wait"}, threading.Event(), {"A_SETTING": "1"}) as child:
        environment = psutil.Process(next(child.answers())["pid"]).environ()
    assert environment["A_SETTING"] == "1"


def test_who_stops_to_listen_may_listen_again() -> None:
    with at_work("a_worker", {"what": "fail"}, threading.Event()) as child:
        assert next(child.answers())["got"] == "fail"
        with pytest.raises(LabError, match="a title"):
            next(child.answers())
