"""``llm-lab train`` with the real trainer on a small text: what it prints, how it ends, how it goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from terminals import started

from core.folders import runs_dir
from core.training.runs import open_run
from lab.cli.progress import Tally, last_line

TEXT = "".join(f"The {n}th fox jumps over {n * 7} lazy dogs, and nobody minds.\n" for n in range(200))
SIZES = {"n-layers": 1, "n-heads": 2, "emb-dim": 16, "context-length": 16, "batch-size": 4, "warmup-steps": 2}
TINY = [word for name, value in SIZES.items() for word in (f"--{name}", str(value))]
QUICK = [*TINY, "--eval-batches", "1", "--sample-interval", "0", "--device", "cpu"]
ENDLESS = ["--max-steps", "1000000", "--eval-interval", "0"]
needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


@pytest.fixture
def text(llm_lab) -> Path:
    path = llm_lab.root / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def words(text) -> list[str]:
    return ["train", "--corpus", str(text), *QUICK]


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_pipe_gets_one_line(llm_lab, words):
    said = llm_lab(*words, "--max-steps", 10, "--eval-interval", 5, "--name", "quiet")
    assert said.code == 0, said.err
    assert said.err == ""
    pattern = (
        r"finished quiet: 10 of 10 steps in .+ · loss \d\.\d+ · best validation loss \d\.\d+ at step \d+ · .+quiet\n"
    )
    assert re.fullmatch(pattern, said.out)
    assert open_run(llm_lab.runs / "quiet").state == "finished"


def test_json_lines_are_the_events(llm_lab, words):
    said = llm_lab(*words, "--max-steps", 10, "--json")
    assert (said.code, said.err) == (0, "")
    first, *events = lines(said.out)
    assert first["kind"] == "run"
    told = (Path(first["path"]) / "metrics.jsonl").read_text().splitlines()
    assert events == [json.loads(line) for line in told]
    assert (events[0]["kind"], events[-1]["reason"]) == ("start", "finished")


def test_a_name_that_is_taken_gets_a_number(llm_lab, words):
    for name in ("twice", "twice-2"):
        first = lines(llm_lab(*words, "--max-steps", 2, "--name", "twice", "--json").out)[0]
        assert first["name"] == name


def test_flags_reach_the_run(llm_lab, words):
    first = lines(llm_lab(*words, "--max-steps", 2, "--seed", 5, "--no-tie-weights", "--json").out)[0]
    config = open_run(first["path"]).config
    assert (config.seed, config.model.tie_weights, config.model.emb_dim) == (5, False, 16)
    assert Path(config.corpus).is_absolute()


def test_epochs_decide_the_steps(llm_lab, words):
    said = llm_lab(*words, "--epochs", 0.1, "--name", "passes")
    assert said.code == 0, said.err
    steps = open_run("passes").config.max_steps
    assert 0 < steps < 2000
    assert f"finished passes: {steps} of {steps} steps" in said.out


def test_resume_goes_on_and_extends(llm_lab, words):
    llm_lab(*words, "--max-steps", 6, "--name", "again")
    said = llm_lab("train", "--resume", "again", "--max-steps", 9, "--json")
    assert said.code == 0, said.err
    events = lines(said.out)[1:]
    assert (events[0]["kind"], events[0]["from_step"]) == ("resume", 6)
    assert [e["step"] for e in events if e["kind"] == "step"] == [7, 8, 9]


def test_resume_refuses_what_cannot_change(llm_lab, words):
    llm_lab(*words, "--max-steps", 4, "--name", "fixed")
    said = llm_lab("train", "--resume", "fixed", "--n-layers", 2)
    assert said.code == 2
    assert "n_layers" in said.error["title"]
    assert open_run("fixed").state == "finished"


def test_a_folder_that_holds_a_run_is_not_written_over(llm_lab, words):
    llm_lab(*words, "--max-steps", 4, "--name", "first")
    before = (llm_lab.runs / "first" / "metrics.jsonl").read_bytes()
    said = llm_lab(*words, "--max-steps", 2, "--run-dir", llm_lab.runs / "first")
    assert said.code == 2
    assert "holds a run already" in said.error["title"]
    assert open_run("first").state == "finished"
    assert (llm_lab.runs / "first" / "metrics.jsonl").read_bytes() == before


def test_a_run_that_never_began_leaves_no_folder(llm_lab, text):
    text.write_text("too short")
    said = llm_lab("train", "--corpus", text, "--name", "short", *QUICK)
    assert said.code == 2
    assert said.error["hint"]
    assert not (llm_lab.runs / "short").exists()


@pytest.mark.parametrize(("content", "complaint"), [(b"", "empty"), (b"a\0b" * 100, "binary"), (None, "neither")])
def test_texts_that_cannot_be_used(llm_lab, text, content, complaint):
    text.unlink()
    if content is not None:
        text.write_bytes(content)
    said = llm_lab("train", "--corpus", text, *QUICK, "--json")
    assert said.code == 2
    assert complaint in lines(said.out)[-1]["error"]["title"]


@pytest.mark.parametrize(("corpus", "tokenizer"), [("tiny-shakespeare", "char"), ("python-docs", "gpt2")])
def test_without_a_network(llm_lab, monkeypatch, corpus, tokenizer):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens on the discard port
    monkeypatch.setenv("NO_PROXY", "")
    said = llm_lab("train", "--corpus", corpus, "--tokenizer", tokenizer, *QUICK)
    assert said.code == 1
    assert "cannot be reached" in said.error["title"]
    assert "python-docs" in said.error["hint"] or "char" in said.error["hint"]
    assert not llm_lab.runs.exists()


def test_a_diverged_run_fails(llm_lab, words):
    said = llm_lab(*words, "--max-steps", 60, "--learning-rate", "1e18", "--grad-clip", 0, "--name", "wild")
    assert said.code == 1
    assert "not finite" in said.err.splitlines()[0]
    assert "diverged wild" in said.out
    assert open_run("wild").state == "diverged"


class Live:
    """A training process of the command line, with its JSON lines."""

    def __init__(self, llm_lab: Any, words: list[str]) -> None:
        self.process = llm_lab.start(*words, *ENDLESS, "--json")
        self.name = self.read("run")["name"]
        self.read("step")

    def read(self, kind: str) -> dict[str, Any]:
        while line := self.process.stdout.readline():
            event = json.loads(line)
            if event["kind"] == kind:
                return dict(event)
        raise AssertionError(f"no {kind} came; {self.process.stderr.read()}")

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, lines(out), err


@needs_posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_with_a_checkpoint(llm_lab, words, number):
    live = Live(llm_lab, words)
    live.process.send_signal(number)
    code, events, err = live.end()
    assert (code, err) == (128 + number, "")
    assert [e["kind"] for e in events if e["kind"] != "step"][-2:] == ["checkpoint", "end"]
    assert events[-1]["reason"] == "stopped"
    run = open_run(live.name)
    assert run.state == "stopped"
    assert run.checkpoints[-1].step == events[-1]["step"]


@needs_posix
def test_a_second_interrupt_ends_it_at_once(llm_lab, words):
    live = Live(llm_lab, words)
    # The first is held back by a stopped process, so that both are there before a step can end.
    live.process.send_signal(signal.SIGSTOP)
    live.process.send_signal(signal.SIGINT)
    live.process.send_signal(signal.SIGTERM)
    live.process.send_signal(signal.SIGCONT)
    code, _, err = live.end()
    assert (code, err) == (130, "")
    assert open_run(live.name).state in ("stopped", "dead")


@needs_posix
def test_a_reader_that_goes_away_ends_a_run_with_a_checkpoint(llm_lab, words):
    live = Live(llm_lab, words)
    live.process.stdout.close()
    assert live.process.wait(60) == 141
    assert live.process.stderr.read() == ""
    run = open_run(live.name)
    assert run.state == "stopped"
    assert run.checkpoints[-1].step == run.status().step


def test_a_run_of_another_process_cannot_be_trained_too(llm_lab, words):
    live = Live(llm_lab, words)
    try:
        said = llm_lab("train", "--resume", live.name)
        assert said.code == 1
        assert str(live.process.pid) in said.err
        assert len(said.err.splitlines()) == 2
    finally:
        llm_lab("stop", live.name)
        live.end()


def test_steering_a_detached_run(llm_lab, words):
    started = llm_lab(
        *words, "--max-steps", 1_000_000, "--eval-interval", 0, "--name", "far", "--detach", "--json"
    ).json
    assert started["name"] == "far"
    try:
        assert llm_lab("pause", "far", "--json").json["state"] == "paused"
        paused_at = open_run("far").status().step
        assert llm_lab("checkpoint", "far", "--json").json["step"] == paused_at
        assert [c.step for c in open_run("far").checkpoints] == [paused_at]
        assert llm_lab("resume", "far").code == 0
        run = open_run("far")
        until = time.monotonic() + 30
        while run.status().step <= paused_at:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert llm_lab("delete", "far", "--yes").code == 1
    finally:
        stopped = llm_lab("stop", "far", "--json").json
    assert stopped["state"] == "stopped"
    assert open_run("far").checkpoints[-1].step == stopped["step"]


@needs_posix
class TestOnATerminal:
    def on_terminal(self, llm_lab: Any, words: list[object], interrupt: bool = False) -> tuple[int, str]:
        with started(partial(llm_lab.start, *words), columns=100) as terminal:
            if interrupt:
                terminal.wait_for(b"tokens/s")
                terminal.process.send_signal(signal.SIGINT)
            seen = terminal.read_to_end()
            return terminal.process.returncode, seen.decode()

    def test_a_bar_with_loss_and_time_left(self, llm_lab, words):
        code, seen = self.on_terminal(llm_lab, [*words, "--max-steps", 40, "--eval-interval", 20, "--name", "shown"])
        assert code == 0, seen
        for part in ("shown", "loss", "tokens/s", "left", "validation loss", "40/40"):
            assert part in seen
        assert (
            re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).strip().splitlines()[-1].startswith("finished shown: 40 of 40")
        )

    def test_interrupted(self, llm_lab, words):
        code, seen = self.on_terminal(llm_lab, [*words, *ENDLESS, "--name", "cut"], interrupt=True)
        assert code == 130, seen
        assert "ending with a checkpoint" in seen
        assert "llm-lab train --resume cut" in seen


def test_the_last_line_without_any_number():
    assert last_line("x", "runs/x", Tally(10)) == "starting x: 0 of 10 steps in 0.0 s · runs/x"


@pytest.mark.parametrize("name", ["a/b", "..", "", "my run"])
def test_a_name_that_would_be_changed_is_refused(llm_lab, words, name):
    said = llm_lab(*words, "--name", name, "--max-steps", 1)
    assert said.code == 2
    assert "expected a name" in said.err and "try " in said.err
    assert not runs_dir().exists()


def test_a_file_in_place_of_the_runs_folder_is_named(llm_lab, words, monkeypatch):
    place = llm_lab.root / "plain"
    place.write_text("")
    monkeypatch.setenv("LLM_LAB_RUNS", str(place))
    said = llm_lab(*words, "--name", "x", "--max-steps", 1)
    assert said.code != 0
    assert "expected a folder for runs" in said.err and "plain is a file" in said.err
