"""``llm-lab watch`` on runs of other programs: lines, JSON, the small plot, the dashboard, and what is none."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest
from test_cli_open import on_screen

from core.training.foreign.summaries import encode_scalars
from core.training.foreign.tfrecord import frame

NAME = "events.out.tfevents.1700000000.host.1.0"
EVIL = "\x1b[2J\x1b]0;gone\x07"


def put(folder: Path, *steps: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("ab") as file:
        for step in steps:
            said = {"Loss/train": 4.0 - step / 100, "lr": 1e-3, EVIL: 1.0}
            said |= {"Loss/val": 4.5 - step / 100} if step % 50 == 0 else {}
            file.write(frame(encode_scalars(1000.0 + step, step, said)))
    return folder


def old(folder: Path) -> Path:
    then = time.time() - 7200
    os.utime(folder / NAME, (then, then))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A TensorBoard folder into which nothing has come for two hours."""
    return old(put(tmp_path / "theirs", *range(0, 101, 10)))


def test_evaluations_are_printed_and_how_it_stands(llm_lab, folder):
    said = llm_lab("watch", folder)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "step 0: loss 4.0000, validation loss 4.5000",
        "step 50: loss 3.5000, validation loss 4.0000",
        "step 100: loss 3.0000, validation loss 3.5000",
        f"quiet theirs: 100 steps in 1:40 · loss 3.0000 · best validation loss 3.5000 at step 100 · {folder}",
        "TensorBoard: loss from Loss/train, lr from lr, val_loss from Loss/val · not shown: ⟨1B⟩[2J⟨1B⟩]0;gone⟨07⟩",
        "nothing new for 2 h; event files do not say whether a run has ended",
    ]


def test_json_is_the_events_of_ours(llm_lab, folder):
    said = llm_lab("watch", folder, "--json")
    events = [json.loads(line) for line in said.out.splitlines()]
    assert (said.code, said.err) == (0, "")
    assert [e["step"] for e in events if e["kind"] == "step"] == list(range(0, 101, 10))
    assert [e["val_loss"] for e in events if e["kind"] == "eval"] == [4.5, 4.0, 3.5]
    assert events[0] == {
        "kind": "step", "step": 0, "time": 0.0, "tokens": 0, "loss": 4.0, "lr": pytest.approx(1e-3),
        "grad_norm": None, "tokens_per_second": None, "mfu": None,
    }  # fmt: skip


def test_json_follows_a_folder_that_grows(llm_lab, tmp_path):
    folder = put(tmp_path / "theirs", 0, 10)
    process = llm_lab.start("watch", folder, "--json")
    assert [json.loads(process.stdout.readline())["step"] for _ in range(3)] == [0, 0, 10]
    put(folder, 20)
    assert json.loads(process.stdout.readline())["step"] == 20
    process.terminate()
    process.wait(30)


def test_the_small_plot_leaves_when_nothing_more_comes(llm_lab, folder, monkeypatch):
    monkeypatch.setattr("lab.cli.watch.drawable", lambda: True)
    said = llm_lab("watch", folder, "--inline")
    assert said.code == 0
    assert "theirs  quiet  step 100  loss 3.0000  best val 3.5000 at 100" in said.out
    assert "\x1b]0;" not in said.out


def test_the_trainers_state_and_nanogpts_log_are_watched_too(llm_lab, tmp_path):
    log = [{"loss": 2.5, "step": 10}, {"eval_loss": 2.0, "step": 20}]
    state = {"global_step": 20, "max_steps": 20, "log_history": log}
    (tmp_path / "trainer_state.json").write_text(json.dumps(state))
    said = llm_lab("watch", tmp_path / "trainer_state.json")
    assert said.out.splitlines()[1].startswith("finished trainer_state.json: 20 of 20 steps")
    printed = tmp_path / "train.log"
    printed.write_text(
        "max_iters = 10\nstep 0: train loss 4.2, val loss 4.3\niter 10: loss 4.0, time 20.00ms, mfu 1.00%\n"
    )
    said = llm_lab("watch", printed)
    assert said.out.splitlines()[0] == "step 0: validation loss 4.3000, perplexity 73.70"
    assert said.out.splitlines()[1].startswith("finished train.log: 10 of 10 steps in 0.0 s · loss 4.0000")


@pytest.mark.parametrize(
    ("name", "data"),
    [("empty", b""), ("noise.bin", b"\x00\xff\x1b[2J" * 99), (NAME, b"junk" * 99), ("a.txt", b"words")],
    ids=["empty", "noise", "no-records", "words"],
)
def test_a_file_that_is_none_is_told_in_two_lines(llm_lab, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    said = llm_lab("watch", tmp_path / name)
    assert said.code == 2
    assert name in said.error["title"]


def test_a_folder_that_is_none_is_told_in_two_lines(llm_lab, tmp_path):
    said = llm_lab("watch", tmp_path)
    assert "is not a run: run.json, TensorBoard's event files" in said.error["title"]


def test_a_name_with_escape_sequences_is_not_sent_to_the_terminal(llm_lab, tmp_path):
    said = llm_lab("watch", old(put(tmp_path / "evil\x1b[2J", 0)))
    assert (said.code, "\x1b" in said.out) == (0, False)
    assert "\x1b" not in llm_lab("watch", tmp_path / "no\x1b[2J").err


def test_nothing_of_theirs_can_be_steered_or_deleted(llm_lab, folder):
    before = sorted(p.name for p in folder.iterdir())
    for words in (("pause",), ("stop",), ("checkpoint",), ("delete", "--yes")):
        assert llm_lab(words[0], folder, *words[1:]).code != 0
    assert sorted(p.name for p in folder.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_the_dashboard_opens_on_a_terminal(llm_lab, folder):
    code, seen = on_screen(partial(llm_lab.start, "watch", str(folder)), until=b"nothing new for 2 h")
    assert code == 0
    assert b"Traceback" not in seen
    assert b"\x1b]0;gone" not in seen
