"""Listing, steering, watching and deleting runs; the writer is the real one, in this process, without a trainer."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from run_writing import writing

from core.config import TrainConfig
from core.errors import LabError
from core.training.events import EndEvent, EvalEvent, StartEvent, StepEvent
from core.training.rundir import RunWriter
from core.training.runs import open_run
from lab.cli import control
from lab.settings import Settings, save_settings


def write_run(path: Path, state: str = "finished", steps: int = 40, val_loss: float = 2.25) -> None:
    """A run that has ended, as its directory."""
    with writing(writer_of(path)) as writer:
        say(writer, steps, val_loss)
        writer.emit(EndEvent(steps, steps / 10, steps * 64, state))
        writer.set_status(step=steps)
        writer.close(state)


def writer_of(path: Path) -> RunWriter:
    config = TrainConfig().override(max_steps=40)
    meta = {"config": config.to_dict(), "parameters": 809_984, "tokenizer": "char", "device": "cpu"}
    return RunWriter.create(path, meta)


def say(writer: RunWriter, steps: int, val_loss: float = 2.25) -> None:
    writer.emit(StartEvent(0, 0.0, 0, 40, 809_984, 1000, 100, 1.0))
    for step in range(1, steps + 1):
        writer.emit(StepEvent(step, step / 10, step * 64, 4.0 - step / 20, 1e-3, 1.0, 640.0))
    writer.emit(EvalEvent(steps, steps / 10, steps * 64, 2.1, val_loss, 9.49, best=True))


class Answering(threading.Thread):
    """A live run that answers requests as a trainer does."""

    def __init__(self, path: Path, *, deaf: bool = False) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.deaf = deaf
        self.ready = threading.Event()
        self.over = threading.Event()
        self.heard: list[str] = []

    def run(self) -> None:
        states = {"pause": "paused", "resume": "running"}
        with writing(writer_of(self.path)) as writer:
            say(writer, 10)
            writer.set_status(state="running", step=10)
            self.ready.set()
            while not self.over.wait(0.01):
                for request in [] if self.deaf else writer.requests():
                    self.heard.append(request.request)
                    if request.request in states:
                        writer.set_status(state=states[request.request])
                    writer.answered(request, 10)
                    if request.request == "stop":
                        writer.emit(EndEvent(10, 1.0, 640, "stopped"))
                        self.over.set()
            writer.close("stopped")

    def end(self) -> None:
        self.over.set()
        self.join()


@pytest.fixture
def live(llm_lab) -> Iterator[Answering]:
    run = Answering(llm_lab.runs / "lively")
    run.start()
    assert run.ready.wait(10)
    yield run
    run.end()


class TestRuns:
    def test_an_empty_folder_says_how_to_begin(self, llm_lab):
        said = llm_lab("runs", "--dir", llm_lab.root / "none")
        assert said.code == 0
        assert "llm-lab train" in said.out

    def test_a_table(self, llm_lab, live):
        write_run(llm_lab.runs / "done")
        (llm_lab.runs / "broken").mkdir()
        (llm_lab.runs / "broken" / "run.json").write_text("{")
        said = llm_lab("runs", "--dir", llm_lab.runs)
        rows = {line.split()[1]: line for line in said.out.splitlines()}
        assert "finished" in rows["done"]
        assert "40/40" in rows["done"]
        assert "2.2500" in rows["done"]
        assert "0.81M" in rows["done"]
        assert "running" in rows["lively"]
        assert "unreadable" in rows["broken"]

    def test_json(self, llm_lab):
        write_run(llm_lab.runs / "done")
        found = llm_lab("runs", "--dir", llm_lab.runs, "--json").json
        assert found["runs_dir"] == str(llm_lab.runs)
        (run,) = found["runs"]
        assert (run["name"], run["state"], run["step"], run["best_val_loss"]) == ("done", "finished", 40, 2.25)
        assert run["path"] == str(llm_lab.runs / "done")


class TestSteering:
    @pytest.mark.parametrize(
        ("request_", "answer"),
        [("pause", "paused"), ("resume", "goes on"), ("checkpoint", "wrote a checkpoint"), ("stop", "stopped")],
    )
    def test_a_request_is_answered(self, llm_lab, live, request_, answer):
        said = llm_lab(request_, "lively")
        assert said.code == 0, said.err
        assert answer in said.out
        assert "step 10" in said.out
        assert live.heard == [request_]

    def test_json(self, llm_lab, live):
        answer = llm_lab("pause", "lively", "--json").json
        assert (answer["run"], answer["request"], answer["step"], answer["state"]) == ("lively", "pause", 10, "paused")

    def test_after_stop_the_run_is_free(self, llm_lab, live):
        llm_lab("stop", "lively")
        assert open_run(llm_lab.runs / "lively").state == "stopped"

    def test_no_wait(self, llm_lab):
        deaf = Answering(llm_lab.runs / "deaf", deaf=True)
        deaf.start()
        assert deaf.ready.wait(10)
        said = llm_lab("pause", "deaf", "--no-wait")
        assert (said.code, said.out) == (0, "asked deaf: pause\n")
        with pytest.raises(LabError, match=r"has not answered pause after 0\.2 s"):
            control.ask("deaf", "pause", patience=0.2)
        deaf.end()

    def test_a_run_that_ends_before_it_answers(self, llm_lab):
        deaf = Answering(llm_lab.runs / "deaf", deaf=True)
        deaf.start()
        assert deaf.ready.wait(10)
        threading.Timer(0.3, deaf.over.set).start()
        said = llm_lab("checkpoint", "deaf")
        assert said.code == 2
        assert "ended (stopped) before it could checkpoint" in said.error["title"]
        deaf.join()

    @pytest.mark.parametrize("request_", ["pause", "checkpoint", "stop"])
    def test_a_finished_run(self, llm_lab, request_):
        write_run(llm_lab.runs / "done")
        said = llm_lab(request_, "done")
        assert said.code == 2
        assert said.error["title"].startswith("done is finished")

    @pytest.mark.parametrize(
        ("state", "advice"),
        [
            ("finished", "llm-lab train --resume done --max-steps 80"),
            ("stopped", "llm-lab train --resume done"),
            ("diverged", "llm-lab train --resume done"),
        ],
    )
    def test_resume_of_what_nobody_trains_names_the_command(self, llm_lab, state, advice):
        write_run(llm_lab.runs / "done", state)
        said = llm_lab("resume", "done")
        assert said.code == 2
        assert said.error["hint"].endswith(advice)

    def test_no_such_run_offers_the_nearest(self, llm_lab):
        write_run(llm_lab.runs / "shakespeare")
        said = llm_lab("pause", "shakespear")
        assert said.code == 2
        assert "did you mean shakespeare?" in said.error["title"]

    def test_a_folder_that_is_no_run(self, llm_lab):
        said = llm_lab("stop", llm_lab.root)
        assert said.code == 2
        assert "is not a run" in said.error["title"]


class TestDelete:
    def test_with_yes(self, llm_lab):
        write_run(llm_lab.runs / "done")
        said = llm_lab("delete", "done", "--yes", "--json")
        assert said.code == 0
        assert not (llm_lab.runs / "done").exists()
        assert (Path(said.json["trash"]) / "run.json").is_file()

    def test_nobody_to_ask(self, llm_lab, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("done\n"))
        write_run(llm_lab.runs / "done")
        said = llm_lab("delete", "done")
        assert said.code == 2
        assert said.error["hint"] == "type llm-lab delete done --yes"
        assert (llm_lab.runs / "done").exists()

    @pytest.mark.parametrize(("typed", "gone"), [("done\n", True), ("don\n", False), ("", False)])
    def test_the_name_is_asked_for(self, llm_lab, monkeypatch, typed, gone):
        answers = io.StringIO(typed)
        answers.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", answers)
        write_run(llm_lab.runs / "done")
        said = llm_lab("delete", "done")
        assert "type done" in said.err
        assert said.code == (0 if gone else 2)
        assert (llm_lab.runs / "done").exists() is not gone

    @pytest.mark.parametrize("yes", [("--yes",), ()])
    def test_what_cannot_be_deleted_is_refused_before_it_is_asked_for(self, llm_lab, live, yes):
        said = llm_lab("delete", "lively", *yes)
        assert said.code == 1
        assert "llm-lab stop lively" in said.error["hint"]
        said = llm_lab("delete", "demo", *yes)
        assert said.code == 2
        assert said.error["title"] == "the demo ships with the lab and cannot be deleted"


class TestWatch:
    def test_lines_of_a_finished_run(self, llm_lab):
        write_run(llm_lab.runs / "done")
        said = llm_lab("watch", "done")
        assert said.code == 0
        lines = said.out.splitlines()
        assert lines[0].startswith("step 40: loss ")
        assert lines[-1].startswith("finished done: 40 of 40 steps")

    def test_json_is_the_metrics_file(self, llm_lab):
        write_run(llm_lab.runs / "done")
        said = llm_lab("watch", "done", "--json")
        told = [json.loads(line) for line in (llm_lab.runs / "done" / "metrics.jsonl").read_text().splitlines()]
        assert [json.loads(line) for line in said.out.splitlines()] == told

    def test_it_follows_until_the_end(self, llm_lab, live):
        process = llm_lab.start("watch", "lively", "--json")
        seen = [json.loads(process.stdout.readline()) for _ in range(12)]
        assert [e["kind"] for e in seen] == ["start", *["step"] * 10, "eval"]
        assert llm_lab("stop", "lively").code == 0
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
        assert [json.loads(line)["kind"] for line in out.splitlines()] == ["end"]

    def test_a_failed_run_is_an_error(self, llm_lab):
        with writing(writer_of(llm_lab.runs / "bad")) as writer:
            say(writer, 5)
            writer.emit(EndEvent(5, 0.5, 320, "diverged", "the loss is not finite at step 6", "a lower rate"))
            writer.close("diverged")
        said = llm_lab("watch", "bad")
        assert said.code == 1
        assert said.err.splitlines() == ["the loss is not finite at step 6", "a lower rate"]

    def test_inline_needs_a_terminal(self, llm_lab):
        write_run(llm_lab.runs / "done")
        assert llm_lab("watch", "done", "--inline").code == 2
        assert llm_lab("watch", "done", "--inline", "--json").code == 2

    def test_inline_leaves_the_plot_and_a_line_behind(self, llm_lab, monkeypatch):
        monkeypatch.setattr("lab.cli.watch.drawable", lambda: True)
        write_run(llm_lab.runs / "done")
        said = llm_lab("watch", "done", "--inline")
        assert said.code == 0, said.err
        *plot, line = said.out.rstrip("\n").splitlines()[-9:]
        assert line.startswith("done  finished  40/40  loss 2.0000  best val 2.2500 at 40")
        assert any("⠉" <= glyph <= "⣿" for glyph in "".join(plot))

    def test_inline_labels_are_round_and_evenly_apart(self, llm_lab, monkeypatch):
        monkeypatch.setattr("lab.cli.watch.drawable", lambda: True)
        write_run(llm_lab.runs / "done")
        *plot, below, _ = llm_lab("watch", "done", "--inline").out.rstrip("\n").splitlines()[-10:]
        across = [float(label) for label in below.split()]
        assert across[0] == 0 and across[-1] == 40
        assert {b - a for a, b in pairwise(across)} <= {5, 10, 20}
        labels = [(i, float(row.partition("┤")[0])) for i, row in enumerate(plot) if "┤" in row]
        assert len(labels) >= 2
        assert len({(b[0] - a[0], round(a[1] - b[1], 6)) for a, b in pairwise(labels)}) == 1

    def test_inline_is_ascii_where_the_owner_or_the_terminal_wants_it(self, llm_lab, monkeypatch):
        monkeypatch.setattr("lab.cli.watch.drawable", lambda: True)
        write_run(llm_lab.runs / "done")
        save_settings(Settings(symbols="ascii"))
        plot = llm_lab("watch", "done", "--inline").out.rstrip("\n").splitlines()[-10:]
        assert "\n".join(plot).isascii()
        assert any("*" in row for row in plot)

    def test_inline_without_a_step_says_so(self, llm_lab, monkeypatch):
        monkeypatch.setattr("lab.cli.watch.drawable", lambda: True)
        with writing(writer_of(llm_lab.runs / "done")) as writer:
            writer.emit(EndEvent(0, 0.0, 0, "stopped"))
            writer.close("stopped")
        assert "done: no step yet" in llm_lab("watch", "done", "--inline").out


def test_age_is_not_negative_with_a_wrong_clock():
    from lab.cli.runs import age

    assert age(time.time() + 1000) == "0 s"
    assert age(time.time() - 7300) == "2 h"
